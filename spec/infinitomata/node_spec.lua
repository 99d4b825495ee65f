-- SPDX-License-Identifier: MIT
local finitomata = require "finitomata"
local infinitomata = require "infinitomata"
local log = require "finitomata.log"
local node = require "infinitomata.node"
local nodes = require "spec.support.nodes"
local task = require "finitomata.task"

local function start(name) return node.start { name = name, bind = "127.0.0.1:0" } end

describe("node", function()
  after_each(node.leave)

  it("refuses a name that is too short or too long, and says how long it may be", function()
    for _, name in ipairs { "", ("n"):rep(129) } do
      local none, err = start(name)
      assert.is_nil(none)
      assert.equal("bad_name", err.code)
      assert.equal("a node's name must have 1 to 128 bytes, this one has " .. #name, tostring(err))
    end
    assert(start(("n"):rep(128)))
  end)

  it("tells each monitor once, whichever come and go meanwhile", function()
    assert(start "one")
    local lines = {}
    local sink = log.set_sink(function(_, line) lines[#lines + 1] = line end)
    local told = { first = 0, second = 0, late = 0 }
    local first, second
    first = infinitomata.monitor(function()
      told.first = told.first + 1
      first:cancel()
      second:cancel()
      for _ = 1, 100 do
        infinitomata.monitor(function() told.late = told.late + 1 end)
      end
    end)
    second = infinitomata.monitor(function() told.second = told.second + 1 end)
    assert(infinitomata.start_fsm("k1", "counter", {}))
    nodes.eventually("the first to be told", function() return told.first == 1 end)
    assert.same({ first = 1, second = 0, late = 0 }, told)
    assert(infinitomata.start_fsm("k2", "counter", {}))
    nodes.eventually("the late ones to be told", function() return told.late == 100 end)
    assert.same({ first = 1, second = 0, late = 100 }, told)
    infinitomata.stop()
    log.set_sink(sink)
    assert.same({}, lines)
  end)

  it("starts again as soon as it has left", function()
    for _, name in ipairs { "one", "two", "three" } do
      assert(start(name))
      assert.equal(name, node.self().name)
      assert.is_true(node.leave())
      assert.is_nil((node.self()))
    end
  end)

  it("starts again as soon as it has left, in a coroutine", function()
    local names = finitomata.run(function()
      local names = {}
      for i = 1, 3 do
        names[i] = assert(start("again-" .. i)).name
        node.leave()
      end
      return names
    end)
    assert.same({ "again-1", "again-2", "again-3" }, names)
  end)

  it("lets a start wait for the end of the node before", function()
    finitomata.run(function()
      assert(start "before")
      local waiter = task.waiter()
      finitomata.spawn(function()
        node.leave()
        task.wake(waiter)
      end)
      local after, err
      repeat -- it still runs, or is on its way out
        after, err = start "after"
        finitomata.sleep(0)
      until after or err.code ~= "already_started"
      assert.is_nil(err)
      assert.equal("after", after.name)
      task.wait(waiter)
      assert.equal("after", node.self().name)
    end)
  end)

  it("leaves once, though two ask for it", function()
    finitomata.run(function()
      assert(start "twice")
      local first, second = task.waiter(), task.waiter()
      for _, waiter in ipairs { first, second } do
        finitomata.spawn(function() task.wake(waiter, node.leave()) end)
      end
      assert.is_true(task.wait(first))
      assert.is_true(task.wait(second))
      assert.is_nil((node.self()))
    end)
  end)

  it("waits a while for the one that it joins", function()
    local free = assert(start "probe").address
    node.leave()
    finitomata.run(function()
      local waiter = task.waiter()
      finitomata.spawn(function()
        task.wake(waiter, node.start { name = "early", bind = "127.0.0.1:0", join = free })
      end)
      local late = nodes.start("late", nil, "--bind " .. free)
      local joined, err = task.wait(waiter)
      late:stop()
      assert.is_nil(err)
      assert.equal("early", joined.name)
    end)
  end)

  it("can be started after a join that failed", function()
    local joined, err = node.start { name = "alone", bind = "127.0.0.1:0", join = "127.0.0.1:1" }
    assert.is_nil(joined)
    assert.equal("join", err.code)
    assert(start "alone")
  end)
end)
