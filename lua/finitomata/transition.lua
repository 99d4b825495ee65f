-- SPDX-License-Identifier: MIT

--- One event applied to one FSM. The engine decides, the storage may veto, and
--- then there is the one commit point: before it nothing has happened, after it
--- nothing can be undone. What goes wrong later (in on_exit, a listener,
--- on_enter) is recorded and reported, and the state stays new.
local clock = require("finitomata.clock")
local config = require("finitomata.config")
local engine = require("finitomata.engine")
local guard = require("finitomata.guard")
local histories = require("finitomata.history")
local log = require("finitomata.log")
local payloads = require("finitomata.payload")
local schema = require("finitomata.schema")
local telemetry = require("finitomata.telemetry")
local timers = require("finitomata.timers")
local view = require("finitomata.view")

-- The slots of an instance and the marks in its mail; instance.lua says what they are.
local KIND <const>, NAME <const>, NODE <const>, PAYLOAD <const> = 1, 2, 3, 4
local HISTORY <const>, MAIL <const>, EXTRA <const> = 5, 6, 8
local BUSY_RESTING <const>, ATTEMPT <const>, DEAD <const> = (1 << 34) - 1, 1 << 34, math.maxinteger

local catch, copy, shown = guard.catch, payloads.copy, view.shown
local decide, refusal, push, rare = engine.decide, engine.refusal, histories.push, timers.rare

local M = {}

---The attempt of an event as it was sent.
local SENT <const> = { attempt = 0, count = 0 }
M.SENT = SENT

-- ---- failures ------------------------------------------------------------------

---Calls on_failure or on_rollback; what they raise goes no further.
local function tell(self, handler, where, event, event_payload)
  if not handler then return end
  local ok = self[KIND].protect(handler, catch, event, event_payload, self)
  if not ok then guard.report(self[NAME], where) end
end

local WARNINGS_PER_SECOND <const> = 20

---Whether one more warning of a branch is worth its line.
local function worth_a_warning(branch)
  local told, now = branch.refusals, os.time()
  if told.second ~= now then told.second, told.count = now, 0 end
  told.count = told.count + 1
  if told.count == WARNINGS_PER_SECOND + 1 then
    log.warning("more refusals in this second are shown at the level debug only")
  end
  return told.count <= WARNINGS_PER_SECOND
end

---Logs a failure: as a warning when nobody else is told of it.
local function report(self, handler, try, err)
  local heard = handler or try.waiter or telemetry.active
  log.write((heard or not worth_a_warning(self[KIND].branch)) and "debug" or "warning", "%s: %s",
    tostring(self[NAME]), err.message)
end

---What a storage's answer means.
---@return boolean stored
---@return any payload that it gave, or why not
local function answer_of(ok, answer, second)
  if not ok then return false, answer end
  if answer == false or answer == "error" or answer == nil and second ~= nil then
    if second == nil then second = "refused" end
    return false, second
  end
  if answer == nil or answer == true or answer == "ok" then return true, second end
  if type(answer) == "table" then return true, answer end
  return false, "bad_return"
end

---Tells the storage of a failed attempt. It may fail as well.
local function tell_store(self, err)
  local adapter = self[KIND].store
  if not adapter or not adapter.store_error then return end
  local info = { stage = err.stage, from = err.state, event = err.event,
    event_payload = err.event_payload, object = shown(self) }
  local stored, reason = answer_of(guard.call_by(self[KIND].protect, self[NAME], "store_error",
    adapter.store_error, self[NAME], shown(self), err.reason, info))
  if stored then return end
  local failed = refusal("persistency", "persistency", reason, self[NODE], err.event,
    err.event_payload)
  failed.context = err.reason
  self[EXTRA].last_error = failed
end

local NEVER_RETRIED <const> = { not_allowed = true, runaway = true }

