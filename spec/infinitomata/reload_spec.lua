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

  it("takes changed options over although the diagram is the same", function()
    local text = [[
      local door = require "finitomata".define {
        fsm = "[*] --> a\na --> |go| b\nb --> |back| a\nb --> |out| c", %s }
      function door.greet() return "%s" end
      return door]]
    folder.write("reloaded_door.lua", text:format("history = 5", "old"))
    local door = require "reloaded_door"
    local t = spec.start("reloaded_door", { ticks = 0 })
    t:advance(100):expect { payload = { ticks = 0 } }
    folder.write("reloaded_door.lua", text:format([[timer = 10, on_timer = function(_, fsm)
      return { payload = { ticks = fsm.payload.ticks + 1 } }
    end]], "new"))
    assert.same({}, outcome().staying)
    t:advance(100):expect { payload = { ticks = 10 } }
    assert.equal("new", door.greet())
    folder.write("reloaded_door.lua", text:format("timer = 20", "newer"))
    assert.matches("on_timer", outcome().problem)
    t:advance(100):expect { payload = { ticks = 20 } }
  end)

  it("lets what waits for its turn meet the new functions", function()
    write [[function door.on_transition(_, event)
      if event == "go" then require("finitomata").sleep(100) end
      if event == "back" then return nil, "old" end
    end]]
    require "reloaded_door"
    local t = spec.start("reloaded_door")
    t:send("go")
    t.branch:transition(t.name, "back")
    write ""
    assert.same({}, outcome().staying)
    t:advance(100):expect { "b", "a" }
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
