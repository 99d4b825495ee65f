-- SPDX-License-Identifier: MIT
--- One node alone, by the C module's own face; several are cluster_spec's.
local core = require "infinitomata.core"

local POLICY = {
  attempts = 3,
  poll_interval = 1,
  rpc_timeout = 500,
  backoff_base = 1,
  backoff_max = 5,
}

--- A key of this run: whoever still looks for a node that had our port before, in
--- another test at the same time, must not get in.
local KEY = ("HBSVXbY/D9DFzMeH+vHgl7MeMoJ8Xcc0DJ%08xs="):format(core.hrtime() & 0xffffffff)

---@type infinitomata.core.Node
local node
local woken, events, answers

---What the waiter was woken with.
local function wait(waiter)
  local deadline = core.now() + 5000
  while not woken[waiter] do
    assert(core.now() < deadline, "nobody woke it")
    local alarm = core.timer_start(20, function() end)
    core.step("once")
    core.timer_stop(alarm)
  end
  return table.unpack(woken[waiter], 1, woken[waiter].n)
end

local function seen(kind, matches)
  local deadline = core.now() + 5000
  while true do
    for _, event in ipairs(events) do
      if event[1] == kind and matches(table.unpack(event, 2, event.n)) then return true end
    end
    assert(core.now() < deadline, "no such event")
    core.timer_start(5, function() end)
    core.step("once")
  end
end

