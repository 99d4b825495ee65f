-- SPDX-License-Identifier: MIT

--- A branch: FSMs by name, on this node. It starts, finds, counts and stops
--- them; what a name is worth beyond this node is the business of its hooks.
local Error = require("finitomata.error")
local check = require("finitomata.check")
local clocks = require("finitomata.clock")
local config = require("finitomata.config")
local definitions = require("finitomata.definition")
local delayed = require("finitomata.delayed")
local flows = require("finitomata.flow")
local guard = require("finitomata.guard")
local instances = require("finitomata.instance")
local log = require("finitomata.log")
local order = require("finitomata.order")
local payloads = require("finitomata.payload")
local random = require("finitomata.random")
local starting = require("finitomata.starting")
local task = require("finitomata.task")

local send = instances.send

---@class finitomata.Branch
---@field id any                    "default" unless another was given
---@field node string               what FSMs see as `fsm.node`
---@field clock finitomata.Clock    the time that its FSMs live by
---@field private refusals table    how many were logged in this second
---@field private _fsms table<any, finitomata.Instance>
---@field [1] table<any, finitomata.Instance> the same, for C
---@field private _starting table<any, true>
---@field private _count integer
---@field private _kinds table<finitomata.Definition, finitomata.Kind>
---@field private _names any[]?      for `random`; made when first asked
---@field private _stale table<any, true>?
---@field private _monitors table[]
---@field private _hooks {claim: function?, release: function?}
local Branch = { __name = "finitomata.Branch" }
Branch.__index = Branch

local OPTIONS <const> = { id = true, clock = "table", node = "string", hooks = "table",
  seed = "number" }

local M = {}

M.branches = setmetatable({}, { __mode = "k" }) -- the set of all that are in use

---@param options {id: string?, clock: finitomata.Clock?, node: string?, hooks: table?, seed:
---  integer?}
---@return finitomata.Branch
function M.new(options)
  check.options(options, OPTIONS, 1, "new")
  if options.clock and not clocks.is(options.clock) then
    error("bad argument #1 to 'new' (option 'clock': a clock expected)", 2)
  end
  local self = setmetatable({
    id = options.id or "default",
    node = options.node or "local",
    clock = options.clock or clocks.real(),
    _fsms = {},
    _starting = {},
    _count = 0,
    _kinds = setmetatable({}, { __mode = "k" }),
    _monitors = {},
    _hooks = options.hooks or {},
    _random = random.new(options.seed),
    _serial = 0,
    refusals = {},
  }, Branch)
  self.transition, self[1] = self:sender(Branch.transition)
  M.branches[self] = true
  return self
end

---The time that an FSM's handlers live in.
---@param fsm finitomata.Instance
---@return finitomata.Clock
function M.clock_of(fsm)
  return instances.kind(fsm).branch.clock
end

function Branch:__tostring()
  return ("finitomata.Branch<%s>"):format(tostring(self.id))
end

---@param name string what FSMs see as `fsm.node` from now on
function Branch:rename_node(name)
  self.node = name
end

---Gives an FSM the ref under which the cluster knows it.
---@param name any
---@param ref string
function Branch:set_ref(name, ref)
  local fsm = self._fsms[name]
  if fsm then instances.set_ref(fsm, ref) end
end

-- ---- finding -------------------------------------------------------------------

local function no_such(name)
  return Error.new("no_such_fsm", ("there is no FSM `%s`"):format(tostring(name)), { name = name })
end

local function already(self, name)
  local fsm = self._fsms[name]
  return Error.new("already_started", ("an FSM `%s` runs already"):format(tostring(name)),
    { name = name, node = self.node, ref = fsm and self:_ref(fsm) })
end

---@private
function Branch:_ref(fsm)
  local ref = instances.ref(fsm)
  if math.type(ref) ~= "integer" then return ref end
  return self.node .. ":" .. tostring(self.id) .. ":" .. ref
end

local function implementation_of(fsm)
  return instances.kind(fsm).plan.definition.name
end