---@return finitomata.Error err
---@return boolean? pending  it will be tried again
local function failed(self, edge, event_payload, err, try)
  rare(self).last_error = err
  tell_store(self, err)
  if err.stage == "not_allowed" then
    tell(self, edge.on_rollback, "on_rollback", edge.event, event_payload)
  end
  if edge.soft then return err end
  if edge.ensured and not NEVER_RETRIED[err.stage]
      and timers.retry(self, edge, event_payload, try) then
    return err, true
  end
  report(self, edge.on_failure, try, err)
  tell(self, edge.on_failure, "on_failure", edge.event, event_payload)
  return err
end

---The refusal of an event that a state does not answer.
---@param node finitomata.Node
---@param event string
---@param event_payload any
---@return finitomata.Error
function M.no_answer(node, event, event_payload)
  local reason = ("not_responding: `%s` does not answer `%s`"):format(node.name, event)
  return refusal("not_responding", "not_responding", reason, node, event, event_payload, reason)
end

local function not_responding(self, event, event_payload, try)
  local err = M.no_answer(self[NODE], event, event_payload)
  rare(self).last_error = err
  tell_store(self, err)
  if event:sub(-1) ~= "?" then
    local handler = self[KIND].plan.failure
    if type(handler) == "table" then handler = handler[event] or handler._ end
    report(self, handler, try, err)
    tell(self, handler, "on_failure", event, event_payload)
  end
  return err
end

-- ---- the commit ----------------------------------------------------------------

---The payload of a transition that is about to be made, when it has the shape it must.
local function shaped(self, stage, node, edge, target, payload, event_payload)
  local why = schema.mismatch(self[KIND].shape, payload)
  if not why then return target, payload end
  return nil, refusal(stage, "bad_payload", why, node, edge.event, event_payload)
end

---The payload that a storage gave.
local function replaced(self, node, edge, target, payload, event_payload)
  local kind = self[KIND]
  if not kind.share then
    local own, err = copy(payload)
    if err then
      return nil, refusal("persistency", err.code, err.message, node, edge.event, event_payload)
    end
    payload = own
  end
  if not kind.shape then return target, payload end
  return shaped(self, "persistency", node, edge, target, payload, event_payload)
end

---Asks the storage; it may veto, and it may replace the payload.
---@return finitomata.Node? target
---@return any payload or the error
local function store(self, node, edge, target, payload, event_payload)
  local kind = self[KIND]
  local given = payload
  if not kind.share then given = copy(payload) end
  local info = { from = node.name, to = target.name, event = edge.event,
    event_payload = event_payload, object = shown(self), definition = kind.plan.definition.hash }
  local stored, result = answer_of(guard.call_by(kind.protect, self[NAME], "store",
    kind.store.store, self[NAME], given, info))
  if not stored then
    return nil, refusal("persistency", "persistency", result, node, edge.event, event_payload)
  end
  if result == nil then return target, payload end
  return replaced(self, node, edge, target, result, event_payload)
end

local function late_error(self, stage, raised, node, edge, event_payload)
  guard.report(self[NAME], stage)
  return engine.raised(stage, raised, node, edge, event_payload)
end

local function tell_listeners(self, node, edge, event_payload, late)
  for _, listener in ipairs(self[KIND].listeners) do
    local ok, raised = self[KIND].protect(listener.after_transition, catch, self[NAME],
      self[NODE].name,
      shown(self))
    if not ok then
      late = late or late_error(self, "listener", raised, node, edge, event_payload)
    end
  end
  return late
end

local function enter(self, target, node, edge, event_payload, late)
  local ok, raised = self[KIND].protect(target.on_enter, catch, target.name, self)
  if not ok then late = late or late_error(self, "on_enter", raised, node, edge, event_payload) end
  return late
end

---Adds to a history that has to be, or is, unpacked.
local function remember(self, number)
  local extra, packed = rare(self), self[HISTORY]
  if packed ~= histories.WIDE then extra.history = histories.unpack(packed) end
  histories.push_wide(extra.history, number, self[KIND].plan.history_size)
  return histories.WIDE
end

