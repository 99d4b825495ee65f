-- SPDX-License-Identifier: MIT
local finitomata = require "finitomata"
local worlds = require "spec.support.world"

describe("Telemetry", function()
  local world, records, handle
  before_each(function()
    world, records = worlds.new(), {}
    handle = finitomata.telemetry.attach(function(record) records[#records + 1] = record end)
  end)
  after_each(function()
    handle:cancel()
    world:close()
  end)

  it("tells what became of every event", function()
    world:start({ name = "lamp", fsm = "a --> |x| b\nb --> |y| c",
      on_transition = { b = { y = function() return nil, "not yet" end } } })
    world.branch:transition("fsm", "x")
    world.branch:transition("fsm", "y")
    world.branch:transition("fsm", "z")
    world.clock:advance(0)
    assert.equal(4, #records)
    assert.same({ "fsm", "*", "a", "__start__", "ok" },
      { records[1].name, records[1].from, records[1].to, records[1].event, records[1].outcome })
    assert.same({ "a", "b", "x", "ok" },
      { records[2].from, records[2].to, records[2].event, records[2].outcome })
    assert.same({ "b", "b", "y", "refused" },
      { records[3].from, records[3].to, records[3].event, records[3].outcome })
    assert.equal("not yet", records[3].error.reason)
    assert.same({ "b", "b", "z", "not_responding" },
      { records[4].from, records[4].to, records[4].event, records[4].outcome })
    assert.same({ world.branch.id, "lamp" }, { records[2].id, records[2].implementation })
    assert.is_true(records[2].duration_ns >= 0)
  end)

  it("hears of FSMs that went the same way before it listened", function()
    handle:cancel()
    world:start({ fsm = "[*] --> a\na --> |x| b\nb --> |x| a\nb --> |y| c" })
    local function send()
      for _ = 1, 2 do world.branch:transition("fsm", "x") end
      world.clock:advance(0)
    end
    send()
    handle = finitomata.telemetry.attach(function(record) records[#records + 1] = record.to end)
    send()
    handle:cancel()
    send()
    assert.same({ "b", "a" }, records)
  end)

  it("measures nothing once nobody listens", function()
    handle:cancel()
    assert.is_false(finitomata.telemetry.active)
    world:start({ fsm = "a --> |x| b" })
    assert.same({}, records)
  end)

  it("is not disturbed by a listener that raises", function()
    local bad = finitomata.telemetry.attach(function() error("full") end)
    world:start({ fsm = "a --> |x| b" })
    assert.equal("b", (world.branch:call("fsm", "x")))
    assert.equal(2, #records)
    bad:cancel()
    assert.is_true(finitomata.telemetry.active)
  end)

  it("wants a function", function()
    assert.error_matches(function() finitomata.telemetry.attach({}) end, "function expected")
  end)
end)