---@private
function Branch:_kind(definition)
  local plan, err = definitions.plan(definition)
  if not plan then return nil, err end
  local kind = self._kinds[definition]
  if not kind or kind.plan ~= plan then
    kind = starting.kind(self, definition, plan)
    self._kinds[definition] = kind
  end
  return kind
end

-- ---- starting ------------------------------------------------------------------

local function claim(self, name, definition)
  local hook = self._hooks.claim
  if hook then return hook(name, definition.name) end
  self._serial = self._serial + 1
  return self._serial
end

local function release(self, name, ref, reason)
  local hook = self._hooks.release
  if hook then guard.call(name, "release", hook, name, ref, reason) end
end

---Starts an FSM. It is found under its name from now on, and its entry runs
---before anything that is sent to it later.
---@param name any of its own in the branch; not nil and not NaN
---@param implementation string|finitomata.Definition the name of the module that returns the
---  definition, or the definition
---@param payload? any plain data; a key `parent` is taken out of it
---@return string? ref of this FSM and no other, ever
---@return finitomata.Error? err already_started, unknown_implementation, not_serializable,
---  on_start, ...
function Branch:start_fsm(name, implementation, payload)
  check.name(name, 1, "start_fsm")
  local definition, err = starting.resolve(implementation)
  if not definition then
    if err then return nil, err end
    check.type(implementation, "string", 2, "start_fsm")
  end
  if self._fsms[name] ~= nil or self._starting[name] then return nil, already(self, name) end
  local kind
  kind, err = self:_kind(definition)
  if not kind then return nil, err end
  if not kind.share then
    payload, err = payloads.copy(payload)
    if err then return nil, err end
  end
  self._starting[name] = true
  local ref
  ref, err = claim(self, name, definition)
  if not ref then
    self._starting[name] = nil
    return nil, err
  end
  local fsm, waits, loaded = starting.start(kind, name, payload, ref)
  self._starting[name] = nil
  if not fsm then
    release(self, name, ref, "on_start")
    return nil, waits
  end
  self:_add(name, fsm)
  instances.arm(fsm)
  if loaded then
    instances.send_resume(fsm)
  elseif not waits then
    instances.send_entry(fsm)
  end
  return self:_ref(fsm)
end

---@private
function Branch:_add(name, fsm)
  self._fsms[name] = fsm
  self._count = self._count + 1
  local names = self._names
  if names then
    if self._stale[name] then self._stale[name] = nil else names[#names + 1] = name end
  end
  if #self._monitors > 0 then self:_tell("join", name, fsm) end
end

---An FSM has ended. Called by the FSM itself, once.
---@param fsm finitomata.Instance
---@param reason any
function Branch:forget(fsm, reason)
  local name = instances.name(fsm)
  if self._fsms[name] ~= fsm then return end
  self._fsms[name] = nil
  self._count = self._count - 1
  if self._names then self._stale[name] = true end
  release(self, name, instances.ref(fsm), reason)
  if #self._monitors > 0 then self:_tell(reason == "conflict" and "conflict" or "leave", name,
      fsm) end
end

-- ---- sending -------------------------------------------------------------------

