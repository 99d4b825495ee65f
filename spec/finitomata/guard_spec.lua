-- SPDX-License-Identifier: MIT
local guard = require "finitomata.guard"
local worlds = require "spec.support.world"

describe("A guarded call", function()
  local world
  before_each(function()
    world = worlds.new()
    guard.reset()
  end)
  after_each(function() world:close() end)

  it("passes arguments and results, nils included", function()
    local results = table.pack(guard.call("fsm", "here", function(...) return ... end, 1, nil, 3,
      nil))
    assert.same({ true, 1, nil, 3, nil, n = 5 }, results)
    assert.same({}, world.lines)
  end)

  it("hands back what was raised, and logs it with a traceback", function()
    local err = {}
    local ok, raised = guard.call("lamp", "on_enter", function() error(err) end)
    assert.is_false(ok)
    assert.equal(err, raised)
    assert.matches("lamp: error in on_enter: a table value\nstack traceback:", world:log(), 1, true)
  end)

  it("gives a storm of errors only its first tracebacks", function()
    for _ = 1, 100 do guard.call("lamp", "on_enter", error, "no") end
    local traces = select(2, world:log():gsub("stack traceback:", ""))
    assert.equal(100, #world.lines)
    assert.is_true(traces < 50)
  end)
end)
