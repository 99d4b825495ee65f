-- SPDX-License-Identifier: MIT

--- One running FSM: its state, payload and history, and what waits for it.
---
--- There may be a million of them, so an instance is an array of eight slots, and
--- what most FSMs never need (timers, a last error, waiting events) is in a table
--- that is made when it is needed. An event travels through the process's ready
--- queue straight into the FSM; only when that is busy just then, in a handler
--- that waits for something, does the event go to the FSM's own backlog.
local Error = require("finitomata.error")
local check = require("finitomata.check")
local engine = require("finitomata.engine")
local flow = require("finitomata.flow")
local guard = require("finitomata.guard")
local histories = require("finitomata.history")
local log = require("finitomata.log")
local payloads = require("finitomata.payload")
local schema = require("finitomata.schema")
local task = require("finitomata.task")
local telemetry = require("finitomata.telemetry")
local timers = require("finitomata.timers")
local transition = require("finitomata.transition")
local view = require("finitomata.view")

---@class finitomata.Instance
local KIND <const> = 1 -- what it shares with its likes: plan, branch, adapters
local NAME <const> = 2
local NODE <const> = 3 -- the current state
local PAYLOAD <const> = 4 -- plain data that nobody else can reach
-- 5 is the history
local MAIL <const> = 6 -- how many events wait, and the marks below
local REF <const> = 7
local EXTRA <const> = 8 -- false, or the table of rare things

local COUNT <const> = 0xFFFFFFFF -- how many events wait
local BUSY <const> = 1 << 32 -- a handler runs, or is to be tried again
local BACKLOG <const> = 1 << 33 -- there are jobs in extra.backlog
local ATTEMPT <const> = 1 << 34 -- from here up: which attempt it is
local RESTING <const> = COUNT | BACKLOG
local FSM <const> = 1 -- the slot of the context
local DEAD <const> = math.maxinteger

local setmetatable, type = setmetatable, type
local catch, copy, shown = guard.catch, payloads.copy, view.shown
local SENT <const> = transition.SENT
local run, follow_up, rare, post = transition.run, transition.follow_up, timers.rare, task.post
local context, meta, step_of = task.context, view.meta, transition.step_of

local M = {}

---What instances of one definition have in common within one branch.
---@class finitomata.Kind
---@field plan finitomata.Plan
---@field branch finitomata.Branch
---@field share boolean
---@field listeners table[]?
---@field store table?        the persistency adapter
---@field timer number|false
---@field timed boolean       some state has timeouts, or there is a timer
---@field shape any           what payloads have to be, see schema.lua
---@field observed boolean    transitions are stored, or payloads are looked at
---@field announces boolean   transitions set timers or are told to listeners
---@field forks boolean       some state has a flow
---@field [1] integer         how many events may wait, for C
---@field mailbox integer     the same
---@field protect function    how callbacks are called: `xpcall`, or that under a watchdog
---@field known table<string, true> events of the definition
---@field history_mask integer
---@field cache boolean       whether "cached" reads are answered
---@field shutdown number

---@param kind finitomata.Kind
---@param name any
---@param payload any owned by the instance from now on
---@param ref string|integer
---@return finitomata.Instance
function M.new(kind, name, payload, ref)
  return setmetatable({ kind, name, kind.plan.start, payload, histories.EMPTY, 0, ref, false },
    meta)
end

M.snapshot = view.snapshot
M.payload = shown
M.arm = timers.arm

---@return string
function M.current(self) return self[NODE].name end

function M.name(self) return self[NAME] end

function M.kind(self) return self[KIND] end

function M.ref(self) return self[REF] end

function M.set_ref(self, ref) self[REF] = ref end

function M.set_parent(self, parent) rare(self).parent = parent end

function M.set_lifecycle(self, lifecycle) rare(self).lifecycle = lifecycle end

---Continues where storage says the FSM was.
function M.restore(self, state, payload)
  self[NODE] = self[KIND].plan.nodes[state]
  self[PAYLOAD] = payload
end

---@return boolean
function M.is_dead(self) return self[MAIL] == DEAD end

