-- SPDX-License-Identifier: MIT
--- A branch of the cluster: FSMs under one roof that reaches over all nodes
--- that run the branch. What lives here is answered here, by the local branch
--- of finitomata; everything else goes to the node that the registry names.
local asking = require "infinitomata.asking"
local check = require "finitomata.check"
local cluster = require "infinitomata.cluster"
local cluster_info = require "infinitomata.cluster_info"
local Delayed = require "infinitomata.delayed"
local errors = require "finitomata.error"
local policy = require "infinitomata.policy"
local resolution = require "infinitomata.resolution"
local Starter = require "infinitomata.starter"
local supervisor = require "finitomata.supervisor"
local task = require "finitomata.task"

---@class infinitomata.Branch
---@field id string "default" unless another was given
---@field private _local finitomata.Branch          the FSMs of this node
---@field private _here table<string, string>       name -> ref of those FSMs
---@field private _starter infinitomata.Starter
---@field private _resolution infinitomata.Resolution which of two FSMs of one name stays
---@field private _policy table                     what the user set for this branch
---@field private _merged infinitomata.Policy        that over the process's, _merged_from
---@field private _delayed infinitomata.DelayedHere
---@field private _monitors table<table, true>       handles, so that `stop` cancels them
---@field private _on_stop fun(id: string)
local Branch = {}
Branch.__index = Branch
Branch.__name = "infinitomata.Branch"

---An FSM as all nodes know it.
---@class infinitomata.Row
---@field implementation string the module of its definition
---@field ref string  of this FSM and no other, ever
---@field node string on which it runs
---@field lost infinitomata.Row? of a conflict: the FSM of the same name that does not stay

---What the local branch asks before it starts an FSM and says after its end.
local function registry_hooks(branch)
  return {
    claim = function(name, implementation)
      local ref, err = branch:_claim(name, implementation)
      if ref then branch._here[name] = ref end
      return ref, err
    end,
    release = function(name, ref)
      branch._here[name] = nil
      local node = cluster.node()
      if node then node:release(branch.id, name, ref) end
    end,
  }
end

---What start_link takes beside the retry policy's knobs.
local OPTIONS = policy.with_knobs { resolve = true, clock = "table", seed = "number" }

---@param id string
---@param options? table the retry policy's keys, `resolve` ("last", "oldest" or a function:
---  which of two FSMs of one name stays when views had differed), `clock`, `seed`
---@param on_stop fun(id: string) told when the branch has stopped
---@return infinitomata.Branch
function Branch.new(id, options, on_stop)
  check.options(options, OPTIONS, 2, "start_link")
  local retry, rest = {}, {}
  for key, value in pairs(options or {}) do
    if policy.has(key) then retry[key] = value else rest[key] = value end
  end
  policy.with(nil, retry, "start_link") -- raises on a bad value
  local self = setmetatable({
    id = id,
    _here = {},
    _policy = retry,
    _delayed = Delayed.new(),
    _monitors = {},
    _on_stop = on_stop,
  }, Branch)
  self._resolution = resolution.new(rest.resolve)
  rest.resolve = nil
  rest.id = id
  rest.hooks = registry_hooks(self)
  self._local = supervisor.new(rest)
  self.transition, self[1] = self._local:sender(Branch.transition)
  self._starter = Starter.new(id, self._local)
  return self
end

function Branch:__tostring()
  return ("infinitomata.Branch<%s>"):format(self.id)
end

---The policy of a call: the process's, under the branch's, under the call's own.
---@private
function Branch:_retry(options, op)
  local base, merged = policy.current(), self._merged
  if self._merged_from ~= base then
    merged = policy.with(base, self._policy)
    self._merged_from, self._merged = base, merged
  end
  if options == nil then return merged end
  return policy.with(merged, options, op)
end

---@private
function Branch:_claim(name, implementation)
  local node = cluster.node()
  if not node then return ("local:%s:%d"):format(name, task.serial()) end
  local ref, code, owner, owner_ref = node:claim(self.id, name, implementation)
  if ref then return ref end
  if code == "already_started" then return nil, Starter.already_started(name, owner, owner_ref) end
  return nil, errors.new(code, ("fsm %q cannot be registered: %s"):format(name, code))
end

