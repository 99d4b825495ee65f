-- SPDX-License-Identifier: MIT

--- Coroutines and their ready queue. Everything an FSM does is a job: a function
--- and up to three arguments. A turn runs the jobs that were ready when it began,
--- in order; one pooled coroutine (a worker) runs job after job and is only
--- parked when a job waits for something, and then another worker goes on.
local Error = require("finitomata.error")
local log = require("finitomata.log")
local trace = require("finitomata.trace")

local M = {}

local create, resume, yield, running = coroutine.create, coroutine.resume, coroutine.yield,
  coroutine.running
local unpack = table.unpack

local RESUME <const> = false -- in a job's place: the waiter beside it goes on
local POOL_MAX <const> = 256
local BATCH_MAX <const> = 4096 -- slots, a power of two; so many jobs are a turn, at most
local LIST_MASK <const> = BATCH_MAX - 1
local SPARE_MAX <const> = 4 -- lists that are kept to be filled again

-- Jobs are four slots each. `inbox` takes new ones while `batch` is worked off; what
-- does not fit into one list waits in the next, so that none is ever so large that
-- to work it off, to grow it, or to mark it would be a pause.
local inbox, inbox_size = {}, 0
local batch, head, last = {}, 1, 0
local full, first_full, last_full = {}, 1, 0
local spare = {}
local pool, pool_size = {}, 0
local turning = false

---Whose code runs: `fsm` is the FSM in whose callback we are, if we are in one.
---@type {fsm: finitomata.Instance?}
local context = { fsm = nil }
M.context = context

-- How this process waits for the outside: set by the clock that has a loop.
local request_turn, step_loop, in_loop, default_clock

---@class finitomata.Waiter
---@field done boolean
---@field n integer? how many values it was woken with; they are 1..n

---@class finitomata.Loop
---@field request fun()                     asks for a turn
---@field step fun(mode: string): boolean   "once" or "nowait"; false when nothing can happen
---@field inside fun(): boolean             the caller is in a callback of the loop
---@field clock finitomata.Clock

---Tells the queue how to reach the event loop.
---@param loop finitomata.Loop
function M.attach(loop)
  request_turn, step_loop, in_loop, default_clock = loop.request, loop.step, loop.inside, loop.clock
  if inbox_size > 0 or head <= last then request_turn() end
end

---Told of every coroutine that goes on after a wait. Set by the watchdog.
---@type fun(co: thread)?
M.on_resume = nil

---@param clock finitomata.Clock where `sleep` and timeouts find time by default
function M.set_default_clock(clock)
  default_clock = clock
end

---The FSM in whose callback the caller is, if it is in one.
---@return finitomata.Instance?
function M.current()
  return context.fsm
end

---Before the first job of a list: a full inbox is set aside, and a turn asked for.
local function begin_list()
  if inbox_size > 0 then
    last_full = last_full + 1
    full[last_full] = inbox
    inbox, inbox_size = table.remove(spare) or {}, 0
  end
  if request_turn then request_turn() end
end

local function post(fn, a, b, c)
  if inbox_size & LIST_MASK == 0 then begin_list() end
  local list, at = inbox, inbox_size
  list[at + 1] = fn
  list[at + 2] = a
  list[at + 3] = b
  list[at + 4] = c
  inbox_size = at + 4
end

---Appends a job to the ready queue.
---@param fn fun(a, b, c)
M.post = post

local function work()
  local self = running()
  while true do
    local list, at = batch, head
    local fn = list[at]
    if at > last or fn == RESUME then
      if pool_size >= POOL_MAX then return end
      pool_size = pool_size + 1
      pool[pool_size] = self
      yield()
    else
      head = at + 4
      fn(list[at + 1], list[at + 2], list[at + 3])
    end
  end
end

---The coroutine that the next job of the batch needs.
local function next_coroutine()
  if batch[head] == RESUME then
    local co = batch[head + 1]
    head = head + 4
    return co
  end
  if pool_size == 0 then return create(work) end
  local co = pool[pool_size]
  pool[pool_size] = nil
  pool_size = pool_size - 1
  return co
end

