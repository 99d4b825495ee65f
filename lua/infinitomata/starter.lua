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
---@field private _under_way table<string, true|table> name -> who waits; we are its home
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

---Whether the owner runs the name still, by its own word: our view may lag behind an
---end. An owner that does not answer is believed to run it.
---@private
function Starter:_runs(name, owner, retry)
  if owner == cluster.name() then return true end
  local once = policy.with(retry, { attempts = 1 })
  return cluster.call_node(once, owner, self._id, "alive", name) ~= false
end

---Starts the FSM on this node.
---@async
---@return string? ref
---@return string|finitomata.Error node
---@return string? implementation
function Starter:start_here(name, implementation, payload)
  local ref, err = self._local:start_fsm(name, implementation, payload)
  if not ref then return nil, err end
  return ref, cluster.name(), implementation_name(implementation)
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
    local queue, waiter = self._under_way[name], task.waiter()
    if queue == true then
      queue = {}
      self._under_way[name] = queue
    end
    queue[#queue + 1] = waiter
    task.wait(waiter)
  end
end

local function ended(self, name, ok, ...)
  local queue = self._under_way[name]
  self._under_way[name] = nil
  if queue ~= true then
    for _, waiter in ipairs(queue) do task.wake(waiter) end
  end
  if not ok then error((...), 0) end
  return ...
end

---Runs the start, with all other starts of the name waiting.
---@private
function Starter:_alone(name, start, ...)
  self._under_way[name] = true
  return ended(self, name, pcall(start, self, ...))
end

---Where the name's home is, once this node may say so and nobody runs the name: a
---node whose view of the members has just changed waits until it has heard what they
---started. From the return on, until the caller waits for something, that holds.
---@private
---@return "here"|"there"|nil where
---@return string|finitomata.Error home
---@return integer? view of the members
function Starter:_home(name, retry)
  local looks, deadline = 0, nil
  while true do
    if self._under_way[name] then self:_queue_for(name) end
    local node = cluster.node()
    if not node then return nil, errors.new("closed", "this node has left the cluster") end
    local where, home, more = node:start_gate(self._id, name)
    if where == "taken" then
      looks = looks + 1
      if looks > retry.attempts or self:_runs(name, home, retry) then
        return nil, Starter.already_started(name, home, more)
      end
      task.sleep(retry.poll_interval)
    elseif where then
      return where, home, more
    else
      local now = clock.real():now()
      deadline = deadline or now + retry.rpc_timeout
      if home ~= "not_ready" or now >= deadline then
        return nil, errors.new(home, ("fsm %q cannot start: %s"):format(name, more))
      end
      task.sleep(GATE_PAUSE_MS)
    end
  end
end

---Starts the name as its home, or has its home do it.
---@private
function Starter:_start(where, home, name, implementation, payload, retry, target, hops)
  if where == "there" then
    return self:_ask(home, "start", name, implementation, payload, retry, target, hops)
  elseif target == cluster.name() then
    return self:_alone(name, self.start_here, name, implementation, payload)
  end
  return self:_alone(name, self._ask, target, "start_here", name, implementation, payload, retry)
end

---Answers a start as the name's home, or passes it on to the home.
---@async
---@param target string the node that is to run it
---@param hops integer how often it may still be passed on
function Starter:start(name, implementation, payload, retry, target, hops)
  local where, home = self:_home(name, retry)
  if not where then return nil, home end
  if where == "there" and hops == 0 then
    return nil, errors.new("not_ready", ("the nodes do not agree yet who starts %q"):format(name))
  end
  return self:_start(where, home, name, implementation, payload, retry, target, hops - 1)
end

---Failures that another attempt, on what the cluster has become, may mend.
local MENDABLE = { unreachable = true, exhausted = true, closed = true, not_ready = true }

---The failure that the caller is told: the last one, and that the start may have been
---carried out all the same when an earlier attempt has left that open.
---@param before finitomata.Error?
---@param last finitomata.Error
---@return finitomata.Error
local function merged(before, last)
  if not (before and before.uncertain) or last.uncertain or last.code == "already_started" then
    return last
  end
  last.uncertain = true
  last.message = last.message .. cluster.UNCERTAIN
  return last
end

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
    local where, home, view = self:_home(name, retry)
    if not where then return nil, merged(failed, home) end
    local target, ref, err
    target, err = cluster_info.whois(self._id, name, home)
    if not target then return nil, merged(failed, err) end
    ref, err = self:_start(where, home, name, implementation, payload, retry, target, HOPS - 1)
    if ref then return ref end
    failed = merged(failed, cluster_info.misplaced(self._id, target, err))
    local node = cluster.node()
    if not MENDABLE[err.code] or not node or node:view(self._id) == view then break end
  end
  return nil, failed
end

return Starter
