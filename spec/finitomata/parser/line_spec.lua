-- SPDX-License-Identifier: MIT
local Line = require "finitomata.parser.line"

local function texts(text)
  local list = {}
  for i, line in ipairs(Line.split(text)) do list[i] = line.text end
  return list
end

describe("Lines", function()
  it("end with LF, CRLF or CR, in any mixture", function()
    assert.same({ "a", "b", "c", "d", "" }, texts("a\nb\r\nc\rd\n"))
    assert.same({ "" }, texts(""))
    assert.same({ "", "", "x" }, texts("\n\r\nx"))
  end)

  it("know their number and offset", function()
    local lines = Line.split("ab\r\ncd\nef")
    assert.same({ 1, 2, 3 }, { lines[1].number, lines[2].number, lines[3].number })
    assert.same({ 0, 4, 7 }, { lines[1].offset, lines[2].offset, lines[3].offset })
  end)

  it("begin after a byte order mark", function()
    assert.same({ "a" }, texts("\xEF\xBB\xBFa"))
  end)

  it("lose no byte but their ends", function()
    local random = require "finitomata.random".new(3)
    local letters = { "a", "\n", "\r", " ", "\r\n", "\0", "\xC3\xA4" }
    for _ = 1, 200 do
      local parts = {}
      for i = 1, random:below(20) do parts[i] = letters[1 + random:below(#letters)] end
      local text = table.concat(parts)
      assert.equal((text:gsub("[\r\n]", "")), table.concat(texts(text)))
    end
  end)
end)

describe("A line", function()
  local function line(text) return Line.split(text)[1] end

  it("takes names, with one suffix when it may", function()
    assert.equal("go!", line("  go! x"):name(true))
    assert.equal("go", line("go!"):name(false))
    assert.equal("stepOne_2", line("stepOne_2?"):name(false))
    for _, bad in ipairs { "Go", "1st", "_a", "-", "", "\xC3\xA9" } do
      assert.is_nil(line(bad):name(true))
    end
  end)

  it("takes what matches, and stays where it is otherwise", function()
    local l = line("\t--> x")
    assert.is_nil(l:take("|"))
    assert.equal("-->", l:take("%-%->"))
    assert.is_false(l:finished())
    assert.equal("x", l:name(false))
    assert.is_true(l:finished())
  end)

  it("shows where something else was expected", function()
    local l = line("cold  nonsense here")
    l:name(false)
    l:blanks()
    local fault = l:fault("'-->'")
    assert.equal(1, fault.line)
    assert.equal(7, fault.column)
    assert.equal("cold  nonsense here", fault.text)
    assert.equal("line 1, column 7: '-->' expected, found 'nonsense'\n    cold  nonsense here\n"
      .. "          ^", fault.message)
  end)

  it("says what a name begins with", function()
    for _, word in ipairs { "Still", "1st", "_a" } do
      assert.matches(("the name of a state expected, found '%s'; names begin with a lower-case "
        .. "letter\n"):format(word), line(word):fault("the name of a state").message, 1, true)
    end
    assert.is_nil(line("--"):fault("the name of a state").message:find("lower-case", 1, true))
  end)

  it("counts characters, not bytes", function()
    local fault = line("\t[größer] -> x"):fault("'-->'", 13)
    assert.equal(11, fault.column)
    assert.equal("line 1, column 11: '-->' expected, found '-'\n    \t[größer] -> x\n"
      .. "    \t         ^", fault.message)
  end)

  it("shows any bytes without breaking", function()
    for byte = 0, 255 do
      local fault = line("a " .. string.char(byte)):fault("something", 3)
      assert.equal("string", type(fault.message))
    end
  end)
end)
