-- SPDX-License-Identifier: MIT
local help = require "infinitomata.console.help"
local finitomata = require "finitomata"
local infinitomata = require "infinitomata"

---Doubles a number. Nothing else.
---@param n number
---@return number twice
local function double(n) return n * 2 end

describe("help.of", function()
  it("says what the comment above a function says, and where it is", function()
    local text = help.of(double)
    assert.matches("^double%(n%)\nDoubles a number. Nothing else.\n@param n number\n", text)
    assert.matches("help_spec.lua:%d+$", text)
  end)

  it("finds what is said of a branch's calls where they are made", function()
    local text = help.of(infinitomata.start_fsm)
    assert.matches("^Branch:start_fsm%(name, implementation", text)
    assert.matches("Starts an FSM", text)
  end)

  it("lists the functions of a module, each with its first sentence", function()
    local text = help.of { double = double, _private = double, field = 1 }
    assert.equal("double  Doubles a number", text)
    assert.matches("\nstart_fsm +Starts an FSM", help.of(infinitomata))
  end)

  it("lists the methods of an object", function()
    local class = { double = double }
    class.__index = class
    assert.equal("double  Doubles a number", help.of(setmetatable({}, class)))
  end)

  it("describes a definition", function()
    local definition = finitomata.define { fsm = "a --> |x| b", name = "help_spec" }
    assert.equal(definition:describe(), help.of(definition))
  end)

  it("names any other value and its type", function()
    assert.equal("nil: there is no such thing", help.of(nil))
    assert.equal("5, a number", help.of(5))
    assert.equal("a function in C", help.of(print))
    assert.equal("{ 1 }", help.of { 1 })
  end)
end)
