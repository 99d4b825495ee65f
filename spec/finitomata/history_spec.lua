-- SPDX-License-Identifier: MIT
local history = require "finitomata.history"

local NAMES = {}
for i = 1, 300 do NAMES[i] = "s" .. i end

local function entries(packed)
  return history.entries(history.unpack(packed), NAMES)
end

describe("A packed history", function()
  local mask = history.mask(5, 20)

  local function pushed(...)
    local packed = history.EMPTY
    for _, number in ipairs { ... } do packed = history.push(packed, number, mask) end
    return packed
  end

  it("lists the states that were left, newest first", function()
    assert.same({ { state = "s2", n = 1 }, { state = "s1", n = 1 } }, entries(pushed(1, 2)))
  end)

  it("is the same again when it was unpacked", function()
    for _, numbers in ipairs { {}, { 1 }, { 1, 2, 2, 3 }, { 1, 2, 3, 4, 5, 6 } } do
      local packed = pushed(table.unpack(numbers))
      assert.equal(packed, history.pack(history.unpack(packed), mask))
    end
  end)

  it("is refused when it would be too wide", function()
    assert.is_nil(history.pack({ { 1, 1 }, { 2, 1 } }, history.mask(1, 20)))
    assert.is_nil(history.pack({ { 1, 16 } }, mask))
    assert.is_nil(history.pack({ { 1, 1 } }, 0))
  end)

  it("folds repeats", function()
    assert.same({ { state = "s2", n = 3 }, { state = "s1", n = 1 } }, entries(pushed(1, 2, 2, 2)))
  end)

  it("keeps as many entries as it has room for", function()
    local list = entries(pushed(1, 2, 3, 4, 5, 6, 7))
    assert.equal(5, #list)
    assert.equal("s7", list[1].state)
    assert.equal("s3", list[5].state)
  end)

  it("keeps fewer when fewer are wanted", function()
    local narrow = history.mask(2, 20)
    local packed = history.EMPTY
    for i = 1, 9 do packed = history.push(packed, i, narrow) end
    assert.same({ { state = "s9", n = 1 }, { state = "s8", n = 1 } }, entries(packed))
  end)

  it("says when it has become too narrow", function()
    local packed = history.EMPTY
    for _ = 1, 15 do packed = assert(history.push(packed, 3, mask)) end
    assert.is_nil(history.push(packed, 3, mask))
    assert.equal(0, history.mask(6, 20))
    assert.equal(0, history.mask(5, 256))
    assert.is_nil(history.push(history.EMPTY, 1, 0))
  end)
end)

describe("A wide history", function()
  it("does the same without limits", function()
    local list = history.unpack(history.EMPTY)
    for _ = 1, 100 do history.push_wide(list, 260, 7) end
    for i = 1, 6 do history.push_wide(list, i, 7) end
    local all = history.entries(list, NAMES)
    assert.equal(7, #all)
    assert.same({ state = "s6", n = 1 }, all[1])
    assert.same({ state = "s260", n = 100 }, all[7])
  end)

  it("may keep nothing at all", function()
    local list = {}
    history.push_wide(list, 1, 0)
    assert.same({}, list)
  end)
end)

describe("Packed and wide histories", function()
  it("agree on random walks", function()
    local random = require "finitomata.random".new(7)
    local mask = history.mask(5, 4)
    local packed, list = history.EMPTY, {}
    for _ = 1, 2000 do
      local number = 1 + random:below(4)
      local next_packed = history.push(packed, number, mask)
      if not next_packed then break end
      packed = next_packed
      history.push_wide(list, number, 5)
      assert.same(history.entries(list, NAMES), entries(packed))
      assert.same(entries(packed), history.packed_entries(packed, NAMES))
      assert.equal(list[1][1], history.newest(packed))
    end
  end)
end)
