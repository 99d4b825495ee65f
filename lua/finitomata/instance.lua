-- SPDX-License-Identifier: MIT

--- One running FSM: its state, payload and history, the events that wait for it,
--- its timers. It is also the `fsm` that callbacks look at.
---
--- There may be a million of them, so an instance is an array of eight slots, and
--- what most FSMs never need (timers, a last error, waiting events) is in a table
--- that is made when it is needed. An event travels through the process's ready
--- queue straight into `on_event`; only when the FSM is busy just then, in a
--- handler that waits for something, does the event go to the FSM's own backlog.
local Error = require("finitomata.error")
local config = require("finitomata.config")
local engine = require("finitomata.engine")
local guard = require("finitomata.guard")
local histories = require("finitomata.history")
local log = require("finitomata.log")
local payloads = require("finitomata.payload")
local task = require("finitomata.task")
local telemetry = require("finitomata.telemetry")

---@class finitomata.Instance
local Instance = { __name = "finitomata.Instance" }

local KIND <const> = 1 -- what it shares with its likes: plan, branch, adapters
local NAME <const> = 2
local NODE <const> = 3 -- the current state
local PAYLOAD <const> = 4
local HISTORY <const> = 5
local MAIL <const> = 6 -- events that wait, and the marks below
local REF <const> = 7
local EXTRA <const> = 8 -- false, or the table of rare things

local COUNT <const> = 0xFFFFFFFF -- how many events wait
local BUSY <const> = 1 << 32 -- a handler runs, or is to be tried again
local BACKLOG <const> = 1 << 33 -- there are jobs in extra.backlog
local ATTEMPT <const> = 1 << 34 -- from here up: which attempt it is
local RESTING <const> = COUNT | BACKLOG
local DEAD <const> = math.maxinteger

local xpcall, type = xpcall, type
local catch, copy = guard.catch, payloads.copy
local decide, push, post, enter = engine.decide, histories.push, task.post, task.enter

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

---@param kind finitomata.Kind
---@param name any
---@param payload any owned by the instance from now on
---@param ref string|integer
---@return finitomata.Instance
function M.new(kind, name, payload, ref)
  return setmetatable({ kind, name, kind.plan.start, payload, histories.EMPTY, 0, ref, false }, Instance)
end

---The table of rare things, made on first use.
local function rare(self)
  local extra = self[EXTRA]
  if not extra then
    extra = {}
    self[EXTRA] = extra
  end
  return extra
end

-- ---- what callbacks see --------------------------------------------------------

local function shown(self)
  local payload = self[PAYLOAD]
  if type(payload) == "table" and not self[KIND].share then return copy(payload) end
  return payload
end

local view = {}

function view.name(self) return self[NAME] end

function view.id(self) return self[KIND].branch.id end

function view.node(self) return self[KIND].branch.node end

function view.current(self) return self[NODE].name end

function view.previous(self)
  local number = histories.newest(self[HISTORY])
  return number and self[KIND].plan.names[number]
end

view.payload = shown

function view.history(self)
  return histories.entries(self[HISTORY], self[KIND].plan.names)
end

function view.lifecycle(self)
  return self[EXTRA] and self[EXTRA].lifecycle or "created"
end

function view.parent(self)
  local parent = self[EXTRA] and self[EXTRA].parent
  if parent == nil then return self[KIND].branch.node end
  return parent
end

function view.timer(self)
  local extra = self[EXTRA]
  if extra and extra.interval ~= nil then return extra.interval end
  return self[KIND].timer
end

function view.attempt(self)
  return self[MAIL] == DEAD and 0 or self[MAIL] // ATTEMPT
end

function view.last_error(self)
  return self[EXTRA] and self[EXTRA].last_error or nil
end

local FIELDS <const> = {
  "name", "id", "node", "current", "previous", "payload", "history", "lifecycle", "parent", "timer",
  "attempt", "last_error",
}

