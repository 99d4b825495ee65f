-- SPDX-License-Identifier: MIT

--- Ends handlers that would never end. A handler of a definition with
--- `max_handler_ms` runs under a count hook; once it has used up its time without
--- waiting for anything, the hook raises, and goes on raising at every further
--- instruction, so that no `pcall` around an endless loop can swallow it. Other
--- definitions run without any hook and pay nothing.
local Error = require("finitomata.error")
local clock = require("finitomata.clock")
local log = require("finitomata.log")
local task = require("finitomata.task")

local M = {}

local INSTRUCTIONS <const> = 10000 -- between two looks at the clock

local running, sethook, getinfo = coroutine.running, debug.sethook, debug.getinfo
local nanoseconds = clock.nanoseconds

-- By coroutine: when the handler began, or went on after a wait, and its limit.
local watched = setmetatable({}, { __mode = "k" })

local OURS <const> = getinfo(1, "S").source:match("^(.*)watchdog%.lua$")

---Where the handler is: the first Lua function from the top.
local function place(level)
  for at = level, level + 20 do
    local info = getinfo(at, "Sl")
    if not info then break end
    if info.currentline > 0 then return ("%s:%d"):format(info.short_src, info.currentline) end
  end
  return "?"
end

local function too_long(watch, now)
  local ms = (now - watch.since) // 1000000
  if now - watch.looked > watch.limit_ns // 2 then
    log.warning("a handler blocked in a C function for %d ms, at %s",
      (now - watch.looked) // 1000000, place(5))
  end
  return Error.new("runaway", ("a handler ran for %d ms without waiting, at %s"):format(ms,
    place(5)),
    { ms = ms })
end

---The hook. It never raises in the engine's own code, which must finish what it does.
local function bark(watch)
  if not watch.err then
    local now = nanoseconds()
    if now - watch.since < watch.limit_ns then
      watch.looked = now
      return
    end
    watch.err = too_long(watch, now)
    sethook(watch.hook, "", 1)
  end
  local source = getinfo(3, "S").source
  if source:sub(1, #OURS) ~= OURS then error(watch.err, 0) end
end

local function finish(watch, co, ...)
  sethook(watch.mask_fn, watch.mask, watch.mask_count)
  watched[co] = watch.outer
  return ...
end

---Calls `fn` as `xpcall` does, for no longer than `limit_ms` of its own time.
---@param limit_ms number
---@param fn function
---@param catch function message handler
---@param ... any
---@return boolean ok
---@return any ... results, or an error "runaway"
function M.xpcall(limit_ms, fn, catch, ...)
  local co = running()
  local now = nanoseconds()
  local watch = { since = now, looked = now, limit_ns = limit_ms * 1000000, outer = watched[co] }
  watch.mask_fn, watch.mask, watch.mask_count = debug.gethook()
  function watch.hook() bark(watch) end
  watched[co] = watch
  sethook(watch.hook, "", INSTRUCTIONS)
  return finish(watch, co, xpcall(fn, catch, ...))
end

task.on_resume = function(co)
  local watch = watched[co]
  if watch then
    local now = nanoseconds()
    watch.since, watch.looked = now, now
  end
end

return M
