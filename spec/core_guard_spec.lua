-- SPDX-License-Identifier: MIT
local core = require "infinitomata.core"

---SIGIO, as a connection sends it: SIGINT has another handler under `lua`.
local function interrupt()
  assert(io.popen "kill -29 $PPID"):close()
end

describe("guard", function()
  it("has the function called inside the coroutine, which may raise there", function()
    local inside
    local co = coroutine.create(function()
      interrupt()
      while true do end -- luacheck: ignore 542
    end)
    core.guard(co, function()
      inside = coroutine.running()
      error("interrupted", 0)
    end)
    local ok, message = coroutine.resume(co)
    core.unguard(co)
    assert.is_false(ok)
    assert.equal("interrupted", message)
    assert.equal(co, inside)
  end)

  it("lets the coroutine go on when the function says that all is well", function()
    local asked = 0
    local co = coroutine.create(function()
      interrupt()
      local sum = 0
      for i = 1, 1000 do sum = sum + i end
      return sum
    end)
    core.guard(co, function()
      asked = asked + 1
      return true
    end)
    local _, sum = coroutine.resume(co)
    core.unguard(co)
    assert.equal(500500, sum)
    assert.equal(1, asked)
  end)

  it("survives a signal for a coroutine that everybody else has forgotten", function()
    for _ = 1, 3 do
      core.guard(coroutine.create(function() end), function() return true end)
      collectgarbage()
      collectgarbage()
      interrupt()
    end
  end)
end)
