-- SPDX-License-Identifier: MIT
--- Ends what computes when a person asks for it: their own evaluation at once;
--- anything else that keeps their wish from being heard, a handler of an FSM for
--- instance, after a second. What is raised is raised in code of the user's, not
--- in the middle of what the engine does, and again at every instruction until
--- that code has ended: a pcall in a loop does not keep it.
local clock = require "finitomata.clock"
local errors = require "finitomata.error"
local trace = require "finitomata.trace"

local M = {}

local PATIENCE_NS <const> = 1000000000
local LEVELS_MAX <const> = 250

local getinfo = debug.getinfo

---What interrupted code raises.
M.interrupted = errors.new("interrupted", "interrupted!")

---@class infinitomata.console.Listener
---@field asks fun(): boolean                a stop is asked for, and the loop has not heard of it
---@field took fun()                         no need to ask on: the evaluation ends
---@field evaluation fun(): infinitomata.console.Evaluation?

---@type table<infinitomata.console.Listener, true>
local listeners = {}

---Whose code runs: the first function from `level` on that is none of C.
local function is_user_code(level)
  for at = level + 1, level + LEVELS_MAX do
    local info = getinfo(at, "S")
    if not info then return false end
    if info.what ~= "C" then return not trace.is_own(info.source) end
  end
  return true
end

---Whether any code of the user's waits for what runs.
local function has_user_code(level)
  for at = level + 1, level + LEVELS_MAX do
    local info = getinfo(at, "S")
    if not info then return false end
    if info.what ~= "C" and not trace.is_own(info.source) then return true end
  end
  return true
end

local since -- when what runs now, and should not, was met first

---The evaluation that runs and is to stop, or whether any other stop is asked for.
local function wanted()
  local asked = false
  for listener in pairs(listeners) do
    local evaluation = listener.evaluation()
    local here = evaluation and evaluation:is_here()
    if listener.asks() then
      asked = true
      if here then
        evaluation:stop()
        listener.took()
      end
    end
    if here and evaluation:is_stopping() then return evaluation end
  end
  return nil, asked
end

---Called inside whatever runs.
---@return boolean well nothing is to be done
local function look()
  local evaluation, asked = wanted()
  if not evaluation and not asked then
    since = nil
    return true
  end
  local now = clock.nanoseconds()
  if not evaluation and not has_user_code(2) then since = nil end
  since = since or now
  local patient = now - since < PATIENCE_NS
  -- What one asked for oneself may be long in the engine's own code; what others
  -- do is not stopped there.
  if evaluation then
    if patient and not is_user_code(2) then return false end
  elseif patient or not is_user_code(2) then
    return false
  end
  error(M.interrupted, 0)
end

---@param program { on_interrupt: fun(fn: fun(): boolean) }
---@param listener infinitomata.console.Listener
---@return { cancel: fun(self) }
function M.listen(program, listener)
  program.on_interrupt(look)
  listeners[listener] = true
  return { cancel = function() listeners[listener] = nil end }
end

return M