function Instance.__index(self, key)
  local field = view[key]
  if field then return field(self) end
end

function Instance.__newindex(self, key, value)
  if key == PAYLOAD then return rawset(self, key, value) end -- it was nil
  error(("an fsm is read-only: '%s' cannot be set"):format(tostring(key)), 2)
end

function Instance:__tostring()
  return ("fsm<%s %s>"):format(tostring(self[NAME]), self[NODE].name)
end

function Instance.__pairs(self)
  local at = 0
  return function()
    while FIELDS[at + 1] do
      at = at + 1
      local value = self[FIELDS[at]]
      if value ~= nil then return FIELDS[at], value end
    end
  end, self, nil
end

---A plain table with all fields, as they are now.
---@param self finitomata.Instance
---@return table
function M.snapshot(self)
  local full = {}
  for _, field in ipairs(FIELDS) do full[field] = view[field](self) end
  if Error.is(full.last_error) then full.last_error = Error.to_table(full.last_error) end
  return full
end

M.payload = shown

---@return string
function M.current(self) return self[NODE].name end

function M.ref(self) return self[REF] end

function M.set_ref(self, ref) self[REF] = ref end

function M.set_parent(self, parent) rare(self).parent = parent end

function M.set_lifecycle(self, lifecycle) rare(self).lifecycle = lifecycle end

function M.name(self) return self[NAME] end

function M.kind(self) return self[KIND] end

---Continues where storage says the FSM was.
function M.restore(self, state, payload)
  self[NODE] = self[KIND].plan.nodes[state]
  self[PAYLOAD] = payload
end

-- ---- timers --------------------------------------------------------------------

local function fire_tick(self)
  self[EXTRA].timer = nil
  M.send_tick(self)
end

local function arm_timer(self)
  local extra = rare(self)
  local interval = extra.interval
  if interval == nil then interval = self[KIND].timer end
  local clock = self[KIND].branch.clock
  if extra.timer then
    clock:stop(extra.timer)
    extra.timer = nil
  end
  if interval then extra.timer = clock:start(interval, fire_tick, self) end
end

local on_timeout

local function fire_timeout(timeout)
  timeout.timer = nil
  post(on_timeout, timeout.fsm, timeout)
end

local function disarm_timeouts(self)
  local extra = self[EXTRA]
  if not extra or not extra.timeouts then return end
  local clock = self[KIND].branch.clock
  for _, timeout in ipairs(extra.timeouts) do
    timeout.left = true
    if timeout.timer then clock:stop(timeout.timer) end
  end
  extra.timeouts = nil
end

local function arm_timeouts(self)
  disarm_timeouts(self)
  local after = self[NODE].after
  if not after then return end
  local clock, timeouts = self[KIND].branch.clock, {}
  for i, each in ipairs(after) do
    local timeout = { fsm = self, event = each.event, with = each.with }
    timeout.timer = clock:start(each.ms, fire_timeout, timeout)
    timeouts[i] = timeout
  end
  rare(self).timeouts = timeouts
end

local function disarm_all(self)
  local extra = self[EXTRA]
  if not extra then return end
  disarm_timeouts(self)
  local clock = self[KIND].branch.clock
  if extra.timer then clock:stop(extra.timer) end
  if extra.retry and extra.retry.timer then clock:stop(extra.retry.timer) end
  extra.timer, extra.retry = nil, nil
end

---Arms what a started or a reloaded FSM waits for.
function M.arm(self)
  if self[KIND].timer then arm_timer(self) end
  if self[NODE].after then arm_timeouts(self) end
end

-- ---- failures ------------------------------------------------------------------

local function tell_failure(self, handler, where, event, event_payload)
  if not handler then return end
  local ok = xpcall(handler, catch, event, event_payload, self)
  if not ok then guard.report(self[NAME], where) end
end

