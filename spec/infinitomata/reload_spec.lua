-- SPDX-License-Identifier: MIT
local reload = require "infinitomata.reload"
local spec = require "finitomata.spec"
local support = require "spec.support.cli"

describe("reload.all", function()
  local folder, path
  before_each(function()
    folder, path = support.folder(), package.path
    package.path = folder.path .. "/?.lua;" .. path
  end)
  after_each(function()
    folder.remove()
    package.path = path
    package.loaded.reloaded_door = nil
  end)

  local TEXT = [[
    local door = require "finitomata".define { fsm = "a --> |go| b\nb --> |back| a\n%s" }
    %s
    return door]]

  local function write(callbacks, more)
    folder.write("reloaded_door.lua", TEXT:format(more or "[*] --> a\\nb --> |out| c", callbacks))
  end
  --- What became of our module.
  local function outcome()
    for _, each in ipairs(reload.all()) do
      if each.name == "reloaded_door" then return each end
    end
  end

  it("gives new callbacks to FSMs that run, and takes old ones away", function()
    write [[function door.on_transition() return nil, "old" end
      function door.on_enter() end]]
    local door = require "reloaded_door"
    door.on_transition = { a = { go = function() return nil, "old" end } }
    local t = spec.start("reloaded_door")
    t:refuse("go", "old")
    write [[door.on_transition = { a = { go = function() return nil, "new" end } }]]
    assert.is_nil(outcome().problem)
    t:refuse("go", "new")
    assert.is_nil(door.on_enter)
    assert.equal(door, require "reloaded_door")
  end)

  it("takes a changed diagram over, with what the file keeps in the definition", function()
    write "function door.greet() return 'old' end"
    local door = require "reloaded_door"
    local t = spec.start("reloaded_door")
    t:refuse("jump", "not_responding")
    write([[function door.greet() return "new" end
      door.on_transition = { a = { jump = function() return "d" end } }]],
      "[*] --> a\\na --> |jump| d")
    assert.same({}, outcome().staying)
    assert.equal("new", door.greet())
    assert.equal("reloaded_door", door.name)
    t:send("jump"):expect { "d" }
    assert.equal(door, require "reloaded_door")
  end)

  it("names the FSMs whose state is gone", function()
    write ""
    local t = spec.start("reloaded_door")
    t:send("go"):expect { "b" }
    folder.write("reloaded_door.lua",
      "return require 'finitomata'.define { fsm = 'a --> |go| c' }")
    assert.same({ t.name }, outcome().staying)
    t:send("back"):expect { "a" } -- the old diagram still holds
  end)

  it("leaves a definition alone whose file is broken, and says why", function()
    write ""
    local door = require "reloaded_door"
    local cases = {
      ["return {}"] = "does not return a definition any more",
      ["return {"] = "expected",
      ["error 'oh'"] = "oh",
    }
    for text, problem in pairs(cases) do
      folder.write("reloaded_door.lua", text)
      assert.matches(problem, outcome().problem)
    end
    os.remove(folder.path .. "/reloaded_door.lua")
    assert.matches("^no ", outcome().problem)
    assert.equal(door, package.loaded.reloaded_door)
  end)
end)
