-- SPDX-License-Identifier: MIT
local log = require "finitomata.log"
local notices = require "infinitomata.console.notices"

describe("notices.listen", function()
  local elsewhere, before

  before_each(function()
    elsewhere = {}
    before = log.set_sink(function(level, message)
      elsewhere[#elsewhere + 1] = level .. " " .. message
    end)
  end)
  after_each(function() log.set_sink(before) end)

  it("brings log lines to everybody who listens, and to where they went before", function()
    local first, second = {}, {}
    local one = notices.listen(function(text) first[#first + 1] = text end, {})
    local two = notices.listen(function(text) second[#second + 1] = text end, {})
    log.warning("it is %s", "late")
    one:cancel()
    log.warning "later"
    two:cancel()
    log.warning "last"
    assert.same({ "warning: it is late" }, first)
    assert.same({ "warning: it is late", "warning: later" }, second)
    assert.same({ "warning it is late", "warning later", "warning last" }, elsewhere)
  end)

  it("keeps log lines from standard error where somebody types", function()
    local heard = {}
    local told = notices.listen(function(text) heard[#heard + 1] = text end, { instead = true })
    log.warning "x"
    told:cancel()
    told:cancel()
    assert.same({ "warning: x" }, heard)
    assert.same({}, elsewhere)
  end)
end)
