-- SPDX-License-Identifier: MIT
local worlds = require "spec.support.world"

describe("A delayed event", function()
  local world
  before_each(function()
    world = worlds.new()
    world:start { fsm = "a --> |x| b\nb --> |y| c" }
  end)
  after_each(function() world:close() end)

  it("keeps the payload that it was sent with", function()
    local seen
    world:start({ fsm = "a --> |x| b",
      on_transition = { a = { x = function(_, _, with) seen = with end } } }, nil, "other")
    local with = { n = 1 }
    world.branch:transition("other", "x", with, 10)
    with.n = 2
    world.clock:advance(10)
    assert.same({ n = 1 }, seen)
  end)

  it("cannot be taken back once it was sent", function()
    local _, handle = world.branch:transition("fsm", "x", nil, 10)
    world.clock:advance(10)
    assert.is_false(handle:cancel())
    assert.equal("b", world.branch:state("fsm", "state"))
  end)

  it("meets whatever has the name when its time comes", function()
    world.branch:transition("fsm", "x", nil, 10)
    world.branch:stop_fsm("fsm")
    world:start { fsm = "one --> |x| two" }
    world.clock:advance(10)
    assert.equal("two", world.branch:state("fsm", "state"))
  end)
end)
