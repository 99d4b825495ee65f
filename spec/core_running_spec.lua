-- SPDX-License-Identifier: MIT
--- The library `coroutine` as the C module has it: it notes what runs, and does
--- whatever Lua's own does.
local core = require "infinitomata.core"

describe("coroutine, once something is watched,", function()
  setup(function()
    core.on_interrupt(function() return true end)
  end)

  it("passes values in and out", function()
    local co = coroutine.create(function(...)
      local got = table.pack(coroutine.yield(...))
      return got.n, nil
    end)
    assert.same({ true, 1, nil, n = 3 }, table.pack(coroutine.resume(co, 1, nil)))
    assert.same({ true, 3, nil, n = 3 }, table.pack(coroutine.resume(co, nil, nil, nil)))
    assert.same({ false, "cannot resume dead coroutine" }, { coroutine.resume(co) })
  end)

  it("gives what was raised, whatever it is", function()
    local raised = {}
    local ok, err = coroutine.resume(coroutine.create(function() error(raised) end))
    assert.is_false(ok)
    assert.equal(raised, err)
    assert.same({ false }, { coroutine.resume(coroutine.create(function() error() end)) })
  end)

  it("wraps a function, and says where a text was raised", function()
    local next_of = coroutine.wrap(function(a)
      local b = coroutine.yield(a + 1)
      error("no " .. b, 0)
    end)
    assert.equal(2, next_of(1))
    local ok, err = pcall(function() next_of "more" end)
    assert.is_false(ok)
    assert.matches("core_running_spec.lua:%d+: no more$", err)
    assert.matches("cannot resume dead coroutine", select(2, pcall(next_of)))
    local raised = {}
    assert.equal(raised, select(2, pcall(coroutine.wrap(function() error(raised) end))))
  end)

  it("closes what a wrapped function leaves open when it fails", function()
    local closed
    local failing = coroutine.wrap(function()
      local _ <close> = setmetatable({}, { __close = function(_, err) closed = err end })
      error("failed", 0)
    end)
    assert.is_false((pcall(failing)))
    assert.equal("failed", closed)
  end)

  it("closes a coroutine that waits, is dead or is new, and no other", function()
    local closed
    local co = coroutine.create(function()
      local _ <close> = setmetatable({}, { __close = function() closed = true end })
      coroutine.yield()
    end)
    coroutine.resume(co)
    assert.is_true(coroutine.close(co))
    assert.is_true(closed)
    assert.equal("dead", coroutine.status(co))
    assert.is_true(coroutine.close(co))
    assert.is_true(coroutine.close(coroutine.create(print)))
    local failed = coroutine.create(function() error("x", 0) end)
    coroutine.resume(failed)
    assert.same({ false, "x" }, { coroutine.close(failed) })
    local _, running = coroutine.resume(coroutine.create(function()
      return select(2, pcall(coroutine.close, coroutine.running()))
    end))
    assert.matches("cannot close a running coroutine", running)
    local outer
    outer = coroutine.create(function()
      return coroutine.wrap(function() return select(2, pcall(coroutine.close, outer)) end)()
    end)
    assert.matches("cannot close a normal coroutine", select(2, coroutine.resume(outer)))
  end)

  it("refuses what is no coroutine", function()
    assert.matches("coroutine expected", select(2, pcall(coroutine.resume, 1)))
    assert.matches("coroutine expected", select(2, pcall(coroutine.close)))
    assert.matches("function expected", select(2, pcall(coroutine.wrap, {})))
  end)

  it("carries more values than a stack begins with, and says when they are too many", function()
    local many = {}
    for i = 1, 5000 do many[i] = i end
    local co = coroutine.create(function(...) return select("#", ...) end)
    assert.same({ true, 5000 }, { coroutine.resume(co, table.unpack(many)) })
    local deep
    function deep(n) return n == 0 and "bottom" or coroutine.wrap(deep)(n - 1) end
    assert.equal("bottom", deep(100))
    assert.matches("C stack overflow", select(2, pcall(deep, 1000)))
  end)
end)
