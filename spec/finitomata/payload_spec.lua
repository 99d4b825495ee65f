-- SPDX-License-Identifier: MIT
local payload = require "finitomata.payload"

local function cycle()
  local a = { b = {} }
  a.b.c = a
  return a
end

describe("A copy of a payload", function()
  it("is equal and shares no table", function()
    local original = { 1, "two", { three = 3.5, [4] = true }, [-1] = false }
    local copy = payload.copy(original)
    assert.same(original, copy)
    assert.are_not.equal(original, copy)
    assert.are_not.equal(original[3], copy[3])
  end)

  it("is the value itself for scalars", function()
    for _, value in ipairs { 1, 1.5, "x", true, false } do assert.equal(value,
      payload.copy(value)) end
    assert.is_nil(payload.copy(nil))
    assert.equal("integer", math.type(payload.copy(math.maxinteger)))
  end)

  it("has no metatable", function()
    assert.is_nil(getmetatable(payload.copy(setmetatable({ 1 }, { __index = {} }))))
  end)

  it("is refused with the path to what cannot be copied", function()
    local copy, err = payload.copy { a = { [2] = print } }
    assert.is_nil(copy)
    assert.equal("not_serializable", err.code)
    assert.equal("payload.a[2]", err.path)
    assert.matches("a function", err.why)
  end)

  it("is refused for cycles, odd keys and what is no data", function()
    for _, bad in ipairs { cycle(), { [{}] = 1 }, { [print] = 1 }, print, io.stdout } do
      local copy, err = payload.copy(bad)
      assert.is_nil(copy)
      assert.equal("not_serializable", err.code)
    end
  end)
end)

describe("A payload is plain", function()
  it("exactly when it can be copied", function()
    local values = { 1, "x", true, {}, { 1, { 2 } }, print, { print }, { { [print] = 1 } }, cycle(),
      coroutine.create(print), { [1.5] = 2 }, { [true] = 2 } }
    for _, value in ipairs(values) do
      local _, err = payload.copy(value)
      assert.equal(err == nil, payload.is_plain(value))
    end
    assert.is_true(payload.is_plain(nil))
  end)
end)
