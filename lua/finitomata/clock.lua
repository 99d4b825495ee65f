-- SPDX-License-Identifier: MIT

--- Time, as the engine sees it: `now`, and timers that call a function once. The
--- real clock is the timing wheel of the C module's loop. A virtual one moves
--- only when told to, needs no C, and makes every run the same.
local Error = require("finitomata.error")
local log = require("finitomata.log")
local payloads = require("finitomata.payload")
local task = require("finitomata.task")

local M = {}

---@class finitomata.Clock
---@field virtual boolean
local Virtual = { virtual = true, __name = "finitomata.VirtualClock" }
Virtual.__index = Virtual

local SWEEP_FROM <const> = 64 -- stopped timers that may lie in the heap

local function earlier(a, b)
  return a.due < b.due or a.due == b.due and a.order < b.order
end

local function sift_up(heap, at)
  local timer = heap[at]
  while at > 1 do
    local parent = at // 2
    if not earlier(timer, heap[parent]) then break end
    heap[at] = heap[parent]
    at = parent
  end
  heap[at] = timer
end

local function sift_down(heap, size)
  local timer, at = heap[1], 1
  while true do
    local child = at * 2
    if child > size then break end
    if child < size and earlier(heap[child + 1], heap[child]) then child = child + 1 end
    if not earlier(heap[child], timer) then break end
    heap[at] = heap[child]
    at = child
  end
  heap[at] = timer
end

---The time on this clock, milliseconds from 0.
---@return integer
function Virtual:now()
  return self._now
end

---Milliseconds since 1970, as far as this clock is concerned.
---@return integer
function Virtual:wall()
  return self._now
end