---What an FSM with timers, waiting events or listeners does when it has moved.
local function announce(self, node, edge, event_payload, late)
  local kind, extra = self[KIND], self[EXTRA]
  if extra then
    extra.last_error = nil
    if extra.postponed and self[NODE] ~= node then extra.recall = true end
  end
  if kind.timed then
    if kind.timer then timers.arm_tick(self) end
    if not edge.internal then timers.arm_timeouts(self) end
  end
  if kind.listeners then late = tell_listeners(self, node, edge, event_payload, late) end
  return late
end

---Records the first thing that went wrong after the commit.
local function blame(self, edge, event_payload, late)
  if self[MAIL] == DEAD then return end
  rare(self).last_error = late
  if not edge.soft then tell(self, edge.on_failure, "on_failure", edge.event, event_payload) end
end

---The rest of the commit, from where the state changes.
---@param late finitomata.Error? what went wrong in on_exit
local function move(self, node, edge, target, payload, event_payload, late)
  local kind, moves = self[KIND], not edge.internal
  if moves then
    local number = node.number
    self[HISTORY] = push(self[HISTORY], number, kind.history_mask) or remember(self, number)
  end
  self[NODE] = target
  self[PAYLOAD] = payload
  if self[EXTRA] or kind.announces then late = announce(self, node, edge, event_payload, late) end
  if moves and target.on_enter then
    late = enter(self, target, node, edge, event_payload, late)
  end
  if late then blame(self, edge, event_payload, late) end
end

---Makes the decision true.
local function commit(self, node, edge, target, payload, event_payload)
  local late
  if node.on_exit and not edge.internal then
    local ok, raised = self[KIND].protect(node.on_exit, catch, node.name, self)
    if not ok then late = late_error(self, "on_exit", raised, node, edge, event_payload) end
    if self[MAIL] == DEAD then return end -- it was given up while on_exit waited
  end
  return move(self, node, edge, target, payload, event_payload, late)
end

---The same, with a storage, with telemetry, or for an event that must succeed.
local function run_observed(self, edge, event_payload, payload, try)
  local node, kind = self[NODE], self[KIND]
  local started = telemetry.active and telemetry.now()
  local given = event_payload
  if edge.ensured and not kind.share then
    given = copy(event_payload) -- the next attempt gets it as it came
  end
  local target, result = decide(node, edge, given, payload, self, kind.share, kind.protect)
  if target and kind.shape then
    target, result = shaped(self, "on_transition", node, edge, target, result, event_payload)
  end
  if target and kind.store then
    target, result = store(self, node, edge, target, result, event_payload)
  end
  if self[MAIL] == DEAD then return M.no_answer(node, edge.event, event_payload) end
  local err, pending
  if target then
    commit(self, node, edge, target, result, event_payload)
  else
    err, pending = failed(self, edge, event_payload, result, try)
  end
  if started then
    telemetry.transition(self, kind.definition.name, node.name, edge.event, started, err)
  end
  return err, pending
end

---What the answer of a callback comes to.
local function conclude(self, node, edge, event_payload, target, result, try)
  if self[MAIL] == DEAD then return M.no_answer(node, edge.event, event_payload) end
  if target then return commit(self, node, edge, target, result, event_payload) end
  return failed(self, edge, event_payload, result, try)
end

---A step: one event, whatever it asks for.
local function step_by_step(self, event, event_payload, payload, try)
  local node, kind = self[NODE], self[KIND]
  local edge = node.edges[event]
  if edge == nil then
    local started = telemetry.active and telemetry.now()
    local err = not_responding(self, event, event_payload, try)
    if started then
      telemetry.transition(self, kind.definition.name, node.name, event, started, err)
    end
    return err
  end
  if edge.ensured or kind.observed or telemetry.active then
    return run_observed(self, edge, event_payload, payload, try)
  end
  local target, result = decide(node, edge, event_payload, payload, self, kind.share, kind.protect)
  return conclude(self, node, edge, event_payload, target, result, try)
end