---Tells the cluster that this node runs the branch, and what runs here already.
---@param node infinitomata.core.Node
---@return true?, finitomata.Error? err the node runs as many branches as it may
function Branch:announce(node)
  local ok, code, sentence = node:branch(self.id)
  if not ok then
    if code == "overloaded" then sentence = "the node runs as many as it can" end
    if code == "too_big" then sentence = "the node's tags have no room for its name" end
    local text = ("branch %q cannot run here: %s"):format(self.id, sentence)
    return nil, errors.new(code, text, { branch = self.id })
  end
  node:resolve(self.id, self._resolution.way)
  self._local:rename_node(cluster.name())
  for name in pairs(self._here) do
    local row = self._local:all()[name]
    local ref, _, owner = node:claim(self.id, name, row.implementation)
    if ref then
      self._here[name] = ref
      self._local:set_ref(name, ref)
    else
      local reason = owner and "conflict" or "unregistered"
      task.spawn(self._local.stop_fsm, self._local, name, reason)
    end
  end
  return true
end

---Stops what runs here, since the other nodes will know it no more.
---@async
function Branch:leave_cluster()
  for name in pairs(self._here) do self._local:stop_fsm(name, "leave") end
end

---Another node's claim on the name has won: ours stops.
---@param name string
---@param ref string of ours
---@param winner string its ref
function Branch:lose(name, ref, winner)
  local node = cluster.node()
  if self._here[name] ~= ref or not node then return end
  if not node:yields(self.id, name, ref, winner) then return end -- the winner is gone again
  task.spawn(self._local.stop_fsm, self._local, name, "conflict")
end

---Two nodes run the name, this is one of them, and the user's function decides.
---@param name string
---@param last infinitomata.Contender the last writer
---@param older infinitomata.Contender
function Branch:judge(name, last, older)
  local node = cluster.node()
  if not node then return end
  local verdict = self._resolution:judge(name, last, older)
  node:verdict(self.id, name, last.ref, older.ref, verdict)
end

-- ---- starting ----------------------------------------------------------------

---Starts an FSM under `name` on the node that cluster_info chooses. When it returns,
---the FSM is in the view of this node.
---
---```lua
---local infinitomata = require "infinitomata"
---
---local branch = infinitomata.start_link "gates"
---assert(branch:start_fsm("north", "turnstile", { coins = 0 }))
---assert(branch:call("north", "coin_in", 1) == "opened")
---```
---@async
---@param name string 1 to 255 bytes
---@param implementation string|finitomata.Definition a module's name, or a definition that has one
---@param payload? any plain data
---@param options? infinitomata.Policy the retry policy for this call
---@return string? ref of this FSM and no other, ever
---@return finitomata.Error? err already_started (`node`, `ref`), unknown_implementation,
---  not_serializable, on_start, bad_name, cluster_info, not_ready, unreachable, exhausted
function Branch:start_fsm(name, implementation, payload, options)
  if type(name) ~= "string" then check.type(name, "string", 1, "start_fsm") end
  local kind = type(implementation)
  if kind ~= "table" and kind ~= "string" then
    check.type(implementation, "string", 2, "start_fsm")
  end
  local err = asking.bad_name(name)
  if err then return nil, err end
  if not cluster.node() then return self._local:start_fsm(name, implementation, payload) end

  return self._starter:place(name, implementation, payload, self:_retry(options, "start_fsm"))
end

-- ---- asking --------------------------------------------------------------------

local transition = asking.operation "transition"

---Sends an event to an FSM, on whichever node it lives. Its owner has accepted it
---when this returns.
---@async
---@param name string the FSM
---@param event string what happens to it
---@param event_payload? any plain data
---@param delay_ms? number the owner sends it that much later
---@param options? infinitomata.Policy the retry policy for this call
---@return true? ok
---@return finitomata.Error|finitomata.Delayed|infinitomata.RemoteDelayed? err no_such_fsm,
---  overloaded, not_serializable, unreachable, exhausted, stale; or, of a delayed event, its
---  handle: `:cancel()` takes it back
function Branch:transition(name, event, event_payload, delay_ms, options)
  if not delay_ms then return transition(self, name, event, event_payload, nil, options) end
  local ok, second = transition(self, name, event, event_payload, delay_ms, options)
  if ok and type(second) == "string" then
    return ok, Delayed.remote(self.id, name, second, self:_retry(options, "transition"))
  end
  return ok, second
end

