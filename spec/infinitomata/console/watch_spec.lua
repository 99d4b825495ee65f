-- SPDX-License-Identifier: MIT
local branches = require "infinitomata.branches"
local finitomata = require "finitomata"
local task = require "finitomata.task"
local watch = require "infinitomata.console.watch"

describe("watch.steps", function()
  local function seen(current, ...)
    local history = {}
    for _, entry in ipairs { ... } do history[#history + 1] = { state = entry[1], n = entry[2] } end
    return { current = current, history = history }
  end

  it("tells the states in between", function()
    assert.same({ "b", "c", "d" },
      watch.steps(seen("b", { "a", 1 }), seen("d", { "c", 1 }, { "b", 1 }, { "a", 1 })))
  end)
  it("tells nothing when nothing happened", function()
    assert.same({}, watch.steps(seen("b", { "a", 1 }), seen("b", { "a", 1 })))
  end)
  it("tells the ends when the history is full", function()
    assert.same({ "b", "c" }, watch.steps(seen("b", { "a", 5 }), seen("c", { "b", 5 })))
  end)
end)

describe("watch.start", function()
  local branch

  setup(function()
    package.preload["spec.blinker"] = function()
      return finitomata.define {
        fsm = "new --> |plug!| off\noff --> |press| on\non --> |press| off\non --> |hit| broken",
      }
    end
  end)
  teardown(function()
    package.preload["spec.blinker"], package.loaded["spec.blinker"] = nil, nil
  end)
  before_each(function() branch = branches.start "spec-watch" end)
  after_each(function() finitomata.run(function() branch:stop() end) end)

  it("tells each transition, and the end", function()
    finitomata.run(function()
      local told, waiter = {}, task.waiter()
      assert(branch:start_fsm("lamp", "spec.blinker", {}))
      local handle = watch.start(branch, "lamp", function(text, over)
        told[#told + 1] = text
        if over then task.wake(waiter, true) end
      end)
      assert.equal("lamp: is in off", handle.text)
      branch:call("lamp", "press")
      branch:call("lamp", "press")
      branch:stop_fsm("lamp")
      assert.is_true(task.wait(waiter, 5000))
      assert.same({
        "lamp: off --press--> on", "lamp: on --press--> off", "lamp: has ended",
      }, told)
    end)
  end)

  it("tells nothing after it was cancelled", function()
    finitomata.run(function()
      local told = {}
      assert(branch:start_fsm("lamp", "spec.blinker", {}))
      watch.start(branch, "lamp", function(text) told[#told + 1] = text end):cancel()
      branch:call("lamp", "press")
      assert.same({}, told)
    end)
  end)

  it("says so when there is no such FSM", function()
    finitomata.run(function()
      local handle, err = watch.start(branch, "nobody", function() end)
      assert.is_nil(handle)
      assert.equal("no_such_fsm", err.code)
    end)
  end)
end)
