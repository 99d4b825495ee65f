-- SPDX-License-Identifier: MIT

--- Calls into user code. Whatever it raises is caught, told to the log with its
--- traceback, and handed back as a value; it never goes further.
local Error = require("finitomata.error")
local log = require("finitomata.log")
local trace = require("finitomata.trace")

local M = {}

local TRACES_PER_SECOND <const> = 20

local second, traces = 0, 0
local caught -- with its traceback, the error that was caught last

---Message handler: keeps the traceback, passes the raised value on. Tracebacks
---are dear, so a storm of errors gets only its first ones.
local function catch(err)
  local now = os.time()
  if now ~= second then
    second, traces = now, 0
  end
  traces = traces + 1
  if traces <= TRACES_PER_SECOND then
    caught = trace.add(Error.text(err))
  else
    caught = Error.text(err)
  end
  return err
end

M.catch = catch

---Lets the next errors have their tracebacks, whatever happened in this second.
function M.reset()
  traces = 0
end

---Reports the error that was caught last.
---@param who any the FSM's name
---@param where string the callback
function M.report(who, where)
  log.error("%s: error in %s: %s", tostring(who), where, caught)
end

local function reported(who, where, ok, ...)
  if not ok then M.report(who, where) end
  return ok, ...
end

---Calls `fn` and reports what it raises.
---@param who any
---@param where string
---@param fn function
---@param ... any
---@return boolean ok
---@return any ... results, or what was raised
function M.call(who, where, fn, ...)
  return reported(who, where, xpcall(fn, catch, ...))
end

---The same under another protection than `xpcall`, a watchdog's for one.
---@param protect fun(fn: function, catch: function, ...): boolean, any
---@param who any
---@param where string
---@param fn function
---@param ... any
---@return boolean ok
---@return any ...
function M.call_by(protect, who, where, fn, ...)
  return reported(who, where, protect(fn, catch, ...))
end

return M
