-- SPDX-License-Identifier: MIT
local core = require "infinitomata.core"
local evaluator = require "infinitomata.console.evaluator"
local finitomata = require "finitomata"
local task = require "finitomata.task"

describe("evaluator.compile", function()
  local function value(text)
    return assert(evaluator.compile(text, _G))()
  end

  it("takes an expression, and one behind an equals sign", function()
    assert.equal(2, value "1+1")
    assert.equal(2, value "=1+1")
    assert.equal(2, value "return 2")
  end)

  it("takes statements", function()
    local env = {}
    assert(evaluator.compile("x = 5", env))()
    assert.equal(5, env.x)
  end)

  it("knows when more lines may come", function()
    for _, text in ipairs { "for i = 1, 2 do", "{", "f(", "x = [[", "if x then\ny()", "=(" } do
      assert.equal("incomplete", select(2, evaluator.compile(text, {})), text)
    end
  end)

  it("names what is wrong in a chunk that no line can mend", function()
    local _, problem = evaluator.compile("x = = 1", {})
    assert.equal("console:1: unexpected symbol near '='", problem)
  end)

  it("takes no binary chunks", function()
    assert.is_nil((evaluator.compile(string.dump(function() end), {})))
  end)
end)

describe("evaluator.start", function()
  local watch

  -- The loop's handler of SIGINT in the place of lua's own, which ends the process.
  setup(function() watch = core.signal("SIGINT", function() end) end)
  teardown(function() watch:stop() end)

  ---Evaluates to the end, with what `meanwhile` does to the evaluation.
  local function run(text, env, meanwhile)
    return finitomata.run(function()
      local waiter = task.waiter()
      local chunk = assert(evaluator.compile(text, env or setmetatable({}, { __index = _G })))
      local evaluation = evaluator.start(chunk, function(ok, results)
        task.wake(waiter, ok, results)
      end)
      if meanwhile then meanwhile(evaluation) end
      return task.wait(waiter, 5000)
    end)
  end

  it("gives all results, nil among them", function()
    local ok, results = run "1, nil, 3"
    assert.is_true(ok)
    assert.same({ 1, nil, 3, n = 3 }, results)
  end)

  it("lets a chunk wait", function()
    local ok, results = run("require('finitomata').sleep(1) or 7")
    assert.is_true(ok)
    assert.equal(7, results[1])
  end)

  it("says where an error came from, in few lines", function()
    local _, results = run "local function f() error('deep') end; f() return 1"
    assert.equal("console:1: deep\nstack traceback:\n"
      .. "\tconsole:1: in local 'f'\n\tconsole:1: in main chunk", results[1])
  end)

  it("adds no traceback to an error of the line itself", function()
    assert.equal("console:1: oops", run("error 'oops'", nil) == false
      and select(2, run "error 'oops'")[1])
  end)

  it("keeps long tracebacks short", function()
    local _, results = run "local function f(n) if n == 0 then error('x') end f(n-1) n=1 end f(50)"
    local _, lines = results[1]:gsub("\n", "")
    assert.is_true(lines <= 12, results[1])
    assert.matches("%.%.%. %d+ more", results[1])
  end)

  it("ends a wait when it is interrupted", function()
    local ok, results = run("while true do pcall(require('finitomata').sleep, 1) end", nil,
      function(evaluation)
        task.spawn(function()
          task.sleep(5)
          evaluation:interrupt()
        end)
      end)
    assert.is_false(ok)
    assert.same({ "interrupted!", n = 1 }, results)
  end)

  it("ends a chunk that has not begun when it is interrupted", function()
    local ok, results = run("while true do end", nil, function(evaluation)
      evaluation:interrupt()
    end)
    assert.is_false(ok)
    assert.same({ "interrupted!", n = 1 }, results)
  end)

  it("ends a chunk that has yielded to nobody", function()
    local ok, results = run("require('finitomata.task').spawn(stop) coroutine.yield()",
      { require = require, coroutine = coroutine, stop = function() end },
      function(evaluation)
        task.spawn(function() evaluation:interrupt() end)
      end)
    assert.is_false(ok)
    assert.same({ "interrupted!", n = 1 }, results)
  end)
end)
