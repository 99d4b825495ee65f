-- SPDX-License-Identifier: MIT
--- Reads chunks as Lua's own console does, and runs each in a task of its own:
--- a call that waits gives the loop back, and an evaluation that does not end
--- can be interrupted wherever it is.
local errors = require "finitomata.error"
local printer = require "infinitomata.console.printer"
local task = require "finitomata.task"

local M = {}

local CHUNK_NAME <const> = "=console"
local TRACE_MAX <const> = 8

---@class infinitomata.console.Evaluation
---@field private _co thread?      the coroutine while it runs
---@field private _stop boolean    it has been interrupted
---@field private _inside boolean  what was typed is on the stack
---@field private _guard? fun(co: thread, trip: fun(stop: boolean): boolean): fun()
---@field private _uncover fun()  undoes what `_guard` did
local Evaluation = {}
Evaluation.__index = Evaluation

---What an interrupted evaluation raises.
local interrupted = errors.new("interrupted", "interrupted!")

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

---The lines of a traceback that speak of what was typed, and no more than a few.
---@param trace string as debug.traceback makes it
---@return string
local function shorten(trace)
  local lines = {}
  for line in trace:gmatch "\n(%s+[^\n]+)" do
    local ours = line:find("infinitomata/console/", 1, true)
    if ours or line:find("in function 'xpcall'", 1, true) then break end
    lines[#lines + 1] = line:gsub("in upvalue 'chunk'$", "in main chunk")
  end
  while lines[#lines] and lines[#lines]:find("^%s+%[C%]: in %?$") do lines[#lines] = nil end
  -- An error in the line itself: the message says already where it is.
  local last = lines[#lines] or ""
  if last:find "in main chunk$" and (#lines == 1 or #lines == 2 and lines[1]:find "%[C%]") then
    return ""
  end
  local left = #lines - TRACE_MAX
  if left > 0 then
    table.move(lines, #lines - 1, #lines, TRACE_MAX)
    lines[TRACE_MAX - 1] = ("\t... %d more"):format(left + 1)
    for index = TRACE_MAX + 2, #lines do lines[index] = nil end
  end
  if #lines == 0 then return "" end
  return "\nstack traceback:\n" .. table.concat(lines, "\n")
end

local function with_traceback(raised)
  if raised == interrupted then return raised end
  local text = printer.problem(raised)
  return text .. shorten(debug.traceback("", 2))
end

---Gives back what the coroutine took, before it serves anybody else.
local function release(evaluation)
  local co = evaluation._co
  evaluation._co = nil
  evaluation._uncover()
  debug.sethook(co)
end

---Called by a hook inside the evaluation. Raises again and again until what was
---typed has ended: a pcall in a loop does not keep it.
---@return boolean done nothing is to be done here
local function trip(evaluation)
  if not evaluation._stop or not evaluation._inside then return true end
  error(interrupted, 0)
end

---From here on nothing is left to interrupt.
local function outside(evaluation, ...)
  evaluation._inside = false
  return ...
end

local function nothing() end

---Makes a coroutine that runs for this evaluation as easy to stop as itself.
---@param co thread
---@return fun() undo
function Evaluation:cover(co)
  if not self._guard then return nothing end
  return self._guard(co, function(stop)
    self._stop = self._stop or stop
    return trip(self)
  end)
end

local function evaluate(evaluation, chunk, done)
  evaluation._co = coroutine.running()
  evaluation._uncover = evaluation:cover(evaluation._co)
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
---@param guard? fun(co: thread, trip: fun(stop: boolean): boolean): fun()  has a
---  function of its own call `trip` inside the coroutine when that may have to
---  stop; returns what undoes it
---@return infinitomata.console.Evaluation
function M.start(chunk, done, guard)
  local evaluation = setmetatable({ _stop = false, _inside = false, _guard = guard }, Evaluation)
  task.spawn(evaluate, evaluation, chunk, done)
  return evaluation
end

---Wakes a coroutine that waits in task.wait, as if that had failed.
local function wake(co)
  local frame = debug.getinfo(co, 1, "f")
  if not frame or frame.func ~= task.wait then return end
  local _, waiter = debug.getlocal(co, 1, 1)
  task.wake(waiter, nil, interrupted)
end

---Ends the evaluation: one that waits is woken, one that computes stops at its
---next instruction.
function Evaluation:interrupt()
  self._stop = true
  local co = self._co
  if not co then return end
  debug.sethook(co, function()
    if trip(self) then debug.sethook() end
  end, "", 1)
  if coroutine.status(co) == "suspended" then wake(co) end
end

---The library `coroutine` for what is typed: a coroutine that does not end can be
---stopped as well.
---@param current fun(): infinitomata.console.Evaluation?
---@return table
function M.coroutines(current)
  local function finish(undo, ...)
    undo()
    return ...
  end
  local function resume(co, ...)
    local evaluation = type(co) == "thread" and current()
    if not evaluation then return coroutine.resume(co, ...) end
    return finish(evaluation:cover(co), coroutine.resume(co, ...))
  end
  local function unwrap(co, ok, ...)
    if ok then return ... end
    coroutine.close(co)
    error((...), 0)
  end
  local function wrap(fn)
    local co = coroutine.create(fn)
    return function(...) return unwrap(co, resume(co, ...)) end
  end
  return setmetatable({ resume = resume, wrap = wrap }, { __index = coroutine })
end

M.interrupted = interrupted

return M
