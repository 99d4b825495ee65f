-- SPDX-License-Identifier: MIT

--- Where the engine reports what nobody asked it to return: errors in callbacks,
--- warnings about definitions. Lines go to a sink, standard error by default.
local M = {}

local RANK <const> = { debug = 1, info = 2, warning = 3, error = 4, off = 5 }

local function to_stderr(level, message)
  io.stderr:write("finitomata ", level, ": ", message, "\n")
end

local sink = to_stderr
local threshold = RANK.warning

---Reports from this level on are passed to the sink.
---@param level "debug"|"info"|"warning"|"error"|"off"
---@return string previous the level that was set before
function M.set_level(level)
  local rank = RANK[level]
  if rank == nil then
    error(("bad argument #1 to 'set_level' (unknown level '%s')"):format(tostring(level)), 2)
  end
  local previous = threshold
  threshold = rank
  for name, value in pairs(RANK) do
    if value == previous then return name end
  end
end

---Has lines passed to a function.
---@param fn? fun(level: string, message: string) standard error when absent
---@return fun(level: string, message: string) previous
function M.set_sink(fn)
  if fn ~= nil and type(fn) ~= "function" then
    error(("bad argument #1 to 'set_sink' (function expected, got %s)"):format(type(fn)), 2)
  end
  local previous = sink
  sink = fn or to_stderr
  return previous
end

---Writes a line, if its level is high enough.
---@param level "debug"|"info"|"warning"|"error"
---@param format string
---@param ... any arguments of string.format
function M.write(level, format, ...)
  if RANK[level] < threshold then return end
  local message = select("#", ...) > 0 and format:format(...) or format
  pcall(sink, level, message) -- a broken sink must not break the engine
end

---Writes a line of the level "debug".
---@param format string
---@param ... any arguments of string.format
function M.debug(format, ...) M.write("debug", format, ...) end

---Writes a line of the level "info".
---@param format string
---@param ... any arguments of string.format
function M.info(format, ...) M.write("info", format, ...) end

---Writes a line of the level "warning".
---@param format string
---@param ... any arguments of string.format
function M.warning(format, ...) M.write("warning", format, ...) end

---Writes a line of the level "error".
---@param format string
---@param ... any arguments of string.format
function M.error(format, ...) M.write("error", format, ...) end

return M
