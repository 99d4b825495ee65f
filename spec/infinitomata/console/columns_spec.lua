-- SPDX-License-Identifier: MIT
local columns = require "infinitomata.console.columns"

describe("Columns of a text", function()
  it("are one a character, but two for a wide one and none for a mark", function()
    local cases = {
      [""] = 0, abc = 3, ["né"] = 2, ["日本語"] = 6, ["e\u{301}t"] = 2, ["한글"] = 4,
      ["ｆｕｌｌ"] = 8, ["🙂!"] = 3, ["a\u{200b}b"] = 2, ["กำ"] = 2, ["…"] = 1, ["◉▶"] = 2,
      ["\u{1100}\u{1161}"] = 2, ["\u{10ffff}"] = 1,
    }
    for text, count in pairs(cases) do assert.equal(count, columns.of(text), text) end
  end)

  it("are bytes where it is no UTF-8", function()
    assert.equal(3, columns.of "a\xff\xe6")
  end)

  it("know the ends of every range", function()
    assert.same({ 1, 2, 2, 1 }, { columns.character(0x10ff), columns.character(0x1100),
      columns.character(0x115f), columns.character(0x1200) })
    assert.same({ 1, 0, 0, 1 }, { columns.character(0x2ff), columns.character(0x300),
      columns.character(0x36f), columns.character(0x370) })
    assert.equal(2, columns.character(0x3fffd))
    assert.equal(1, columns.character(0x40000))
  end)
end)
