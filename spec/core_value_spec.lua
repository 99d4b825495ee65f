-- SPDX-License-Identifier: MIT
local core = require "infinitomata.core"

---The value after its trip through bytes.
local function trip(value)
  local bytes, path, why = core.pack(value)
  assert(bytes, path and path .. " " .. why)
  local ok, back = core.unpack(bytes)
  assert(ok, back)
  return back
end

local function same_number(expected, got)
  assert.equal(math.type(expected), math.type(got))
  assert.equal(string.pack("n", expected), string.pack("n", got))
  if math.type(expected) == "integer" then assert.equal(expected, got) end
end

describe("pack and unpack", function()
  it("keep every integer an integer", function()
    local integers = { 0, 1, -1, math.maxinteger, math.mininteger, (1 << 53) + 1 }
    for bits = 1, 62 do
      for _, near in ipairs { -1, 0, 1 } do
        integers[#integers + 1] = (1 << bits) + near
        integers[#integers + 1] = -(1 << bits) + near
      end
    end
    for _, integer in ipairs(integers) do same_number(integer, trip(integer)) end
  end)

  it("keep every float a float", function()
    local floats = { 0.0, -0.0, 1.0, -1.5, 1 / 3, 2.0 ^ 53, 5e-324, 1.7e308, 1 / 0, -1 / 0 }
    for _, float in ipairs(floats) do same_number(float, trip(float)) end
    local nan = trip(0 / 0)
    assert.is_true(nan ~= nan and math.type(nan) == "float")
  end)

  it("keep every byte of a string", function()
    local all = {}
    for byte = 0, 255 do all[#all + 1] = string.char(byte) end
    local text = table.concat(all)
    for _, length in ipairs { 0, 1, 31, 32, 255, 256, 65535, 65536, 100000 } do
      local long = text:rep(length // 256 + 1):sub(1, length)
      assert.is_true(trip(long) == long)
    end
  end)

  it("keep nil and booleans", function()
    assert.is_nil(trip(nil))
    assert.is_true(trip(true))
    assert.is_false(trip(false))
  end)

  it("keep the shape of tables", function()
    local shapes = {
      {},
      { 1, 2, 3 },
      { a = 1, b = { c = {} } },
      { 1, 2, nil, 4, x = 5 },
      { [1] = "a", [3] = "c" },
      { [0] = 1, [-1] = 2, [1.5] = 3 },
      { [true] = 1, [false] = 2 },
      { [math.mininteger] = 1, [math.maxinteger] = 2, [1 << 40] = 3 },
      { "list", with = "name" },
      { { {} }, { { {} } } },
      { [""] = "empty key", ["a\0b"] = "zero byte" },
    }
    for _, shape in ipairs(shapes) do assert.same(shape, trip(shape)) end
  end)

  it("keep lists of every length class", function()
    for _, length in ipairs { 15, 16, 65535, 65536 } do
      local list = {}
      for i = 1, length do list[i] = i end
      local back = trip(list)
      assert.equal(length, #back)
      assert.equal(length, back[length])
    end
  end)

  it("keep integer keys apart from their text and from floats", function()
    local back = trip { [1] = "integer", ["1"] = "text", [2.5] = "float" }
    assert.equal("integer", back[1])
    assert.equal("text", back["1"])
    assert.equal("float", back[2.5])
  end)

  it("look at the table itself and not at its metatable", function()
    local disguised = setmetatable({ a = 1 }, {
      __index = function() return "phantom" end,
      __len = function() return 9 end,
      __pairs = function() error "not asked for" end,
    })
    assert.same({ a = 1 }, trip(disguised))
  end)

  it("copy a table that is met twice", function()
    local shared = { 1 }
    local back = trip { a = shared, b = shared }
    assert.same(back.a, back.b)
    assert.is_false(rawequal(back.a, back.b))
  end)
end)

describe("what cannot travel", function()
  local function refused(value, path, why, root)
    for _, carry in ipairs { core.pack, core.copy } do
      local result, where, reason = carry(value, root)
      assert.is_nil(result)
      assert.equal(path, where)
      assert.equal(why, reason)
    end
  end

  it("is named with its path", function()
    refused(print, "payload", "a function")
    refused({ items = { 1, 2, { callback = print } } }, "payload.items[3].callback", "a function")
    refused({ io = io.stdout }, "payload.io", "a userdata")
    refused({ [7.5] = coroutine.create(print) }, "payload[7.5]", "a coroutine")
    refused({ [true] = print }, "payload[true]", "a function")
    refused({ ["two words\n"] = print }, 'payload["two words\\010"]', "a function")
    refused({ x = print }, "event_payload.x", "a function", "event_payload")
  end)

  it("includes keys that are tables", function()
    refused({ a = { [{}] = 1 } }, "payload.a",
      "a key that is neither a string, a number nor a boolean")
  end)

  it("includes cycles, at the place where they close", function()
    local ring = { next = {} }
    ring.next.next = ring
    refused(ring, "payload.next.next", "a cycle")
  end)

  it("includes what is nested more than a hundred deep", function()
    local function nested(depth)
      local value = 1
      for _ = 1, depth do value = { value } end
      return value
    end
    assert.same(nested(100), trip(nested(100)))
    assert.same(nested(100), (core.copy(nested(100))))
    local _, _, why = core.pack(nested(101))
    assert.equal("nested too deep", why)
  end)
end)

describe("unpack", function()
  local function bad(bytes, why)
    local ok, reason = core.unpack(bytes)
    assert.is_nil(ok)
    assert.equal(why, reason)
  end

  it("reads text and bytes alike, and short floats", function()
    assert.same({ true, "ab" }, { core.unpack "\xc4\x02ab" })
    assert.same({ true, "ab" }, { core.unpack "\xd9\x02ab" })
    assert.same({ true, 1.5 }, { core.unpack "\xca\x3f\xc0\x00\x00" })
  end)

  it("says what is wrong with the bytes", function()
    bad("", "truncated")
    bad("\x92\x01", "truncated")
    bad("\xc1", "malformed")
    bad("\x01\x02", "bytes after the value")
    bad("\xcf" .. ("\xff"):rep(8), "an integer beyond 64 bits with a sign")
    bad("\xd4\x01\x02", "an extension type")
    bad("\x81\xc0\x01", "a key that Lua cannot hold")
    bad("\x81\xcb\x7f\xf8\0\0\0\0\0\0\x01", "a key that Lua cannot hold")
    bad("\x81\x80\x01", "a key that Lua cannot hold")
    bad(("\x91"):rep(101) .. "\x01", "nested too deep")
  end)

  it("refuses every prefix of a value", function()
    local bytes = core.pack { 1, "two", { three = 3.0, [4] = { true, false } } }
    for length = 0, #bytes - 1 do assert.is_nil((core.unpack(bytes:sub(1, length)))) end
  end)

  it("allocates nothing for what the bytes only claim", function()
    collectgarbage()
    collectgarbage "stop"
    local before = collectgarbage "count"
    for _, form in ipairs { "\xdd", "\xdf", "\xdb" } do
      bad(form .. "\xff\xff\xff\xff", "truncated")
    end
    -- Each level claims all the bytes that are left.
    local claims = {}
    for level = 1, 90 do claims[level] = string.pack(">BI4", 0xdd, 100000 - level * 5) end
    local nested = table.concat(claims)
    bad(nested .. ("\xc0"):rep(100000 - #nested), "truncated")
    local grown = collectgarbage "count" - before
    collectgarbage "restart"
    assert.is_true(grown < 4000, ("%.0f kB"):format(grown))
  end)
end)

describe("copy", function()
  it("is deep, and equal", function()
    local value = { a = { b = { 1, 2, 3 } }, [2] = "x", list = { "p", "q" } }
    local copy = core.copy(value)
    assert.same(value, copy)
    copy.a.b[1] = "changed"
    assert.equal(1, value.a.b[1])
  end)

  it("gives scalars as they are", function()
    for _, value in ipairs { 1, 1.5, "text", true } do assert.equal(value, (core.copy(value))) end
    assert.is_nil((core.copy(nil)))
  end)

  it("does not change what it copies", function()
    local value = { 1, { 2 }, x = { 3 } }
    core.copy(value)
    assert.same({ 1, { 2 }, x = { 3 } }, value)
  end)
end)

describe("plain", function()
  it("says whether a copy would succeed", function()
    local circle = {}
    circle.self = { circle }
    local values = {
      1, "text", true, {}, { 1, { 2, x = { y = "z" } } }, { [1.5] = 1, [true] = 2 },
      print, { print }, { x = { y = coroutine.create(print) } }, { [{}] = 1 }, circle,
    }
    for _, value in ipairs(values) do
      assert.equal((core.copy(value)) ~= nil, core.plain(value))
    end
    assert.is_true(core.plain(nil))
  end)
end)
