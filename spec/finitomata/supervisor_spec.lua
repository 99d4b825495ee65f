-- SPDX-License-Identifier: MIT
local finitomata = require "finitomata"
local supervisor = require "finitomata.supervisor"
local task = require "finitomata.task"
local worlds = require "spec.support.world"

local FSM = "a --> |x| b\nb --> |y| c"

describe("A branch", function()
  local world, branch, definition
  before_each(function()
    world = worlds.new { node = "here" }
    branch, definition = world.branch, finitomata.define { fsm = FSM, name = "thing" }
  end)
  after_each(function() world:close() end)

  it("gives every name once", function()
    local ref = assert(branch:start_fsm("one", definition))
    assert.equal("string", type(ref))
    local again, err = branch:start_fsm("one", definition)
    assert.is_nil(again)
    assert.same({ "already_started", "here", ref }, { err.code, err.node, err.ref })
    branch:stop_fsm("one")
    assert.are_not.equal(ref, (branch:start_fsm("one", definition)))
  end)

  it("takes any value for a name", function()
    for _, name in ipairs { 1, 1.5, true, {}, print, "" } do
      assert(branch:start_fsm(name, definition))
      assert.equal("b", (branch:call(name, "x")))
    end
    assert.equal(6, branch:count())
  end)

  it("lists and counts what runs", function()
    local one, two = branch:start_fsm("one", definition), branch:start_fsm("two", definition)
    assert.same({
      one = { implementation = "thing", ref = one, node = "here" },
      two = { implementation = "thing", ref = two, node = "here" },
    }, branch:all())
    assert.equal(2, branch:count())
    branch:stop_fsm("one")
    assert.equal(1, branch:count())
    assert.is_false(branch:alive("one"))
    assert.is_true(branch:alive("two"))
  end)

  it("gives names by chance, each as likely, never one that has ended", function()
    assert.equal("empty", select(2, branch:random()).code)
    for i = 1, 8 do branch:start_fsm(i, definition) end
    local seen = {}
    local function draw()
      seen = {}
      for _ = 1, 800 do
        local name = branch:random()
        seen[name] = (seen[name] or 0) + 1
      end
    end
    draw()
    for i = 1, 8 do assert.is_true(seen[i] > 50) end
    for i = 1, 4 do branch:stop_fsm(i) end
    branch:start_fsm(2, definition)
    branch:start_fsm("new", definition)
    draw()
    assert.is_nil(seen[1])
    for _, name in ipairs { 2, 5, 6, 7, 8, "new" } do assert.is_true(seen[name] > 70, name) end
  end)

  it("answers for FSMs that there are not", function()
    for _, answer in ipairs { table.pack(branch:transition("no", "x")),
      table.pack(branch:call("no", "x")),
      table.pack(branch:state("no")), table.pack(branch:state("no", "cached")),
      table.pack(branch:stop_fsm("no")), table.pack(branch:timer_tick("no")),
      table.pack(branch:reset_timer("no")) } do
      assert.is_nil(answer[1])
      assert.same({ "no_such_fsm", "no" }, { answer[2].code, answer[2].name })
    end
    for _, what in ipairs { "alive", "allowed", "responds", "can" } do
      assert.is_false((branch[what](branch, "no", "x")))
    end
  end)

  it("reads in every way", function()
    branch:start_fsm("one", definition, { n = 1 })
    assert.equal("a", branch:state("one", "state"))
    assert.same({ n = 1 }, branch:state("one", "payload"))
    assert.same({ n = 1 }, branch:state("one", "cached"))
    assert.equal("one", branch:state("one").name)
    assert.equal("one", branch:state("one", "full").name)
    assert.equal("a of one", branch:state("one", function(fsm)
      return fsm.current .. " of " .. fsm.name
    end))
    local value, err = branch:state("one", function() error("oops", 0) end)
    assert.is_nil(value)
    assert.same({ "raised", "oops" }, { err.code, err.reason })
    branch:start_fsm("uncached", finitomata.define { fsm = FSM, cache_state = false }, { n = 1 })
    assert.is_nil(branch:state("uncached", "cached"))
  end)

  it("says what an FSM would take, and why not", function()
    branch:start_fsm("one", finitomata.define { fsm = FSM, guards = { a = { x = {
      ["a coin is needed"] = function(event_payload) return (event_payload or 0) > 0 end } } } })
    assert.is_true(branch:allowed("one", "b"))
    assert.is_false(branch:allowed("one", "c"))
    assert.is_true(branch:responds("one", "x"))
    assert.is_false(branch:responds("one", "y"))
    assert.is_true(branch:can("one", "x", 1))
    local can, err = branch:can("one", "x")
    assert.is_false(can)
    assert.same({ "guard", "a coin is needed" }, { err.code, err.reason })
    assert.equal("not_responding", select(2, branch:can("one", "y")).code)
    assert.equal("a coin is needed", select(2, branch:call("one", "x")).reason)
    assert.equal("b", (branch:call("one", "x", 1)))
  end)

  it("answers a call with the new state and payload, or the reason", function()
    branch:start_fsm("one", definition, { n = 1 })
    local state, payload = branch:call("one", "x")
    assert.equal("b", state)
    assert.same({ n = 1 }, payload)
    local none, err = branch:call("one", "x")
    assert.is_nil(none)
    assert.equal("not_responding", err.code)
    assert.equal("*", (function()
      branch:call("one", "y")
      return (branch:call("one", "__end__"))
    end)())
  end)

  it("does not wait for an answer longer than it is told", function()
    branch:start_fsm("one", finitomata.define { fsm = FSM, on_enter = { b = function()
      finitomata.sleep(1000)
    end } })
    local answer
    task.spawn(function() answer = table.pack(branch:call("one", "x", nil, 100)) end)
    world.clock:advance(100)
    assert.equal("timeout", answer[2].code)
    world.clock:advance(1000)
    assert.equal("b", branch:state("one", "state"))
  end)

  it("sends later, and takes it back", function()
    branch:start_fsm("one", definition)
    assert.is_true(branch:transition("one", "x", nil, 100))
    local _, handle = branch:transition("one", "y", nil, 200)
    world.clock:advance(99)
    assert.equal("a", branch:state("one", "state"))
    world.clock:advance(1)
    assert.equal("b", branch:state("one", "state"))
    assert.is_true(handle:cancel())
    assert.is_false(handle:cancel())
    world.clock:advance(1000)
    assert.equal("b", branch:state("one", "state"))
    branch:transition("one", "y", nil, 10)
    branch:stop_fsm("one")
    world.clock:advance(100)
    assert.is_false(branch:alive("one"))
  end)

  it("tells monitors who comes and goes", function()
    local told = {}
    local handle = branch:monitor(function(kind, rows)
      for name, row in pairs(rows) do told[#told + 1] = ("%s %s %s"):format(kind, name,
        row.node) end
    end)
    local broken = branch:monitor(function() error("no") end)
    branch:start_fsm("one", definition)
    branch:start_fsm("two", definition)
    branch:stop_fsm("one")
    branch:stop_fsm("two", "conflict")
    assert.same({ "join one here", "join two here", "leave one here", "conflict two here" }, told)
    handle:cancel()
    broken:cancel()
    branch:start_fsm("one", definition)
    assert.equal(4, #told)
  end)

  it("raises for wrong types, where the caller stands", function()
    branch:start_fsm("one", definition)
    local line = debug.getinfo(1, "l").currentline + 1
    local _, message = pcall(function() branch:transition("one", 7) end)
    assert.matches("supervisor_spec.lua:" .. line, message, 1, true)
    for _, call in ipairs {
      function() branch:transition("one") end, function() branch:transition("no", 7) end,
      function() branch:transition("one", "x", nil, -1) end, function() branch:call("one", 7) end,
      function() branch:call("one", "x", nil, "soon") end,
        function() branch:state("one", "half") end,
      function() branch:start_fsm(nil, definition) end, function() branch:start_fsm("x", 7) end,
      function() branch:monitor(7) end, function() branch:reset_timer("one", 1) end,
      function() branch:allowed("one") end, function() branch:responds("one", 7) end,
    } do
      assert.error_matches(call, "bad argument #")
    end
  end)

  it("never suffers from user code", function()
    local function bad() error("bad") end
    for i = 1, 20 do
      branch:start_fsm(i, finitomata.define { fsm = FSM, on_transition = { a = { x = bad } },
        on_enter = bad, on_exit = bad, on_failure = bad, on_rollback = bad, on_terminate = bad,
        listener = bad })
      branch:transition(i, "x")
    end
    branch:start_fsm("good", definition)
    world.clock:advance(0)
    assert.equal(21, branch:count())
    assert.equal("b", (branch:call("good", "x")))
    assert.is_true(branch:stop())
    assert.equal(0, branch:count())
  end)
end)

describe("A branch with hooks", function()
  it("asks before a start, and tells after an end", function()
    local world = worlds.new()
    local calls = {}
    local taken = supervisor.new { id = "hooked", clock = world.clock, hooks = {
      claim = function(name, implementation)
        calls[#calls + 1] = ("claim %s %s"):format(name, implementation)
        if name == "elsewhere" then
          return nil, require "finitomata.error".new("already_started", "it runs there",
            { node = "b" })
        end
        return "ref-" .. name
      end,
      release = function(name, ref, reason)
        calls[#calls + 1] = ("release %s %s %s"):format(name, ref, reason)
      end,
    } }
    local definition = finitomata.define { fsm = FSM, name = "thing" }
    assert.equal("ref-one", taken:start_fsm("one", definition))
    assert.equal("ref-one", taken:all().one.ref)
    assert.equal("b", select(2, taken:start_fsm("elsewhere", definition)).node)
    assert.is_false(taken:alive("elsewhere"))
    taken:start_fsm("refused", finitomata.define { fsm = FSM, name = "thing",
      on_start = function() return nil, "no" end })
    taken:set_ref("one", "ref-new")
    taken:rename_node("there")
    assert.same({ implementation = "thing", ref = "ref-new", node = "there" }, taken:all().one)
    taken:stop_fsm("one", "conflict")
    assert.same({ "claim one thing", "claim elsewhere thing", "claim refused thing",
      "release refused ref-refused on_start", "release one ref-new conflict" }, calls)
    world:close()
  end)

  it("refuses options it does not know", function()
    assert.error_matches(function() supervisor.new { clok = 1 } end, "unknown option 'clok'")
    assert.error_matches(function() supervisor.new { clock = {} } end, "a clock expected")
  end)
end)