local function start(options)
  local settings = {
    name = "solo",
    bind = "127.0.0.1:0",
    key = KEY,
    on_event = function(...) events[#events + 1] = table.pack(...) end,
    on_request = function(token, branch, op, name, ...)
      answers[op](token, branch, name, ...)
    end,
  }
  for key, value in pairs(options or {}) do settings[key] = value end
  return core.node_start(settings)
end

describe("node_start", function()
  setup(function()
    -- A node that an earlier file has closed may still be on its way out.
    while core.step("once") do end -- luacheck: ignore 542
    core.on_wake(function(waiter, ...) woken[waiter] = table.pack(...) end)
  end)
  before_each(function()
    woken, events, answers = {}, {}, {}
  end)
  after_each(function()
    if node then node:close() end
    node = nil
    while core.step("once") do end -- luacheck: ignore 542
  end)
  teardown(function()
    -- The cluster's own function goes back where it was.
    core.on_wake(require("finitomata.task").wake)
  end)

  it("says which option holds no address", function()
    for _, option in ipairs { "bind", "advertise", "rpc" } do
      local started, code, message = start { [option] = "not an address" }
      assert.is_nil(started)
      assert.equal("bad_address", code)
      assert.matches(option, message)
      assert.matches("not an address", message)
    end
  end)

  it("says that an address is in use, and starts nothing", function()
    node = assert(start())
    local address = node:self().address
    local other = [[
      local core = require "infinitomata.core"
      print(core.node_start { name = "x", bind = %q, on_event = print, on_request = print })]]
    local program = require "spec.support.program"
    local status, out = program.run { "-e", other:format(address) }
    assert.equal(0, status)
    assert.matches("^nil\taddress_in_use\t", out)
    assert.is_truthy(out:find(address, 1, true))
  end)

  it("refuses a name that is none, and keys that are none", function()
    local started, code = start { name = "" }
    assert.is_nil(started)
    assert.equal("bad_name", code)
    local message
    started, code, message = start { key = "c2hvcnQ=" }
    assert.is_nil(started)
    assert.equal("invalid", code)
    assert.matches("key", message)
  end)

  it("raises for options of a wrong type", function()
    for option, value in pairs { name = 1, bind = {}, tags = "x", profile = "moon", seed = "s" } do
      local ok, message = pcall(start, { [option] = value })
      assert.is_false(ok)
      assert.matches(option, message)
    end
    assert.has_error(function() start { on_event = 1 } end)
  end)

  it("runs one node a state", function()
    node = assert(start())
    local ok, message = pcall(start)
    assert.is_false(ok)
    assert.matches("already", message)
  end)

  it("takes a port for rpc, a name for an address, and keys", function()
    node = assert(start {
      bind = "localhost:0",
      rpc = "0",
      key = { "HBSVXbY/D9DFzMeH+vHgl7MeMoJ8Xcc0DJpgVGZFpts=" },
      profile = "local",
      seed = 1,
    })
    assert.matches("^127%.0%.0%.1:%d+$", node:self().rpc)
  end)

  it("knows itself", function()
    node = assert(start { tags = { role = "lonely" } })
    local me = node:self()
    assert.equal("solo", me.name)
    assert.matches("^127%.0%.0%.1:%d+$", me.address)
    assert.matches("^127%.0%.0%.1:%d+$", me.rpc)
    assert.equal("integer", math.type(me.boot))
    local members = node:members()
    assert.equal(1, #members)
    assert.equal("alive", members[1].state)
    assert.same({ role = "lonely" }, members[1].tags)
  end)

  it("changes tags, but not its own", function()
    node = assert(start())
    assert.is_true(node:set_tag("colour", "blue"))
    assert.equal("blue", node:self().tags.colour)
    assert.is_true(node:set_tag("colour"))
    assert.same({}, node:self().tags)
    local ok, code = node:set_tag("rpc", "1")
    assert.is_nil(ok)
    assert.equal("invalid", code)
  end)

  it("keeps names of a branch it runs", function()
    node = assert(start { branches = { "b" } })
    local ref = assert(node:claim("b", "one", "impl"))
    local taken, code, owner, owner_ref = node:claim("b", "one", "other")
    assert.is_nil(taken)
    assert.same({ "already_started", "solo", ref }, { code, owner, owner_ref })
    assert.same({ "solo", ref, "impl" }, { node:whereis("b", "one") })
    assert.same({ one = { implementation = "impl", ref = ref, node = "solo" } }, node:rows("b"))
    assert.equal(1, node:count("b"))
    assert.equal("one", node:random("b"))
    assert.equal("solo", node:place("b", "anything"))
    assert.same({ "solo" }, node:nodes("b"))
    seen("rows", function(branch, kind, rows) return branch .. kind == "bjoin" and rows.one end)

    assert.is_false(node:release("b", "one", "no ref"))
    assert.is_true(node:release("b", "one", ref))
    assert.is_false(node:release("b", "one", ref))
    assert.is_nil((node:whereis("b", "one")))
    assert.is_nil((node:random("b")))
    seen("rows", function(branch, kind, rows) return branch .. kind == "bleave" and rows.one end)
  end)

  it("refuses names that are none, and branches that it does not run", function()
    node = assert(start { branches = { "b" } })
    for _, name in ipairs { "", ("x"):rep(256) } do
      local ref, code = node:claim("b", name, "impl")
      assert.is_nil(ref)
      assert.equal("bad_name", code)
    end
    assert(node:claim("b", ("x"):rep(255), "impl"))
    assert.is_nil((node:claim("other", "one", "impl")))
    assert.equal(0, node:count("other"))
    assert.same({}, node:rows("other"))
    assert.is_true(node:branch("other"))
    assert(node:claim("other", "one", "impl"))
    assert.is_true(node:unbranch("other"))
    assert.is_nil((node:whereis("other", "one")))
  end)

  it("takes any bytes as a name", function()
    node = assert(start { branches = { "b" } })
    local names = { "a\0b", "\xff\xfe", "/", "node/1/2" }
    for _, name in ipairs(names) do assert(node:claim("b", name, "impl/with/slashes")) end
    local rows = node:rows("b")
    for _, name in ipairs(names) do
      assert.equal("solo", rows[name].node)
      assert.is_true(node:release("b", name, rows[name].ref))
    end
  end)

  it("lists more rows than fit into one look", function()
    node = assert(start { branches = { "b" } })
    for i = 1, 1000 do assert(node:claim("b", "n" .. i, "impl")) end
    local rows, count = node:rows("b"), 0
    for i = 1, 1000 do assert(rows["n" .. i]) end
    for _ in pairs(rows) do count = count + 1 end
    assert.equal(1000, count)
  end)

  it("tells of rows while somebody wants to hear of them", function()
    node = assert(start { branches = { "b" } })
    node:want_rows(false)
    assert(node:claim("b", "unheard", "impl"))
    node:want_rows(true)
    assert(node:claim("b", "heard", "impl"))
    seen("rows", function(_, _, rows) return rows.heard end)
    for _, event in ipairs(events) do
      assert.is_false(event[1] == "rows" and event[4].unheard ~= nil)
    end
    node:want_rows(false)
    function answers.echo(token) node:reply(token, "here") end
    local patient = { attempts = 9, poll_interval = 60000, rpc_timeout = 500 }
    assert.is_true(node:call("w", patient, "b", "echo", "late"))
    core.timer_start(50, function() assert(node:claim("b", "late", "impl")) end)
    assert.same({ true, "here" }, { wait "w" }) -- told of the row, or it looks in a minute
  end)

  it("calls itself, with values that arrive as they were, but for nils at the end", function()
    node = assert(start { branches = { "b" } })
    assert(node:claim("b", "one", "impl"))
    function answers.echo(token, branch, name, ...)
      assert.is_true(node:reply(token, branch, name, select("#", ...), ...))
      assert.is_false(node:reply(token, "a second time"))
    end
    assert.is_true(node:call("w", POLICY, "b", "echo", "one", nil, 1.0, { {}, [5] = "x" }, nil))
    assert.same({ true, "b", "one", 3, nil, 1.0, { {}, [5] = "x" } }, { wait "w" })
    assert.is_true(node:call_node("v", POLICY, "solo", "b", "echo", "any"))
    assert.same({ true, "b", "any", 0 }, { wait "v" })
    function answers.nothing(token) node:reply(token, true, nil, nil) end
    assert.is_true(node:call("u", POLICY, "b", "nothing", "one", nil, nil))
    assert.same({ true, true, n = 2 }, table.pack(wait "u"))
  end)

  it("takes from each policy what it says, however often they alternate", function()
    node = assert(start { branches = { "b" } })
    local brief = { attempts = 2, poll_interval = 1, rpc_timeout = 1, backoff_base = 1,
      backoff_max = 1 }
    for round, policy in ipairs { POLICY, brief, POLICY, brief, brief } do
      answers.wait_a_little = function(token)
        if policy == POLICY then node:reply(token, "at last") end
      end
      assert(node:call_node(round, policy, "solo", "b", "wait_a_little", "any"))
      local delivered, what, fields = wait(round)
      if policy == POLICY then
        assert.same({ true, "at last" }, { delivered, what })
      else
        assert.same({ false, "exhausted", 2 }, { delivered, what, fields.attempts })
      end
    end
  end)

  it("refuses to send what cannot travel, and says where it is", function()
    node = assert(start { branches = { "b" } })
    local sent, code, path, why = node:call("w", POLICY, "b", "echo", "one", { f = print })
    assert.is_nil(sent)
    assert.same({ "not_serializable", "payload.f", "a function" }, { code, path, why })
  end)

  it("answers with an error in place of what cannot travel", function()
    node = assert(start { branches = { "b" } })
    assert(node:claim("b", "one", "impl"))
    function answers.bad(token) node:reply(token, { deep = { print } }) end
    assert(node:call("w", POLICY, "b", "bad", "one"))
    local delivered, ok, err = wait "w"
    assert.is_true(delivered)
    assert.is_false(ok)
    assert.equal("not_serializable", err.code)
    assert.equal("payload.deep[1]", err.path)
  end)

  it("tells the caller that a request raised, and goes on", function()
    node = assert(start { branches = { "b" } })
    assert(node:claim("b", "one", "impl"))
    local message
    core.on_error(function(text) message = text end)
    function answers.boom() error "broken handler" end
    assert(node:call("w", POLICY, "b", "boom", "one"))
    local delivered, code = wait "w"
    core.on_error(nil)
    assert.is_false(delivered)
    assert.equal("system", code)
    assert.matches("broken handler", message)
  end)

  it("gives up on a name that nobody has, after its attempts", function()
    node = assert(start { branches = { "b" } })
    assert(node:call("w", POLICY, "b", "echo", "nobody"))
    local delivered, code, fields = wait "w"
    assert.is_false(delivered)
    assert.equal("exhausted", code)
    assert.equal(3, fields.attempts)
    assert.equal("no_such_fsm", fields.cause)
    assert.equal("integer", math.type(fields.elapsed_ms))
  end)

  it("gives up at once on a node that nobody knows", function()
    node = assert(start { branches = { "b" } })
    assert(node:call_node("w", POLICY, "stranger", "b", "echo", "one"))
    local delivered, code = wait "w"
    assert.is_false(delivered)
    assert.equal("unreachable", code)
  end)

  it("counts who answers a join, and says why nobody did", function()
    node = assert(start())
    assert.is_true(node:join("w", { "127.0.0.1:1" }))
    local count, why = wait "w"
    assert.equal(0, count)
    assert.matches("127%.0%.0%.1:1", why)
    local ok, code, message = node:join("v", { "no address at all" })
    assert.is_nil(ok)
    assert.equal("bad_address", code)
    assert.matches("no address at all", message)
  end)

  it("synchronises with nobody, and names who keeps silent", function()
    node = assert(start { branches = { "b" } })
    assert(node:synch("w", "b"))
    assert.is_true((wait "w"))
    assert(node:synch("v", "b", { "stranger" }))
    assert.same({ false, { "stranger" } }, { wait "v" })
  end)

  it("leaves, and wakes everybody who waits when it closes", function()
    node = assert(start { branches = { "b" } })
    assert(node:claim("b", "one", "impl"))
    assert.is_true(node:leave("left"))
    assert.is_true((wait "left"))
    assert(node:call("w", POLICY, "b", "echo", "nobody"))
    assert(node:synch("s", "b", { "stranger" }))
    node:close()
    node:close()
    local delivered = wait "w"
    assert.is_false(delivered)
    assert.is_false((wait "s"))
    local ref, code = node:claim("b", "two", "impl")
    assert.is_nil(ref)
    assert.equal("closed", code)
    assert.is_false(node:release("b", "one", "solo/1/1"))
  end)

  it("closes with the state when nobody closes it", function()
    local program = require "spec.support.program"
    local status, _, err = program.run { "-e", [[
      local core = require "infinitomata.core"
      local node = assert(core.node_start {
        name = "open", bind = "127.0.0.1:0", on_event = print, on_request = print })
      core.on_wake(print)
      node:branch "b"
      node:call({}, { attempts = 9 }, "b", "op", "nobody")
      core.step "nowait"]] }
    assert.equal("", err)
    assert.equal(0, status)
  end)
end)
