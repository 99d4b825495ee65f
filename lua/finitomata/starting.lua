-- SPDX-License-Identifier: MIT

--- How an FSM comes to be: its definition is found, the storage is asked, and
--- `on_start` may change the payload or refuse.
local Error = require("finitomata.error")
local definitions = require("finitomata.definition")
local guard = require("finitomata.guard")
local instances = require("finitomata.instance")
local log = require("finitomata.log")
local payloads = require("finitomata.payload")
local schema = require("finitomata.schema")
local task = require("finitomata.task")
local watchdog = require("finitomata.watchdog")

local M = {}

---The definition behind an implementation, which may be the name of a module.
---@return finitomata.Definition?
---@return finitomata.Error?
function M.resolve(implementation)
  if definitions.is(implementation) then return implementation end
  if type(implementation) == "string" then
    local module = package.loaded[implementation]
    if definitions.is(module) and module.name ~= nil then return module end
    local ok
    ok, module = pcall(require, implementation)
    if ok and definitions.is(module) then
      if module.name == nil then module.name = implementation end
      return module
    end
    return Error.fail("unknown_implementation", ok
      and ("the module `%s` does not return a definition"):format(implementation)
      or ("there is no implementation `%s`: %s"):format(implementation, Error.text(module)),
      { implementation = implementation })
  end
end

---How callbacks are called: guarded, and with a limit watched.
local function protector(limit_ms)
  if not limit_ms then return xpcall end
  return function(fn, catch, ...) return watchdog.xpcall(limit_ms, fn, catch, ...) end
end

---A definition as one branch runs it.
---@param branch finitomata.Branch
---@param definition finitomata.Definition
---@param plan finitomata.Plan
---@return finitomata.Kind
function M.kind(branch, definition, plan)
  local options = plan.options
  for _, message in ipairs(definitions.unresolved(definition)) do
    log.warning("%s: %s", tostring(definition), message)
  end
  local timed = options.timer ~= false
  for _, node in pairs(plan.nodes) do timed = timed or node.after ~= nil end
  return {
    options.mailbox,
    plan = plan,
    branch = branch,
    definition = definition,
    share = options.payload_mode == "share",
    listeners = #options.listener > 0 and options.listener or nil,
    store = options.persistency,
    timer = options.timer,
    timed = timed,
    shape = options.payload,
    observed = options.persistency ~= nil or options.payload ~= nil,
    announces = timed or #options.listener > 0,
    mailbox = options.mailbox,
    forks = next(options.forks) ~= nil,
    known = plan.known,
    history_mask = plan.history_mask,
    shutdown = options.shutdown,
    cache = options.cache_state,
    protect = protector(options.max_handler_ms),
  }
end

---Runs `on_start`. Answers the payload, and whether to wait before the entry.
local function run_on_start(kind, name, payload)
  local handler = kind.plan.on_start
  if not handler then return true, payload, false end
  local given = payload
  if not kind.share then given = payloads.copy(payload) end
  local results = table.pack(guard.call_by(kind.protect, name, "on_start", handler, given))
  if not results[1] then
    return false, Error.new("on_start", ("`%s` did not start: %s"):format(tostring(name),
      Error.text(results[2])), { stage = "on_start", reason = "raised", error = results[2] })
  end
  local new_payload, second = results[2], results[3]
  local waits = second == "wait"
  if new_payload == nil and second ~= nil and not waits then
    return false, Error.new("on_start", ("`%s` did not start: %s"):format(tostring(name),
      Error.text(second)), { stage = "on_start", reason = second })
  end
  if new_payload ~= nil then
    if not kind.share then
      local _, err = payloads.copy(new_payload)
      if err then return false, err end
    end
    payload = new_payload
  end
  return true, payload, waits
end

---Asks the storage what it knows of the FSM.
---@return string|false lifecycle false with an error
---@return any state or the error
---@return any payload
local function load(kind, name, payload)
  local ok, lifecycle, state, stored = guard.call_by(kind.protect, name, "load",
    kind.store.load, name, (payloads.copy(payload)))
  if not ok then
    return false, Error.new("persistency", ("`%s` cannot be loaded: %s"):format(tostring(name),
      Error.text(lifecycle)), { stage = "persistency", reason = lifecycle })
  end
  if lifecycle == "loaded" then
    if state == "*" then
      return false, Error.new("finished", ("`%s` has finished"):format(tostring(name)),
        { name = name })
    elseif state ~= nil and not kind.plan.nodes[state] then
      local text = "`%s` was stored in the state `%s`, which there is not"
      return false, Error.new("persistency", text:format(tostring(name), tostring(state)),
        { stage = "persistency", reason = "unknown_state" })
    elseif state == nil then
      lifecycle = "created"
    end
    local own, err = payloads.copy(stored)
    if err and not kind.share then return false, err end
    return lifecycle, state, kind.share and stored or own
  end
  if lifecycle == nil and state == nil then return "created", nil, payload end
  if lifecycle ~= "created" and lifecycle ~= "failed" and lifecycle ~= "unknown" then
    local reason = lifecycle == nil and state or "bad_return"
    return false, Error.new("persistency", ("`%s` cannot be loaded: %s"):format(tostring(name),
      Error.text(reason)), { stage = "persistency", reason = reason })
  end
  local first = state -- {"created", payload}: no state belongs to it
  if stored ~= nil then first = stored end
  if first == nil then first = payload end
  return lifecycle, nil, first
end

---Takes the key `parent` out of a payload.
local function split_parent(kind, payload)
  if kind.share or type(payload) ~= "table" or payload.parent == nil then
    local starter = task.current()
    return starter and instances.name(starter) or nil
  end
  local parent = payload.parent
  payload.parent = nil
  return parent
end

local function bad_payload(name, why)
  return Error.new("bad_payload", ("`%s` did not start: %s"):format(tostring(name), why),
    { stage = "on_start", reason = why })
end

---Makes an instance, without setting it going.
---@param kind finitomata.Kind
---@param name any
---@param payload any owned by the instance from now on
---@param ref string|integer
---@return finitomata.Instance?
---@return boolean|finitomata.Error waits  for its entry event to be sent; or what is wrong
---@return boolean? loaded
function M.start(kind, name, payload, ref)
  local parent = split_parent(kind, payload)
  local state, lifecycle
  if kind.store then
    lifecycle, state, payload = load(kind, name, payload)
    if not lifecycle then return nil, state end
  end
  local waits = false
  if state == nil then
    local ok
    ok, payload, waits = run_on_start(kind, name, payload)
    if not ok then return nil, payload end
  end
  local why = kind.shape and schema.mismatch(kind.shape, payload)
  if why then return nil, bad_payload(name, why) end
  local fsm = instances.new(kind, name, payload, ref)
  if parent ~= nil then instances.set_parent(fsm, parent) end
  if lifecycle and lifecycle ~= "created" then instances.set_lifecycle(fsm, lifecycle) end
  if state ~= nil then instances.restore(fsm, state, payload) end
  return fsm, waits, state ~= nil
end

return M