---An edge without guards, of a definition without storage, as one C function, where
---there is one. It calls the callbacks and hands back here what is out of the
---ordinary: an answer that is no known target, a callback that raises, timers.
---@param kind finitomata.Kind
---@param node finitomata.Node
---@param edge finitomata.Edge
---@return function? step
local function compile(kind, node, edge)
  local plain = not (edge.guards or edge.ensured or edge.internal or kind.observed)
    and kind.history_mask ~= 0 and (edge.handler or edge.sole) and kind.protect == xpcall
  if not plain then return nil end
  local share, settles = kind.share, false
  for _, target in pairs(edge.targets) do settles = settles or target.settles end
  return clock.edge {
    catch = catch, handler = edge.handler, on_exit = node.on_exit, state = node.name,
    targets = edge.targets, sole = edge.sole, number = node.number, mask = kind.history_mask,
    share = share, listened = kind.listeners ~= nil, timed = kind.timed, settles = settles,
    odd = function(self, event_payload, payload, try, ok, to, new_payload)
      local target, result = engine.judge(node, edge, event_payload, payload, self, share, ok, to,
        new_payload)
      return conclude(self, node, edge, event_payload, target, result, try or SENT)
    end,
    move = function(self, target, payload, event_payload, exited, raised)
      local late
      if not exited then
        late = late_error(self, "on_exit", raised, node, edge, event_payload)
      end
      return move(self, node, edge, target, payload, event_payload, late)
    end,
    announce = function(self) announce(self, node, edge) end,
    late = function(self, event_payload, raised)
      blame(self, edge, event_payload,
        late_error(self, "on_enter", raised, node, edge, event_payload))
    end,
  }
end

---The function that runs an event from a state, compiled when it is first used.
---@param self finitomata.Instance
---@param node finitomata.Node
---@param event string
---@return function step takes what `run` takes
local function step_of(self, node, event)
  local edge = node.edges[event]
  if not edge or telemetry.active then return step_by_step end
  local step = compile(self[KIND], node, edge) or step_by_step
  node.steps[event] = step
  return step
end

M.step_of = step_of

---Runs one event, without what follows it.
---@param self finitomata.Instance
---@param event string
---@param event_payload any
---@param payload any          the state payload it starts from
---@param try {attempt: integer, count: integer, waiter: table?}
---@return finitomata.Error? err
---@return boolean? pending    refused for now, it will be tried again
local function run(self, event, event_payload, payload, try)
  local node = self[NODE]
  local step = not telemetry.active and node.steps[event] or step_of(self, node, event)
  return step(self, event, event_payload, payload, try)
end

M.run = run

-- ---- what follows ----------------------------------------------------------------

---The attempt that the engine makes by itself is the first one.
M.OWN = { attempt = 1, count = 0 }

local TRAIL_MAX <const> = 40

local function endless(self, trail)
  local node = self[NODE]
  local reason = "automatic events go round: " .. table.concat(trail, " ")
  local err = refusal("runaway", "endless", reason, node, node.auto.event, nil, reason)
  rare(self).last_error = err
  log.error("%s: %s", tostring(self[NAME]), reason)
  tell(self, node.auto.on_failure, "on_failure", node.auto.event, nil)
end

---The automatic events after a state was entered. A chain of too many of them is
---an endless loop; it is cut where it comes round again, so that it can be shown.
---@param self finitomata.Instance
---@return boolean? pending the last one will be tried again
function M.follow_up(self)
  local count, trail = 0, nil
  while true do
    local auto = self[NODE].auto
    if auto == nil or self[MAIL] == DEAD then return false end
    count = count + 1
    if count > config.FOLLOW_UPS then
      trail = trail or {}
      trail[#trail + 1] = self[NODE].name
      if #trail > 1 and trail[#trail] == trail[1] or #trail > TRAIL_MAX then
        return endless(self, trail)
      end
      trail[#trail + 1] = auto.event
    end
    self[MAIL] = self[MAIL] & BUSY_RESTING | ATTEMPT
    local err, pending = run(self, auto.event, nil, self[PAYLOAD], M.OWN)
    if err then return pending end
  end
end

return M
