-- SPDX-License-Identifier: MIT
local source = require "infinitomata.source"
local support = require "spec.support.cli"

describe("targets", function()
  local folder
  before_each(function() folder = support.folder() end)
  after_each(function() folder.remove() end)

  --- The remarks on a file, like "3:12: ...".
  local function remarks(callbacks)
    local path = folder.write("door.lua", [[
local door = require "finitomata".define { fsm = "closed --> |open| ajar, stuck\n]]
      .. [[ajar --> |close| closed\n[*] --> closed\nstuck --> |free| ajar\najar --> |burn| ash" }
]] .. callbacks .. "\nreturn door\n")
    local lines = {}
    for i, fault in ipairs(assert(source.read(path)).faults) do
      assert.is_true(fault.warning)
      lines[i] = ("%d:%d: %s"):format(fault.line, fault.column, fault.message)
    end
    return lines
  end

  it("finds a state that there is not", function()
    assert.same({ "3:34: there is no state `ajra`" }, remarks [[
function door.on_transition(_, event)
  if event == "open" then return "ajra" end
end]])
  end)
  it("finds a state where the event does not lead", function()
    assert.same({ "3:39: no way leads from `closed` by `open` to `ash`, only to ajar, stuck" },
      remarks [[
door.on_transition = {
  closed = { open = function() return "ash", {} end },
  ajar = { _ = function(_, event) if event == "burn" then return "ash" end return "closed" end },
}]])
  end)
  it("knows all states that a state leads to", function()
    assert.same({ "4:10: no way leads from `ajar` to `stuck`, only to ash, closed" }, remarks [[
door.on_transition = { closed = function() return "ajar" end,
  ajar = function()
  return 'stuck'
end }]])
  end)
  it("is silent about what it cannot be certain of", function()
    assert.same({}, remarks [[
local function both() return "ajar" end -- return "nowhere"
door.on_transition = {
  closed = { open = both }, stuck = { free = both },
  ajar = { close = function()
    local name = (function() return "somewhere" end)()
    return name and "closed"
  end },
}
door.on_enter = function() return "elsewhere" end]])
  end)
end)
