-- SPDX-License-Identifier: MIT
--- Three nodes: this process and two others.
local clock = require "finitomata.clock"
local cluster = require "infinitomata.cluster"
local cluster_info = require "infinitomata.cluster_info"
local finitomata = require "finitomata"
local branches = require "infinitomata.branches"
local infinitomata = require "infinitomata"
local nodes = require "spec.support.nodes"
local task = require "finitomata.task"

local eventually = nodes.eventually

--- `x@b` starts on b, all else where its name hashes to.
local function by_suffix()
  local naive = cluster_info.naive
  cluster_info.init {
    nodes = naive.nodes,
    whois = function(id, name) return name:match "@(.+)$" or naive.whois(id, name) end,
  }
end

local function start(name, payload)
  return assert(infinitomata.start_fsm(name, "counter", payload or {}))
end

--- Starts b, joins it as a, starts c.
local function three()
  local b = nodes.start "b"
  assert(infinitomata.node.start { name = "a", bind = "127.0.0.1:0", join = b.address })
  local c = nodes.start("c", b.address)
  by_suffix()
  eventually("three nodes", function() return #infinitomata.node.nodes() == 2 end)
  return b, c
end

local function part(b, c)
  infinitomata.node.leave()
  cluster_info.init "naive"
  b:stop()
  c:stop()
end

describe("three nodes", function()
  local b, c

  setup(function() b, c = three() end)
  teardown(function() part(b, c) end)

  after_each(function()
    infinitomata.configure { attempts = 1000, rpc_timeout = 5000 }
    for name in pairs(infinitomata.all()) do infinitomata.stop_fsm(name) end
    eventually("an empty view", function() return infinitomata.count() == 0 end)
  end)

  it("start an FSM where cluster_info says, in the caller's view on return", function()
    for _, owner in ipairs { "a", "b", "c" } do
      local ref = start("x@" .. owner)
      local row = infinitomata.all()["x@" .. owner]
      assert.same({ implementation = "counter", ref = ref, node = owner }, row)
      assert.same(row, branches.default():row("x@" .. owner))
    end
    assert.equal(3, infinitomata.count())
  end)

  it("stop an FSM of another node, out of the caller's view on return", function()
    for i = 1, 20 do
      local name = ("gone-%d@%s"):format(i, i % 2 == 0 and "b" or "c")
      start(name)
      assert.is_true(infinitomata.stop_fsm(name, "enough"))
      assert.is_nil(infinitomata.all()[name])
      assert.equal(0, infinitomata.count())
    end
  end)

  it("count the bytes that membership and the registry cost them", function()
    eventually("a datagram each way", function()
      local traffic = cluster.node():traffic()
      return traffic.datagrams_in > 0 and traffic.datagrams_out > 0
    end)
    local before = cluster.node():traffic()
    start "row@a"
    eventually("the row to be written", function()
      return cluster.node():traffic().streams_out > before.streams_out
    end)
    start "row@b"
    eventually("the row to be read", function()
      return cluster.node():traffic().streams_in > before.streams_in
    end)
  end)

  it("spread FSMs by the hash of the name", function()
    local on = {}
    for i = 1, 60 do
      start("spread-" .. i)
      local owner = infinitomata.all()["spread-" .. i].node
      on[owner] = (on[owner] or 0) + 1
    end
    assert.is_true(on.a > 5 and on.b > 5 and on.c > 5)
  end)

  it("leave to the ring only the nodes that run the branch", function()
    cluster_info.init "ring"
    local lonely = infinitomata.start_link "lonely"
    for i = 1, 10 do
      assert(lonely:start_fsm("n-" .. i, "counter", {}))
      assert.equal("a", lonely:all()["n-" .. i].node)
      start("n-" .. i)
    end
    local on = {}
    for _, row in pairs(infinitomata.all()) do on[row.node] = true end
    assert.is_true(lonely:synch())
    lonely:stop()
    by_suffix()
    assert.is_true(on.b or on.c)
  end)

  it("send an event later, and take it back before", function()
    for _, name in ipairs { "later@a", "later@b" } do
      start(name)
      local ok, first = infinitomata.transition(name, "add", 5, 60000)
      assert.is_true(ok)
      assert.is_true(infinitomata.transition(name, "add", 2, 1))
      eventually("the second event", function()
        return infinitomata.state(name, "payload").sum == 2
      end)
      assert.is_true(first:cancel())
      assert.is_false(first:cancel())
    end
  end)

  it("count the same everywhere", function()
    for i = 1, 10 do start("n-" .. i) end
    start "look@b"
    start "look@c"
    eventually("equal counts", function()
      local _, at_b = assert(infinitomata.call("look@b", "look"))
      local _, at_c = assert(infinitomata.call("look@c", "look"))
      return at_b.count == 12 and at_c.count == 12 and infinitomata.count() == 12
    end)
  end)

  it("carry events, answers and reasons", function()
    start "x@b"
    assert.is_true(infinitomata.transition("x@b", "add", 5))
    local state, payload = infinitomata.call("x@b", "add", 7)
    assert.equal("counting", state)
    assert.equal(12, payload.sum)
    local refused, err = infinitomata.call("x@b", "add", -1)
    assert.is_nil(refused)
    assert.equal("negative", err.reason)
    assert.equal("counting", infinitomata.state("x@b", "state"))
    assert.equal(12, infinitomata.state("x@b", "payload").sum)
    assert.is_true(infinitomata.alive "x@b")
    assert.is_true(infinitomata.responds("x@b", "add"))
    assert.is_false(infinitomata.allowed("x@b", "ready"))
  end)

  it("carry every value exactly", function()
    start "x@b"
    local bytes = {}
    for i = 0, 255 do bytes[#bytes + 1] = string.char(i) end
    local value = {
      max = math.maxinteger, min = math.mininteger, odd = (1 << 53) + 1, third = 1 / 3,
      float = 1.0, huge = math.huge, bytes = table.concat(bytes), yes = true, no = false,
      empty = {}, list = { 1, 2.5, "3" }, [42] = "integer key", [1.5] = "float key",
    }
    local _, payload = infinitomata.call("x@b", "echo", value)
    assert.same(value, payload.echo)
    assert.equal("float", math.type(payload.echo.float))
    assert.equal("integer", math.type(payload.echo.max))
  end)

  it("refuse a value that cannot travel, with the path to it", function()
    start "x@b"
    local ok, err = infinitomata.transition("x@b", "echo", { items = { 1, { call = print } } })
    assert.is_nil(ok)
    assert.equal("not_serializable", err.code)
    assert.matches("items%[2%]%.call", tostring(err))
    local ring = {}
    ring.ring = ring
    ok, err = infinitomata.start_fsm("y@b", "counter", ring)
    assert.is_nil(ok)
    assert.equal("not_serializable", err.code)
    assert.is_nil(infinitomata.all()["y@b"])
  end)

  it("answer what goes wrong at a start, and start nothing", function()
    local ok, err = infinitomata.start_fsm("x@b", "nobody_has_this_module", {})
    assert.is_nil(ok)
    assert.equal("unknown_implementation", err.code)
    ok, err = infinitomata.start_fsm("x@c", "counter", "refuse")
    assert.is_nil(ok)
    assert.equal("on_start", err.code)
    assert.equal("not today", err.reason)
    for _, name in ipairs { "", ("n"):rep(256) } do
      ok, err = infinitomata.start_fsm(name, "counter", {})
      assert.is_nil(ok)
      assert.equal("bad_name", err.code)
    end
    eventually("no row to be left", function() return infinitomata.count() == 0 end)
    assert(infinitomata.start_fsm(("n"):rep(255), "counter", {}))
  end)

  it("start a name once, wherever it is asked for", function()
    local ref = start "x@b"
    local again, err = infinitomata.start_fsm("x@b", "counter", {})
    assert.is_nil(again)
    assert.equal("already_started", err.code)
    assert.equal("b", err.node)
    assert.equal(ref, err.ref)
  end)

  it("start a name once, though every node starts it at the same time", function()
    local names, starters = {}, { "one@a", "two@b", "three@c" }
    for i = 1, 100 do names[i] = "race-" .. i end
    for _, starter in ipairs(starters) do start(starter) end
    local total, left = {}, #starters
    for _, starter in ipairs(starters) do
      finitomata.spawn(function()
        local _, payload = assert(infinitomata.call(starter, "launch", names, 30000))
        for outcome, count in pairs(payload.outcome) do
          total[outcome] = (total[outcome] or 0) + count
        end
        left = left - 1
      end)
    end
    eventually("all starts", function() return left == 0 end)
    assert.same({ started = 100, already_started = 200 }, total)
    eventually("all rows", function() return infinitomata.count() == 103 end)
  end)

  it("keep an FSM whose handler fails", function()
    start "x@c"
    local ok, err = infinitomata.call("x@c", "boom")
    assert.is_nil(ok)
    assert.matches("boom", tostring(err))
    assert.equal("counting", infinitomata.state("x@c", "state"))
    assert.equal("counting", (infinitomata.call("x@c", "add", 1)))
  end)

  it("go on while a handler waits", function()
    start "slow@b"
    start "quick@b"
    assert(infinitomata.transition("slow@b", "nap", 300))
    local _, payload = infinitomata.call("quick@b", "add", 1)
    assert.equal(1, payload.sum)
    assert.equal("counting", (infinitomata.call("slow@b", "add", 1)))
  end)

  it("notice an FSM that calls itself", function()
    start "x@b"
    local _, payload = infinitomata.call("x@b", "myself")
    assert.equal("calling_self", payload.code)
  end)

  it("give up on a name that nobody has, and say what was tried", function()
    infinitomata.configure { attempts = 20 }
    local state, err = infinitomata.state("nobody", "state")
    assert.is_nil(state)
    assert.equal("exhausted", err.code)
    assert.matches("20 attempts", tostring(err))
    assert.is_false(infinitomata.alive "nobody")
  end)

  it("forget an FSM that stops or ends, on every node", function()
    start "x@b"
    start "y@c"
    assert.is_true(infinitomata.stop_fsm "x@b")
    assert.is_false(infinitomata.alive "x@b")
    assert.is_true(infinitomata.transition("y@c", "finish"))
    eventually("an empty view", function() return infinitomata.count() == 0 end)
    local name, err = infinitomata.random()
    assert.is_nil(name)
    assert.equal("empty", err.code)
  end)

  it("let a handler finish before its FSM stops", function()
    start "slow@b"
    assert.is_true(infinitomata.transition("slow@b", "nap", 400))
    local before = clock.real():now()
    assert.is_true(infinitomata.stop_fsm "slow@b")
    assert.is_true(clock.real():now() - before >= 200)
  end)

  it("are followed by managed rings, but for those on a list", function()
    local managed = infinitomata.ring.managed
    local all = managed { name = "all" }
    local white = managed { name = "white", whitelist = { "b", "x.*" }, blacklist = { "b" } }
    local black = managed { name = "black", blacklist = { "[ab]" }, weights = { c = 7 } }
    assert.equal(all, managed { name = "all" })
    eventually("three rings", function()
      return #all:nodes() == 3 and #white:nodes() == 1 and #black:nodes() == 1
    end)
    assert.same({ "b", "c" }, all:others())
    assert.same({ "b" }, white:nodes())
    assert.same({ "c" }, black:nodes())
    assert.equal(7, black:weight "c")
  end)

  it("say of a synch who did not answer, and who is no node of the branch", function()
    local ok, err = infinitomata.synch { "b", "b", "nobody", "b" }
    assert.is_nil(ok)
    assert.equal("unreachable", err.code)
    assert.same({ "nobody" }, err.nodes)
    assert.equal('no live node of branch "default" is called "nobody"', err.message)
    for _, list in ipairs { { b = 1 }, { "b", nil, "c" }, { 1 } } do
      assert.error_matches(function() infinitomata.synch(list) end, "list of strings expected")
    end
  end)

  it("blame the hook that names a node that cannot run an FSM", function()
    local solo = infinitomata.start_link "solo"
    for name, why in pairs {
      ["x@nobody"] = 'cluster_info.whois answered "nobody", and no member is called that',
      ["x@b"] = 'cluster_info.whois answered "b", a node that does not run branch "solo"',
    } do
      local ref, err = solo:start_fsm(name, "counter", {})
      assert.is_nil(ref)
      assert.same({ "cluster_info", "whois", name:sub(3) }, { err.code, err.hook, err.node })
      assert.equal(why, err.message)
    end
    solo:stop()
  end)

  it("know how they reach each other", function()
    eventually("an answered probe of each", function()
      local answered = 0
      for _, member in ipairs(infinitomata.node.members()) do
        if member.path and member.path.direct > 0 then answered = answered + 1 end
      end
      return answered == 2
    end)
    for _, member in ipairs(infinitomata.node.members()) do
      local path = member.path
      assert.equal(member.name == "a", path == nil)
      assert.equal(member.name == "a", member.health ~= nil)
      if path then
        assert.same({ 0, 0 }, { path.tcp, path.failed })
        assert.equal("float", math.type(path.rtt))
        assert.is_true(path.rtt >= 0 and path.rtt < 500)
      end
    end
  end)

  it("tell a monitor who joins and who leaves", function()
    local seen = {}
    local handle = infinitomata.monitor(function(kind, rows)
      local row = rows["watched@b"]
      if row then seen[#seen + 1] = kind .. " " .. row.node end
    end)
    start "watched@b"
    eventually("a join", function() return seen[1] end)
    infinitomata.stop_fsm "watched@b"
    eventually("a leave", function() return seen[2] end)
    handle:cancel()
    assert.same({ "join b", "leave b" }, seen)
  end)

  it("see each other's tags and hear each other's events", function()
    start "ear@b"
    assert(infinitomata.call("ear@b", "listen", "a"))
    assert.is_true(infinitomata.node.set_tag("zone", "north"))
    assert.is_true(infinitomata.node.send_event("deploy", "v2"))
    eventually("the tag and the event", function()
      local _, payload = assert(infinitomata.call("ear@b", "listen", "a"))
      return payload.tags.zone == "north" and payload.heard.deploy == "v2"
    end)
    assert.is_true(infinitomata.node.set_tag("zone", nil))
    local ok, err = infinitomata.node.set_tag("rpc", "1")
    assert.is_nil(ok)
    assert.equal("invalid", err.code)
  end)

  it("synch by hand", function()
    assert.is_true(infinitomata.synch())
    local ok, err = infinitomata.synch { "nowhere" }
    assert.is_nil(ok)
    assert.same({ "nowhere" }, err.nodes)
  end)
end)

describe("a cluster that loses nodes", function()
  local b, c

  setup(function() b, c = three() end)
  teardown(function() part(b, c) end)

  it("go on without a node that left, and without one that was killed", function()
    start "x@b"
    start "x@c"
    start "x@a"
    c:kill "TERM"
    eventually("c to end", function() return c:gone() end)
    eventually("c's FSM to go", function() return not infinitomata.all()["x@c"] end)
    local waiting = task.waiter()
    finitomata.spawn(function()
      task.wake(waiting, infinitomata.call("x@b", "nap", 60000, 60000))
    end)
    eventually("b to nap", function() return infinitomata.state("x@b", "cached") ~= nil end)
    b:kill "KILL"
    eventually("b's FSM to go", function() return not infinitomata.all()["x@b"] end, 30000)
    local _, on_its_way = task.wait(waiting, 500)
    assert.same({ "unreachable", "b", true },
      { on_its_way.code, on_its_way.node, on_its_way.uncertain })
    assert.matches('went down with node "b"; it may have been carried out', tostring(on_its_way))
    assert.same({}, infinitomata.node.nodes())
    assert.equal(1, infinitomata.count())
    local none, err = infinitomata.call("x@b", "add", 1) -- not tried: b is known to be gone
    assert.same({ nil, "unreachable", "b" }, { none, err.code, err.node })
    assert.is_nil(err.uncertain)
    cluster_info.init "naive"
    start "new-1"
    assert.equal("a", infinitomata.all()["new-1"].node)
  end)
end)

describe("a monitor", function()
  local MANY = 3000
  local b

  setup(function()
    b = nodes.start "b"
    assert(infinitomata.node.start { name = "a", bind = "127.0.0.1:0", join = b.address })
    by_suffix()
  end)
  teardown(function()
    infinitomata.node.leave()
    cluster_info.init "naive"
    b:stop()
  end)

  it("is told of each FSM of a node that dies, however many they are", function()
    local told = { join = 0, leave = 0 }
    local handle = infinitomata.monitor(function(kind, rows)
      for _ in pairs(rows) do told[kind] = told[kind] + 1 end
    end)
    for i = 1, MANY do start(("x%d@b"):format(i)) end
    eventually("all to come", function() return told.join == MANY end)
    b:kill "KILL"
    eventually("all to go", function() return told.leave == MANY end)
    handle:cancel()
    assert.same({ join = MANY, leave = MANY }, told)
  end)
end)

describe("a node that stands still", function()
  it("leaves open whether a start was carried out, whatever becomes of the next try", function()
    local b = nodes.start "b"
    local join = { name = "a", bind = "127.0.0.1:0", join = b.address, profile = "local" }
    assert(infinitomata.node.start(join))
    by_suffix()
    b:kill "STOP"
    local ref, err = infinitomata.start_fsm("x@b", "counter", {})
    b:kill "CONT"
    infinitomata.node.leave()
    cluster_info.init "naive"
    b:stop()
    assert.is_nil(ref)
    assert.same({ "unreachable", true }, { err.code, err.uncertain })
    assert.matches("; it may have been carried out$", err.message)
  end)
end)
