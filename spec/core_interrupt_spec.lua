-- SPDX-License-Identifier: MIT
local core = require "infinitomata.core"

---SIGIO, as a connection sends it: SIGINT has another handler under `lua`.
local function interrupt()
  assert(io.popen "kill -29 $PPID"):close()
end

local function endless() while true do end end -- luacheck: ignore 542

describe("on_interrupt", function()
  after_each(function()
    core.on_interrupt(function() return true end)
  end)

  ---Runs `body` in a coroutine, stopped by a signal that it sends itself.
  local function stopped(body)
    local co = coroutine.create(body)
    local inside = {}
    core.on_interrupt(function()
      if not (coroutine.status(co) == "running" or coroutine.status(co) == "normal") then
        return true
      end
      inside[#inside + 1] = coroutine.running()
      error("interrupted", 0)
    end)
    local ok, message = coroutine.resume(co)
    assert.is_false(ok)
    assert.matches("interrupted$", message) -- a wrapped function puts its place before it
    return co, inside
  end

  it("has the function called inside the coroutine that runs, which may raise there", function()
    local co, inside = stopped(function()
      interrupt()
      endless()
    end)
    assert.equal(co, inside[1])
  end)

  it("finds the coroutine that runs, however deep it is", function()
    local innermost
    local co, inside = stopped(function()
      coroutine.wrap(function()
        innermost = coroutine.create(function()
          interrupt()
          while true do pcall(endless) end
        end)
        while true do coroutine.resume(innermost) end
      end)()
    end)
    assert.equal(innermost, inside[1])
    assert.equal("dead", coroutine.status(innermost))
    assert.is_true(#inside > 1) -- and then the one that would resume it again
    assert.equal("dead", coroutine.status(co))
  end)

  it("stops what is closed as well", function()
    local inner = coroutine.create(function()
      local guard <close> = setmetatable({}, { __close = function()
        interrupt()
        endless()
      end })
      coroutine.yield(guard)
    end)
    assert(coroutine.resume(inner))
    stopped(function() error((select(2, coroutine.close(inner))), 0) end)
  end)

  it("lets the coroutine go on when the function says that all is well", function()
    local asked = 0
    core.on_interrupt(function()
      asked = asked + 1
      return true
    end)
    local _, sum, hook = coroutine.resume(coroutine.create(function()
      interrupt()
      local sum = 0
      for i = 1, 1000 do sum = sum + i end
      return sum, debug.gethook()
    end))
    assert.equal(500500, sum)
    assert.equal(1, asked)
    assert.is_nil(hook)
  end)

  it("goes on asking until it is", function()
    local asked = 0
    core.on_interrupt(function()
      asked = asked + 1
      return asked == 100
    end)
    interrupt()
    for _ = 1, 1000 do assert(true) end
    assert.equal(100, asked)
  end)
end)
