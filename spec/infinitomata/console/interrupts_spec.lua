-- SPDX-License-Identifier: MIT
-- Only the program has a console; and there whatever runs is known from the start.
if not package.preload["infinitomata.program"] then return end

local core = require "infinitomata.core"
local evaluator = require "infinitomata.console.evaluator"
local interrupts = require "infinitomata.console.interrupts"
local task = require "finitomata.task"
local worlds = require "spec.support.world"

local SIGNAL <const> = "io.popen('kill -INT $PPID'):close() "

local watch
-- The loop's handler of SIGINT in the place of lua's own, which ends the process.
setup(function() watch = core.signal("SIGINT", function() end) end)
teardown(function() watch:stop() end)

---Starts a chunk in a process that hears SIGINT as a terminal's does.
local function play(text, drive)
  local heard, current, ended = core.interrupts(), nil, nil
  local handle = interrupts.listen(core, {
    asks = function() return heard ~= core.interrupts() end,
    took = function() heard = core.interrupts() end,
    evaluation = function() return current end,
  })
  local chunk = assert(evaluator.compile(text, _G))
  current = evaluator.start(chunk, function(ok, results)
    current, ended = nil, { ok = ok, text = tostring(results[1]) }
  end);
  (drive or task.drain)()
  local asked = heard ~= core.interrupts()
  handle:cancel()
  return ended, asked
end

describe("An interruption", function()
  for name, text in pairs {
    ["a loop"] = "while true do end",
    ["a loop that catches errors"] = "while true do pcall(error) end",
    ["a comparison"] = "local t = { 3, 2, 1 } while true do table.sort(t, "
      .. "function(a, b) pcall(error) return a < b end) end",
    ["a coroutine"] = "coroutine.wrap(function() while true do end end)()",
    ["a coroutine within one"] = "while true do pcall(coroutine.wrap(function() "
      .. "while true do pcall(coroutine.wrap(function() while true do end end)) end end)) end",
    ["a search of the engine's own that takes for ever"] = [[
      local arrows = {}
      for i = 1, 24 do
        for j = 1, 24 do arrows[#arrows + 1] = ("s%d --> |e%d| s%d"):format(i, j, j) end
      end
      require("finitomata").define { fsm = table.concat(arrows, "\n"), name = "x" }:paths()]],
  } do
    it("ends " .. name, function()
      local ended = play(SIGNAL .. text)
      assert.is_false(ended.ok)
      assert.equal("interrupted!", ended.text)
      assert.is_nil((debug.gethook()))
    end)
  end

  it("leaves alone what is not to be stopped", function()
    local ended, asked = play "return 1"
    assert.is_true(ended.ok)
    assert.is_false(asked)
    assert.is_nil((debug.gethook()))
  end)

  it("ends a handler that keeps it from being heard, and its FSM goes on", function()
    local world = worlds.new()
    world:start({ fsm = "a --> |x| b\na --> |y| c", on_transition = { a = { x = function()
      io.popen("kill -INT $PPID"):close()
      while true do pcall(error) end
    end } } }, {})
    local _, asked = play("return 1", function()
      task.drain()
      local state, err = world.branch:call("fsm", "x")
      assert.is_nil(state)
      assert.matches("interrupted", tostring(err))
    end)
    assert.is_true(asked) -- nobody has heard of it: the loop has not turned
    assert.equal("c", (world.branch:call("fsm", "y")))
    assert.is_nil((debug.gethook()))
    world:close()
  end)

  it("gives a handler that ends by itself the time to do so", function()
    local world = worlds.new()
    world:start({ fsm = "a --> |x| b", on_transition = { a = { x = function()
      io.popen("kill -INT $PPID"):close()
      local sum = 0
      for i = 1, 1000 do sum = sum + i end
      return "b", { sum = sum }
    end } } }, {})
    local _, asked = play("return 1", function()
      task.drain()
      assert.equal("b", (world.branch:call("fsm", "x")))
    end)
    assert.is_true(asked)
    assert.same({ sum = 500500 }, world.branch:state("fsm", "payload"))
    world:close()
  end)
end)
