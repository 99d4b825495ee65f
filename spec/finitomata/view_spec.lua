-- SPDX-License-Identifier: MIT
local worlds = require "spec.support.world"

describe("What callbacks see of an FSM", function()
  local world, seen
  before_each(function()
    world, seen = worlds.new { node = "here" }, nil
    world:start({
      fsm = "a --> |x| b\nb --> |x| b\nb --> |y| c",
      timer = 1000,
      on_timer = function() end,
      on_enter = function(_, fsm) seen = fsm end,
    }, { n = 1, parent = "mother" })
  end)
  after_each(function() world:close() end)

  it("has all of its fields", function()
    for _ = 1, 2 do world.branch:call("fsm", "x") end
    assert.same({ "fsm", world.branch.id, "here", "b", "b", { n = 1 }, "created", "mother", 1000,
      0 },
      { seen.name, seen.id, seen.node, seen.current, seen.previous, seen.payload, seen.lifecycle,
        seen.parent, seen.timer, seen.attempt })
    assert.same({ { state = "b", n = 1 }, { state = "a", n = 1 }, { state = "*", n = 1 } },
      seen.history)
    assert.is_nil(seen.last_error)
    assert.is_nil(seen.nonsense)
    assert.equal("fsm<fsm b>", tostring(seen))
  end)

  it("cannot be changed", function()
    assert.error_matches(function() seen.current = "c" end, "read%-only: 'current'")
    assert.error_matches(function() seen.anything = 1 end, "read%-only: 'anything'")
    seen.payload.n = 99
    assert.equal(1, seen.payload.n)
  end)

  it("can be walked over", function()
    local fields = {}
    for name in pairs(seen) do fields[#fields + 1] = name end
    assert.same({ "name", "id", "node", "current", "previous", "payload", "history", "lifecycle",
      "parent", "timer", "attempt" }, fields)
  end)

  it("is a plain table in a full reading", function()
    world.branch:call("fsm", "nonsense")
    local full = world.branch:state("fsm")
    assert.is_nil(getmetatable(full))
    assert.is_nil(getmetatable(full.last_error))
    assert.equal("not_responding", full.last_error.stage)
    local fields = {}
    for name, value in pairs(seen) do fields[name] = value end
    assert(fields.last_error)
    fields.last_error, full.last_error = nil, nil
    assert.same(fields, full)
  end)

  it("remembers more states than five when it is told to, and folds long stays", function()
    world:start({ fsm = "a --> |x| b\nb --> |x| b\nb --> |y| a2\na2 --> |x| b\na2 --> |z| c",
      history = 7 },
      nil, "long")
    for _ = 1, 40 do world.branch:transition("long", "x") end
    for _ = 1, 3 do
      world.branch:transition("long", "y")
      world.branch:transition("long", "x")
    end
    local history = world.branch:state("long").history
    assert.equal(7, #history)
    assert.same({ state = "a2", n = 1 }, history[1])
    assert.same({ state = "b", n = 40 }, history[6])
    assert.same({ state = "a", n = 1 }, history[7])
  end)

  it("folds long stays in a short history, too", function()
    for _ = 1, 100 do world.branch:transition("fsm", "x") end
    local full = world.branch:state("fsm")
    assert.same({ { state = "b", n = 99 }, { state = "a", n = 1 }, { state = "*", n = 1 } },
      full.history)
    assert.equal("b", full.previous)
  end)
end)
