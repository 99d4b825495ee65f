-- SPDX-License-Identifier: MIT
local errors = require "finitomata.error"
local printer = require "infinitomata.console.printer"

describe("printer.format", function()
  it("shows a string on its own as print does, and as source inside a table", function()
    assert.equal("a\nb", printer.format "a\nb")
    assert.equal([[{ "a\nb\x00\"\\" }]], printer.format { "a\nb\0\"\\" })
  end)

  it("keeps UTF-8 readable and writes other bytes as escapes", function()
    assert.equal([[{ "été", "\xe9t" }]], printer.format { "été", "\xe9t" })
  end)

  it("tells integers from floats", function()
    assert.equal("{ 1, 1.0, -0.0 }", printer.format { 1, 1.0, -0.0 })
  end)

  it("puts list items first and the other keys in order", function()
    local value = { "x", b = 2, a = 1, [10] = "ten", [true] = "yes", ["end"] = 0, ["a b"] = 3 }
    assert.equal([[{ "x", [10] = "ten", a = 1, ["a b"] = 3, b = 2, ["end"] = 0, [true] = "yes" }]],
      printer.format(value))
  end)

  it("breaks a table that is wider than the screen", function()
    assert.equal("{\n  1000,\n  { a = 2000 },\n  3000,\n}",
      printer.format({ 1000, { a = 2000 }, 3000 }, { width = 20 }))
  end)

  it("names a cycle and goes on", function()
    local value = { inner = {} }
    value.inner.outer = value
    assert.equal("{ inner = { outer = <cycle> } }", printer.format(value))
  end)

  it("shows a table that occurs twice, twice", function()
    local shared = { 1 }
    assert.equal("{ { 1 }, { 1 } }", printer.format { shared, shared })
  end)

  it("stops at a depth and at a number of entries", function()
    assert.equal("{ { {...} } }", printer.format({ { { { 1 } } } }, { depth = 2 }))
    assert.equal("{ 1, 2, ... 3 more }", printer.format({ 1, 2, 3, 4, 5 }, { items = 2 }))
  end)

  it("cuts long strings inside tables, never inside a character", function()
    assert.equal([[{ "éé"... (6 bytes) }]], printer.format({ "ééé" }, { text = 5 }))
  end)

  it("lets __tostring speak, and survives one that fails", function()
    assert.equal("no", printer.format(errors.new("x", "no")))
    local broken = setmetatable({}, { __tostring = function() error "x" end })
    assert.equal("{ <its __tostring failed> }", printer.format { broken })
  end)

  it("shows an object by its name, without private fields", function()
    local object = setmetatable({ _secret = 1, shown = 2 }, { __name = "Thing" })
    assert.equal("Thing { shown = 2 }", printer.format(object))
  end)

  it("says where a function comes from", function()
    assert.equal("<function in C>", printer.format(print))
    assert.matches("^<function .*printer_spec.lua:%d+>$", printer.format(function() end))
  end)
end)

describe("printer.results", function()
  it("puts tabs between values, nil among them", function()
    assert.equal("1\tnil\tx\tnil", printer.results(table.pack(1, nil, "x", nil)))
  end)
  it("gives values of several lines lines of their own", function()
    assert.equal("1\n{\n  1,\n  2,\n}", printer.results(table.pack(1, { 1, 2 }), { width = 5 }))
  end)
end)

describe("printer.columns", function()
  it("aligns cells and leaves no blanks at the end", function()
    assert.equal("a    b\nété  c", printer.columns { { "a", "b" }, { "été", "c" } })
    assert.equal("a   b\ncd", printer.columns { { "a", "b" }, { "cd", "" } })
  end)
end)

describe("printer.visible", function()
  it("shows control characters, so that a name does nothing to the terminal", function()
    assert.equal("\\x1b[31mred\\x07", printer.visible "\27[31mred\7")
    assert.equal("two\\nlines", printer.visible "two\nlines")
    assert.equal("\\u{9b}31m", printer.visible "\u{9b}31m")
    assert.equal("bad\\xff", printer.visible "bad\xff")
    assert.equal("été", printer.visible "été")
    assert.equal("a  \\x1bb", printer.columns { { "a", "\27b" } })
  end)
end)

describe("printer.grid", function()
  it("fills columns from top to bottom", function()
    assert.equal("a  c\nb  d", printer.grid({ "a", "b", "c", "d" }, 5))
  end)
end)

describe("printer.problem", function()
  it("makes a sentence of whatever was raised", function()
    assert.equal("text", printer.problem "text")
    assert.equal("no", printer.problem(errors.new("x", "no")))
    assert.equal("said", printer.problem { message = "said" })
    assert.equal("(error object is nil)", printer.problem(nil))
  end)
end)
