-- SPDX-License-Identifier: MIT
--- The types in lua/meta say what the C module is: neither more nor less.
local core = require "infinitomata.core"

---The functions that the files of lua/meta declare, by class.
local function declared()
  local classes = {}
  local list = assert(io.popen "ls lua/meta/*.lua")
  for path in list:lines() do
    local class_of = {}
    local pending
    for line in io.lines(path) do
      local class = line:match "^%-%-%-@class ([%w_.]+)"
      if class then pending = class end
      local variable = line:match "^local (%w+) = {}"
      if variable and pending then class_of[variable], pending = pending, nil end
      local owner, name = line:match "^function (%w+)[.:]([%w_]+)%("
      if owner then
        local functions = classes[class_of[owner]] or {}
        classes[class_of[owner]] = functions
        functions[name] = true
      end
    end
  end
  list:close()
  return classes
end

local function functions_of(object)
  local functions = {}
  for name, value in pairs(object) do
    if type(value) == "function" and not name:find "^__" then functions[name] = true end
  end
  return functions
end

---The methods of a metatable that the module keeps in the registry.
local function methods_of(name)
  local metatable = assert(debug.getregistry()[name], name)
  return functions_of(metatable.__index)
end

describe("the types of the C module", function()
  local classes = declared()

  it("name every function, and no other", function()
    assert.same(functions_of(core), classes["infinitomata.core"])
  end)

  it("name the version", function()
    assert.equal("string", type(core.version))
  end)

  for class, metatable in pairs {
    Node = "infinitomata.node",
    Ring = "infinitomata.ring",
    Signal = "infinitomata.signal",
    Console = "infinitomata.console",
    Pipe = "infinitomata.pipe",
    Seal = "infinitomata.seal",
    SealKeys = "infinitomata.seal_keys",
  } do
    it("name every method of " .. class .. ", and no other", function()
      assert.same(methods_of(metatable), classes["infinitomata.core." .. class])
    end)
  end
end)
