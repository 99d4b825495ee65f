-- SPDX-License-Identifier: MIT
local program = require "spec.support.program"

local function type_in(text)
  return program.run({ "prompt" }, text)
end

describe("infinitomata prompt", function()
  it("prints the values of an expression", function()
    local status, out = type_in "1 + 1, 'two'\n=3\n"
    assert.equal(0, status)
    assert.matches("2\ttwo", out)
    assert.matches("3", out)
  end)

  it("asks for more while a chunk is not complete", function()
    local _, out = type_in "for i = 1, 2 do\nprint('line ' .. i)\nend\n"
    assert.matches(">> ", out)
    assert.matches("line 1\nline 2", out)
  end)

  it("goes on after an error", function()
    local status, out, err = type_in "error 'oops'\n)\n'still ' .. 'here'\n"
    assert.equal(0, status)
    assert.matches("oops", err)
    assert.matches("stdin:1", err)
    assert.matches("still here", out)
  end)

  it("asks as _PROMPT says", function()
    local _, out = type_in "_PROMPT = 'fsm> '\n1\n"
    assert.matches("fsm> 1", out)
  end)

  it("keeps the loop going between two lines", function()
    local _, out = type_in [[
core = require "infinitomata.core"
core.timer_start(0, function() print "fired" end)
1
2
]]
    assert.matches("fired", out)
  end)
end)
