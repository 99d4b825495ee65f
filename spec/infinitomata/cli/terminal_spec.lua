-- SPDX-License-Identifier: MIT
local Terminal = require "infinitomata.cli.terminal"

local function collector()
  local parts = {}
  return { write = function(_, ...) parts[#parts + 1] = table.concat { ... } end }, parts
end

describe("terminal", function()
  it("writes data and remarks to different places", function()
    local out, said = collector()
    local err, warned = collector()
    local terminal = Terminal.new { out = out, err = err }
    terminal:say "data"
    terminal:warn "remark"
    assert.same({ "data\n" }, said)
    assert.same({ "remark\n" }, warned)
  end)
  it("paints only in colour", function()
    assert.equal("x", Terminal.new { colour = false }:paint("red", "x"))
    assert.equal("\27[31mx\27[0m", Terminal.new { colour = true }:paint("red", "x"))
  end)
  it("has no colour where standard output is no terminal", function()
    assert.is_false(Terminal.new { out = (collector()) }.colour)
  end)
  it("sets rows in columns, by characters", function()
    local out, said = collector()
    local terminal = Terminal.new { out = out, colour = false }
    terminal:columns { { "NAME", "STATE" }, { "grün", "on" }, { "longer", "off" } }
    assert.same({ "NAME    STATE\n", "grün    on\n", "longer  off\n" }, said)
  end)
  it("writes JSON on one line, or says why not", function()
    local out, said = collector()
    local terminal = Terminal.new { out = out }
    assert.is_true(terminal:json { a = 1 })
    assert.same({ '{"a":1}\n' }, said)
    assert.equal("not_serializable", select(2, terminal:json(print)).code)
  end)
  it("makes control characters visible", function()
    assert.equal("a\\x1b[31mb\\n\\u{9b}", Terminal.plain "a\27[31mb\n\u{9b}")
    assert.equal("7", Terminal.plain(7))
  end)
end)
