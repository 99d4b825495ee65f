-- SPDX-License-Identifier: MIT
local shape = require "finitomata.shape"

local DOOR <const> = {
  { from = "*", to = "closed", event = "__start__" },
  { from = "closed", to = "open", event = "open" },
  { from = "closed", to = "broken", event = "open" },
  { from = "open", to = "closed", event = "close!" },
  { from = "broken", to = "*", event = "__end__" },
}

describe("The shape of a diagram", function()
  it("lists states, events and ends in the order of the diagram", function()
    local door = shape.of(DOOR)
    assert.equal("closed", door.entry)
    assert.same({ "closed", "open", "broken" }, door.lists.states)
    assert.same({ "open", "close!" }, door.lists.events)
    assert.same({ "broken" }, door.lists.exits)
    assert.same({ "open", "close!" }, { door.lists.hard[1].state, door.lists.hard[1].event })
    assert.equal("closed", door.events["close!"].open)
    assert.is_true(door.events.open.closed) -- several targets
  end)

  it("shows what is ambiguous", function()
    local found = shape.ambiguous(DOOR)
    assert.equal(1, #found)
    assert.same({ "open", "broken" }, found[1].targets)
  end)

  it("has a hash that tells diagrams apart", function()
    local other = table.move(DOOR, 1, #DOOR, 1, {})
    assert.equal(shape.hash(DOOR), shape.hash(other))
    other[2] = { from = "closed", to = "open", event = "opens" }
    assert.are_not.equal(shape.hash(DOOR), shape.hash(other))
  end)

  it("refuses an event that could never fire by itself", function()
    local faults = {}
    shape.check_hard(DOOR, faults)
    assert.same({}, faults)
    local kick = { from = "open", to = "broken", event = "kick", line = 9 }
    shape.check_hard({ DOOR[4], kick }, faults)
    assert.equal("hard_not_determined", faults[1].code)
    assert.matches("`open` has other events too %(close!, kick%)", faults[1].message)
  end)
end)
