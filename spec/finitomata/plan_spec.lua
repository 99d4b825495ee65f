-- SPDX-License-Identifier: MIT
local definitions = require "finitomata.definition"

local function plan_of(options)
  local definition = definitions.define(options, 1)
  return assert(definitions.plan(definition)), definition
end

describe("A plan", function()
  it("has a node for every state and an edge for every event", function()
    local plan = plan_of { fsm = "a --> |x| b,c\nb --> |y!| c" }
    assert.same({ "*", "a", "b", "c" }, plan.names)
    assert.equal("__start__", plan.entry_event)
    local x = plan.nodes.a.edges.x
    assert.same({ "b", "c" }, x.list)
    assert.equal(plan.nodes.b, x.targets.b)
    assert.is_nil(x.sole)
    assert.equal(plan.nodes.c, plan.nodes.b.edges["y!"].sole)
  end)

  it("knows what goes by itself", function()
    local plan = plan_of { fsm = "a --> |x| b\nb --> |y!| c", auto_terminate = true }
    assert.is_nil(plan.nodes.a.auto)
    assert.equal("y!", plan.nodes.b.auto.event)
    assert.equal("__end__", plan.nodes.c.auto.event)
    assert.is_nil(plan.start.auto)
  end)

  it("ensures an event when all of its targets are ensured", function()
    local plan = plan_of { fsm = "a --> |x| b,c\na --> |y| b\na --> |z?| b\nb --> |x| c",
      ensure_entry = { "b" } }
    assert.is_nil(plan.nodes.a.edges.x.ensured)
    assert.equal(10, plan.nodes.a.edges.y.ensured.max)
    assert.is_nil(plan.nodes.a.edges["z?"].ensured)
  end)

  it("follows the definition when its callbacks change", function()
    local plan, definition = plan_of { fsm = "a --> |x| b" }
    local function f() end
    definition.on_enter = { b = f }
    assert.equal(f, plan.nodes.b.on_enter)
    assert.is_nil(plan.nodes.a.on_enter)
    definition.on_enter = nil
    assert.is_nil(plan.nodes.b.on_enter)
    assert.equal(plan, definitions.plan(definition))
  end)
end)
