-- SPDX-License-Identifier: MIT

--- Ends handlers that would never end. Once a handler of a definition with
--- `max_handler_ms` has used up its time without waiting for anything, a hook
--- raises, and goes on raising at every further instruction, so that no `pcall`
--- around an endless loop can swallow it. With the C module the hook is set when
--- time is up, by a timer, and a handler pays nothing; without it a count hook
--- looks at the clock now and then. Other definitions pay nothing either way.
---
--- A handler may run coroutines of its own. The C module's timer finds these; for
--- the count hook `coroutine.resume` and `coroutine.wrap` are replaced when the first
--- handler is watched, and who has taken them before keeps the ones that do not watch.
local Error = require("finitomata.error")
local clock = require("finitomata.clock")
local log = require("finitomata.log")
local task = require("finitomata.task")

local M = {}

local INSTRUCTIONS <const> = 10000 -- between two looks at the clock

local running = coroutine.running
local sethook, gethook, getinfo = debug.sethook, debug.gethook, debug.getinfo
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

local function too_long(watch, now, blocked_ms)
  local ms = (now - watch.since) // 1000000
  if blocked_ms * 2000000 > watch.limit_ns then
    log.warning("a handler blocked in a C function for %d ms, at %s", blocked_ms, place(5))
  end
  local text = "a handler ran for %d ms without waiting, at %s"
  return Error.new("runaway", text:format(ms, place(5)), { ms = ms })
end

---The hook. It never raises in the engine's own code, which must finish what it does.
---@param late_ms? integer since the timer has set it; nil: it has always been there
local function bark(watch, late_ms)
  if not watch.err then
    local now = nanoseconds()
    if now - watch.since < watch.limit_ns then
      watch.looked = now
      return
    end
    watch.err = too_long(watch, now, late_ms or (now - watch.looked) // 1000000)
    if not late_ms then sethook(watch.hook, "", 1) end
  end
  local source = getinfo(3, "S").source
  if source:sub(1, #OURS) ~= OURS then error(watch.err, 0) end
end

---Has the hook go to the coroutine that runs from now on.
local function follow(watch, co)
  sethook(co, watch.hook, "", watch.err and 1 or INSTRUCTIONS)
end

-- ---- coroutines within handlers ---------------------------------------------------

-- By coroutine that a handler runs: the handler's watch.
local inner = setmetatable({}, { __mode = "k" })

local create, close, status = coroutine.create, coroutine.close, coroutine.status
local resume = coroutine.resume

local function resumed(watch, co, outer, ...)
  inner[co] = nil
  sethook(co)
  follow(watch, outer)
  return ...
end

local function watched_resume(co, ...)
  local outer = running()
  local watch = watched[outer] or inner[outer]
  if not watch or watch.timed or type(co) ~= "thread" then return resume(co, ...) end
  inner[co] = watch
  follow(watch, co)
  return resumed(watch, co, outer, resume(co, ...))
end

local function unwrapped(co, ok, ...)
  if ok then return ... end
  if status(co) == "dead" then close(co) end
  error((...), type((...)) == "string" and 2 or 0)
end

local function watched_wrap(fn)
  local co = create(fn)
  return function(...) return unwrapped(co, watched_resume(co, ...)) end
end

local function watch_coroutines()
  if coroutine.resume == watched_resume then return end
  resume = coroutine.resume
  coroutine.resume = watched_resume -- luacheck: ignore 122
  coroutine.wrap = watched_wrap -- luacheck: ignore 122
end

---Gives the handler its whole time, from now.
local function begin(watch, co)
  local now = nanoseconds()
  watch.since, watch.looked = now, now
  watch.timed = clock.watch(co, watch.limit_ns / 1000000, watch.on_time)
  if watch.timed or watch.err then return end
  watch_coroutines()
  sethook(watch.hook, "", INSTRUCTIONS)
end

-- ---- watching ----------------------------------------------------------------------

-- Watches that are not in use, with their closures.
local spare, spare_size = {}, 0

local function take(limit_ms, outer)
  local watch = spare[spare_size]
  if watch then
    spare[spare_size] = nil
    spare_size = spare_size - 1
  else
    watch = {}
    function watch.hook() bark(watch) end
    function watch.on_time(late_ms) bark(watch, late_ms) end
  end
  watch.limit_ns, watch.outer, watch.err = limit_ms * 1000000, outer, nil
  watch.mask_fn, watch.mask, watch.mask_count = gethook()
  return watch
end

local function finish(watch, co, ...)
  if watch.timed then clock.unwatch() end
  if watch.err or not watch.timed then sethook(watch.mask_fn, watch.mask, watch.mask_count) end
  local outer = watch.outer
  watched[co] = outer
  if outer and outer.timed then
    clock.watch(co, (outer.limit_ns - (nanoseconds() - outer.since)) / 1000000, outer.on_time)
  end
  spare_size = spare_size + 1
  spare[spare_size] = watch
  return ...
end

local function go_on(co)
  local watch = watched[co]
  if watch then begin(watch, co) end
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
  local watch = take(limit_ms, watched[co])
  task.on_resume = go_on
  watched[co] = watch
  begin(watch, co)
  return finish(watch, co, xpcall(fn, catch, ...))
end

return M
