-- SPDX-License-Identifier: MIT
local core = require "infinitomata.core"

local function endless() while true do end end -- luacheck: ignore 542

local function spin(ms)
  local until_ms = core.now() + ms
  while core.now() < until_ms do end -- luacheck: ignore 542
end

--- Repeats `try()` until it says that it was not interrupted for long: a machine
--- with much to do may stop us in the middle.
local function undisturbed(try)
  local give_up = core.now() + 20000
  repeat
    if try() then return end
  until core.now() > give_up
  error "the machine has never time for us"
end

describe("watch", function()
  after_each(core.unwatch)

  local function raise() error("time is up", 0) end

  it("stops a loop after its time, and not before", function()
    local co = coroutine.create(endless)
    local began = core.now()
    assert(core.watch(co, 50, raise), "nothing watches: the loop would never end")
    local ok, message = coroutine.resume(co)
    assert.is_false(ok)
    assert.equal("time is up", message)
    assert.is_true(core.now() - began >= 50)
  end)

  it("stops a loop that catches errors", function()
    local co = coroutine.create(function()
      while true do pcall(endless) end
    end)
    assert(core.watch(co, 20, raise))
    assert.is_false((coroutine.resume(co)))
  end)

  it("stops a loop in a coroutine that another has resumed", function()
    local inner
    local co = coroutine.create(function()
      coroutine.wrap(function()
        inner = coroutine.create(function()
          while true do pcall(endless) end
        end)
        while true do coroutine.resume(inner) end
      end)()
    end)
    assert(core.watch(co, 20, raise))
    local ok, message = coroutine.resume(co)
    assert.is_false(ok)
    assert.matches("time is up$", message)
    assert.equal("dead", coroutine.status(inner))
  end)

  it("does nothing to what ends in time, and leaves no hook", function()
    local called = false
    local co = coroutine.create(function()
      spin(5)
      return "done", debug.gethook()
    end)
    core.watch(co, 5000, function() called = true end)
    assert.same({ true, "done" }, { coroutine.resume(co) })
    core.unwatch()
    assert.is_false(called)
  end)

  it("does not count while the coroutine waits, once it is watched anew", function()
    undisturbed(function()
      local co = coroutine.create(function()
        coroutine.yield()
        return "done"
      end)
      core.watch(co, 30, raise)
      local began = core.now()
      local waits = coroutine.resume(co)
      if core.now() - began >= 30 then return false end
      assert.is_true(waits)
      spin(60)
      core.watch(co, 30, raise)
      began = core.now()
      local result = { coroutine.resume(co) }
      if core.now() - began >= 30 then return false end
      assert.same({ true, "done" }, result)
      return true
    end)
  end)

  it("says for how long code in C could not be stopped", function()
    local late
    local co = coroutine.create(function()
      os.execute "sleep 0.1"
      return 1
    end)
    local function note(late_ms)
      late = late or late_ms
      error("late", 0)
    end
    core.watch(co, 10, note)
    assert.is_false((coroutine.resume(co)))
    assert.is_true(late >= 40, tostring(late))
  end)

  it("goes on when the module is loaded a second time", function()
    package.loaded["infinitomata.core"] = nil
    local again = require "infinitomata.core"
    package.loaded["infinitomata.core"] = core
    collectgarbage()
    collectgarbage()
    local co = coroutine.create(endless)
    assert(core.watch(co, 20, raise))
    assert.is_false((coroutine.resume(co)))
    again.unwatch()
  end)

  it("is over after unwatch", function()
    undisturbed(function()
      local began, unwatched
      local co = coroutine.create(function()
        core.unwatch()
        unwatched = core.now()
        spin(40)
        return "done"
      end)
      core.watch(co, 10, raise)
      began = core.now()
      local result = { coroutine.resume(co) }
      if not unwatched or unwatched - began >= 10 then return false end
      assert.same({ true, "done" }, result)
      return true
    end)
  end)

  it("does not stop a coroutine made in the one that ran too long", function()
    local inner
    local co = coroutine.create(function()
      local ok, message = pcall(function()
        while true do inner = coroutine.create(function() return "inner" end) end
      end)
      return ok, message
    end)
    assert(core.watch(co, 20, raise))
    coroutine.resume(co)
    core.unwatch()
    assert.same({ true, "inner" }, { coroutine.resume(inner) })
  end)

  it("survives a watched coroutine that nobody has any more", function()
    core.watch(coroutine.create(function() end), 10, raise)
    collectgarbage()
    collectgarbage()
    spin(40)
  end)
end)
