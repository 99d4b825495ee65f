-- SPDX-License-Identifier: MIT
local definitions = require "finitomata.definition"
local engine = require "finitomata.engine"
local worlds = require "spec.support.world"

local world

local function decide(options, state, event, payload)
  options.fsm = options.fsm or "a --> |x| b,c\na --> |y| d\nb --> |z| d\nc --> |z| d"
  local plan = assert(definitions.plan(definitions.define(options, 1)))
  local node = plan.nodes[state]
  return engine.decide(node, node.edges[event], "with", payload, { name = "fsm" }, false, xpcall)
end

describe("engine.decide", function()
  before_each(function() world = worlds.new() end)
  after_each(function() world:close() end)

  it("follows the only edge", function()
    local target, payload = decide({}, "a", "y", 7)
    assert.equal("d", target.name)
    assert.equal(7, payload)
  end)

  it("asks on_transition, and takes its state and its payload", function()
    local seen
    local target, payload = decide({
      on_transition = function(...)
        seen = table.pack(...)
        return "c", { n = 2 }
      end,
    }, "a", "x", { n = 1 })
    assert.equal("c", target.name)
    assert.same({ n = 2 }, payload)
    assert.same({ "a", "x", "with", { n = 1 } }, { table.unpack(seen, 1, 4) })
  end)

  it("keeps the payload when the callback names only the state", function()
    local before = { n = 1 }
    local _, payload = decide({
      on_transition = function(_, _, _, p)
        p.n = 99
        return "c"
      end,
    }, "a", "x", before)
    assert.equal(before, payload)
    assert.equal(1, before.n)
  end)

  it("follows the only edge when the callback says nothing", function()
    local target = decide({ on_transition = function() end }, "a", "y")
    assert.equal("d", target.name)
  end)

  it("cannot choose between several targets by itself", function()
    for _, callback in ipairs { function() end, false } do
      local target, err = decide({ on_transition = callback or nil }, "a", "x")
      assert.is_nil(target)
      assert.equal("ambiguous_transition", err.code)
      assert.equal("on_transition", err.stage)
      assert.same({ "b", "c" }, err.targets)
    end
  end)

  it("checks that the event leads to the state", function()
    for _, to in ipairs { "d", "a", "moon", "*" } do
      local target, err = decide({ on_transition = function() return to end }, "a", "x")
      assert.is_nil(target)
      assert.equal("not_allowed", err.code)
      assert.equal("not_allowed", err.stage)
      assert.equal(to, err.target)
      assert.equal("a", err.state)
      assert.equal("x", err.event)
      assert.equal("with", err.event_payload)
    end
  end)

  it("is refused with a reason, whatever the reason is", function()
    for _, reason in ipairs { "fuse", 42, false } do
      local _, err = decide({ on_transition = function() return nil, reason end }, "a", "x")
      assert.equal("refused", err.code)
      assert.equal(reason, err.reason)
      assert.equal("on_transition", err.stage)
    end
  end)

  it("takes false for a refusal as well", function()
    local _, err = decide({ on_transition = function() return false end }, "a", "x")
    assert.equal("refused", err.code)
  end)

  it("refuses answers that are no states", function()
    for _, odd in ipairs { 42, true, {}, print } do
      local _, err = decide({ on_transition = function() return odd end }, "a", "x")
      assert.equal("bad_return", err.code)
    end
  end)

  it("turns an error into a refusal, and logs it", function()
    local _, err = decide({ on_transition = function() error("bulb blew") end }, "a", "x")
    assert.equal("raised", err.code)
    assert.matches("bulb blew", err.reason)
    assert.matches("fsm: error in on_transition", world:log())
  end)

  it("refuses a payload that is no plain data", function()
    local _, err = decide({ on_transition = function() return "b", { f = print } end }, "a", "x")
    assert.equal("not_serializable", err.code)
    assert.matches("payload.f", err.message)
  end)

  it("asks the guards first, in the order of their texts", function()
    local asked = {}
    local function guard(name, answer)
      return function(event_payload, payload)
        asked[#asked + 1] = { name, event_payload, payload }
        return answer
      end
    end
    local _, err = decide({
      guards = { a = { x = { ["b is open"] = guard("b", false),
        ["a is open"] = guard("a", true) } } },
      on_transition = function() error("not reached") end,
    }, "a", "x", 5)
    assert.same({ { "a", "with", 5 }, { "b", "with", 5 } }, asked)
    assert.equal("guard", err.code)
    assert.equal("guard", err.stage)
    assert.equal("b is open", err.reason)
  end)

  it("refuses when a guard raises", function()
    local _, err = decide({ guards = { _ = { x = function() error("oops") end } } }, "a", "x")
    assert.equal("guard", err.stage)
    assert.equal("raised", err.code)
  end)
end)
