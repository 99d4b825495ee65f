-- SPDX-License-Identifier: MIT
--- Asks a function of the user's that must answer at once, where it can do no harm:
--- an error, an attempt to wait and an endless loop come back as a sentence.
local errors = require "finitomata.error"
local task = require "finitomata.task"
local watchdog = require "finitomata.watchdog"

local M = {}

local LIMIT_MS = 1000 -- nothing else of this process goes on meanwhile
local DONE = {}

---Runs one function after the other, so that not each needs a coroutine of its own.
local function run(fn, a, b, c)
  while true do fn, a, b, c = coroutine.yield(DONE, fn(a, b, c)) end
end

local idle -- a coroutine that waits for the next function

local function sentence(problem)
  local text = errors.text(problem)
  local place = text:match "^a handler ran for %d+ ms without waiting, (at .*)$"
  if place then return ("it had no answer within %d ms, %s"):format(LIMIT_MS, place) end
  return "it failed: " .. text
end

---The watchdog replaces `coroutine.resume` when it is first used.
local function resume(...)
  return coroutine.resume(...)
end

---@param fn function or what can be called like one
---@param ... any up to three arguments
---@return boolean ok
---@return any answer the first value that it returns; or a sentence about what went wrong
function M.ask(fn, ...)
  local co = idle or coroutine.create(run)
  idle = nil
  local ok, resumed, mark, answer =
    watchdog.xpcall(LIMIT_MS, resume, errors.text, co, fn, ...)
  if not ok then return false, sentence(resumed) end
  if not resumed then return false, sentence(mark) end
  if mark == DONE then
    idle = co
    return true, answer
  end
  task.give_up(co)
  return false, "it tried to wait, and must answer at once"
end

return M
