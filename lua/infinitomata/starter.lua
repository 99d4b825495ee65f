-- SPDX-License-Identifier: MIT
--- Starts FSMs of one branch in the cluster, each name once. A start goes to the
--- name's home, the node that all nodes agree on for the name; the home takes one
--- start of a name at a time, has it run on the node that cluster_info chose, and
--- the answer carries the row back, so that the caller sees the FSM at once.
local clock = require "finitomata.clock"
local cluster = require "infinitomata.cluster"
local cluster_info = require "infinitomata.cluster_info"
local errors = require "finitomata.error"
local policy = require "infinitomata.policy"
local task = require "finitomata.task"

---@class infinitomata.Starter
---@field private _id string                     the branch
---@field private _local finitomata.Branch       the FSMs of this node
---@field private _under_way table<string, table> name -> waiters; we are its home
local Starter = {}
Starter.__index = Starter
Starter.__name = "infinitomata.Starter"

local HOPS = 2 -- nodes that pass a start on while they disagree about its home
local GATE_PAUSE_MS = 10

---@param id string
---@param fsms finitomata.Branch
---@return infinitomata.Starter
function Starter.new(id, fsms)
  return setmetatable({ _id = id, _local = fsms, _under_way = {} }, Starter)
end

---@param name string
---@param node string
---@param ref string
---@return finitomata.Error
function Starter.already_started(name, node, ref)
  local text = ("fsm %q runs already on node %q"):format(name, node)
  return errors.new("already_started", text, { node = node, ref = ref, name = name })
end

local function implementation_name(implementation)
  if type(implementation) == "string" then return implementation end
  if type(implementation.name) == "string" then return implementation.name end
  return nil, errors.new("unknown_implementation",
    "a definition that starts on another node must have the `name` of its module")
end

---Who runs the name, by the owner's own word: our view may lag behind an end.
---An owner that does not answer is believed to run it still.
---@private
---@return finitomata.Error? already_started
function Starter:_taken(name, retry)
  local node = cluster.node()
  local me = node:self().name
  local once = policy.with(retry, { attempts = 1 })
  local owner, ref
  for _ = 1, retry.attempts do
    owner, ref = node:whereis(self._id, name)
    if not owner then return nil end
    if owner == me then break end
    if cluster.call_node(once, owner, self._id, "alive", name) ~= false then break end
    task.sleep(retry.poll_interval)
  end
  return Starter.already_started(name, owner, ref)
end

---Starts the FSM on this node.
---@async
---@return string? ref
---@return string|finitomata.Error node
---@return string? implementation
function Starter:start_here(name, implementation, payload)
  local ref, err = self._local:start_fsm(name, implementation, payload)
  if not ref then return nil, err end
  return ref, cluster.node():self().name, implementation_name(implementation)
end

---Asks another node, and remembers the row that it answers.
---@private
function Starter:_ask(peer, op, name, implementation, payload, retry, ...)
  local module, err = implementation_name(implementation)
  if not module then return nil, err end
  local ref, owner, owner_module =
    cluster.call_node(retry, peer, self._id, op, name, module, payload, ...)
  if not ref then return nil, owner end
  local node = cluster.node()
  if node then node:hint(self._id, name, ref, owner_module, owner) end
  return ref, owner, owner_module
end

---Waits until no other start of the name runs here.
---@private
function Starter:_queue_for(name)
  while self._under_way[name] do
    local waiter = task.waiter()
    table.insert(self._under_way[name], waiter)
    task.wait(waiter)
  end
end

---Runs the start, with all other starts of the name waiting.
---@private
function Starter:_alone(name, start, ...)
  self._under_way[name] = {}
  local result = table.pack(pcall(start, self, ...))
  local waiters = self._under_way[name]
  self._under_way[name] = nil
  for _, waiter in ipairs(waiters) do task.wake(waiter) end
  if not result[1] then error(result[2], 0) end
  return table.unpack(result, 2, result.n)
end

---@private
function Starter:_start_as_home(name, implementation, payload, retry, target)
  repeat
    self:_queue_for(name)
    local err = self:_taken(name, retry)
    if err then return nil, err end
  until not self._under_way[name]
  if target == cluster.node():self().name then
    return self:_alone(name, self.start_here, name, implementation, payload)
  end
  return self:_alone(name, self._ask, target, "start_here", name, implementation, payload, retry)
end

---Where the name's home is, once this node may say so: a node whose view of the
---members has just changed waits until it has heard what they started.
---@private
---@return "here"|"there"|nil where
---@return string|finitomata.Error home
function Starter:_home(name, retry)
  local time = clock.real()
  local deadline = time:now() + retry.rpc_timeout
  while true do
    local node = cluster.node()
    if not node then return nil, errors.new("closed", "this node has left the cluster") end
    local where, home, message = node:start_gate(self._id, name)
    if where then return where, home end
    if home ~= "not_ready" or time:now() >= deadline then
      return nil, errors.new(home, ("fsm %q cannot start: %s"):format(name, message))
    end
    task.sleep(GATE_PAUSE_MS)
  end
end

---Answers a start as the name's home, or passes it on to the home.
---@async
---@param target string the node that is to run it
---@param hops? integer how often it may still be passed on
function Starter:start(name, implementation, payload, retry, target, hops)
  hops = hops or HOPS
  local where, home = self:_home(name, retry)
  if where == "here" then
    return self:_start_as_home(name, implementation, payload, retry, target)
  elseif where == nil then
    return nil, home
  elseif hops == 0 then
    return nil, errors.new("not_ready", ("the nodes do not agree yet who starts %q"):format(name))
  end
  return self:_ask(home, "start", name, implementation, payload, retry, target, hops - 1)
end

---Failures that another attempt, on what the cluster has become, may mend.
local MENDABLE = { unreachable = true, exhausted = true, closed = true, not_ready = true }

---Starts the FSM on the node that cluster_info chooses.
---@async
---@param name string
---@param implementation string|table
---@param payload any
---@param retry infinitomata.Policy
---@return string? ref
---@return finitomata.Error? err
function Starter:place(name, implementation, payload, retry)
  local failed
  for _ = 1, retry.attempts do
    local err = self:_taken(name, retry)
    if err then return nil, err end
    local target, ref
    target, err = cluster_info.whois(self._id, name)
    if not target then return nil, err end
    local before = cluster.node():view(self._id)
    ref, err = self:start(name, implementation, payload, retry, target)
    if ref then return ref end
    failed = err
    local node = cluster.node()
    if not MENDABLE[err.code] or not node or node:view(self._id) == before then break end
  end
  return nil, failed
end

return Starter