---Calls `fn(arg)` once, at least a millisecond later.
---@param ms number
---@param fn fun(arg)
---@param arg any
---@return any timer for `stop`
function Virtual:start(ms, fn, arg)
  self._order = self._order + 1
  local delay = math.max(1, math.ceil(ms))
  local timer = { due = self._now + delay, order = self._order, fn = fn, arg = arg }
  local heap = self._heap
  heap[#heap + 1] = timer
  sift_up(heap, #heap)
  return timer
end

---Takes a timer back.
---@param timer any what `start` gave
---@return boolean stopped false when it has fired or was stopped already
function Virtual:stop(timer)
  if timer.fn == nil then return false end
  timer.fn, timer.arg = nil, nil
  self._stopped = self._stopped + 1
  if self._stopped > SWEEP_FROM and self._stopped > #self._heap // 2 then self:_sweep() end
  return true
end

---Lets a timer go off `ms` from now instead.
---@param timer any
---@param ms number
---@return any? timer the one to stop from now on; nothing when it has fired or was stopped
function Virtual:restart(timer, ms)
  local fn, arg = timer.fn, timer.arg
  return self:stop(timer) and self:start(ms, fn, arg) or nil
end

---Makes the heap anew without the timers that were stopped.
---@private
function Virtual:_sweep()
  local heap = {}
  for _, timer in ipairs(self._heap) do
    if timer.fn then
      heap[#heap + 1] = timer
      sift_up(heap, #heap)
    end
  end
  self._heap, self._stopped = heap, 0
end

local function pop_due(self, limit)
  local heap = self._heap
  while heap[1] and (heap[1].due <= limit or heap[1].fn == nil) do
    local timer, size = heap[1], #heap
    heap[1] = heap[size]
    heap[size] = nil
    if size > 1 then sift_down(heap, size - 1) end
    if timer.fn then return timer end
    self._stopped = self._stopped - 1
  end
end

---Moves the time on. Timers fire in the order of their due times, and what they
---set going is finished before the next one fires.
---
---```lua
---local finitomata = require "finitomata"
---
---local clock = finitomata.virtual_clock()
---local branch = finitomata.start_link("fast", { clock = clock })
---branch:start_fsm("gate", "turnstile")
---branch:transition("gate", "switch_off", nil, 3600000)
---clock:advance(3600000) -- an hour, at once
---assert(branch:state("gate", "state") == "off")
---```
---@param ms number
function Virtual:advance(ms)
  if type(ms) ~= "number" or ms ~= ms or ms < 0 then
    error(("bad argument #1 to 'advance' (milliseconds expected, got %s)"):format(tostring(ms)), 2)
  end
  local limit = self._now + math.ceil(ms)
  task.drain()
  while true do
    local timer = pop_due(self, limit)
    if not timer then break end
    self._now = timer.due
    local fn, arg = timer.fn, timer.arg
    timer.fn, timer.arg = nil, nil
    fn(arg)
    task.drain()
  end
  self._now = limit
end

---How many timers are pending.
---@return integer
function Virtual:pending()
  local count = 0
  for _, timer in ipairs(self._heap) do
    if timer.fn then count = count + 1 end
  end
  return count
end

---A clock that moves only by `:advance(ms)`.
---@return finitomata.Clock
function M.virtual()
  return setmetatable({ _now = 0, _order = 0, _heap = {}, _stopped = 0 }, Virtual)
end

local Real = { virtual = false, __name = "finitomata.Clock" }
Real.__index = Real

local core -- the C module, once it is known to be there

local function need_core()
  if core then return core end
  local ok, module = pcall(require, "infinitomata.core")
  if not ok then
    error("real time needs the C module infinitomata.core: " .. Error.text(module), 0)
  end
  return module
end

---@return integer ms monotonic
function Real:now() -- luacheck: no self
  return need_core().now()
end

---@return integer ms since 1970
function Real:wall() -- luacheck: no self
  return need_core().wall()
end

---Calls `fn(arg)` once from the loop.
---@param ms number
---@param fn fun(arg)
---@param arg any
---@return integer timer for `stop`
function Real:start(ms, fn, arg) -- luacheck: no self
  return need_core().timer_start(math.ceil(ms), fn, arg)
end

---@param timer integer
---@return boolean stopped
function Real:stop(timer) -- luacheck: no self
  return need_core().timer_stop(timer)
end

local real

---The process's clock. Without the C module it exists, but has no time.
---@return finitomata.Clock
function M.real()
  if real then return real end
  real = setmetatable({}, Real)
  local ok, module = pcall(require, "infinitomata.core")
  if ok then
    core = module
    local start, stop, ceil = core.timer_start, core.timer_stop, math.ceil
    local restart = core.timer_restart
    real.start = function(_, ms, fn, arg) return start(ceil(ms), fn, arg) end
    real.stop = function(_, timer) return stop(timer) end
    real.restart = function(_, timer, ms) return restart(timer, ceil(ms)) and timer or nil end
    payloads.attach(core.copy, core.plain)
    core.on_turn(function()
      local _, more = task.turn()
      return more
    end)
    core.on_error(function(message) log.error("%s", message) end)
    task.attach {
      request = core.request_turn,
      step = core.step,
      inside = core.in_loop,
      clock = real,
      ready = core.ready,
    }
  end
  return real
end

---Nanoseconds for measuring, from the C module when it is there.
---@return integer
function M.nanoseconds()
  if core then return core.hrtime() end
  return math.floor(os.clock() * 1e9)
end

---Has `fn(late_ms)` called inside `co`, or inside what it has resumed, at every
---instruction once it has run for `ms`; at no cost until then. One coroutine at a time.
---@param co thread
---@param ms number
---@param fn fun(late_ms: integer)
---@return boolean watched false without the C module
function M.watch(co, ms, fn)
  return core ~= nil and core.watch(co, math.ceil(ms), fn)
end

---Ends what `watch` began.
function M.unwatch()
  core.unwatch()
end

---A plain transition as one function of the C module.
---@param parts table what `core.edge` takes
---@return function? step nothing without the C module
function M.edge(parts)
  return core and core.edge(parts)
end

---@param value any
---@return boolean
function M.is(value)
  return type(value) == "table" and type(value.start) == "function"
    and type(value.stop) == "function" and type(value.now) == "function"
end

return M
