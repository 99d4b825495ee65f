-- SPDX-License-Identifier: MIT
local cursor = require "infinitomata.console.cursor"

local function call_at(before)
  local call = cursor.locate(before).call
  return call and call.name, call and call.index
end

describe("cursor.locate", function()
  it("finds the call and the argument", function()
    assert.same({ "f", 1 }, { call_at "f(" })
    assert.same({ "f", 3 }, { call_at "a.b:f(1, {2, 3}, " })
    assert.same({ "g", 2 }, { call_at "f(g(1), g(2, " })
  end)

  it("knows no call after its end", function()
    assert.is_nil(cursor.locate("f(1)").call)
  end)

  it("gives a table's bracket no name", function()
    assert.is_nil(call_at "f{ 1, ")
  end)

  it("tells what is typed of a string, and by which mark", function()
    local found = cursor.locate [[x.state("ga\"te]]
    assert.equal('ga"te', found.string)
    assert.equal('"', found.quote)
    assert.equal("state", found.call.name)
  end)

  it("takes a string for the argument of a name without brackets", function()
    local found = cursor.locate "require 'fin"
    assert.equal("require", found.call.name)
    assert.equal("fin", found.string)
  end)

  it("remembers the strings before the cursor", function()
    assert.same({ "gate", "coin" }, cursor.locate([[f("gate", 'coin', "]]).call.strings)
  end)

  it("is not misled by brackets in strings and comments", function()
    assert.same({ "f", 2 }, { call_at 'f("(", ' })
    assert.same({ "f", 1 }, { call_at "f( -- (,\n" })
    assert.same({ "f", 2 }, { call_at "f([==[ ]] ( ]==], " })
  end)

  it("knows a comment when it is in one", function()
    assert.is_true(cursor.locate("x = 1 -- what").comment)
    assert.is_true(cursor.locate("--[[ what").comment)
    assert.is_false(cursor.locate("x --[[ what ]] ").comment)
  end)
end)
