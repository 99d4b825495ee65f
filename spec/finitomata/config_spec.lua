-- SPDX-License-Identifier: MIT
local config = require "finitomata.config"
local finitomata = require "finitomata"

describe("The defaults", function()
  after_each(config.reset)

  it("are those of the manual", function()
    assert.equal(5000, config.default("shutdown"))
    assert.equal(5, config.default("history"))
    assert.equal("copy", config.default("payload_mode"))
    assert.is_true(config.default("cache_state"))
  end)

  it("can be changed for all definitions to come", function()
    config.set { auto_terminate = true }
    local d = finitomata.define { fsm = "a --> |x| b" }
    assert.equal("b", d:automatic()[1].state)
    config.reset()
    assert.equal(0, #finitomata.define { fsm = "a --> |x| b" }:automatic())
  end)

  it("refuse what they do not know", function()
    assert.error_matches(function() config.set { shut_down = 1 } end, "unknown option 'shut_down'")
    assert.error_matches(function() config.set { history = "5" } end, "number expected, got string")
  end)
end)
