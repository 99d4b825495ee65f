-- SPDX-License-Identifier: MIT
local finitomata = require "finitomata"
local task = require "finitomata.task"
local worlds = require "spec.support.world"

describe("An FSM", function()
  local world, order
  before_each(function() world, order = worlds.new(), {} end)
  after_each(function() world:close() end)

  local function slow(extra)
    local options = {
      fsm = "a --> |x| b\nb --> |x| b\nb --> |y| c\nc --> |y| b\nc --> |z| d",
      on_transition = function(state, event)
        if state == "*" then return end
        order[#order + 1] = "begin " .. state .. " " .. event
        finitomata.sleep(10)
        order[#order + 1] = "end " .. state .. " " .. event
      end,
    }
    for name, value in pairs(extra or {}) do options[name] = value end
    return options
  end

  it("takes one event at a time, in order, while others go on", function()
    world:start(slow())
    world:start({ fsm = "a --> |x| b",
      on_enter = { b = function() order[#order + 1] = "other" end } },
      nil, "other")
    for _, event in ipairs { "x", "x", "y" } do world.branch:transition("fsm", event) end
    world.branch:transition("other", "x")
    world.clock:advance(0)
    assert.same({ "begin a x", "other" }, order)
    world.clock:advance(30)
    assert.same({ "begin a x", "other", "end a x", "begin b x", "end b x", "begin b y", "end b y" },
      order)
    assert.equal("c", world.branch:state("fsm", "state"))
  end)

  it("is read after what was sent to it before", function()
    world:start(slow())
    world.branch:transition("fsm", "x")
    world.clock:advance(0)
    local read
    task.spawn(function() read = world.branch:state("fsm", "state") end)
    world.clock:advance(5)
    assert.is_nil(read)
    assert.is_nil(world.branch:state("fsm", "cached"))
    world.clock:advance(5)
    assert.equal("b", read)
  end)

  it("puts events off until it is in another state", function()
    world:start { fsm = "a --> |x| b\nb --> |y| c\nc --> |z| d",
      postpone = { a = { "y", "z" }, b = "z" } }
    world.branch:transition("fsm", "z")
    world.branch:transition("fsm", "y")
    world.clock:advance(0)
    assert.equal("a", world.branch:state("fsm", "state"))
    local answer
    task.spawn(function() answer = world.branch:call("fsm", "z") end)
    world.branch:transition("fsm", "x")
    world.clock:advance(0)
    assert.equal("d", world.branch:state("fsm", "state"))
    world.clock:advance(0)
    assert.is_nil(answer) -- the second `z` came when the first had been taken
  end)

  it("has room for what ends the state, however many events it has put off", function()
    local taken = {}
    world:start { fsm = "[*] --> a\na --> |x| b\nb --> |y| b\nb --> |x| c\na --> |y| a",
      postpone = { a = "y" }, mailbox = 3,
      on_transition = { b = { y = function(_, _, n) taken[#taken + 1] = n end } } }
    for i = 1, 4 do
      assert(world.branch:transition("fsm", "y", i))
      world.clock:advance(0)
    end
    assert.matches("has put off 3 events: `y` is dropped", world:log(), 1, true)
    assert.equal("overloaded", select(2, world.branch:call("fsm", "y")).code)
    assert(world.branch:transition("fsm", "x"))
    assert.equal("b", world.branch:state("fsm", "state"))
    world.clock:advance(0)
    assert.same({ 1, 2, 3 }, taken)
    for i = 5, 7 do assert(world.branch:transition("fsm", "y", i)) end
    assert.is_nil((world.branch:transition("fsm", "y")))
    world.clock:advance(0)
    assert.same({ 1, 2, 3, 5, 6, 7 }, taken)
  end)

  it("ignores what it is told to ignore, and says so to who asks", function()
    world:start { fsm = "a --> |x| b\nb --> |y| c", ignore = { a = "y" } }
    world.branch:transition("fsm", "y")
    assert.equal("ignored", select(2, world.branch:call("fsm", "y")).code)
    assert.is_nil(world.branch:state("fsm").last_error)
    assert.equal("b", (world.branch:call("fsm", "x")))
  end)

  it("has room for so many events, and refuses more", function()
    world:start(slow { mailbox = 3 })
    world.branch:transition("fsm", "x")
    world.clock:advance(0)
    for _ = 1, 3 do assert.is_true(world.branch:transition("fsm", "x")) end
    local ok, err = world.branch:transition("fsm", "x")
    assert.is_nil(ok)
    assert.equal("overloaded", err.code)
    assert.equal("overloaded", select(2, world.branch:call("fsm", "x")).code)
    world.clock:advance(100)
    assert.equal(8, #order)
    assert.is_true(world.branch:transition("fsm", "y"))
  end)

  it("cannot wait for itself", function()
    local answers = {}
    world:start { fsm = "a --> |x| b\nb --> |y| c", on_enter = { b = function()
      answers[1] = select(2, world.branch:call("fsm", "y")).code
      answers[2] = select(2, world.branch:state("fsm")).code
      answers[3] = world.branch:state("fsm", "cached").n
      world.branch:transition("fsm", "y")
    end } }
    local _ = world.branch:stop_fsm("fsm")
    world:start({ fsm = "a --> |x| b\nb --> |y| c", on_enter = { b = function()
      answers[1] = select(2, world.branch:call("fsm", "y")).code
      answers[2] = select(2, world.branch:state("fsm")).code
      answers[3] = world.branch:state("fsm", "cached").n
      world.branch:transition("fsm", "y")
    end } }, { n = 3 })
    world.branch:call("fsm", "x")
    assert.same({ "calling_self", "calling_self", 3 }, answers)
    assert.equal("c", world.branch:state("fsm", "state"))
  end)

  it("is told when two would wait for each other", function()
    local answer
    local function asks(other)
      return { fsm = "a --> |x| b\nb --> |y| c", on_enter = { b = function(_, fsm)
        local state, err = world.branch:call(other, "x")
        if fsm.name == "two" then answer = err and err.code or state end
      end } }
    end
    world:start(asks("two"), nil, "one")
    world:start(asks("one"), nil, "two")
    world.branch:transition("one", "x")
    world.clock:advance(100)
    assert.equal("deadlock", answer)
    assert.equal("b", world.branch:state("one", "state"))
    assert.equal("b", world.branch:state("two", "state"))
  end)

  it("keeps payloads to itself", function()
    local sent, stolen = { list = { 1 } }, nil
    local options = { fsm = "a --> |x| b\nb --> |y| c" }
    function options.on_transition(_, event, with, payload)
      if event ~= "x" then return end
      stolen = payload
      payload.list[1] = with.list[1]
      return "b", payload
    end
    function options.on_enter(_, fsm) fsm.payload.list[1] = 99 end
    function options.listener(_, _, payload) payload.list[1] = 98 end
    world:start(options, sent)
    local with = { list = { 7 } }
    world.branch:transition("fsm", "x", with)
    with.list[1], sent.list[1] = 50, 51
    assert.same({ list = { 7 } }, world.branch:state("fsm", "payload"))
    world.branch:state("fsm", "payload").list[1] = 97
    world.branch:state("fsm").payload.list[1] = 96
    assert.same({ list = { 7 } }, world.branch:state("fsm", "payload"))
    assert.is_truthy(stolen)
  end)

  it("shares payloads when it is told to", function()
    local payload = { f = print }
    world:start({ fsm = "a --> |x| b", payload_mode = "share" }, payload)
    assert.equal(payload, world.branch:state("fsm", "payload"))
    assert.is_true(world.branch:transition("fsm", "x", { g = print }))
  end)

  it("refuses events whose payload is no plain data", function()
    world:start { fsm = "a --> |x| b" }
    for _, answer in ipairs { table.pack(world.branch:transition("fsm", "x", { f = print })),
      table.pack(world.branch:call("fsm", "x", print)),
      table.pack(world.branch:transition("fsm", "x", print, 10)) } do
      assert.is_nil(answer[1])
      assert.equal("not_serializable", answer[2].code)
    end
    assert.equal("a", world.branch:state("fsm", "state"))
  end)
end)

describe("The end of an FSM", function()
  local world
  before_each(function() world = worlds.new() end)
  after_each(function() world:close() end)

  it("tells on_terminate why", function()
    local reasons = {}
    local function noting(name)
      world:start({ fsm = "a --> |x| b", auto_terminate = true,
        on_terminate = function(fsm,
          reason) reasons[fsm.name] = reason .. " in " .. fsm.current end },
        nil, name)
    end
    for _, name in ipairs { "ends", "stopped", "conflict", "shut" } do noting(name) end
    world.branch:call("ends", "x")
    world.branch:stop_fsm("stopped")
    world.branch:stop_fsm("conflict", "conflict")
    world.branch:stop()
    assert.same({ ends = "normal in *", stopped = "stop in a", conflict = "conflict in a",
      shut = "shutdown in a" }, reasons)
  end)

  it("waits for the handler that runs, and refuses whoever waits", function()
    local done, answer = false, nil
    world:start { fsm = "a --> |x| b\nb --> |y| c", on_enter = { b = function()
      finitomata.sleep(100)
      done = true
    end } }
    world.branch:transition("fsm", "x")
    world.clock:advance(0)
    task.spawn(function() answer = table.pack(world.branch:call("fsm", "y")) end)
    local stopped
    task.spawn(function() stopped = world.branch:stop_fsm("fsm") end)
    world.clock:advance(50)
    assert.is_true(world.branch:alive("fsm"))
    world.clock:advance(50)
    assert.is_true(done and stopped)
    assert.is_false(world.branch:alive("fsm"))
    assert.equal("no_such_fsm", answer[2].code)
  end)

  it("comes as soon as the handler is done when nothing else waits", function()
    local ended
    world:start { fsm = "a --> |x| b\nb --> |y| c",
      on_exit = { b = function() finitomata.sleep(10) end },
      on_terminate = function(fsm) ended = fsm.current end }
    for _, event in ipairs { "x", "y" } do world.branch:transition("fsm", event) end
    world.clock:advance(5)
    local stopped
    task.spawn(function() stopped = world.branch:stop_fsm("fsm") end)
    world.clock:advance(4)
    assert.is_nil(ended)
    world.clock:advance(1)
    assert.equal("c", ended)
    assert.is_true(stopped)
    assert.equal("", world:log())
  end)

  it("does not wait longer than `shutdown` says", function()
    local ended, woke = 0, false
    world:start { fsm = "a --> |x| b", shutdown = 30,
      on_enter = { b = function()
        finitomata.sleep(1000)
        woke = true
      end }, on_terminate = function() ended = ended + 1 end }
    world.branch:transition("fsm", "x")
    world.clock:advance(0)
    task.spawn(function() world.branch:stop_fsm("fsm") end)
    world.clock:advance(29)
    assert.is_true(world.branch:alive("fsm"))
    world.clock:advance(1)
    assert.is_false(world.branch:alive("fsm"))
    assert.matches("still not done after 30 ms", world:log())
    assert.is_truthy(world.branch:start_fsm("fsm", finitomata.define { fsm = "a --> |x| b" }))
    world.clock:advance(2000)
    assert.is_true(woke)
    assert.equal("a", world.branch:state("fsm", "state"))
    assert.equal(0, ended)
  end)

  it("may be asked for by the FSM itself", function()
    world:start { fsm = "a --> |x| b", on_enter = { b = function(_, fsm)
      assert(world.branch:stop_fsm(fsm.name))
    end } }
    assert.equal("b", (world.branch:call("fsm", "x")))
    assert.is_false(world.branch:alive("fsm"))
  end)

  it("survives an on_terminate that raises, or waits", function()
    world:start { fsm = "a --> |x| b", on_terminate = function()
      finitomata.sleep(10)
      error("late")
    end }
    local stopped
    task.spawn(function() stopped = world.branch:stop_fsm("fsm") end)
    world.clock:advance(10)
    assert.is_true(stopped)
    assert.is_false(world.branch:alive("fsm"))
  end)
end)
