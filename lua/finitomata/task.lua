-- SPDX-License-Identifier: MIT

--- Coroutines, and the turns in which they work the ready queue off. Everything an
--- FSM does is a job; one pooled coroutine (a worker) runs job after job and is only
--- parked when a job waits for something, and then another worker goes on.
local Error = require("finitomata.error")
local log = require("finitomata.log")
local ready = require("finitomata.ready")
local trace = require("finitomata.trace")

local M = {}

local create, resume, yield, running = coroutine.create, coroutine.resume, coroutine.yield,
  coroutine.running
local unpack = table.unpack

local RESUME <const> = false -- in a job's place: the waiter beside it goes on
local POOL_MAX <const> = 256
local FSM <const> = 1

local pool, pool_size = {}, 0
local turning = false

---Whose code runs: its slot 1 is the FSM in whose callback we are, if we are in one.
---@type finitomata.Instance[]
local context = {}
M.context = context

---What the C module's queue calls when an event is out of the ordinary, set by
---instance.lua: `on_event` and `settle` of that, what gives the step of an event that is
---met for the first time, and the message handler of callbacks.
---@type table<"on_event"|"settle"|"compile"|"catch", function>
M.hooks = {}

-- How this process waits for the outside: set by the clock that has a loop.
local request_turn, step_loop, in_loop, default_clock

local queue = ready.new(function()
  if request_turn then request_turn() end
end)
local put, working = queue.post, queue -- `working`: the one whose turn it is
local observed = false

---@class finitomata.Waiter
---@field done boolean
---@field n integer? how many values it was woken with; they are 1..n

---@class finitomata.Loop
---@field request fun()                     asks for a turn
---@field step fun(mode: string): boolean   "once" or "nowait"; false when nothing can happen
---@field inside fun(): boolean             the caller is in a callback of the loop
---@field clock finitomata.Clock
---@field ready fun(context: table, hooks: table): finitomata.Ready

---Tells the queue how to reach the event loop.
---@param loop finitomata.Loop
function M.attach(loop)
  request_turn, step_loop, in_loop, default_clock = loop.request, loop.step, loop.inside, loop.clock
  local native, former = loop.ready(context, M.hooks), queue
  native.observe(observed)
  queue, put = native, native.post
  former.hand_on(put)
end

---Told of every coroutine that goes on after a wait. Set by the watchdog.
---@type fun(co: thread)?
M.on_resume = nil

---The FSM in whose callback the caller is, if it is in one.
---@return finitomata.Instance?
function M.current()
  return context[FSM]
end

---Appends a job to the ready queue.
---@param fn fun(a, b, c)
local function post(fn, a, b, c) put(fn, a, b, c) end

M.post = post

---Has events looked at by Lua, one and all, as long as somebody measures them.
---@param on boolean
function M.observe(on)
  observed = on
  if queue.observe then queue.observe(on) end
end

---A branch's method `transition` that queues what it can without further ado, and
---leaves all else to `slow`: an event by name, here, at once, with a scalar or nothing.
---@param fsms table<any, finitomata.Instance> those of the branch
---@param slow function the whole method
---@return function transition
function M.sender(fsms, slow)
  return queue.sender and queue.sender(fsms, slow) or slow
end

---The same as a function, for the branch that has an id at the time; slot 1 of a branch
---has its FSMs.
---@param branches table<any, table> by id
---@param slow function
---@param id any
---@return function transition
function M.sender_to(branches, slow, id)
  return queue.sender_to and queue.sender_to(branches, slow, id) or slow
end

local function work()
  local self = running()
  while true do
    working.run()
    if pool_size >= POOL_MAX then return end
    pool_size = pool_size + 1
    pool[pool_size] = self
    yield()
  end
end

local function worker()
  if pool_size == 0 then return create(work) end
  local co = pool[pool_size]
  pool[pool_size] = nil
  pool_size = pool_size - 1
  return co
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
  if turning or not queue.begin() then return false, false end
  turning, working = true, queue
  local co = working.next()
  while co do
    if co == true then co = worker() end
    local ok, err = resume(co)
    context[FSM] = nil
    if not ok and not given_up[co] then log.error("%s", trace.add(Error.text(err), co)) end
    co = working.next()
  end
  turning = false
  return true, queue.waiting()
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
      local fsm = context[FSM]
      parked[co] = fsm or false
      yield()
      parked[co] = nil
      context[FSM] = fsm
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
