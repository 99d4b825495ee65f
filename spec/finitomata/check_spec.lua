-- SPDX-License-Identifier: MIT
local check = require "finitomata.check"
local finitomata = require "finitomata"

local function public(fn, ...) -- what the checks are made for: a public function
  fn(...)
end

describe("A check", function()
  it("raises where the public function was called", function()
    local line = debug.getinfo(1, "l").currentline + 1
    local _, message = pcall(function() finitomata.start_fsm(nil) end)
    assert.matches("check_spec.lua:" .. line .. ":", message, 1, true)
    assert.matches("bad argument #1 to 'start_fsm' (name expected, got nil)", message, 1, true)
  end)

  it("blames nobody's line when only ours are on the stack", function()
    local co = coroutine.create(check.type)
    local _, message = coroutine.resume(co, 7, "string", 1, "open")
    assert.equal("bad argument #1 to 'open' (string expected, got number)", message)
  end)

  it("lets optional arguments be absent", function()
    assert.has_no.errors(function() public(check.optional, nil, "table", 1, "f") end)
    assert.error_matches(function() public(check.optional, 3, "table", 1, "f") end,
      "table expected")
  end)

  it("takes durations from zero, and no nonsense", function()
    assert.has_no.errors(function() public(check.duration, 0, 1, "f") end)
    assert.has_no.errors(function() public(check.duration, nil, 1, "f") end)
    for _, bad in ipairs { -1, 0 / 0, math.huge, "5" } do
      assert.error_matches(function() public(check.duration, bad, 1, "f") end,
        "milliseconds expected")
    end
  end)

  it("takes any value for a name but nil and NaN", function()
    assert.has_no.errors(function() public(check.name, {}, 1, "f") end)
    assert.error_matches(function() public(check.name, nil, 1, "f") end, "name expected")
    assert.error_matches(function() public(check.name, 0 / 0, 1, "f") end, "name expected")
  end)

  it("names the words that would have been right", function()
    local words = { full = true, cached = true }
    assert.error_matches(function() public(check.one_of, "half", words, 2, "state") end,
      "one of cached, full expected, got 'half'")
  end)

  it("refuses unknown options by name, and wrong types", function()
    local known = { clock = "table", id = true }
    assert.has_no.errors(function() public(check.options, { id = 3 }, known, 1, "f") end)
    assert.error_matches(function() public(check.options, { clok = {} }, known, 1, "f") end,
      "unknown option 'clok'")
    assert.error_matches(function() public(check.options, { clock = 1 }, known, 1, "f") end,
      "option 'clock': table expected, got number")
    assert.error_matches(function() public(check.options, 1, known, 1, "f") end, "table expected")
  end)

  it("says what keeps a table from being a list of strings", function()
    assert.is_nil(check.list_fault {})
    assert.is_nil(check.list_fault { "a", "b" })
    assert.equal("a hole", check.list_fault { "a", nil, "c" })
    assert.equal('a field "0"', check.list_fault { [0] = "a" })
    assert.equal("a number", check.list_fault { "a", 1 })
    assert.has_no.errors(function() public(check.strings, nil, 1, "f") end)
    assert.error_matches(function() public(check.strings, { x = "a" }, 1, "f") end,
      'a list of strings expected, got one with a field "x"')
  end)

  it("knows what can be called", function()
    assert.is_true(check.is_callable(print))
    assert.is_true(check.is_callable(setmetatable({}, { __call = print })))
    assert.is_false(check.is_callable {})
    assert.is_false(check.is_callable "print")
  end)
end)
