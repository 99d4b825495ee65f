-- SPDX-License-Identifier: MIT
local log = require "finitomata.log"

describe("The log", function()
  local lines, level, sink
  before_each(function()
    lines = {}
    level = log.set_level("warning")
    sink = log.set_sink(function(at, message) lines[#lines + 1] = at .. " " .. message end)
  end)
  after_each(function()
    log.set_level(level)
    log.set_sink(sink)
  end)

  it("passes on what is grave enough", function()
    log.debug("a")
    log.info("b")
    log.warning("c %d", 3)
    log.error("d")
    assert.same({ "warning c 3", "error d" }, lines)
  end)

  it("can be made to tell everything, or nothing", function()
    log.set_level("debug")
    log.debug("a")
    assert.equal("debug", log.set_level("off"))
    log.error("b")
    assert.same({ "debug a" }, lines)
  end)

  it("does not take a percent sign for a format when there are no arguments", function()
    log.error("100%")
    assert.same({ "error 100%" }, lines)
  end)

  it("survives a sink that raises", function()
    log.set_sink(function() error "full" end)
    assert.has_no.errors(function() log.error("x") end)
  end)

  it("refuses unknown levels and sinks that are no functions", function()
    assert.error_matches(function() log.set_level("loud") end, "unknown level 'loud'")
    assert.error_matches(function() log.set_sink(3) end, "function expected")
  end)
end)
