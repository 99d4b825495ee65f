-- SPDX-License-Identifier: MIT
--- Reads chunks as Lua's own console does, and runs each in a task of its own:
--- a call that waits gives the loop back, and an evaluation that does not end
--- can be interrupted wherever it is.
local interrupts = require "infinitomata.console.interrupts"
local printer = require "infinitomata.console.printer"
local task = require "finitomata.task"
local trace = require "finitomata.trace"

local M = {}

local CHUNK_NAME <const> = "=console"

---@class infinitomata.console.Evaluation
---@field private _co thread?      the coroutine while it runs
---@field private _stop boolean    it has been interrupted
---@field private _inside boolean  what was typed is on the stack
local Evaluation = {}
Evaluation.__index = Evaluation

local interrupted = interrupts.interrupted

---@param problem string a syntax error
local function unfinished(problem)
  return problem:sub(-5) == "<eof>"
end

---Compiles what was typed so far: an expression, `=expression` or statements.
---@param text string one line or several
---@param env table the chunk's globals
---@return function? chunk
---@return string? problem `"incomplete"` when more lines may make it a chunk
function M.compile(text, env)
  local expression = text:match "^%s*=(.*)" or text
  local chunk, why = load("return " .. expression, CHUNK_NAME, "t", env)
  if chunk then return chunk end
  if expression ~= text then return nil, unfinished(why) and "incomplete" or why end
  local statement, problem = load(text, CHUNK_NAME, "t", env)
  if statement then return statement end
  if unfinished(problem) or unfinished(why) then return nil, "incomplete" end
  return nil, problem
end

local function with_traceback(raised)
  if raised == interrupted then return raised end
  local text, lines = printer.problem(raised), trace.lines()
  -- An error in the line itself: the message says already where it is.
  if #lines == 0 or #lines == 1 and lines[1]:find "in main chunk$" then return text end
  return text .. "\nstack traceback:\n" .. table.concat(lines, "\n")
end

---Gives back what the coroutine took, before it serves anybody else.
local function release(evaluation)
  debug.sethook(evaluation._co)
  evaluation._co = nil
end

---From here on nothing is left to interrupt.
local function outside(evaluation, ...)
  evaluation._inside = false
  return ...
end

local function evaluate(evaluation, chunk, done)
  evaluation._co = coroutine.running()
  local results = table.pack(xpcall(function()
    evaluation._inside = true
    if evaluation._stop then error(interrupted, 0) end -- before it began
    return outside(evaluation, chunk())
  end, function(raised)
    evaluation._inside = false
    return with_traceback(raised)
  end))
  release(evaluation)
  if evaluation._stop and not results[1] then results = { false, interrupted.message, n = 2 } end
  done(results[1], table.pack(table.unpack(results, 2, results.n)))
end

---Runs a chunk in a task. `done(ok, results)` is called at its end, with the
---results as table.pack makes them, or the problem as the only one.
---@param chunk function
---@param done fun(ok: boolean, results: table)
---@return infinitomata.console.Evaluation
function M.start(chunk, done)
  local evaluation = setmetatable({ _stop = false, _inside = false }, Evaluation)
  task.spawn(evaluate, evaluation, chunk, done)
  return evaluation
end

---What was typed runs now, perhaps in a coroutine that it has resumed.
---@return boolean
function Evaluation:is_here()
  if not self._inside then return false end
  local status = coroutine.status(self._co)
  return status == "running" or status == "normal"
end

---@param co thread
---@return boolean own it is where what was typed runs
function Evaluation:is_own(co)
  return co == self._co
end

---@return boolean
function Evaluation:is_stopping()
  return self._stop
end

---From now on it is to end; whoever asked for it sees to that.
function Evaluation:stop()
  self._stop = true
end

---Wakes a coroutine that waits in task.wait, as if that had failed. One that has
---yielded to nobody just goes on.
local function wake(co)
  local frame = debug.getinfo(co, 1, "f")
  if frame and frame.func == task.wait then
    local _, waiter = debug.getlocal(co, 1, 1)
    return task.wake(waiter, nil, interrupted)
  end
  task.wake({ done = false, co = co })
end

---Ends the evaluation: one that waits is woken, one that computes stops at its
---next instruction.
function Evaluation:interrupt()
  self._stop = true
  local co = self._co
  if not co then return end
  debug.sethook(co, function()
    if self._inside then error(interrupted, 0) end
    debug.sethook()
  end, "", 1)
  if coroutine.status(co) == "suspended" then wake(co) end
end

return M
