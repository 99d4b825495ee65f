-- SPDX-License-Identifier: MIT
local finitomata = require "finitomata"
local hook = require "infinitomata.hook"
local log = require "finitomata.log"

local pcall, ipairs = pcall, ipairs -- busted's own way to globals takes a function

describe("infinitomata.hook", function()
  local lines, sink

  before_each(function()
    lines = {}
    sink = log.set_sink(function(level, message) lines[#lines + 1] = level .. ": " .. message end)
  end)
  after_each(function()
    log.set_sink(sink)
    assert.same({}, lines)
  end)

  it("gives the first value that the function answers", function()
    local ok, answer = hook.ask(function(a, b, c) return a .. b .. c, "more" end, "x", "y", "z")
    assert.is_true(ok)
    assert.equal("xyz", answer)
    assert.same({ true }, { hook.ask(function() end) })
  end)

  it("answers anew after each kind of failure", function()
    for _ = 1, 3 do
      assert.is_false(hook.ask(error, "no"))
      assert.is_false(hook.ask(coroutine.yield))
      local ok, answer = hook.ask(function() return 7 end)
      assert.is_true(ok)
      assert.equal(7, answer)
    end
  end)

  it("tells what was raised, whatever it was", function()
    local function said(value) return select(2, hook.ask(function() error(value, 0) end)) end
    assert.equal("it failed: no", said "no")
    assert.equal("it failed: nil", said(nil))
    assert.equal("it failed: a table value", said {})
    local trap = setmetatable({}, { __tostring = function() error "trap" end })
    assert.equal("it failed: a table value", said(trap))
  end)

  it("ends a function that does not come to an end", function()
    local ok, why = hook.ask(function() while true do pcall(ipairs) end end)
    assert.is_false(ok)
    assert.matches("it had no answer within 1000 ms, at .*hook_spec.lua:%d+$", why)
  end)

  it("gives a function up that waits, and what wakes it comes too late", function()
    finitomata.run(function()
      local went_on = false
      local ok, why = hook.ask(function()
        finitomata.sleep(1)
        went_on = true
      end)
      assert.is_false(ok)
      assert.equal("it tried to wait, and must answer at once", why)
      finitomata.sleep(20)
      assert.is_false(went_on)
    end)
  end)

  it("may be asked by a function that it asks", function()
    local ok, answer = hook.ask(function() return select(2, hook.ask(function() return 5 end)) end)
    assert.is_true(ok)
    assert.equal(5, answer)
  end)
end)