---True when nothing is queued for it: what it is now, it stays until the next event.
function M.is_resting(self)
  return self[MAIL] == 0 or self[EXTRA] and self[EXTRA].retry ~= nil
end

---Whom the FSM's handler waits for, to see deadlocks before they happen.
function M.waits_for(self) return self[EXTRA] and self[EXTRA].waits_for or nil end

function M.set_waits_for(self, other) rare(self).waits_for = other end

-- ---- one turn ------------------------------------------------------------------

local drain, recall

---Ends the turn of this FSM: whoever waited is served.
local function rest(self)
  local mail = self[MAIL]
  if mail == DEAD then return end
  self[MAIL] = mail & RESTING
  local extra = self[EXTRA]
  if not extra then return end
  if extra.recall then recall(self, extra) end
  if extra.stop then return M.terminate(self, extra.stop.reason) end
  if self[MAIL] & BACKLOG ~= 0 and not extra.draining then
    extra.draining = true
    post(drain, self)
  end
end

local function answer(self, waiter, err)
  if err then
    task.wake(waiter, nil, err)
  else
    task.wake(waiter, self[NODE].name, shown(self))
  end
end

---After an event: what follows by itself, and the answer to whoever waits for it.
local function settle(self, err, pending, try)
  local node = self[NODE]
  if err == nil and node.auto then
    pending = follow_up(self)
    node = self[NODE]
  end
  if err == nil and node.fork and not pending then flow.enter(self) end
  context[FSM] = nil
  if try.waiter and not (err and pending) then answer(self, try.waiter, err) end
  if node.name == "*" and not err and self[MAIL] ~= DEAD then
    M.terminate(self, "normal")
  elseif not pending then
    rest(self)
  end
end

---Runs one event with all that follows. The FSM is marked busy already.
local function process(self, event, event_payload, payload, try)
  context[FSM] = self
  local err, pending = run(self, event, event_payload, payload, try)
  return settle(self, err, pending, try)
end

-- ---- what has to wait ------------------------------------------------------------

local function refuse_dead(self, waiter)
  if not waiter then return end
  task.wake(waiter, Error.fail("no_such_fsm", ("`%s` has ended"):format(tostring(self[NAME])),
    { name = self[NAME] }))
end

---Keeps a job for later, since the FSM is busy, or refuses it, since it is dead.
local function hold(self, job, a, b)
  if self[MAIL] == DEAD then return refuse_dead(self, type(a) == "table" and a.waiter or nil) end
  local extra = rare(self)
  local backlog = extra.backlog
  if not backlog then
    backlog = { first = 1, last = 0 }
    extra.backlog = backlog
  end
  backlog.last = backlog.last + 1
  backlog[backlog.last] = { job, a, b }
  self[MAIL] = self[MAIL] | BACKLOG
end

---The oldest job of the backlog.
local function next_held(self, extra)
  local backlog = extra.backlog
  local job = backlog[backlog.first]
  backlog[backlog.first] = nil
  backlog.first = backlog.first + 1
  if backlog.first > backlog.last then
    extra.backlog = nil
    self[MAIL] = self[MAIL] & ~BACKLOG
  end
  return job
end

function drain(self)
  if self[MAIL] == DEAD then return end
  local extra = self[EXTRA]
  while self[MAIL] & (BUSY | BACKLOG) == BACKLOG do
    local job = next_held(self, extra)
    job[1](self, job[2], job[3])
    if self[MAIL] == DEAD then return end
  end
  extra.draining = false
end

---Puts postponed events in front of everything that waits.
function recall(self, extra)
  local postponed, backlog = extra.postponed, extra.backlog or { first = 1, last = 0 }
  extra.postponed, extra.recall = nil, nil
  for i = #postponed, 1, -1 do
    backlog.first = backlog.first - 1
    backlog[backlog.first] = postponed[i]
  end
  extra.backlog = backlog
  self[MAIL] = (self[MAIL] | BACKLOG) + #postponed
end

---Drops an event; who waits for it is told why.
local function drop(node, event, request, code, reason)
  local waiter = type(request) == "table" and request.waiter
  if waiter then
    task.wake(waiter, nil, engine.refusal(code, code, reason, node, event, nil, reason))
  end
end

