-- SPDX-License-Identifier: MIT
local clocks = require "finitomata.clock"
local errors = require "finitomata.error"
local finitomata = require "finitomata"
local task = require "finitomata.task"
local worlds = require "spec.support.world"

describe("The ready queue", function()
  it("runs jobs in the order in which they came", function()
    local order = {}
    for i = 1, 5 do task.post(function(a, b, c) order[i] = a + b + c end, i, 10, 100) end
    task.drain()
    assert.same({ 111, 112, 113, 114, 115 }, order)
  end)

  it("leaves jobs that come during a turn for the next", function()
    local order = {}
    task.post(function()
      order[1] = "first"
      task.post(function() order[#order + 1] = "third" end)
    end)
    task.post(function() order[#order + 1] = "second" end)
    local worked, more = task.turn()
    assert.is_true(worked)
    assert.is_true(more)
    assert.same({ "first", "second" }, order)
    task.drain()
    assert.same({ "first", "second", "third" }, order)
    assert.is_false((task.turn()))
  end)

  it("takes a thousand jobs a turn and no more, and keeps their order", function()
    local sent, done, turns = {}, {}, 0
    for i = 1, 5000 do
      sent[i] = i
      task.post(function()
        done[#done + 1] = i
        if i % 1000 == 0 then task.post(function() done[#done + 1] = 5000 + i // 1000 end) end
      end)
    end
    while task.turn() do
      turns = turns + 1
      assert.is_true(#done <= 1024 * turns)
    end
    for i = 5001, 6000 do
      sent[i] = i
      if i > 5005 then task.post(function() done[#done + 1] = i end) end
    end
    task.drain()
    assert.same(sent, done)
  end)

  it("lets timers go off between two turns, however few jobs these were", function()
    local clock = clocks.real()
    local fired, turns = false, 0
    finitomata.run(function()
      clock:start(1, function() fired = true end)
      while not fired do
        local now = clock:now()
        while clock:now() <= now + 1 do end -- luacheck: ignore 542
        turns = turns + 1
        finitomata.sleep(0)
      end
    end)
    assert.is_true(turns <= 5)
  end)

  it("goes on with other jobs while one waits", function()
    local order, waiter = {}, task.waiter()
    task.spawn(function()
      order[1] = "waits"
      local word = task.wait(waiter)
      order[#order + 1] = word
    end)
    task.spawn(function() order[#order + 1] = "other" end)
    task.drain()
    assert.same({ "waits", "other" }, order)
    task.wake(waiter, "woken")
    task.drain()
    assert.same({ "waits", "other", "woken" }, order)
  end)

  it("survives thousands of jobs that wait at once, and uses their coroutines again", function()
    local waiters, done = {}, 0
    for round = 1, 3 do
      for i = 1, 2000 do
        waiters[i] = task.waiter()
        task.spawn(function()
          local one = task.wait(waiters[i])
          done = done + one
        end)
      end
      task.drain()
      for i = 1, 2000 do task.wake(waiters[i], 1) end
      task.drain()
      assert.equal(2000 * round, done)
    end
  end)
end)

describe("A spawned function", function()
  it("gets its arguments", function()
    local got
    task.spawn(function(...) got = table.pack(...) end, 1, nil, 3)
    task.drain()
    assert.same({ 1, nil, 3, n = 3 }, got)
  end)

  it("may raise; that is logged with a traceback", function()
    local world = worlds.new()
    task.spawn(function() error("broken") end)
    task.drain()
    assert.matches("broken", world:log())
    assert.matches("stack traceback", world:log())
    world:close()
  end)
end)

describe("A waiter", function()
  it("may be woken before anybody waits", function()
    local waiter = task.waiter()
    task.wake(waiter, 1, nil, 3)
    assert.same({ 1, nil, 3, n = 3 }, table.pack(task.wait(waiter)))
  end)

  it("is woken once", function()
    local waiter = task.waiter()
    task.wake(waiter, "first")
    task.wake(waiter, "second")
    assert.equal("first", task.wait(waiter))
  end)

  it("gives up after its time", function()
    local clock, result = clocks.virtual(), nil
    local waiter = task.waiter()
    task.spawn(function() result = table.pack(task.wait(waiter, 50, clock)) end)
    clock:advance(49)
    assert.is_nil(result)
    clock:advance(1)
    assert.is_nil(result[1])
    assert.equal("timeout", result[2].code)
  end)

  it("leaves no timer behind when it was woken in time", function()
    local clock = clocks.virtual()
    local waiter = task.waiter()
    task.spawn(function() task.wait(waiter, 50, clock) end)
    clock:advance(1)
    assert.equal(1, clock:pending())
    task.wake(waiter)
    clock:advance(1)
    assert.equal(0, clock:pending())
  end)

  it("outside any coroutine runs the queue until it is answered", function()
    local waiter = task.waiter()
    task.spawn(function() task.wake(waiter, "answered") end)
    assert.equal("answered", task.wait(waiter))
  end)

  it("says so when nothing is left that could answer", function()
    local value, err = task.wait(task.waiter(), nil, clocks.virtual())
    assert.is_nil(value)
    assert.is_true(errors.is(err))
    assert.equal("deadlock", err.code)
  end)
end)

describe("Those who wait", function()
  it("can be looked at until they go on", function()
    local function count()
      local found = 0
      for _ in pairs(task.parked()) do found = found + 1 end
      return found
    end
    local before, waiter, co = count(), task.waiter(), nil
    task.spawn(function()
      co = coroutine.running()
      task.wait(waiter)
    end)
    task.drain()
    assert.equal(before + 1, count())
    assert.is_false(task.parked()[co])
    task.wake(waiter)
    task.drain()
    assert.equal(before, count())
  end)
end)

describe("A pause", function()
  it("lasts its time on the clock it is given", function()
    local clock, order = clocks.virtual(), {}
    task.spawn(function()
      task.sleep(10, clock)
      order[1] = clock:now()
    end)
    clock:advance(9)
    assert.same({}, order)
    clock:advance(1)
    assert.same({ 10 }, order)
  end)

  it("of no time lets everything else that is ready go first", function()
    local order = {}
    task.spawn(function()
      task.sleep(0, clocks.virtual())
      order[#order + 1] = "slept"
    end)
    task.spawn(function() order[#order + 1] = "other" end)
    task.drain()
    assert.same({ "other", "slept" }, order)
  end)
end)

describe("Time", function()
  it("cannot be moved from within a handler", function()
    local world = worlds.new()
    task.spawn(function() world.clock:advance(1) end)
    task.drain()
    assert.matches("time cannot be moved from within a handler", world:log())
    world:close()
  end)
end)

describe("A serial number", function()
  it("is given once", function()
    local a = task.serial()
    assert.equal(a + 1, task.serial())
  end)
end)
