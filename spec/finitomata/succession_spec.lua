-- SPDX-License-Identifier: MIT
local finitomata = require "finitomata"
local spec = require "finitomata.spec"
local succession = require "finitomata.succession"
local task = require "finitomata.task"

local OLD <const> = [[
  [*] --> a
  a --> |go| b
  b --> |back| a
  b --> |out| gone
]]
local NEW <const> = [[
  [*] --> a
  x --> |back| a
  a --> |go| b
  b --> |on| x
  b --> |out| over
]]

local function define(text, options)
  options = options or {}
  options.fsm, options.name = text, "succeeding"
  return finitomata.define(options)
end

describe("A definition that is succeeded by another", function()
  it("leads its FSMs on from the state they are in", function()
    local old = define(OLD)
    local t = spec.start(old, { n = 1 })
    t:send("go"):expect { "b" }
    t:send("back"):expect { "a" }
    t:send("go"):expect { "b" }
    assert.same({}, (succession.succeed(old, define(NEW))))
    t:refuse("back", "not_responding")
    assert.same({ { state = "a", n = 1 }, { state = "b", n = 1 }, { state = "a", n = 1 },
      { state = "*", n = 1 } }, t.branch:state(t.name).history)
    t:send("on"):expect { "x", payload = { n = 1 } }
    assert.is_true(t.branch:responds(t.name, "back"))
  end)

  it("starts new FSMs by the new diagram", function()
    local old = define(OLD)
    succession.succeed(old, define(NEW))
    spec.start(old):send("go"):expect { "b" }:send("on"):expect { "x" }
    assert.same({ "a", "x", "b", "over" }, old.states)
  end)

  it("leaves an FSM alone whose state is gone, until it can follow", function()
    local old = define(OLD)
    local t = spec.start(old)
    t:send("go"):expect { "b" }
    assert.same({ t.name }, (succession.succeed(old, define "[*] --> a\na --> |go| c")))
    assert.is_true(t.branch:responds(t.name, "back"))
    t:send("back"):expect { "a" }
    assert.same({}, (succession.succeed(old, define "[*] --> a\na --> |go| d")))
    t:send("go"):expect { "d" }
  end)

  it("waits for a handler that runs", function()
    local old = define(OLD)
    function old.on_transition(_, event)
      if event == "go" then finitomata.sleep(100) end
    end
    local t = spec.start(old)
    t:send("go")
    succession.succeed(old, define(NEW))
    t:advance(100):expect { "b" }
    t:send("on"):expect { "x" }
  end)

  it("sets going what happens by itself in the state", function()
    local old = define(OLD)
    local t = spec.start(old)
    t:send("go"):expect { "b" }
    succession.succeed(old, define("[*] --> a\na --> |go| b\nb --> |on!| c"))
    t:advance(0):expect { "c" }
  end)

  it("begins with new timeouts, and lets the same ones run on", function()
    local old = define(OLD, { after = { b = { 100, "back" } } })
    local t = spec.start(old)
    t:send("go"):expect { "b" }
    t:advance(60)
    succession.succeed(old, define(OLD .. "a --> |jump| x",
      { after = { b = { 100, "back" } } }))
    t:advance(40):expect { "a" }
    t:send("go"):expect { "b" }
    succession.succeed(old, define(OLD, { after = { b = { 30, "out" } } }))
    t:advance(30):expect { "gone" }
  end)

  it("changes the interval of the timer", function()
    local ticks = 0
    local function count() ticks = ticks + 1 end
    local old = define(OLD, { timer = 100, on_timer = count })
    local t = spec.start(old)
    t:advance(100)
    succession.succeed(old, define(NEW, { timer = 10, on_timer = count }))
    t:advance(50)
    assert.equal(6, ticks)
    succession.succeed(old, define(OLD))
    t:advance(200)
    assert.equal(6, ticks)
  end)

  it("hands in what was postponed and is not any more", function()
    local old = define(OLD, { postpone = { a = { "out" } } })
    local t = spec.start(old)
    t:send("out")
    succession.succeed(old, define("[*] --> a\na --> |out| over"))
    t:advance(0):expect { "over" }
  end)

  it("stays as it is when the new one cannot be", function()
    local old = define(OLD)
    local cases = {
      [define(NEW, { payload_mode = "share" })] = "payload_mode",
      [define(NEW, { timer = 10 })] = "on_timer",
      [define(NEW, { persistency = (require "finitomata.persistency.memory").new() })] =
        "persistency",
      [finitomata.flow { go = { from = "a", initial = true, final = true } }] = "flow",
    }
    for new, problem in pairs(cases) do
      local staying, text = succession.succeed(old, new)
      assert.is_nil(staying)
      assert.matches(problem, text)
    end
    assert.same({ "a", "b", "gone" }, old.states)
  end)

  it("keeps the storage it has", function()
    local memory = require "finitomata.persistency.memory"
    local store = memory.new()
    local old = define(OLD, { persistency = store })
    local t = spec.start(old, { n = 1 })
    succession.succeed(old, define(NEW, { persistency = memory.new() }))
    t:send("go"):expect { "b" }
    assert.equal(task.current(), nil)
    assert.equal("b", select(2, store.load(t.name)))
  end)
end)