---What a state says about events that it puts off or does not want. Those that are
---put off do not count as mail, so that there is room for what ends the state.
---@return boolean taken
local function deferred(self, node, job, event, a, b)
  if node.postpone and node.postpone[event] then
    local extra = rare(self)
    extra.postponed = extra.postponed or {}
    if #extra.postponed < self[KIND].mailbox then
      table.insert(extra.postponed, { job, a, b })
    else
      local reason = ("`%s` has put off %d events"):format(tostring(self[NAME]), #extra.postponed)
      log.warning("%s: `%s` is dropped", reason, event)
      drop(node, event, a, "overloaded", reason)
    end
  elseif node.ignore and node.ignore[event] then
    drop(node, event, a, "ignored", ("`%s` is ignored in `%s`"):format(event, node.name))
  else
    return false
  end
  self[MAIL] = self[MAIL] - 1
  return true
end

-- ---- the jobs of the ready queue -------------------------------------------------

local function take_event(self, event, event_payload)
  local node = self[NODE]
  if node.defers and deferred(self, node, take_event, event, event, event_payload) then return end
  self[MAIL] = self[MAIL] - 1 + BUSY
  return process(self, event, event_payload, self[PAYLOAD], SENT)
end

---The way of almost every event. It is `hold`, or `take_event`, or, when the FSM
---rests and goes on resting, all of that in one.
local function on_event(self, event, event_payload)
  local mail, node = self[MAIL], self[NODE]
  if mail >= BUSY then return hold(self, take_event, event, event_payload) end
  if node.defers then return take_event(self, event, event_payload) end
  self[MAIL] = mail + (BUSY - 1)
  context[FSM] = self
  local step = not telemetry.active and node.steps[event] or step_of(self, node, event)
  local err, pending = step(self, event, event_payload, self[PAYLOAD], SENT)
  if err or self[NODE].settles then return settle(self, err, pending, SENT) end
  context[FSM] = nil
  if self[EXTRA] then return rest(self) end -- it has that when it was given up, too
  self[MAIL] = self[MAIL] & RESTING
end

local hooks <const> = task.hooks
hooks.catch, hooks.on_event = catch, on_event
function hooks.compile(self, event) return step_of(self, self[NODE], event) end
function hooks.settle(self, err, pending) return settle(self, err, pending, SENT) end

local function take_call(self, call)
  local node = self[NODE]
  if node.defers and deferred(self, node, take_call, call.event, call) then return end
  self[MAIL] = self[MAIL] - 1 + BUSY
  return process(self, call.event, call.payload, self[PAYLOAD], call)
end

local function on_call(self, call)
  if self[MAIL] >= BUSY then return hold(self, take_call, call) end
  return take_call(self, call)
end

local function take_entry(self)
  if self[MAIL] == DEAD then return end
  self[MAIL] = self[MAIL] - 1 + BUSY + ATTEMPT
  return process(self, self[KIND].plan.entry_event, nil, self[PAYLOAD], transition.OWN)
end

---After a reload: what entering the state would have set going.
local function take_resume(self)
  if self[MAIL] == DEAD then return end
  self[MAIL] = self[MAIL] - 1 + BUSY
  context[FSM] = self
  local pending = self[NODE].auto and follow_up(self)
  if self[NODE].fork and not pending then flow.enter(self) end
  context[FSM] = nil
  if self[NODE].name == "*" then
    M.terminate(self, "normal")
  elseif not pending then
    rest(self)
  end
end

function timers.jobs.retry(self, retry)
  if self[MAIL] == DEAD or self[EXTRA].retry ~= retry then return end
  self[EXTRA].retry = nil
  self[MAIL] = self[MAIL] & RESTING | BUSY | retry.attempt * ATTEMPT
  return process(self, retry.event, retry.payload, self[PAYLOAD], retry)
end

local function take_timeout(self, timeout)
  if timeout.left then return end
  self[MAIL] = self[MAIL] + BUSY + ATTEMPT
  return process(self, timeout.event, (copy(timeout.with)), self[PAYLOAD], transition.OWN)
end

function timers.jobs.timeout(self, timeout)
  if self[MAIL] >= BUSY then return hold(self, take_timeout, timeout) end
  return take_timeout(self, timeout)
end

-- ---- the periodic timer ----------------------------------------------------------

local function change_interval(self, result)
  local every = result.every
  if result.stop or every == false then
    rare(self).interval = false
  elseif every ~= nil then
    local sound = type(every) == "number" and every > 0 and every < math.huge
    rare(self).interval = sound and every or false
  end
end

local ON_TIMER <const> = { event = "on_timer" } -- in the place of an edge, for errors

local function bad_answer(self, code, why)
  log.info("%s: on_timer: %s", tostring(self[NAME]), why)
  rare(self).last_error = engine.refusal("timer", code, why, self[NODE], ON_TIMER.event)
end

---What `on_timer` answered, as far as the FSM can use it.
---@return table? result
local function sound(self, result)
  if result == nil then return nil end
  if type(result) ~= "table" then
    log.info("%s: on_timer returned a %s, which says nothing", tostring(self[NAME]), type(result))
    return nil
  end
  if self[KIND].share then return result end
  local own, err = copy(result)
  if err then return bad_answer(self, err.code, err.message) end
  local why = own.payload ~= nil and self[KIND].shape
    and schema.mismatch(self[KIND].shape, own.payload)
  if why then return bad_answer(self, "bad_payload", why) end
  return own
end

---@return table? result  {payload=, send=, with=, every=, stop=}, a copy
local function call_on_timer(self)
  local handler = self[NODE].on_timer
  if not handler then return nil end
  context[FSM] = self
  local ok, result = self[KIND].protect(handler, catch, self[NODE].name, self)
  context[FSM] = nil
  if ok then return sound(self, result) end
  guard.report(self[NAME], "on_timer")
  rare(self).last_error = engine.raised("timer", result, self[NODE], ON_TIMER)
end

local function take_tick(self, request)
  if timers.interval(self) then
    self[MAIL] = self[MAIL] + BUSY
    local result = call_on_timer(self)
    if self[MAIL] == DEAD then return end
    if result then change_interval(self, result) end
    timers.arm_tick(self)
    local payload = self[PAYLOAD]
    if result and result.payload ~= nil then payload = result.payload end
    if result and type(result.send) == "string" then
      process(self, result.send, result.with, payload, SENT)
    else
      self[PAYLOAD] = payload
      rest(self)
    end
  end
  if request then task.wake(request.waiter, true) end
end

function timers.jobs.tick(self, request)
  if self[MAIL] >= BUSY then return hold(self, take_tick, request) end
  return take_tick(self, request)
end

---Calls `on_timer` soon, as if the interval were over.
---@param request? {waiter: finitomata.Waiter} woken when it is done
function M.send_tick(self, request)
  post(timers.jobs.tick, self, request)
end

local function take_reset(self, request)
  if request.ms ~= nil then rare(self).interval = request.ms > 0 and request.ms or false end
  if request.tick then return take_tick(self, request) end
  timers.arm_tick(self)
  task.wake(request.waiter, true)
end

local function on_reset(self, request)
  if self[MAIL] >= BUSY then return hold(self, take_reset, request) end
  return take_reset(self, request)
end

---Restarts the interval; `ms` changes it for good, `tick` lets it go off at once.
---@param request {tick: boolean?, ms: number?, waiter: finitomata.Waiter}
function M.send_reset(self, request)
  post(on_reset, self, request)
end

-- ---- what the branch asks of it ---------------------------------------------------

---The first event of an FSM that was just made.
function M.send_entry(self)
  self[MAIL] = self[MAIL] + 1
  post(take_entry, self)
end

---What a reloaded FSM does first.
function M.send_resume(self)
  self[MAIL] = self[MAIL] + 1
  post(take_resume, self)
end

local function overloaded(self)
  local waiting = self[MAIL] & COUNT
  return Error.fail("overloaded", ("`%s` has %d events waiting"):format(tostring(self[NAME]),
    waiting),
    { name = self[NAME], waiting = waiting })
end

---Queues an event. A tail call of `transition`, so that errors point to its caller.
---@return true?
---@return finitomata.Error? err "overloaded", "not_serializable"
function M.send(self, event, event_payload)
  local mail, kind = self[MAIL], self[KIND]
  if not kind.known[event] then check.type(event, "string", 2, "transition") end
  if mail & COUNT >= kind.mailbox then return overloaded(self) end
  if event_payload ~= nil and not kind.share then
    local err
    event_payload, err = copy(event_payload)
    if err then return nil, err end
  end
  self[MAIL] = mail + 1
  post(on_event, self, event, event_payload)
  return true
end

---Queues an event; `waiter` is woken with what became of it.
---@return true?
---@return finitomata.Error?
function M.send_call(self, event, event_payload, waiter)
  local kind = self[KIND]
  if self[MAIL] & COUNT >= kind.mailbox then return overloaded(self) end
  if not kind.share then
    local err
    event_payload, err = copy(event_payload)
    if err then return nil, err end
  end
  self[MAIL] = self[MAIL] + 1
  post(on_call, self,
    { event = event, payload = event_payload, waiter = waiter, attempt = 0, count = 0 })
  return true
end

local function take_read(self, request)
  task.wake(request.waiter, request.read(self, request.argument))
end

local function on_read(self, request)
  if self[MAIL] >= BUSY and not M.is_resting(self) then return hold(self, take_read, request) end
  return take_read(self, request)
end

---Reads once everything that was sent before has been handled.
---@param request {read: function, argument: any, waiter: finitomata.Waiter}
function M.send_read(self, request)
  post(on_read, self, request)
end

---Whether an event would be accepted now.
---@param request {event: string, payload: any}
---@return boolean
---@return finitomata.Error? why not
function M.can(self, request)
  local node, event = self[NODE], request.event
  local edge = node.edges[event]
  if not edge then return false, transition.no_answer(node, event, request.payload) end
  local err = engine.unmet(node, edge, request.payload, self[PAYLOAD], self)
  if err then return false, err end
  return true
end

-- ---- the end ---------------------------------------------------------------------

local function refuse_held(self, list, first, last)
  for at = first, last do
    local request = list[at][2]
    if type(request) == "table" then refuse_dead(self, request.waiter) end
  end
end

local function refuse_waiting(self, extra)
  local backlog, postponed = extra.backlog, extra.postponed
  if backlog then refuse_held(self, backlog, backlog.first, backlog.last) end
  if postponed then refuse_held(self, postponed, 1, #postponed) end
  if extra.retry then refuse_dead(self, extra.retry.waiter) end
  extra.backlog, extra.postponed = nil, nil
end

---Ends the FSM now.
---@param reason any
function M.terminate(self, reason)
  if self[MAIL] == DEAD then return end
  self[MAIL] = self[MAIL] | BUSY
  if self[EXTRA] then refuse_waiting(self, self[EXTRA]) end
  timers.disarm(self)
  local handler = self[NODE].on_terminate
  if handler then
    context[FSM] = self
    guard.call_by(self[KIND].protect, self[NAME], "on_terminate", handler, self, reason)
    context[FSM] = nil
  end
  M.vanish(self, reason)
end

---The last step of the end; `terminate` takes it, or a stop that waited too long.
function M.vanish(self, reason)
  if self[MAIL] == DEAD then return end
  local extra = self[EXTRA]
  if extra then refuse_waiting(self, extra) end
  timers.disarm(self)
  self[MAIL] = DEAD
  if self[KIND].forks then flow.leave(self) end
  self[KIND].branch:forget(self, reason)
  if extra and extra.stop then
    for _, waiter in ipairs(extra.stop.waiters) do task.wake(waiter, true) end
  end
end

local function on_stop(self)
  if self[MAIL] == DEAD then return end
  if self[MAIL] & BUSY == 0 or self[EXTRA].retry then
    return M.terminate(self, self[EXTRA].stop.reason)
  end
end

---Asks the FSM to end when the handler that runs is done.
---@param reason any
---@param waiter finitomata.Waiter
function M.send_stop(self, reason, waiter)
  local extra = rare(self)
  if extra.stop then
    table.insert(extra.stop.waiters, waiter)
    return
  end
  extra.stop = { reason = reason, waiters = { waiter } }
  post(on_stop, self)
end

return M