---Sends an event and waits for what becomes of it.
---
---```lua
---local infinitomata = require "infinitomata"
---
---local branch = infinitomata.start_link "calls"
---branch:start_fsm("gate", "turnstile", { coins = 0 })
---local state, payload = branch:call("gate", "coin_in", 1)
---assert(state == "opened" and payload.coins == 0)
---
---branch:call("gate", "walk_in")
---local none, err = branch:call("gate", "coin_in", 0)
---assert(none == nil and err.code == "refused" and err.reason == "too little")
---```
---@async
---@param name string the FSM
---@param event string what happens to it
---@param event_payload? any plain data
---@param timeout_ms? number how long the owner waits for the handler; 5000 when absent
---@param options? infinitomata.Policy the retry policy for this call
---@return string? state the new one; "*" when the FSM has ended
---@return any payload the new one; or the error, those of `transition` among them
Branch.call = asking.operation "call"

---Reads an FSM.
---
---```lua
---local infinitomata = require "infinitomata"
---
---local branch = infinitomata.start_link "readings"
---branch:start_fsm("gate", "turnstile", { coins = 3 })
---assert(branch:state("gate", "state") == "closed")
---assert(branch:state("gate", "payload").coins == 3)
---assert(branch:state("gate").lifecycle == "created")
---```
---@async
---@param name string the FSM
---@param what? "full"|"state"|"payload"|"cached" "full" when absent
---@param options? infinitomata.Policy the retry policy for this call
---@return any answer
---@return finitomata.Error? err no_such_fsm, unreachable, exhausted
Branch.state = asking.operation "state"

---Whether some edge leads from the FSM's state to another.
---@async
---@param name string the FSM
---@param state string where it may lead
---@param options? infinitomata.Policy the retry policy for this call
---@return boolean? allowed
---@return finitomata.Error? err no_such_fsm, unreachable, exhausted
Branch.allowed = asking.operation "allowed"

---Whether the FSM's state answers an event.
---@async
---@param name string the FSM
---@param event string what might happen to it
---@param options? infinitomata.Policy the retry policy for this call
---@return boolean? responds
---@return finitomata.Error? err no_such_fsm, unreachable, exhausted
Branch.responds = asking.operation "responds"

---Whether the FSM would take an event now: its state answers it, and the guards
---agree. No callback but the guards is run, so `on_transition` may still refuse.
---@async
---@param name string the FSM
---@param event string what might happen to it
---@param event_payload? any what the guards are shown
---@param options? infinitomata.Policy the retry policy for this call
---@return boolean? can
---@return finitomata.Error? err why not
Branch.can = asking.operation "can"

---Has `on_timer` called now.
---@async
---@param name string the FSM
---@param options? infinitomata.Policy the retry policy for this call
---@return true? ok
---@return finitomata.Error? err no_such_fsm, unreachable, exhausted
Branch.timer_tick = asking.operation "timer_tick"

---Starts the timer's interval again.
---@async
---@param name string the FSM
---@param tick? boolean let it go off at once
---@param ms? number the interval from now on
---@param options? infinitomata.Policy the retry policy for this call
---@return true? ok
---@return finitomata.Error? err no_such_fsm, unreachable, exhausted
Branch.reset_timer = asking.operation "reset_timer"

local stop_fsm = asking.operation "stop_fsm"

local LOOKS = 100 -- at a row that ought to go

---Ends an FSM: when the handler that runs is done, or after its `shutdown` time.
---Afterwards the caller's own view does not show it any more.
---@async
---@param name string the FSM
---@param reason? any what `on_terminate` is told, "stop" by default
---@param options? infinitomata.Policy the retry policy for this call
---@return true? ok
---@return finitomata.Error? err no_such_fsm, unreachable, exhausted
function Branch:stop_fsm(name, reason, options)
  local node = cluster.node()
  local _, ref
  if node and type(name) == "string" then _, ref = node:whereis(self.id, name) end
  local ok, err = stop_fsm(self, name, reason, options)
  if not ok then return nil, err end
  for _ = 1, ref and LOOKS or 0 do
    node = cluster.node()
    if not node or select(2, node:whereis(self.id, name)) ~= ref then break end
    task.sleep(self:_retry(options, "stop_fsm").poll_interval)
  end
  return true
end

---True while an FSM of that name runs. A name that this node's view does not
---hold is answered at once; for one that it holds the owner is asked.
---@async
---@param name string
---@return boolean
function Branch:alive(name)
  check.type(name, "string", 1, "alive")
  if self._here[name] then return self._local:alive(name) end
  local node = cluster.node()
  if not node or not node:whereis(self.id, name) then return false end
  return asking.ask(self, "alive", self:_retry(), name) == true
