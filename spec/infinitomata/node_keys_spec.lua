-- SPDX-License-Identifier: MIT
--- The keys of a node while it runs.
local cluster_info = require "infinitomata.cluster_info"
local finitomata = require "finitomata"
local infinitomata = require "infinitomata"
local log = require "finitomata.log"
local nodes = require "spec.support.nodes"

local eventually, node = nodes.eventually, infinitomata.node

-- 32, 16 and 32 bytes.
local OLD <const> = "b2xkIG9sZCBvbGQgb2xkIG9sZCBvbGQgb2xkIG9sZCE="
local NEW <const> = "bmV3IG5ldyBuZXcgbmV3IQ=="
local STRANGE <const> = "c3RyYW5nZSBzdHJhbmdlIHN0cmFuZ2Ugc3RyYW5nZSE="

local function key_file(...)
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(table.concat({ ... }, "\n"), "\n"))
  return path
end

local function rewrite(path, ...)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(table.concat({ ... }, "\n"), "\n"))
end

---The TCP connections of the nodes' links that are open, each by its two ends.
---@param members table[]
local function links(members)
  local ports, found = {}, {}
  for _, member in ipairs(members) do ports[tonumber(member.rpc:match ":(%d+)$")] = true end
  for line in io.lines "/proc/net/tcp" do
    local from, to, state = line:match "^%s*%d+: %x+:(%x+) %x+:(%x+) (%x+)"
    if state == "01" and ports[tonumber(from, 16)] then found[from .. ">" .. to] = true end
  end
  return found
end

---How many lines of the text say it.
local function count(text, what)
  local lines = 0
  for line in text:gmatch "[^\n]+" do
    if line:find(what, 1, true) then lines = lines + 1 end
  end
  return lines
end

