-- SPDX-License-Identifier: MIT
--- What a branch of the cluster can be asked about one FSM: how arguments are
--- checked and told from options, who answers, and when it is asked again.
local check = require "finitomata.check"
local cluster = require "infinitomata.cluster"
local errors = require "finitomata.error"
local supervisor = require "finitomata.supervisor"
local task = require "finitomata.task"

local M = {}

local NAME_MAX = 255

---@param name string
---@return finitomata.Error? err `bad_name`
function M.bad_name(name)
  if #name >= 1 and #name <= NAME_MAX then return nil end
  local text = "a name must have 1 to %d bytes, this one has %d"
  return errors.new("bad_name", text:format(NAME_MAX, #name))
end

---What a branch can be asked about one FSM, here or from afar, and how many
---arguments it takes; a table of retry options may follow them.
M.OPS = {
  transition = 3,
  call = 3,
  state = 1,
  allowed = 1,
  responds = 1,
  can = 2,
  timer_tick = 0,
  reset_timer = 2,
  stop_fsm = 1,
}

local function check_event(op)
  return function(event, _, ms)
    if type(event) ~= "string" then check.type(event, "string", 2, op) end
    if ms ~= nil then check.duration(ms, 4, op) end
  end
end

local function check_text(op)
  return function(text) check.type(text, "string", 2, op) end
end

---Wrong types raise here, not on the node that is asked.
local CHECKS = {
  transition = check_event "transition",
  call = check_event "call",
  state = function(what)
    if what ~= nil then check.one_of(what, supervisor.READABLE, 2, "state") end
  end,
  allowed = check_text "allowed",
  responds = check_text "responds",
  can = check_text "can",
  reset_timer = function(tick, ms)
    check.optional(tick, "boolean", 2, "reset_timer")
    check.duration(ms, 3, "reset_timer")
  end,
}

---True when the owner says that it has no such FSM, and the registry still names
---one: either the row is about to go, or the name has a new place.
local function outdated(self, name, err)
  if type(err) ~= "table" or err.code ~= "no_such_fsm" then return false end
  local node = cluster.node()
  return node ~= nil and node:whereis(self.id, name) ~= nil
end

---Sends the question to the owner.
---@async
---@param self infinitomata.Branch
---@param op string
---@param retry infinitomata.Policy
---@param name string
function M.ask(self, op, retry, name, a, b, c)
  if not cluster.node() then
    return nil, errors.new("no_such_fsm", ("no fsm is called %q"):format(name), { name = name })
  end
  local answer, second = cluster.call(retry, self.id, op, name, a, b, c)
  local left = retry.attempts
  while answer == nil and left > 1 and outdated(self, name, second) do
    left = left - 1
    task.sleep(retry.poll_interval)
    answer, second = cluster.call(retry, self.id, op, name, a, b, c)
  end
  if second == nil then return answer end
  return answer, second
end

---The method of a branch that asks about one FSM: what lives here answers at once,
---all else is asked of its node.
---@param op string one of OPS
---@return fun(self: infinitomata.Branch, name: string, ...): any, any
function M.operation(op)
  local arguments = M.OPS[op]
  local checked = CHECKS[op]
  return function(self, name, a, b, c, d)
    if type(name) ~= "string" then check.type(name, "string", 1, op) end
    if self._here[name] then return self._local[op](self._local, name, a, b, c) end
    if checked then checked(a, b, c) end
    if #name == 0 or #name > NAME_MAX then return nil, M.bad_name(name) end
    if arguments == 3 then return M.ask(self, op, self:_retry(d, op), name, a, b, c) end
    if arguments == 2 then return M.ask(self, op, self:_retry(c, op), name, a, b) end
    if arguments == 1 then return M.ask(self, op, self:_retry(b, op), name, a) end
    return M.ask(self, op, self:_retry(a, op), name)
  end
end

return M