end

---Every FSM of the branch as this node sees it.
---@return table<string, infinitomata.Row> rows by name
function Branch:all()
  local node = cluster.node()
  if node then return node:rows(self.id) end
  return self._local:all()
end

---The row of one FSM, as `all` has it, without a list of all others.
---@param name string
---@return infinitomata.Row? row
function Branch:row(name)
  check.type(name, "string", 1, "row")
  local node = cluster.node()
  if not node then return self._local:all()[name] end
  local owner, ref, implementation = node:whereis(self.id, name)
  return owner and { node = owner, ref = ref, implementation = implementation } or nil
end

---How many FSMs the branch has, as this node sees it.
---@return integer
function Branch:count()
  local node = cluster.node()
  if node then return node:count(self.id) end
  return self._local:count()
end

---The name of a random FSM of the branch.
---@return string? name
---@return finitomata.Error? err `empty`
function Branch:random()
  local node = cluster.node()
  if not node then return self._local:random() end
  local name = node:random(self.id)
  if name then return name end
  return nil, errors.new("empty", ("branch %q has no fsm"):format(self.id))
end

local function each_once(names)
  local list, seen = {}, {}
  for _, name in ipairs(names) do
    if not seen[name] then list[#list + 1] = name end
    seen[name] = true
  end
  return list
end

---Reconciles this node's view with other nodes'.
---@async
---@param nodes? string[] default: those of cluster_info
---@return true? merged
---@return finitomata.Error? err `unreachable`: its `nodes` did not answer, or do not run the branch
function Branch:synch(nodes)
  check.strings(nodes, 1, "synch")
  if not cluster.node() then return true end
  if not nodes then
    local err
    nodes, err = cluster_info.nodes(self.id)
    if not nodes then return nil, err end
  end
  if #nodes == 0 then return true end
  return cluster.synch(self.id, each_once(nodes))
end

---Calls `fn(kind, rows)` when FSMs join, leave or conflict, on any node. After a
---conflict every node is told the same: the row is that of the FSM that stays, and its
---`lost` the row of the one that goes. Where `resolve` is a function, the one that stays is
---the last writer until the function has decided; `leave` and `join` follow if it decides
---otherwise.
---
---```lua
---local infinitomata = require "infinitomata"
---
---local handle = infinitomata.monitor(function(kind, rows)
---  if kind ~= "conflict" then return end
---  for name, row in pairs(rows) do print(name, "stays on", row.node, "not on", row.lost.node) end
---end)
---handle:cancel()
---```
---@param fn fun(kind: "join"|"leave"|"conflict", rows: table<string, infinitomata.Row>)
---@return { cancel: fun(self) } handle
function Branch:monitor(fn)
  check.type(fn, "function", 1, "monitor")
  local here = self._local:monitor(function(kind, rows)
    if not cluster.node() then fn(kind, rows) end
  end)
  local everywhere = cluster.on("rows", function(branch, kind, rows)
    if branch == self.id then fn(kind, rows) end
  end)
  local handle = {}
  function handle.cancel()
    here:cancel()
    everywhere:cancel()
    self._monitors[handle] = nil
  end
  self._monitors[handle] = true
  return handle
end

---How a supervisor of supervisors would start this branch.
---@return table
function Branch:child_spec()
  return { id = self.id, start = { "infinitomata", "start_link", { self.id } } }
end

---Stops the FSMs of this branch on this node, and withdraws it from the branch.
---@async
---@return true
function Branch:stop()
  for handle in pairs(self._monitors) do handle:cancel() end
  self._local:stop()
  local node = cluster.node()
  if node then node:unbranch(self.id) end
  self._on_stop(self.id)
  return true
end

-- ---- answering -------------------------------------------------------------------

---Answers what another node asks.
---@async
function Branch:serve(op, name, a, b, c, d)
  if op == "start" then return self._starter:start(name, a, b, self:_retry(), c, d) end
  if op == "start_here" then return self._starter:start_here(name, a, b) end
  if op == "take_back" then return self._delayed:take_back(a) end
  if not asking.OPS[op] and op ~= "alive" then
    return nil, errors.new("bad_request", ("a node does not answer %q"):format(op))
  end
  local answer, second = self._local[op](self._local, name, a, b, c)
  if op == "transition" and answer and second then second = self._delayed:keep(second) end
  return answer, second
end

return Branch