---Takes the jobs of the next turn. A list that was worked off is filled again as it
---is: what it refers to for a while longer is cheaper than to clear each slot.
---@return boolean found
local function next_batch()
  if first_full > last_full then
    if inbox_size == 0 then return false end
    batch, inbox = inbox, batch
    last, inbox_size = inbox_size, 0
  else
    if #spare < SPARE_MAX then
      for at = 1, last do batch[at] = nil end
      spare[#spare + 1] = batch
    end
    batch, last = full[first_full], BATCH_MAX
    full[first_full] = nil
    first_full = first_full + 1
  end
  head = 1
  return true
end

-- Who waits, and the FSM in whose callback; for those who want to look.
local parked = setmetatable({}, { __mode = "k" })

-- Coroutines that were closed while they waited: what wakes them comes too late.
local given_up = setmetatable({}, { __mode = "k" })

---Closes a coroutine that waits.
---@param co thread
function M.give_up(co)
  given_up[co], parked[co] = true, nil
  coroutine.close(co)
end

---Runs the jobs that are ready now; jobs that these post wait for the next turn.
---@return boolean worked  false when there was nothing to do
---@return boolean more    whether jobs wait already
function M.turn()
  if turning then return false, false end
  if head > last and not next_batch() then return false, false end
  turning = true
  while head <= last do
    local co = next_coroutine()
    local ok, err = resume(co)
    context.fsm = nil
    if not ok and not given_up[co] then log.error("%s", trace.add(Error.text(err), co)) end
  end
  turning = false
  return true, inbox_size > 0 or first_full <= last_full
end

---Runs turns until no job is left.
function M.drain()
  if turning then error("time cannot be moved from within a handler", 3) end
  while M.turn() do end -- luacheck: ignore 542
end

local function report(err)
  return trace.add(Error.text(err))
end

local function run_spawned(fn, arguments)
  local ok, told = xpcall(fn, report, table.unpack(arguments, 1, arguments.n))
  if not ok then log.error("%s", told) end
end

---Runs a function in a pooled coroutine, soon. An error in it is reported.
---@param fn function
---@param ... any its arguments
function M.spawn(fn, ...)
  post(run_spawned, fn, table.pack(...))
end

---Something to wait for: `wait` in one place, `wake` in another, in any order.
---@return finitomata.Waiter
function M.waiter()
  -- room for all
  return { nil, nil, nil, nil, nil, nil, done = false, n = 0, co = false, timer = false }
end

---Lets the one who waits go on, with these values. A second call does nothing.
---@param waiter finitomata.Waiter
---@param ... any
function M.wake(waiter, ...)
  if waiter.done then return end
  local n = select("#", ...)
  waiter.done, waiter.n = true, n
  waiter[1], waiter[2], waiter[3], waiter[4], waiter[5], waiter[6] = ...
  for i = 7, n do waiter[i] = (select(i, ...)) end
  if waiter.co then post(RESUME, waiter.co) end
end

local function expire(waiter)
  waiter.timer = false
  M.wake(waiter, nil, Error.new("timeout", ("no answer within %s ms"):format(waiter.timeout)))
end

---Outside any coroutine: runs the queue and the loop until the answer is there.
local function drive(waiter, clock)
  if turning or in_loop and in_loop() then
    error("a call that waits needs a coroutine here: use finitomata.spawn", 0)
  end
  local real, looked = not (clock and clock.virtual) and step_loop, nil
  while not waiter.done do
    if M.turn() then
      local now = real and default_clock:now()
      if now and now ~= looked then -- timers and sockets must not starve
        looked = now
        real("nowait")
      end
    elseif not (real and real("once")) and not waiter.done then
      M.wake(waiter, nil, Error.new("deadlock", "nothing is left that could answer"))
    end
  end
end

---The coroutines that wait for something, each with the FSM in whose callback it is.
---@return table<thread, finitomata.Instance|false>
function M.parked()
  local found = {}
  for co, fsm in pairs(parked) do found[co] = fsm end
  return found
end

---Waits until the waiter is woken, and returns the values it was woken with; or
---nil and an error "timeout". In a coroutine it yields, outside it runs the loop.
---@async
---@param waiter finitomata.Waiter
---@param timeout_ms? number
---@param clock? finitomata.Clock  whose time the timeout is
---@return any ...
function M.wait(waiter, timeout_ms, clock)
  if not waiter.done then
    local co, main = running()
    if timeout_ms then
      waiter.timeout = timeout_ms
      clock = clock or default_clock
      if clock then waiter.timer = clock:start(timeout_ms, expire, waiter) end
    end
    if main then
      drive(waiter, clock)
    else
      waiter.co = co
      local fsm = context.fsm
      parked[co] = fsm or false
      yield()
      parked[co] = nil
      context.fsm = fsm
      local on_resume = M.on_resume
      if on_resume then on_resume(co) end
    end
    if waiter.timer then clock:stop(waiter.timer) end
  end
  return unpack(waiter, 1, waiter.n)
end

---Pauses the caller. Other FSMs go on meanwhile; with 0, as far as they are ready now.
---@async
---@param ms number
---@param clock? finitomata.Clock
function M.sleep(ms, clock)
  clock = clock or default_clock
  if not clock then error("there is no clock: the module infinitomata.core is missing", 0) end
  local waiter = M.waiter()
  if ms > 0 then clock:start(ms, M.wake, waiter) else post(M.wake, waiter) end
  local _, err = M.wait(waiter, nil, clock)
  if err then error(err, 0) end
end

local serial = 0

---A number that this process has not given yet.
---@return integer
function M.serial()
  serial = serial + 1
  return serial
end

return M
