-- SPDX-License-Identifier: MIT
local clocks = require "finitomata.clock"
local finitomata = require "finitomata"
local task = require "finitomata.task"

describe("A virtual clock", function()
  local clock, fired
  local function note(what) fired[#fired + 1] = what .. "@" .. clock:now() end
  before_each(function()
    clock, fired = clocks.virtual(), {}
  end)

  it("moves only when it is told to", function()
    assert.equal(0, clock:now())
    clock:advance(10)
    assert.equal(10, clock:now())
    assert.equal(10, clock:wall())
    assert.is_true(clock.virtual)
  end)

  it("fires timers in the order of their times, equal ones in the order of their start", function()
    clock:start(20, note, "b")
    clock:start(10, note, "a")
    clock:start(20, note, "c")
    clock:advance(19)
    assert.same({ "a@10" }, fired)
    clock:advance(1)
    assert.same({ "a@10", "b@20", "c@20" }, fired)
  end)

  it("fires timers that timers started, within the same advance", function()
    clock:start(10, function()
      note("a")
      clock:start(5, note, "b")
    end)
    clock:advance(100)
    assert.same({ "a@10", "b@15" }, fired)
    assert.equal(100, clock:now())
  end)

  it("does not fire a timer that was stopped, and says whether it was in time", function()
    local timer = clock:start(10, note, "a")
    assert.equal(1, clock:pending())
    assert.is_true(clock:stop(timer))
    assert.is_false(clock:stop(timer))
    clock:advance(20)
    assert.same({}, fired)
    assert.equal(0, clock:pending())
    timer = clock:start(1, note, "b")
    clock:advance(1)
    assert.is_false(clock:stop(timer))
  end)

  it("puts a timer off as if it were stopped and started again", function()
    local timer = clock:start(10, note, "a")
    clock:start(20, note, "b")
    timer = assert(clock:restart(timer, 20))
    clock:advance(20)
    assert.same({ "b@20", "a@20" }, fired)
    assert.is_nil(clock:restart(timer, 5))
    assert.is_false(clock:stop(timer))
  end)

  it("lets at least a millisecond pass, and rounds up", function()
    clock:start(0, note, "a")
    clock:start(1.2, note, "b")
    clock:advance(0)
    assert.same({}, fired)
    clock:advance(2)
    assert.same({ "a@1", "b@2" }, fired)
  end)

  it("finishes what a timer set going before the next one fires", function()
    clock:start(1, function() task.spawn(note, "spawned") end)
    clock:start(2, note, "b")
    clock:advance(2)
    assert.same({ "spawned@1", "b@2" }, fired)
  end)

  it("forgets timers that are started and stopped all the time", function()
    for i = 1, 10000 do
      clock:stop(clock:start(1000 + i, note, "x"))
      if i % 100 == 0 then clock:start(i, note, "y") end
    end
    assert.equal(100, clock:pending())
    assert.is_true(#clock._heap < 1000)
    clock:advance(20000)
    assert.equal(100, #fired)
    assert.equal("y@100", fired[1])
    assert.equal("y@10000", fired[100])
  end)

  it("refuses to go back", function()
    assert.error_matches(function() clock:advance(-1) end, "milliseconds expected")
    assert.error_matches(function() clock:advance("1") end, "milliseconds expected")
  end)
end)

describe("A clock", function()
  it("is anything that has now, start and stop", function()
    assert.is_true(clocks.is(clocks.virtual()))
    assert.is_true(clocks.is(clocks.real()))
    assert.is_false(clocks.is({}))
    assert.is_false(clocks.is(3))
  end)

  it("measures in nanoseconds", function()
    local before = clocks.nanoseconds()
    assert.equal("integer", math.type(before))
    assert.is_true(clocks.nanoseconds() >= before)
  end)

  it("is one for the process when it is real", function()
    assert.equal(clocks.real(), clocks.real())
  end)
end)

describe("The real clock", function()
  local present = pcall(require, "infinitomata.core")

  it("lets time pass, or says that the C module is missing", function()
    if not present then
      assert.error_matches(function() clocks.real():now() end, "infinitomata.core")
      return
    end
    local clock = clocks.real()
    local before = clock:now()
    task.sleep(5, clock)
    assert.is_true(clock:now() - before >= 4)
    assert.is_true(clock:wall() > 1600000000000)
  end)

  it("puts timers off", function()
    if not pcall(require, "infinitomata.core") then return end
    local order = {}
    finitomata.run(function()
      local clock = clocks.real()
      local timer = clock:start(1, function() order[#order + 1] = "put off" end)
      clock:start(5, function() order[#order + 1] = "other" end)
      assert.equal(timer, clock:restart(timer, 15))
      finitomata.sleep(40)
      assert.is_nil(clock:restart(timer, 15))
    end)
    assert.same({ "other", "put off" }, order)
  end)

  it("stops timers", function()
    if not present then return end
    local clock, late = clocks.real(), false
    local timer = clock:start(1, function() late = true end)
    assert.is_true(clock:stop(timer))
    task.sleep(5, clock)
    assert.is_false(late)
  end)
end)