---Sends an event. It is accepted, not handled, when this returns.
---@param name any the FSM
---@param event string what happens to it
---@param event_payload? any plain data
---@param delay_ms? number send it later; it then meets whatever has the name by then
---@return true? ok
---@return finitomata.Error|finitomata.Delayed|nil err no_such_fsm, overloaded, not_serializable;
---  or, of a delayed event, [its handle](#a-delayed-event)
function Branch:transition(name, event, event_payload, delay_ms)
  local fsm = self._fsms[name]
  if fsm and not delay_ms then return send(fsm, event, event_payload) end
  check.type(event, "string", 2, "transition")
  check.duration(delay_ms, 4, "transition")
  if not fsm then return nil, no_such(name) end
  if delay_ms > 0 then return delayed.send(self, name, event, event_payload, delay_ms) end
  return send(fsm, event, event_payload)
end

---The method `transition` of another object in this one's place; see `task.sender`.
function Branch:sender(slow) return task.sender(self._fsms, slow), self._fsms end

---Lets the caller wait for an FSM, unless they would wait for each other.
---@param ask fun(waiter: finitomata.Waiter): true?, finitomata.Error?
local function wait_for(self, fsm, timeout_ms, ask)
  local caller = task.current()
  if caller then
    if caller == fsm then
      return Error.fail("calling_self", ("`%s` called itself and would wait for ever"):format(
        tostring(instances.name(fsm))))
    end
    local other = fsm
    while other do
      other = instances.waits_for(other)
      if other == caller then
        return Error.fail("deadlock", ("`%s` and `%s` would wait for each other"):format(
          tostring(instances.name(caller)), tostring(instances.name(fsm))))
      end
    end
  end
  local waiter = task.waiter()
  local ok, err = ask(waiter)
  if not ok then return nil, err end
  if caller then instances.set_waits_for(caller, fsm) end
  local results = table.pack(task.wait(waiter, timeout_ms or config.CALL_TIMEOUT_MS, self.clock))
  if caller then instances.set_waits_for(caller, nil) end
  return table.unpack(results, 1, results.n)
end

---Sends an event and waits for what becomes of it.
---@async
---@param name any the FSM
---@param event string what happens to it
---@param event_payload? any plain data
---@param timeout_ms? number how long to wait; 5000 when absent
---@return string? state the new one; "*" when the FSM has ended
---@return any payload the new one; or the error: refused, not_allowed, not_responding, guard,
---  raised, runaway, timeout, no_such_fsm, calling_self, deadlock, overloaded, ...
function Branch:call(name, event, event_payload, timeout_ms)
  check.type(event, "string", 2, "call")
  check.duration(timeout_ms, 4, "call")
  local fsm = self._fsms[name]
  if fsm == nil then return nil, no_such(name) end
  return wait_for(self, fsm, timeout_ms, function(waiter)
    return instances.send_call(fsm, event, event_payload, waiter)
  end)
end

-- ---- reading -------------------------------------------------------------------

---Reads an FSM, after everything that was sent to it before.
local function read(self, fsm, what, argument)
  if instances.is_resting(fsm) then return what(fsm, argument) end
  return wait_for(self, fsm, nil, function(waiter)
    instances.send_read(fsm, { read = what, argument = argument, waiter = waiter })
    return true
  end)
end

local READ <const> = { full = instances.snapshot, state = instances.current,
  payload = instances.payload }

local function apply(fsm, fn)
  local protect = instances.kind(fsm).protect
  local ok, result = guard.call_by(protect, instances.name(fsm), "state", fn, fsm)
  if ok then return result end
  return Error.fail("raised", Error.text(result), { reason = result })
end

local function cached(fsm)
  if instances.kind(fsm).cache then return instances.payload(fsm) end
end

---What of an FSM `state` reads.
M.READABLE = { full = true, state = true, payload = true, cached = true }

---Reads an FSM. All but "cached" see what was sent before.
---@async
---@param name any the FSM
---@param what? "full"|"state"|"payload"|"cached"|fun(fsm: finitomata.Fsm): any "full" (default):
---  [all fields](#what-callbacks-see); "cached": the payload as it is now, without waiting
---@return any answer
---@return finitomata.Error? err no_such_fsm, timeout; raised, when the function does
function Branch:state(name, what)
  local fsm = self._fsms[name]
  if what == nil then what = "full" end
  local reader = READ[what]
  if not reader then
    if type(what) ~= "function" then check.one_of(what, M.READABLE, 2, "state") end
  end
  if fsm == nil then return nil, no_such(name) end
  if what == "cached" then return cached(fsm) end
  if reader then return read(self, fsm, reader) end
  return read(self, fsm, apply, what)
end

---Whether an FSM of that name runs.
---@param name any
---@return boolean
function Branch:alive(name)
  return self._fsms[name] ~= nil
end

---Whether some edge leads from the FSM's state to another.
---@async
---@param name any
---@param state string
---@return boolean? allowed
---@return finitomata.Error? err
function Branch:allowed(name, state)
  check.type(state, "string", 2, "allowed")
  local fsm = self._fsms[name]
  if fsm == nil then return false, no_such(name) end
  return read(self, fsm, function()
    return instances.kind(fsm).definition:allowed(instances.current(fsm), state)
  end)
end

---Whether the FSM's state answers an event.
---@async
---@param name any
---@param event string
---@return boolean? responds
---@return finitomata.Error? err
function Branch:responds(name, event)
  check.type(event, "string", 2, "responds")
  local fsm = self._fsms[name]
  if fsm == nil then return false, no_such(name) end
  return read(self, fsm, function()
    return instances.kind(fsm).definition:responds(instances.current(fsm), event)
  end)
end

---Whether the FSM would take an event now: its state answers it, and the guards
---are met. No callback but the guards is run, so `on_transition` may still refuse.
---@async
---@param name any
---@param event string
---@param event_payload? any what the guards are shown
---@return boolean can
---@return finitomata.Error? why not
function Branch:can(name, event, event_payload)
  check.type(event, "string", 2, "can")
  local fsm = self._fsms[name]
  if fsm == nil then return false, no_such(name) end
  return read(self, fsm, instances.can, { event = event, payload = event_payload })
end

---Calls `on_timer` now and starts the interval again.
---@async
---@param name any
---@return true? ok
---@return finitomata.Error? err no_such_fsm
function Branch:timer_tick(name)
  local fsm = self._fsms[name]
  if fsm == nil then return nil, no_such(name) end
  if task.current() == fsm then
    instances.send_tick(fsm, nil)
    return true
  end
  return wait_for(self, fsm, nil, function(waiter)
    instances.send_tick(fsm, { waiter = waiter })
    return true
  end)
end

---Starts the interval again.
---@async
---@param name any
---@param tick? boolean let it go off at once
---@param ms? number    the interval from now on
---@return true? ok
---@return finitomata.Error? err no_such_fsm
function Branch:reset_timer(name, tick, ms)
  check.optional(tick, "boolean", 2, "reset_timer")
  check.duration(ms, 3, "reset_timer")
  local fsm = self._fsms[name]
  if fsm == nil then return nil, no_such(name) end
  local request = { tick = tick, ms = ms, waiter = task.waiter() }
  if task.current() == fsm then
    instances.send_reset(fsm, request)
    return true
  end
  return wait_for(self, fsm, nil, function(waiter)
    request.waiter = waiter
    instances.send_reset(fsm, request)
    return true
  end)
end

---@private
function Branch:_row(fsm)
  return { implementation = implementation_of(fsm), ref = self:_ref(fsm), node = self.node }
end

---Every FSM of the branch.
---@return table<any, {implementation: string, ref: string, node: string}> rows by name
function Branch:all()
  local rows = {}
  for name, fsm in pairs(self._fsms) do rows[name] = self:_row(fsm) end
  return rows
end

---How many FSMs run in the branch.
---@return integer
function Branch:count()
  return self._count
end

---The name of some FSM.
---@return any? name
---@return finitomata.Error? err "empty"
function Branch:random()
  if self._count == 0 then
    return Error.fail("empty", ("there is no FSM in the branch `%s`"):format(tostring(self.id)))
  end
  if not self._names then
    self._names, self._stale = order.keys(self._fsms), {}
  end
  local names, stale = self._names, self._stale
  while true do
    local at = self._random:below(#names)
    local name = names[at + 1]
    if not stale[name] then return name end
    stale[name] = nil
    names[at + 1] = names[#names]
    names[#names] = nil
  end
end

-- ---- stopping ------------------------------------------------------------------

local function abandon(request)
  local fsm = request.fsm
  if instances.is_dead(fsm) then return end
  log.warning("%s: a handler is still not done after %s ms, the FSM is given up",
    tostring(instances.name(fsm)), request.after)
  instances.vanish(fsm, request.reason)
end

local function stop_fsm(self, fsm, reason)
  local waiter = task.waiter()
  instances.send_stop(fsm, reason, waiter)
  if task.current() == fsm then return true end -- it ends when this handler is done
  local shutdown = instances.kind(fsm).shutdown
  local request = { fsm = fsm, reason = reason, after = shutdown }
  local done = task.wait(waiter, shutdown, self.clock)
  if not done then abandon(request) end
  return true
end

---Ends an FSM: when the handler that runs is done, or after its `shutdown` time.
---@async
---@param name any
---@param reason? any what `on_terminate` is told, "stop" by default
---@return true? ok
---@return finitomata.Error? err no_such_fsm
function Branch:stop_fsm(name, reason)
  local fsm = self._fsms[name]
  if fsm == nil then return nil, no_such(name) end
  if reason == nil then reason = "stop" end
  return stop_fsm(self, fsm, reason)
end

---Ends an FSM without waiting for it.
---@param name any
---@param reason any
function Branch:dismiss(name, reason)
  local fsm = self._fsms[name]
  if fsm then instances.send_stop(fsm, reason, task.waiter()) end
end

---The flow that runs for a fork state of an FSM.
---@param name any the FSM
---@param state string the fork state
---@return finitomata.Flow? flow
---@return finitomata.Error? err "no_such_fsm"
function Branch:flow(name, state)
  return flows.of(self, name, state)
end

---Ends all FSMs of the branch, which is forgotten then.
---@async
---@return true
function Branch:stop()
  local fsms = {}
  for i, name in ipairs(order.keys(self._fsms)) do fsms[i] = self._fsms[name] end
  local waiters = {}
  for i, fsm in ipairs(fsms) do
    waiters[i] = task.waiter()
    instances.send_stop(fsm, "shutdown", waiters[i])
  end
  for i, fsm in ipairs(fsms) do
    if task.current() ~= fsm then
      local done = task.wait(waiters[i], instances.kind(fsm).shutdown, self.clock)
      if not done then
        abandon { fsm = fsm, reason = "shutdown", after = instances.kind(fsm).shutdown }
      end
    end
  end
  for i = #self._monitors, 1, -1 do self._monitors[i] = nil end
  if self._on_stop then self._on_stop() end
  return true
end

---Registers what is to happen after `stop`.
---@param fn fun()
function Branch:on_stop(fn)
  self._on_stop = fn
end

---How a supervisor of supervisors would start this branch.
---@return table
function Branch:child_spec()
  return { id = self.id, start = { "finitomata", "start_link", { self.id } } }
end

---Gives the FSMs of a definition that has become another what it is now.
---@param definition finitomata.Definition
---@param follow fun(fsm: finitomata.Instance, kind: finitomata.Kind): boolean whether it can
---@return any[] names of those that cannot, sorted
function Branch:renew(definition, follow)
  local kind, stay = self:_kind(definition), {}
  for name, fsm in pairs(self._fsms) do
    local own = instances.kind(fsm)
    own.definition = own.plan.definition
    if own ~= kind and definitions.heir(own.definition) == definition and not follow(fsm, kind) then
      stay[name] = fsm
    end
  end
  return order.keys(stay)
end

-- ---- watching ------------------------------------------------------------------

---@private
function Branch:_tell(kind, name, fsm)
  for _, handle in ipairs({ table.unpack(self._monitors) }) do
    guard.call(name, "monitor", handle.fn, kind, { [name] = self:_row(fsm) })
  end
end

---Calls `fn(kind, rows)` when FSMs come and go.
---@param fn fun(kind: "join"|"leave"|"conflict", rows: table) the rows are by name, as in `all`
---@return {cancel: fun(self)} handle
function Branch:monitor(fn)
  check.type(fn, "function", 1, "monitor")
  local monitors = self._monitors
  local handle = { fn = fn }
  function handle.cancel()
    for i, each in ipairs(monitors) do
      if each == handle then return table.remove(monitors, i) end
    end
  end
  monitors[#monitors + 1] = handle
  return handle
end

return M