local function tell_store(self, err)
  local adapter = self[KIND].store
  if not adapter or not adapter.store_error then return end
  local info = { stage = err.stage, from = err.state, event = err.event,
    event_payload = err.event_payload, object = shown(self) }
  local ok, answer, reason = guard.call(self[NAME], "store_error", adapter.store_error, self[NAME],
    shown(self), err.reason, info)
  if ok and (answer ~= nil and answer ~= false or reason == nil) then return end
  if err.stage == "persistency" and not ok then return end
  local failed = engine.refusal("persistency", "persistency", ok and reason or answer, self[NODE],
    err.event, err.event_payload)
  failed.context = err.reason
  self[EXTRA].last_error = failed
end

---Tries again later, if the event's targets are ensured and the limit allows.
local function schedule_retry(self, edge, event_payload, try)
  local policy = edge.ensured
  if not policy or try.count >= policy.max then return false end
  local delay = policy.delay * policy.factor ^ try.count
  local extra = rare(self)
  local retry = { event = edge.event, payload = event_payload, attempt = try.attempt + 1,
    count = try.count + 1, waiter = try.waiter }
  retry.timer = self[KIND].branch.clock:start(delay, function()
    retry.timer = nil
    post(M.on_retry, self, retry)
  end)
  extra.retry = retry
  return true
end

local NEVER_RETRIED <const> = { not_allowed = true, runaway = true }

---@return finitomata.Error err
---@return boolean? pending a retry is scheduled
local function failed(self, edge, event_payload, err, try)
  rare(self).last_error = err
  tell_store(self, err)
  local stage = err.stage
  if stage == "not_allowed" then
    tell_failure(self, edge.on_rollback, "on_rollback", edge.event, event_payload)
  end
  if edge.soft then return err end
  if edge.ensured and not NEVER_RETRIED[stage] and schedule_retry(self, edge, event_payload, try) then
    return err, true
  end
  log.debug("%s: %s", tostring(self[NAME]), err.message)
  tell_failure(self, edge.on_failure, "on_failure", edge.event, event_payload)
  return err
end

local function not_responding(self, event, event_payload)
  local node = self[NODE]
  local reason = ("not_responding: `%s` does not answer `%s`"):format(node.name, event)
  local err = engine.refusal("not_responding", "not_responding", reason, node, event, event_payload,
    reason)
  rare(self).last_error = err
  if event:sub(-1) ~= "?" then
    log.debug("%s: %s", tostring(self[NAME]), reason)
    local failure = self[KIND].plan.failure
    if type(failure) == "table" then failure = failure[event] or failure._ end
    tell_failure(self, failure, "on_failure", event, event_payload)
  end
  return err
end

-- ---- the transition ------------------------------------------------------------

---Asks the storage; it may veto, and it may replace the payload.
local function store(self, node, edge, target, payload, event_payload)
  local kind = self[KIND]
  local given = payload
  if not kind.share then given = copy(payload) end
  local info = { from = node.name, to = target.name, event = edge.event,
    event_payload = event_payload, object = shown(self), definition = kind.plan.definition.hash }
  local ok, answer, second = guard.call(self[NAME], "store", kind.store.store, self[NAME], given, info)
  if not ok then
    return nil, engine.refusal("persistency", "persistency", answer, node, edge.event, event_payload)
  elseif answer == false or answer == nil and second ~= nil then
    return nil, engine.refusal("persistency", "persistency", second or "refused", node, edge.event,
      event_payload)
  end
  if answer and second ~= nil then payload = second end
  return target, payload
end

local function late_error(self, stage, raised, node, edge, event_payload)
  guard.report(self[NAME], stage == "listener" and "listener" or stage)
  local err = engine.refusal(stage, "raised", raised, node, edge.event, event_payload)
  if engine.is_runaway(raised) then err.code, err.stage = "runaway", "runaway" end
  return err
end

