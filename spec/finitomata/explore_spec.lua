-- SPDX-License-Identifier: MIT
local finitomata = require "finitomata"
local log = require "finitomata.log"
local spec = require "finitomata.spec"

describe("spec.explore", function()
  local level
  setup(function() level = log.set_level("off") end)
  teardown(function() log.set_level(level) end)

  --- A purse that forgets to look before it pays out, when `careless`.
  local function purse(careless)
    local f = finitomata.define {
      fsm = "[*] --> open\nopen --> |put| open\nopen --> |take| open\nopen --> |close| closed",
    }
    function f.on_transition(_, event, amount, payload)
      if event == "put" then payload.cents = payload.cents + amount end
      if event == "take" then
        if not careless and amount > payload.cents then return nil, "too much" end
        payload.cents = payload.cents - amount
      end
      if event == "put" or event == "take" then return "open", payload end
    end
    return f
  end

  local OPTIONS = {
    payload = { cents = 0 },
    events = {
      put = function(roll) return roll(5) end,
      take = function(roll) return roll(3, 9) end,
    },
    check = function(t) return t.payload == nil or t.payload.cents >= 0 end,
    seed = 7,
  }

  it("is content with an FSM for which the check always holds", function()
    spec.explore(purse(false), OPTIONS)
  end)

  it("finds the shortest walk on which it does not", function()
    local ok, message = pcall(spec.explore, purse(true), OPTIONS)
    assert.is_false(ok)
    message = tostring(message)
    assert.matches("the check returned false", message)
    assert.matches("walked: %* %-%-__start__%-%-> open %-%-take%-%-> open\n", message)
    assert.matches("\n +1%. take %d\n", message)
    assert.is_nil(message:find("2. ", 1, true))
    assert.matches("seed: %d+", message)
  end)

  it("does the same again with the same seed", function()
    local messages = {}
    for i = 1, 2 do
      local _, message = pcall(spec.explore, purse(true), OPTIONS)
      messages[i] = tostring(message)
    end
    assert.equal(messages[1], messages[2])
  end)

  it("needs no check to find a callback that raises, or a state that cannot be", function()
    local f = finitomata.define { fsm = "a --> |b| c\nc --> |d| e" }
    function f.on_transition(_, event)
      if event == "d" then error "oh" end
    end
    local _, message = pcall(spec.explore, f)
    assert.matches("oh\n", tostring(message))
    assert.matches("%-%-b%-%-> c %(d refused", tostring(message))
    local g = finitomata.define { fsm = "a --> |b| c", on_transition = function(_, event)
      if event == "b" then return "a" end
    end }
    assert.matches("not_allowed", tostring(select(2, pcall(spec.explore, g))))
  end)

  it("lets time pass", function()
    local f = finitomata.define {
      fsm = "[*] --> on\non --> |tick| on\non --> |off| gone",
      after = { on = { 500, "tick" } },
    }
    local ok, message = pcall(spec.explore, f, { advance = 2000, seed = 1,
      check = function(t) return t.clock:now() < 1500 end })
    assert.is_false(ok)
    assert.matches("ms pass", tostring(message))
  end)

  it("shows what a check raises", function()
    local _, message = pcall(spec.explore, purse(false), { check = function() error("never", 0) end,
      payload = { cents = 1 } })
    assert.matches("never\n", tostring(message))
  end)

  it("raises for an unknown option", function()
    assert.has_error(function() spec.explore(purse(false), { step = 1 }) end,
      "bad argument #2 to 'explore' (unknown option 'step')")
  end)
end)
