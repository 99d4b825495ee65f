-- SPDX-License-Identifier: MIT

--- The timers of one FSM: the periodic one, the timeouts of the state it is in,
--- and the next attempt of an event that must succeed. A timer that goes off
--- only queues a job; the FSM looks at it when its turn comes.
local config = require("finitomata.config")
local task = require("finitomata.task")

-- The slots of an instance; instance.lua says what they are.
local KIND <const>, NODE <const>, EXTRA <const> = 1, 3, 8

local M = {}

---The jobs that timers queue: tick, timeout, retry. Set by instance.lua.
---@type table<string, function>
M.jobs = {}

---The table of rare things, made on first use.
---@param self finitomata.Instance
---@return table
local function rare(self)
  local extra = self[EXTRA]
  if not extra then
    extra = {}
    self[EXTRA] = extra
  end
  return extra
end

M.rare = rare

local function fire_tick(self)
  self[EXTRA].timer = nil
  task.post(M.jobs.tick, self)
end

---The interval of the periodic timer, or false.
---@param self finitomata.Instance
---@return number|false
function M.interval(self)
  local extra = self[EXTRA]
  if extra and extra.interval ~= nil then return extra.interval end
  return self[KIND].timer
end

---Starts the interval again, if there is one.
---@param self finitomata.Instance
function M.arm_tick(self)
  local extra, kind = self[EXTRA] or rare(self), self[KIND]
  local clock, timer, interval = kind.branch.clock, extra.timer, extra.interval
  if interval == nil then interval = kind.timer end
  if timer and interval and clock.restart then
    extra.timer = clock:restart(timer, interval) or clock:start(interval, fire_tick, self)
    return
  end
  if timer then clock:stop(timer) end
  extra.timer = interval and clock:start(interval, fire_tick, self) or nil
end

local function fire_timeout(timeout)
  timeout.timer = nil
  task.post(M.jobs.timeout, timeout.fsm, timeout)
end

local function disarm_timeouts(self)
  local extra = self[EXTRA]
  if not extra or not extra.timeouts then return end
  local clock = self[KIND].branch.clock
  for _, timeout in ipairs(extra.timeouts) do
    timeout.left = true -- it may wait in the queue already
    if timeout.timer then clock:stop(timeout.timer) end
  end
  extra.timeouts = nil
end

---Drops the timeouts of the state that was left, starts those of the present one.
---@param self finitomata.Instance
function M.arm_timeouts(self)
  local extra, after = self[EXTRA], self[NODE].after
  if extra and extra.timeouts then disarm_timeouts(self) end
  if not after then return end
  local clock, timeouts = self[KIND].branch.clock, {}
  for i, each in ipairs(after) do
    local timeout = { fsm = self, event = each.event, with = each.with, left = false }
    timeout.timer = clock:start(each.ms, fire_timeout, timeout)
    timeouts[i] = timeout
  end
  rare(self).timeouts = timeouts
end

---What a started or a reloaded FSM waits for.
---@param self finitomata.Instance
function M.arm(self)
  if self[KIND].timer then M.arm_tick(self) end
  if self[NODE].after then M.arm_timeouts(self) end
end

local function fire_retry(retry)
  retry.timer = nil
  task.post(M.jobs.retry, retry.fsm, retry)
end

---Tries an event again after a while, when its targets are ensured and the limit
---is not reached.
---@param self finitomata.Instance
---@param edge finitomata.Edge
---@param event_payload any
---@param try {attempt: integer, count: integer, waiter: table?}
---@return boolean scheduled
function M.retry(self, edge, event_payload, try)
  local policy = edge.ensured
  if try.count >= policy.max then return false end
  local retry = {
    fsm = self,
    event = edge.event,
    payload = event_payload,
    attempt = try.attempt + 1,
    count = try.count + 1,
    waiter = try.waiter,
  }
  local delay = math.min(policy.delay * policy.factor ^ try.count, config.ENSURE_MAX_DELAY_MS)
  retry.timer = self[KIND].branch.clock:start(delay, fire_retry, retry)
  rare(self).retry = retry
  return true
end

---Stops everything that could still go off.
---@param self finitomata.Instance
function M.disarm(self)
  local extra = self[EXTRA]
  if not extra then return end
  disarm_timeouts(self)
  local clock = self[KIND].branch.clock
  if extra.timer then clock:stop(extra.timer) end
  if extra.retry and extra.retry.timer then clock:stop(extra.retry.timer) end
  extra.timer, extra.retry = nil, nil
end

return M