local function tell_listeners(self, listeners, node, edge, event_payload)
  local late
  for _, listener in ipairs(listeners) do
    local ok, raised = xpcall(listener.after_transition, catch, self[NAME], self[NODE].name, shown(self))
    if not ok then late = late or late_error(self, "listener", raised, node, edge, event_payload) end
  end
  return late
end

---Makes the decision true. From here on nothing can undo it: what goes wrong now
---is recorded and reported, and the state is new.
local function commit(self, node, edge, target, payload, event_payload)
  local kind = self[KIND]
  local moves, late = not edge.internal, nil
  if moves and node.on_exit then
    local ok, raised = xpcall(node.on_exit, catch, node.name, self)
    if self[MAIL] == DEAD then return end
    if not ok then late = late_error(self, "on_exit", raised, node, edge, event_payload) end
  end
  if moves then
    local plan = kind.plan
    self[HISTORY] = push(self[HISTORY], node.number, plan.history_size, plan.history_mask)
  end
  self[NODE] = target
  self[PAYLOAD] = payload
  local extra = self[EXTRA]
  if extra then
    extra.last_error = nil
    if extra.postponed and target ~= node then extra.recall = true end
  end
  if kind.timed then
    if kind.timer then arm_timer(self) end
    if moves then arm_timeouts(self) end
  end
  if kind.listeners then
    local err = tell_listeners(self, kind.listeners, node, edge, event_payload)
    late = late or err
  end
  if moves and target.on_enter then
    local ok, raised = xpcall(target.on_enter, catch, target.name, self)
    if not ok then
      late = late or late_error(self, "on_enter", raised, node, edge, event_payload)
    end
  end
  if late then
    rare(self).last_error = late
    if not edge.soft then
      tell_failure(self, edge.on_failure, "on_failure", edge.event, event_payload)
    end
  end
end

---Runs one event, without what follows it.
---@param try {attempt: integer, count: integer, waiter: table?}
---@return finitomata.Error? err
---@return boolean? pending
local function run(self, event, event_payload, payload, try)
  local node = self[NODE]
  local edge = node.edges[event]
  if edge == nil then return not_responding(self, event, event_payload) end
  local kind = self[KIND]
  local started = telemetry.active and telemetry.now()
  local given = event_payload
  if edge.ensured and not kind.share and type(event_payload) == "table" then
    given = copy(event_payload) -- the next attempt gets it as it came
  end
  local target, result = decide(node, edge, given, payload, self, kind.share)
  if target and kind.store then
    target, result = store(self, node, edge, target, result, event_payload)
  end
  if self[MAIL] == DEAD then return nil end
  local err, pending
  if target then
    commit(self, node, edge, target, result, event_payload)
  else
    err, pending = failed(self, edge, event_payload, result, try)
  end
  if started then telemetry.transition(self, node.name, event, started, err) end
  return err, pending
end

local FOLLOW_UP <const> = { attempt = 1, count = 0 }
local FIRST <const> = { attempt = 0, count = 0 }

local function endless(self, trail)
  local node = self[NODE]
  local reason = "automatic events go round: " .. table.concat(trail, " ")
  local err = engine.refusal("runaway", "endless", reason, node, node.auto.event, nil, reason)
  rare(self).last_error = err
  log.error("%s: %s", tostring(self[NAME]), reason)
  tell_failure(self, node.auto.on_failure, "on_failure", node.auto.event, nil)
end