---Calls both FSMs one after the other until it is told to stop.
local function caller()
  local self = { done = 0, failures = {} }
  finitomata.spawn(function()
    while not self.stop do
      for _, name in ipairs { "x@b", "x@c" } do
        local state, err = infinitomata.call(name, "add", 1)
        self.done = self.done + 1
        if not state then self.failures[#self.failures + 1] = tostring(err) end
      end
      finitomata.sleep(5)
    end
    self.stopped = true
  end)
  return self
end

describe("the key of a cluster", function()
  local b, c, files
  local mine, fresh = OLD, NEW

  local function keys_of(name)
    local _, payload = assert(infinitomata.call(name, "keys"))
    return payload.keys
  end

  ---Every node has taken the step: this one by a call, the others by SIGHUP.
  local function everywhere(step, key, first, second)
    assert.is_true(node[step](key))
    local want = node.keys()
    for i, each in ipairs { b, c } do
      rewrite(files[i], first, second)
      each:kill "HUP"
    end
    eventually(step .. " on all nodes", function()
      return pcall(assert.same, want, keys_of "x@b") and pcall(assert.same, want, keys_of "x@c")
    end)
  end

  setup(function()
    files = { key_file(OLD), key_file(OLD) }
    b = nodes.start("b", nil, "--key-file " .. files[1])
    assert(node.start { name = "a", bind = "127.0.0.1:0", join = b.address, key = OLD })
    c = nodes.start("c", b.address, "--key-file " .. files[2])
    cluster_info.init {
      nodes = cluster_info.naive.nodes,
      whois = function(_, name) return name:match "@(.+)$" end,
    }
    eventually("three nodes", function() return #node.nodes() == 2 end)
    for _, name in ipairs { "x@b", "x@c" } do
      assert(infinitomata.start_fsm(name, "counter", {}))
    end
  end)
  teardown(function()
    node.leave()
    cluster_info.init "naive"
    b:stop()
    c:stop()
    for _, path in ipairs(files) do os.remove(path) end
  end)

  it("changes under way: no call fails, no link drops, nobody is suspected", function()
    local wrong = {}
    local watch = node.on_member(function(kind, member)
      if kind ~= "update" then wrong[#wrong + 1] = kind .. " " .. tostring(member.name) end
    end)
    local calls = caller()
    eventually("calls", function() return calls.done > 10 end)
    local before = links(node.members())
    assert.is_not_nil(next(before))
    everywhere("add_key", fresh, mine, fresh)
    assert.equal(2, #node.keys())
    everywhere("use_key", fresh, fresh, mine)
    everywhere("remove_key", mine, fresh)
    mine, fresh = fresh, mine
    assert.equal(1, #node.keys())
    local since, done = os.time(), calls.done
    eventually("some probes of all by all", function()
      return os.time() > since + 3 and calls.done > done + 100
    end)
    calls.stop = true
    eventually("the last call", function() return calls.stopped end)
    watch:cancel()
    assert.same({}, calls.failures)
    assert.same({}, wrong)
    local after = links(node.members())
    for link in pairs(before) do assert.is_true(after[link], "dropped: " .. link) end
    assert.equal(0, count(b:text() .. c:text(), "registry: ") + count(c:text(), "calls: "))
  end)

  it("keeps those out who know an old or another one, and says so once", function()
    for _, key in ipairs { fresh, STRANGE } do
      local other = key_file(key)
      local ok, problem = pcall(nodes.start, "old", b.address, "--key-file " .. other)
      os.remove(other)
      assert.is_false(ok)
      assert.matches("nobody answered", problem)
    end
    assert.equal(1, count(b:text(), "wrong key"))
    assert.equal(3, #node.members())
  end)

  it("keeps those out who know none, and says so on both sides", function()
    local ok, problem = pcall(nodes.start, "bare", c.address)
    assert.is_false(ok)
    assert.equal(1, count(problem, "it has a key, and we have none"))
    assert.equal(1, count(c:text(), "wrong key, or none"))
    assert.equal(3, #node.members())
  end)

  it("is not changed by what makes no sense", function()
    local before = node.keys()
    for _, case in ipairs {
      { "add_key", "no key", "invalid" }, { "add_key", "", "invalid" },
      { "use_key", STRANGE, "no_such_key" }, { "remove_key", STRANGE, "no_such_key" },
      { "remove_key", mine, "key_in_use" }, { "set_keys", {}, "invalid" },
      { "set_keys", { STRANGE, "no key" }, "invalid" },
    } do
      local ok, err = node[case[1]](case[2])
      assert.is_nil(ok)
      assert.equal(case[3], err.code)
    end
    assert.is_true(node.add_key(mine))
    assert.same(before, node.keys())
    assert.has_error(function() node.add_key(7) end)
  end)
end)

describe("a node without a key", function()
  local said

  before_each(function()
    said = {}
    log.set_sink(function(level, text) said[#said + 1] = level .. ": " .. text end)
    log.set_level "info"
  end)
  after_each(function()
    node.leave()
    log.set_level "warning"
    log.set_sink(nil)
  end)

  it("listens to this machine alone unless it is told otherwise, and says so", function()
    assert(node.start { name = "bare", bind = "127.0.0.1:0" })
    assert.matches("^info: without a key: bound to 127.0.0.1:0, which only", said[1])
    assert.same({}, node.keys())
    node.leave()
    assert(node.start { name = "bare", bind = "0.0.0.0:0" })
    assert.matches("^warning: without a key: whoever reaches 0.0.0.0:0", said[2])
    node.leave()
    assert(node.start { name = "bare", bind = "127.0.0.1:0", rpc = "0.0.0.0:0" })
    assert.equal("warning: without a key: whoever reaches 0.0.0.0:0 may call", said[3])
  end)

  it("takes none while it runs", function()
    assert(node.start { name = "bare", bind = "127.0.0.1:0" })
    for _, step in ipairs { "add_key", "use_key", "remove_key" } do
      local ok, err = node[step](OLD)
      assert.is_nil(ok)
      assert.equal("no_keys", err.code)
    end
  end)
end)

describe("this process without a node", function()
  it("has no keys, and takes none", function()
    assert.same({}, node.keys())
    local ok, err = node.add_key(OLD)
    assert.is_nil(ok)
    assert.equal("no_node", err.code)
  end)
end)
