-- SPDX-License-Identifier: MIT
local clock = require "finitomata.clock"
local finitomata = require "finitomata"
local task = require "finitomata.task"
local watchdog = require "finitomata.watchdog"
local worlds = require "spec.support.world"

local function identity(...) return ... end

local LOOPS = {
  ["an endless loop"] = function() while true do end end, -- luacheck: ignore 542
  ["an endless loop that catches errors"] = function()
    while true do pcall(function() while true do end end) end -- luacheck: ignore 542
  end,
  ["a comparison that never ends"] = function()
    table.sort({ 3, 2, 1 }, function() while true do end end) -- luacheck: ignore 542
  end,
  ["a loop that catches errors in a sort"] = function()
    while true do
      pcall(table.sort, { 3, 2, 1 }, function() while true do end end) -- luacheck: ignore 542
    end
  end,
}

local function forever() while true do end end -- luacheck: ignore 542

LOOPS["a coroutine of the handler's own"] = function()
  coroutine.resume(coroutine.create(forever))
  forever()
end
LOOPS["a coroutine that was resumed before"] = function()
  local co = coroutine.create(function()
    coroutine.yield()
    forever()
  end)
  assert(coroutine.resume(co))
  while true do coroutine.resume(co) end
end
LOOPS["a wrapped coroutine in a coroutine"] = function()
  coroutine.wrap(function()
    for _ in coroutine.wrap(function() while true do coroutine.yield(1) end end) do forever() end
  end)()
end

describe("The watchdog", function()
  for name, loop in pairs(LOOPS) do
    it("ends " .. name, function()
      local ok, err = watchdog.xpcall(20, loop, identity)
      assert.is_false(ok)
      assert.equal("runaway", err.code)
      assert.matches("watchdog_spec.lua:%d+", err.message)
      assert.is_nil(debug.gethook())
    end)
  end

  for name, loop in pairs(LOOPS) do
    it("ends " .. name .. " without the timer of the C module, too", function()
      local watch = clock.watch
      clock.watch = function() return false end
      local ok, err = watchdog.xpcall(20, loop, identity)
      clock.watch = watch
      assert.is_false(ok)
      assert.equal("runaway", err.code)
      assert.is_nil(debug.gethook())
    end)
  end

  it("leaves coroutines what they are", function()
    local function inside(check)
      local ok, err = watchdog.xpcall(1000, check, debug.traceback)
      assert.is_true(ok, err)
    end
    for _, where in ipairs { inside, function(check) check() end } do
      where(function()
        local co = coroutine.create(function(...)
          assert.same({ n = 2, 1, nil }, table.pack(...))
          assert.same({ n = 1, "x" }, table.pack(coroutine.yield(2, nil)))
          error({ "raised" })
        end)
        assert.same({ n = 3, true, 2, nil }, table.pack(coroutine.resume(co, 1, nil)))
        local ok, err = coroutine.resume(co, "x")
        assert.same({ false, { "raised" } }, { ok, err })
        assert.same({ false, "cannot resume dead coroutine" }, { coroutine.resume(co) })
        local count = 0
        for i in coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) do
          count = count + i
        end
        assert.equal(6, count)
        local wrapped = coroutine.wrap(function() error({ "again" }) end)
        assert.same({ "again" }, select(2, pcall(wrapped)))
        local line = debug.getinfo(1, "l").currentline + 1
        local _, message = pcall(function() coroutine.wrap(error)("why") end)
        assert.matches("watchdog_spec.lua:" .. line .. ": why", message, 1, true)
        assert.is_false((pcall(coroutine.resume, 5)))
        assert.is_false((pcall(coroutine.wrap, 5)))
      end)
    end
    assert.is_nil(debug.gethook())
  end)

  it("gives the outer of two its time back", function()
    local ok, err = watchdog.xpcall(40, function()
      assert.is_true((watchdog.xpcall(1000, identity, identity)))
      while true do end -- luacheck: ignore 542
    end, identity)
    assert.is_false(ok)
    assert.equal("runaway", err.code)
  end)

  it("leaves alone what is done in time", function()
    assert.same({ true, 1, nil, 3, n = 4 },
      table.pack(watchdog.xpcall(1000, function(...) return ... end, identity, 1, nil, 3)))
    local ok, err = watchdog.xpcall(1000, function() error("mine", 0) end, identity)
    assert.is_false(ok)
    assert.equal("mine", err)
    assert.is_nil(debug.gethook())
  end)

  it("does not count the time in which a handler waits", function()
    local world = worlds.new()
    local waiter, result = task.waiter(), nil
    task.spawn(function()
      result = table.pack(watchdog.xpcall(30, function()
        task.wait(waiter)
        local sum = 0
        for i = 1, 10000 do sum = sum + i end
        return sum
      end, identity))
    end)
    task.drain()
    local began = os.clock()
    while os.clock() - began < 0.05 do end -- luacheck: ignore 542
    task.wake(waiter)
    task.drain()
    assert.is_true(result[1])
    world:close()
  end)

  it("keeps the state of an FSM whose handler runs away, and says where", function()
    local world = worlds.new()
    world:start({
      fsm = "a --> |x| b\nb --> |y| c\na --> |z| c",
      max_handler_ms = 20,
      on_transition = { a = { x = LOOPS["an endless loop"] } },
      ensure_entry = { b = true },
    }, { n = 1 })
    local state, err = world.branch:call("fsm", "x")
    assert.is_nil(state)
    assert.equal("runaway", err.code)
    assert.equal("runaway", err.stage)
    assert.matches("watchdog_spec.lua:%d+", err.message)
    assert.equal("a", world.branch:state("fsm", "state"))
    assert.same({ n = 1 }, world.branch:state("fsm", "payload"))
    assert.equal("c", (world.branch:call("fsm", "z")))
    world:close()
  end)

  it("stops everything that belongs to a definition", function()
    local world = worlds.new()
    local function options(more)
      more.fsm, more.max_handler_ms, more.auto_terminate = "a --> |x| b", 20, true
      return finitomata.define(more)
    end
    local function adapter(more)
      local own = { load = function() end, store = function() end }
      for name, fn in pairs(more) do own[name] = fn end
      return { persistency = own }
    end
    local starts = { on_start = options { on_start = forever },
      load = options(adapter { load = forever }) }
    for name, definition in pairs(starts) do
      assert.is_nil((world.branch:start_fsm(name, definition)), name)
    end
    assert(world.branch:start_fsm("store", options(adapter { store = forever })))
    world.clock:advance(0)
    assert.equal("*", world.branch:state("store", "state"))
    assert(world.branch:start_fsm("end", options { on_terminate = forever }))
    assert.equal("*", (world.branch:call("end", "x")))
    assert(world.branch:start_fsm("read", options {}))
    assert.equal("raised", select(2, world.branch:state("read", forever)).code)
    world:close()
  end)

  it("stops on_enter too, after the transition is made", function()
    local world = worlds.new()
    world:start({ fsm = "a --> |x| b", max_handler_ms = 20,
      on_enter = { b = LOOPS["an endless loop"] } })
    assert.equal("b", (world.branch:call("fsm", "x")))
    assert.equal("runaway", world.branch:state("fsm").last_error.stage)
    world:close()
  end)
end)