---The automatic events after a state was entered. True when a retry is pending.
local function follow_up(self)
  local count, trail = 0, nil
  while true do
    local auto = self[NODE].auto
    if auto == nil or self[MAIL] == DEAD then return false end
    count = count + 1
    if count > config.FOLLOW_UPS then
      trail = trail or {}
      trail[#trail + 1] = self[NODE].name
      if #trail > 1 and trail[#trail] == trail[1] or #trail > 40 then
        endless(self, trail)
        return false
      end
      trail[#trail + 1] = auto.event
    end
    self[MAIL] = self[MAIL] & (RESTING | BUSY) | ATTEMPT
    local err, pending = run(self, auto.event, nil, self[PAYLOAD], FOLLOW_UP)
    if pending then return true end
    if err then return false end
  end
end

local drain

---Ends the turn of this FSM: whoever waited is served.
local function rest(self)
  local mail = self[MAIL]
  if mail == DEAD then return end
  self[MAIL] = mail & RESTING
  local extra = self[EXTRA]
  if extra then
    if extra.recall then M.recall(self, extra) end
    if extra.stop then
      return M.terminate(self, extra.stop.reason)
    end
    if self[MAIL] & BACKLOG ~= 0 and not extra.draining then
      extra.draining = true
      post(drain, self)
    end
  end
end

local function answer(self, waiter, err)
  if err then
    task.wake(waiter, nil, err)
  else
    task.wake(waiter, self[NODE].name, shown(self))
  end
end

---Runs one event with all that follows.
local function process(self, event, event_payload, payload, try)
  local previous = enter(self)
  local err, pending = run(self, event, event_payload, payload, try)
  local ended = false
  if not err then
    if self[NODE].name == "*" then
      ended = true
    elseif self[NODE].auto then
      pending = follow_up(self)
      ended = self[NODE].name == "*"
    end
  end
  if try.waiter and not (err and pending) then answer(self, try.waiter, err) end
  enter(previous)
  if self[MAIL] == DEAD then return end
  if ended then
    M.terminate(self, "normal")
  elseif not pending then
    rest(self)
  end
end

-- ---- the jobs of the ready queue -------------------------------------------------

local function refuse_dead(self, waiter)
  if waiter then
    task.wake(waiter, Error.fail("no_such_fsm", ("`%s` has ended"):format(tostring(self[NAME])),
      { name = self[NAME] }))
  end
end

---Keeps a job for later, since the FSM is busy, or refuses it, since it is dead.
local function hold(self, job, a, b)
  if self[MAIL] == DEAD then
    return refuse_dead(self, type(a) == "table" and a.waiter or nil)
  end
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

function drain(self)
  local extra = self[EXTRA]
  if self[MAIL] == DEAD then return end
  while self[MAIL] & (BUSY | BACKLOG) == BACKLOG do
    local backlog = extra.backlog
    local job = backlog[backlog.first]
    backlog[backlog.first] = nil
    backlog.first = backlog.first + 1
    if backlog.first > backlog.last then
      extra.backlog = nil
      self[MAIL] = self[MAIL] & ~BACKLOG
    end
    job[1](self, job[2], job[3])
    if self[MAIL] == DEAD then return end
  end
  extra.draining = false
end

---Puts postponed events in front of everything that waits.
function M.recall(self, extra)
  local postponed, backlog = extra.postponed, extra.backlog or { first = 1, last = 0 }
  extra.postponed, extra.recall = nil, nil
  for i = #postponed, 1, -1 do
    backlog.first = backlog.first - 1
    backlog[backlog.first] = postponed[i]
  end
  extra.backlog = backlog
  self[MAIL] = self[MAIL] | BACKLOG
end

local function postpone(self, job, a, b)
  local extra = rare(self)
  extra.postponed = extra.postponed or {}
  table.insert(extra.postponed, { job, a, b })
end

local function ignored(self, event, waiter)
  self[MAIL] = self[MAIL] - 1
  if waiter then
    task.wake(waiter, nil, engine.refusal("ignored", "ignored", "ignored", self[NODE], event, nil))
  end
end

local function take_event(self, event, event_payload)
  local node = self[NODE]
  if node.postpone and node.postpone[event] then
    return postpone(self, take_event, event, event_payload)
  end
  if node.ignore and node.ignore[event] then return ignored(self, event) end
  self[MAIL] = self[MAIL] - 1 + BUSY
  process(self, event, event_payload, self[PAYLOAD], FIRST)
end

local function on_event(self, event, event_payload)
  if self[MAIL] >= BUSY then return hold(self, take_event, event, event_payload) end
  return take_event(self, event, event_payload)
end

local function take_call(self, call)
  local node, event = self[NODE], call.event
  if node.postpone and node.postpone[event] then return postpone(self, take_call, call) end
  if node.ignore and node.ignore[event] then return ignored(self, event, call.waiter) end
  self[MAIL] = self[MAIL] - 1 + BUSY
  process(self, event, call.payload, self[PAYLOAD],
    { attempt = 0, count = 0, waiter = call.waiter })
end

local function on_call(self, call)
  if self[MAIL] >= BUSY then return hold(self, take_call, call) end
  return take_call(self, call)
end

local function take_entry(self)
  self[MAIL] = self[MAIL] - 1 + BUSY + ATTEMPT
  process(self, self[KIND].plan.entry_event, nil, self[PAYLOAD], FOLLOW_UP)
end

---After a reload: what entering the state would have set going.
local function take_resume(self)
  self[MAIL] = self[MAIL] - 1 + BUSY
  local previous = enter(self)
  local pending = self[NODE].auto and follow_up(self)
  enter(previous)
  if self[NODE].name == "*" then
    M.terminate(self, "normal")
  elseif not pending then
    rest(self)
  end
end

function M.on_retry(self, retry)
  if self[MAIL] == DEAD or self[EXTRA].retry ~= retry then return end
  self[EXTRA].retry = nil
  self[MAIL] = self[MAIL] & RESTING | BUSY | retry.attempt * ATTEMPT
  process(self, retry.event, retry.payload, self[PAYLOAD], retry)
end

local function take_timeout(self, timeout)
  if timeout.left then return end
  self[MAIL] = self[MAIL] + BUSY + ATTEMPT
  process(self, timeout.event, copy(timeout.with), self[PAYLOAD], FOLLOW_UP)
end

function on_timeout(self, timeout)
  if self[MAIL] >= BUSY then return hold(self, take_timeout, timeout) end
  return take_timeout(self, timeout)
end

-- ---- the periodic timer ----------------------------------------------------------

local function new_interval(self, extra, result)
  local every = result.every
  if result.stop or every == false then
    extra.interval = false
  elseif every ~= nil then
    extra.interval = type(every) == "number" and every > 0 and every < math.huge and every or false
  end
end

local function call_on_timer(self, handler)
  local ok, result = xpcall(handler, catch, self[NODE].name, self)
  if ok then return type(result) == "table" and result or nil end
  guard.report(self[NAME], "on_timer")
  local err = engine.refusal("timer", "raised", result, self[NODE], "on_timer", nil)
  if engine.is_runaway(result) then err.code, err.stage = "runaway", "runaway" end
  rare(self).last_error = err
end

local function take_tick(self, waiter)
  local extra = rare(self)
  local interval = extra.interval
  if interval == nil then interval = self[KIND].timer end
  if not interval then
    if waiter then task.wake(waiter, true) end
    return
  end
  self[MAIL] = self[MAIL] + BUSY
  local handler = self[NODE].on_timer
  local previous = enter(self)
  local result = handler and call_on_timer(self, handler)
  enter(previous)
  if self[MAIL] == DEAD then return end
  if result then new_interval(self, extra, result) end
  arm_timer(self)
  local payload = self[PAYLOAD]
  if result and result.payload ~= nil then
    payload = result.payload
    if not self[KIND].share then payload = copy(payload) end
  end
  if result and type(result.send) == "string" then
    local with = result.with
    if not self[KIND].share then with = copy(with) end
    process(self, result.send, with, payload, FIRST)
  else
    self[PAYLOAD] = payload
    rest(self)
  end
  if waiter then task.wake(waiter, true) end
end

local function on_tick(self, waiter)
  if self[MAIL] >= BUSY then return hold(self, take_tick, waiter) end
  return take_tick(self, waiter)
end

---Calls `on_timer` soon, as if the interval were over.
---@param waiter? finitomata.Waiter woken when it is done
function M.send_tick(self, waiter)
  post(on_tick, self, waiter)
end

local function take_reset(self, request)
  if request.ms ~= nil then rare(self).interval = request.ms end
  if request.tick then return take_tick(self, request.waiter) end
  if self[EXTRA] and self[EXTRA].timer or request.ms then arm_timer(self) end
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
  return Error.fail("overloaded", ("`%s` has %d events waiting"):format(tostring(self[NAME]),
    self[MAIL] & COUNT), { name = self[NAME] })
end

---Queues an event.
---@return true?
---@return finitomata.Error? err "overloaded", "not_serializable"
function M.send(self, event, event_payload)
  local mail = self[MAIL]
  local kind = self[KIND]
  if mail & COUNT >= kind.mailbox then return overloaded(self) end
  if type(event_payload) ~= "string" and event_payload ~= nil and not kind.share then
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
  post(on_call, self, { event = event, payload = event_payload, waiter = waiter })
  return true
end

---True when nothing is queued for it: what it is now, it stays until the next event.
function M.is_resting(self)
  return self[MAIL] == 0 or self[EXTRA] and self[EXTRA].retry ~= nil
end

---@return boolean
function M.is_dead(self)
  return self[MAIL] == DEAD
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

---Whom the FSM's handler waits for, to see deadlocks before they happen.
function M.waits_for(self)
  return self[EXTRA] and self[EXTRA].waits_for or nil
end

function M.set_waits_for(self, other)
  rare(self).waits_for = other
end

---Whether the event would be accepted now.
---@return boolean
---@return finitomata.Error? why not
function M.can(self, request)
  local node, event = self[NODE], request.event
  local edge = node.edges[event]
  if not edge then
    return false, engine.refusal("not_responding", "not_responding",
      ("not_responding: `%s` does not answer `%s`"):format(node.name, event), node, event,
      request.payload)
  end
  local err = engine.unmet(node, edge, request.payload, self[PAYLOAD], self)
  if err then return false, err end
  return true
end

-- ---- the end ---------------------------------------------------------------------

local function refuse_waiting(self, extra)
  for _, list in ipairs { extra.backlog or {}, extra.postponed or {} } do
    for at = list.first or 1, list.last or #list do
      local job = list[at]
      local request = job and job[2]
      if type(request) == "table" and request.waiter then refuse_dead(self, request.waiter) end
    end
  end
  if extra.retry and extra.retry.waiter then refuse_dead(self, extra.retry.waiter) end
end

---Ends the FSM now.
---@param reason any
function M.terminate(self, reason)
  if self[MAIL] == DEAD then return end
  self[MAIL] = self[MAIL] | BUSY
  local extra = self[EXTRA]
  if extra then refuse_waiting(self, extra) end
  disarm_all(self)
  local handler = self[NODE].on_terminate
  if handler and not (extra and extra.abandoned) then
    local previous = enter(self)
    guard.call(self[NAME], "on_terminate", handler, self, reason)
    enter(previous)
    if self[MAIL] == DEAD then return end
  end
  M.vanish(self, reason)
end

---The last step of the end; `terminate` takes it, or a stop that waited too long.
function M.vanish(self, reason)
  if self[MAIL] == DEAD then return end
  local extra = self[EXTRA]
  disarm_all(self)
  self[MAIL] = DEAD
  self[KIND].branch:forget(self, reason)
  if extra and extra.stop then
    for _, waiter in ipairs(extra.stop.waiters) do task.wake(waiter, true) end
  end
end

local function on_stop(self)
  if self[MAIL] == DEAD then return end
  local extra = self[EXTRA]
  if self[MAIL] & BUSY == 0 or extra.retry then return M.terminate(self, extra.stop.reason) end
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
