-- SPDX-License-Identifier: MIT
local finitomata = require "finitomata"
local worlds = require "spec.support.world"

local FSM = "off --> |flip| on\non --> |flip| worn\nworn --> |retire| scrap"

describe("A transition", function()
  local world, order
  local function note(...)
    order[#order + 1] = table.concat({ ... }, " ")
  end
  before_each(function() world, order = worlds.new(), {} end)
  after_each(function() world:close() end)

  ---Callbacks that write down that they were called, and where the FSM was then.
  local function noting(options)
    local all = {
      fsm = FSM,
      on_transition = function(state, event) note("on_transition", state, event) end,
      on_exit = function(state, fsm) note("on_exit", state, fsm.current) end,
      on_enter = function(state, fsm) note("on_enter", state, fsm.current) end,
      on_failure = function(event, _, fsm)
        note("on_failure", event, fsm.current, fsm.last_error.stage)
      end,
      on_rollback = function(event, _, fsm) note("on_rollback", event, fsm.current) end,
      listener = function(name, state) note("listener", name, state) end,
      persistency = {
        load = function() end,
        store = function(name, _, info) note("store", name, info.from, info.to, info.event) end,
        store_error = function(name, _, _, info) note("store_error", name, info.stage) end,
      },
    }
    for name, value in pairs(options or {}) do all[name] = value end
    return all
  end

  it("that is refused is a warning when nobody is told of it", function()
    local options = { fsm = FSM, on_transition = function(state, event)
      if state == "*" then return "moon" end
      if state == "off" and event == "flip" then return nil, "broken" end
    end }
    world:start(options)
    assert.same({ "warning: fsm: not_allowed: `*` does not lead to `moon` by `__start__`" },
      world.lines)
    local err = select(2, world.branch:call("fsm", "__start__"))
    assert.equal("not_allowed", err.code)
    world.branch:transition("fsm", "flip")
    world.clock:advance(0)
    assert.equal("warning: fsm: not_responding: `*` does not answer `flip`", world.lines[2])
    local told = {}
    options.on_failure = function(event, _, fsm) told[#told + 1] = event .. fsm.last_error.code end
    world:start(options, nil, "heard")
    world.branch:transition("heard", "nope?")
    world.clock:advance(0)
    assert.same({ "__start__not_allowed" }, told)
    assert.equal(2, #world.lines)
  end)

  it("that is refused again and again fills no log", function()
    world:start { fsm = FSM }
    for _ = 1, 500 do world.branch:transition("fsm", "nope") end
    world.clock:advance(0)
    assert.is_true(#world.lines >= 20 and #world.lines < 100, tostring(#world.lines))
    assert.matches("more refusals in this second", world:log(), 1, true)
    assert.equal("nope", world.branch:state("fsm").last_error.event)
  end)

  it("decides, stores, and only then leaves, tells and enters", function()
    world:start(noting())
    order = {}
    world.branch:call("fsm", "flip")
    assert.same({ "on_transition off flip", "store fsm off on flip", "on_exit off off",
      "listener fsm on", "on_enter on on" }, order)
  end)

  it("touches nothing when it is refused", function()
    world:start(noting { on_transition = { off = { flip = function(_, _, _, payload)
      payload.n = 99
      return nil, "fuse"
    end } } }, { n = 1 })
    order = {}
    local state, err = world.branch:call("fsm", "flip", "now")
    assert.is_nil(state)
    assert.same({ "refused", "on_transition", "fuse", "off", "flip", "now" },
      { err.code, err.stage, err.reason, err.state, err.event, err.event_payload })
    local full = world.branch:state("fsm")
    assert.same({ "off", { n = 1 } }, { full.current, full.payload })
    assert.equal("fuse", full.last_error.reason)
    assert.same({ "store_error fsm on_transition", "on_failure flip off on_transition" }, order)
  end)

  it("is rolled back, then reported, when the answer is not allowed", function()
    world:start(noting { on_transition = { off = { flip = function() return "scrap" end } } })
    order = {}
    assert.equal("not_allowed", select(2, world.branch:call("fsm", "flip")).code)
    assert.same({ "store_error fsm not_allowed", "on_rollback flip off",
      "on_failure flip off not_allowed" }, order)
  end)

  it("is vetoed by a storage that refuses, or raises", function()
    for _, store in ipairs { function() return nil, "disk" end, function() return false, "disk" end,
      function() error("disk", 0) end } do
      local name = tostring(store)
      local mode = "ok"
      world:start(noting { persistency = { load = function() end, store = function()
        if mode == "bad" then return store() end
      end } }, { n = 1 }, name)
      mode, order = "bad", {}
      local state, err = world.branch:call(name, "flip")
      assert.is_nil(state)
      assert.same({ "persistency", "disk" }, { err.stage, err.reason })
      assert.equal("off", world.branch:state(name, "state"))
      assert.same({ "on_transition off flip", "on_failure flip off persistency" }, order)
    end
  end)

  it("takes the payload that the storage gives back", function()
    world:start(noting { persistency = { load = function() end,
      store = function(_, payload) return true, { n = payload.n + 1 } end } }, { n = 0 })
    world.branch:call("fsm", "flip")
    assert.same({ n = 2 }, world.branch:state("fsm", "payload"))
  end)

  for stage, options in pairs {
    on_exit = { on_exit = { off = function() error("late", 0) end } },
    on_enter = { on_enter = { on = function() error("late", 0) end } },
    listener = { listener = { function(_, state) if state == "on" then error("late", 0) end end,
      function(_, state) if state == "on" then error("again", 0) end end } },
  } do
    it(("stays made when %s fails, and says so"):format(stage), function()
      world:start(noting(options))
      order = {}
      assert.equal("on", (world.branch:call("fsm", "flip")))
      local full = world.branch:state("fsm")
      assert.equal("on", full.current)
      assert.same({ stage, "raised", "late", "off", "flip" }, { full.last_error.stage,
        full.last_error.code, full.last_error.reason, full.last_error.state,
          full.last_error.event })
      assert.equal("on_failure flip on " .. stage, order[#order])
      assert.equal("worn", (world.branch:call("fsm", "flip")))
      assert.is_nil(world.branch:state("fsm").last_error)
    end)
  end

  it("tells all listeners, whatever one of them does", function()
    local told = {}
    world:start { fsm = FSM, listener = {
      function() error("no") end,
      { after_transition = function(name, state, payload) told[#told + 1] = { name, state,
        payload } end },
    } }
    assert.same({ { "fsm", "off" } }, told)
    assert.matches("fsm: error in listener", world:log())
  end)

  it("goes on when on_failure and on_rollback raise", function()
    local bad = function() error("worse") end
    world:start { fsm = FSM, on_failure = bad, on_rollback = bad,
      on_transition = { off = { flip = function() return "moon" end } } }
    assert.equal("not_allowed", select(2, world.branch:call("fsm", "flip")).code)
    assert.matches("error in on_rollback", world:log())
    assert.matches("error in on_failure", world:log())
    assert.is_true(world.branch:alive("fsm"))
  end)

  it("to the same state leaves and enters, unless it is internal", function()
    local options = { fsm = "a --> |x| b\nb --> |again| b\nb --> |stay| b\nb --> |y| c",
      internal = { b = "stay" },
      on_exit = function(state) note("exit", state) end,
      on_enter = function(state) note("enter", state) end }
    world:start(options)
    world.branch:call("fsm", "x")
    order = {}
    world.branch:call("fsm", "again")
    assert.same({ "exit b", "enter b" }, order)
    world.branch:call("fsm", "stay")
    assert.same({ "exit b", "enter b" }, order)
    assert.same({ { state = "b", n = 1 }, { state = "a", n = 1 }, { state = "*", n = 1 } },
      world.branch:state("fsm").history)
  end)

  it("is silent for soft events in every failure", function()
    local fsm = "idle --> |knock?| open\nidle --> |leave| gone\nopen --> |leave| gone"
    for _, answer in ipairs { function() return nil, "no" end, function() return "moon" end,
      function() error("ouch") end, function() return 42 end } do
      world:start(noting { fsm = fsm, on_transition = { idle = { ["knock?"] = answer } },
        on_rollback = function() end, persistency = { load = function() end,
          store = function() end } }, nil,
        tostring(answer))
      order = {}
      assert.is_nil((world.branch:call(tostring(answer), "knock?")))
      assert.same({}, order)
      assert.is_truthy(world.branch:state(tostring(answer)).last_error)
    end
    world:start(noting { fsm = fsm }, nil, "elsewhere")
    world.branch:call("elsewhere", "knock?")
    order = {}
    assert.equal("not_responding", select(2, world.branch:call("elsewhere", "knock?")).code)
    assert.same({ "store_error elsewhere not_responding" }, order)
  end)
end)

describe("Automatic events", function()
  local world
  before_each(function() world = worlds.new() end)
  after_each(function() world:close() end)

  it("follow one another before anything that waits", function()
    local order = {}
    world:start { fsm = "a --> |x| b\nb --> |n!| c\nc --> |y| d",
      on_enter = function(state) order[#order + 1] = state end }
    world.branch:transition("fsm", "x")
    world.branch:transition("fsm", "y")
    world.clock:advance(0)
    assert.same({ "a", "b", "c", "d" }, order)
  end)

  it("that go round for ever are cut, and the loop is shown", function()
    local failed
    world:start { fsm = "a --> |x| b\nb --> |n!| c\nc --> |m!| b,d",
      on_transition = { c = { ["m!"] = function() return "b" end } },
      on_failure = function(event, _, fsm) failed = { event, fsm.last_error.code } end }
    local state = world.branch:call("fsm", "x")
    assert.is_truthy(state)
    local err = world.branch:state("fsm").last_error
    assert.equal("runaway", err.stage)
    assert.equal("endless", err.code)
    assert.matches("b n! c m! b", err.reason, 1, true)
    assert.same({ "n!", "endless" }, failed)
    assert.is_true(world.branch:alive("fsm"))
  end)

  it("end an FSM in a final state, in both syntaxes", function()
    for syntax, text in pairs { flowchart = "a --> |x| b",
      state_diagram = "[*] --> a : go\na --> b : x\nb --> [*] : bye" } do
      world:start({ fsm = text, syntax = syntax, auto_terminate = true }, nil, syntax)
      assert.equal("*", (world.branch:call(syntax, "x")))
      assert.is_false(world.branch:alive(syntax))
    end
  end)
end)

-- Nothing but callbacks: the way of almost every event, in one C function.
describe("A plain step", function()
  local world
  before_each(function() world = worlds.new() end)
  after_each(function() world:close() end)

  local GRAPH = "[*] --> a\na --> |x| b\na --> |again| a\nb --> |y| c"

  local function look() return world.branch:state("fsm") end

  it("stays done when on_enter raises, and the error is told", function()
    local told
    world:start { fsm = GRAPH, on_enter = { b = function() error("late", 0) end },
      on_failure = function(event, given, fsm) told = { event, given, fsm.current } end }
    assert.equal("b", world.branch:call("fsm", "x", 7))
    assert.same({ "x", 7, "b" }, told)
    local err = look().last_error
    assert.same({ "on_enter", "raised", "late", "a", "x", 7 },
      { err.stage, err.code, err.reason, err.state, err.event, err.event_payload })
  end)

  it("is done when on_exit raises, and on_enter is called all the same", function()
    local entered
    world:start({ fsm = GRAPH, on_exit = { a = function() error(nil) end },
      on_transition = { a = function(_, _, _, payload) return "b", payload end },
      on_enter = { b = function(state, fsm) entered = { state, fsm.current, fsm.payload } end } },
      { n = 1 })
    world.branch:call("fsm", "x")
    assert.same({ "b", "b", { n = 1 } }, entered)
    assert.equal("on_exit", look().last_error.stage)
    assert.same({ { state = "a", n = 1 }, { state = "*", n = 1 } }, look().history)
  end)

  it("may wait in each callback, and goes on where it waited", function()
    local order = {}
    local function pausing(name, ...)
      local results = table.pack(...)
      return function(_, second)
        finitomata.sleep(10)
        order[#order + 1] = name
        if name ~= "transition" or second == "x" then return table.unpack(results) end
      end
    end
    world:start({ fsm = GRAPH }, { n = 0 })
    world:start({ fsm = GRAPH, on_transition = { a = pausing("transition", "b", { n = 5 }) },
      on_exit = { a = pausing("exit") }, on_enter = { b = pausing("enter") } }, { n = 0 }, "slow")
    world.branch:transition("slow", "x")
    world.clock:advance(5)
    assert.same({}, order)
    world.clock:advance(100)
    assert.same({ "transition", "exit", "enter" }, order)
    local after = world.branch:state("slow")
    assert.same({ "b", { n = 5 } }, { after.current, after.payload })
  end)

  for _, where in ipairs { "on_transition", "on_exit" } do
    it("of an GRAPH that was given up while " .. where .. " waited changes nothing", function()
      local entered, kept = false, nil
      local function wait(_, _, _, _, fsm)
        kept = fsm or kept
        finitomata.sleep(1000)
        return "b"
      end
      local options = { fsm = GRAPH, shutdown = 20,
        on_enter = { b = function() entered = true end },
        on_transition = { a = function(_, _, _, _, fsm) kept = fsm return "b" end } }
      options[where] = { a = wait }
      world:start(options)
      world.branch:transition("fsm", "x")
      world.clock:advance(1)
      finitomata.spawn(function() world.branch:stop_fsm("fsm") end)
      world.clock:advance(50)
      assert.is_false(world.branch:alive("fsm"))
      world.clock:advance(2000)
      assert.is_false(entered)
      assert.equal("a", kept.current)
    end)
  end

  it("counts a state that is left again and again", function()
    world:start { fsm = GRAPH }
    for _ = 1, 40 do world.branch:transition("fsm", "again") end
    world.clock:advance(0)
    assert.same({ { state = "a", n = 40 }, { state = "*", n = 1 } }, look().history)
    world.branch:call("fsm", "x")
    world.branch:call("fsm", "y")
    assert.same({ { state = "b", n = 1 }, { state = "a", n = 41 }, { state = "*", n = 1 } },
      look().history)
  end)

  it("hands out the payload itself when it is shared, and a copy when it is not", function()
    for mode, same in pairs { share = true, copy = false } do
      local payload, given = { inner = {} }, nil
      world:start({ fsm = GRAPH, payload_mode = mode,
        on_transition = { a = { x = function(_, _, _, got) given = got end } } }, payload, mode)
      world.branch:call(mode, "x")
      assert.equal(same, given == payload)
      assert.same({ inner = {} }, given)
    end
  end)
end)
