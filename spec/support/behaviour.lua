-- SPDX-License-Identifier: MIT

--- Runs a behaviour case: builds its definition with callbacks that answer from
--- the case's script and keep a log, takes its steps on a virtual clock, and
--- hands back what happened in the words of the case file.
local finitomata = require "finitomata"

local M = {}

local NOTHING = "@nil"
local serial = 0

local function copy(value)
  if type(value) ~= "table" then return value end
  local target = {}
  for key, each in pairs(value) do target[key] = copy(each) end
  return target
end

---A value of the file as a value of Lua.
local function value_of(value)
  if value == NOTHING then return nil end
  return copy(value)
end

---A value of Lua as the file would write it.
local function shown(value)
  if value == nil then return NOTHING end
  return copy(value)
end

-- ---- the script ----------------------------------------------------------------

local Script = {}
Script.__index = Script

function Script.new(script)
  return setmetatable({ script = script or {}, calls = {} }, Script)
end

---The next answer for a callback; the last one repeats.
function Script:answer(name, ...)
  for _, entry in ipairs(self.script[name] or {}) do
    local matches = true
    for i, key in ipairs(entry.on) do matches = matches and select(i, ...) == key end
    if matches then
      self.calls[entry] = (self.calls[entry] or 0) + 1
      return entry.results[math.min(self.calls[entry], #entry.results)]
    end
  end
  return { "default" }
end

local answers = {}

function answers.default() end

function answers.ok(_, target, payload) return value_of(target), value_of(payload) end

function answers.error(_, reason)
  if reason == "false" then return nil, false end
  return nil, reason
end

answers["raise"] = function(_, message) error(message, 0) end

answers["exit"] = answers["raise"]

function answers.garbage(_, value) return value end

local function give(result)
  return answers[result[1]](table.unpack(result))
end

local function give_start(result)
  local kind, value = result[1], result[2]
  if kind == "continue" or kind == "ok" or kind == "garbage" then return value_of(value) end
  if kind == "stop" then return nil, value end
  if kind == "raise" then error(value, 0) end
end

local function give_timer(result)
  local kind = result[1]
  if kind == "ok" then return { payload = value_of(result[2]) } end
  if kind == "transition" then
    return { send = result[2], with = value_of(result[3]), payload = value_of(result[4]) }
  end
  if kind == "reschedule" then return { every = result[2] } end
  return give(result)
end

local function give_load(result, start_payload)
  local kind = result[1]
  if kind == "loaded" then return "loaded", value_of(result[2]), value_of(result[3]) end
  if kind == "failed" then return "failed" end
  if kind == "default" then return "created", nil, start_payload end
  return kind, nil, value_of(result[2])
end

local function give_store(result)
  if result[1] == "ok" then return true, value_of(result[2]) end
  return give(result)
end

-- ---- the machine ---------------------------------------------------------------

local function reason_of(fsm)
  return fsm.last_error and shown(fsm.last_error.reason) or NOTHING
end

---What the log calls an event payload; attempts are told apart from payloads.
local function event_payload(value, fsm)
  return shown(value), fsm and fsm.attempt or 0
end

local function callbacks_of(script, log, wanted)
  local callbacks = {}
  function callbacks.on_start(payload)
    log { "on_start", shown(payload) }
    return give_start(script:answer("on_start"))
  end
  function callbacks.on_transition(state, event, ep, payload, fsm)
    local given, attempt = event_payload(ep, fsm)
    log { "on_transition", state, event, given, shown(payload), attempt = attempt }
    return give(script:answer("on_transition", state, event))
  end
  for _, name in ipairs { "on_enter", "on_exit" } do
    callbacks[name] = function(state, fsm)
      log { name, state, fsm.current }
      return give(script:answer(name, state))
    end
  end
  for _, name in ipairs { "on_failure", "on_rollback" } do
    callbacks[name] = function(event, ep, fsm)
      local given, attempt = event_payload(ep, fsm)
      log { name, event, given, fsm.current, reason_of(fsm), attempt = attempt }
      return give(script:answer(name, event))
    end
  end
  function callbacks.on_timer(state)
    log { "on_timer", state }
    return give_timer(script:answer("on_timer", state))
  end
  function callbacks.on_terminate(fsm, reason)
    log { "on_terminate", fsm.current, ended = reason }
    return give(script:answer("on_terminate"))
  end
  if wanted then
    local some = {}
    for _, name in ipairs(wanted) do some[name] = callbacks[name] end
    return some
  end
  return callbacks
end

local function adapter_of(script, log)
  return {
    load = function(_, payload)
      log { "load" }
      return give_load(script:answer("load"), payload)
    end,
    store = function(_, payload, info)
      log { "store", info.from, info.to, info.event, shown(payload) }
      return give_store(script:answer("store", info.from, info.event))
    end,
    store_error = function(_, _, reason, info)
      log { "store_error", info.from, info.event, shown(reason) }
      return give_store(script:answer("store_error", info.from, info.event))
    end,
  }
end

local function flow_of(flow, script, log)
  local steps = {}
  for _, each in ipairs(flow.events) do
    local event, step = each[1], each[2]
    steps[event] = { from = step.valid_states, to = step.target_states, initial = step.initial,
      final = step.final, run = function(payload, id, object)
        log { "handler", event, shown(payload), shown(id), shown(object) }
        local result = script:answer("handler", event)
        if result[1] == "default" then return "done" end
        if result[1] == "raise" then error(result[2], 0) end
        return copy(result)
      end }
  end
  return finitomata.flow(steps, { on_initialization = function()
    log { "on_flow_initialization" }
    return give(script:answer("on_flow_initialization"))
  end })
end

local function add_forks(options, case, script, log)
  local flows = {}
  for name, flow in pairs(case.flows) do flows[name] = flow_of(flow, script, log) end
  options.forks = {}
  for _, fork in ipairs(case.def.forks) do
    local by_event = {}
    for _, each in ipairs(fork[2]) do
      by_event[each[1]] = by_event[each[1]] or {}
      table.insert(by_event[each[1]], flows[each[2]])
    end
    options.forks[fork[1]] = by_event
  end
  options.on_fork = function(state)
    log { "on_fork", state }
    local result = script:answer("on_fork", state)
    if result[1] == "ok" then return flows[result[2]] end
    return give(result)
  end
end

---Retries at once in the reference; one millisecond apart here.
local function at_once(ensure, entry)
  if not ensure then return nil end
  local policies = {}
  for _, state in ipairs(ensure == true and { entry } or ensure) do
    policies[state] = { max = 20, delay = 1, factor = 1 }
  end
  return policies
end

---A listener is a function, or a table, which is told of forks that fail as well.
local function listener_of(kind, script, log)
  local function told(_, state, payload)
    log { "listener", state, shown(payload) }
    return give(script:answer("listener", state))
  end
  if kind == "mailbox" then return told end
  return { after_transition = told, after_fork_failure = function(_, state, reason)
    log { "listener_fork_failure", state, reason }
  end }
end

local IMPLEMENTATION_ONLY = { impl_for = true, ensure_entry = true }

local function definition_of(case, script, log)
  local def = case.def
  local options = { fsm = def.fsm, syntax = def.syntax }
  for name, value in pairs(def.options or {}) do
    if not IMPLEMENTATION_ONLY[name] then options[name] = copy(value) end
  end
  local impl_for = def.options and def.options.impl_for
  if impl_for ~= "all" and impl_for ~= "none" then options.impl_for = impl_for end
  local ensure = def.options and def.options.ensure_entry
  if ensure then
    local first = finitomata.parse(def.fsm, def.syntax)
    options.ensure_entry = at_once(ensure, first and first[1].to)
  end
  if def.listener then
    options.listener = listener_of(def.listener, script, log)
  end
  if def.persistency then options.persistency = adapter_of(script, log) end
  if def.forks then add_forks(options, case, script, log) end
  for name, fn in pairs(callbacks_of(script, log, def.callbacks)) do options[name] = fn end
  if not options.timer then options.on_timer = nil end
  return finitomata.define(options)
end

-- ---- the steps -----------------------------------------------------------------

local Run = {}
Run.__index = Run

function Run:settle()
  self.clock:advance(0)
  if self.case.def.options and self.case.def.options.ensure_entry then self.clock:advance(20) end
end

function Run:current()
  if not self.branch:alive("fsm") then return "@dead" end
  return self.branch:state("fsm", "state")
end

function Run:start()
  local payload = value_of(self.case.payload == nil and {} or self.case.payload)
  if type(payload) == "table" and payload["@parent"] then
    payload["@parent"] = nil
    payload.parent = "somebody"
  end
  return self.branch:start_fsm("fsm", self.definition, payload)
end

local WHATS = { full = true, state = true, payload = true, cached = true }

function Run:read(what)
  if WHATS[what] then return shown((self.branch:state("fsm", what))) end
  local full = self.branch:state("fsm")
  if full == nil then return NOTHING end
  if what == "parent" then return full.parent ~= nil and "set" or NOTHING end
  return shown(full[what])
end

local steps = {}

function steps.send(run, event, payload) run.branch:transition("fsm", event, value_of(payload)) end

function steps.send_many(run, ...)
  for _, event in ipairs { ... } do run.branch:transition("fsm", event) end
end

function steps.send_after(run, ms, event) run.branch:transition("fsm", event, nil, ms) end

function steps.advance(run, ms) run.clock:advance(ms) end

function steps.tick(run) run.branch:timer_tick("fsm") end

function steps.reset_timer(run, tick) run.branch:reset_timer("fsm", tick) end

function steps.start_again(run)
  local ref, err = run:start()
  return ref and { "ok" } or { "error", err.code }
end

function steps.allowed(run, state) return (run.branch:allowed("fsm", state)) end

function steps.responds(run, event) return (run.branch:responds("fsm", event)) end

function steps.alive(run) return run.branch:alive("fsm") end

function steps.read(run, what) return run:read(what) end

function steps.all(run)
  local names = {}
  for name in pairs(run.branch:all()) do
    local state, owner = name:match("^fork:(.-):(.*)$")
    names[#names + 1] = state and { "fork", state, owner } or name
  end
  table.sort(names, function(a, b) return type(a) == "table" and type(b) ~= "table" end)
  return names
end

local function outcome_of(result, err)
  if result ~= nil then return { "ok", result } end
  return { "error", err.code == "ambiguous_transition" and "@payload" or err.reason or err.code }
end

local flow_steps = {}

function flow_steps.event(_, flow, event, payload)
  if event == "finitomata__back" then return outcome_of(flow:back()) end
  return outcome_of(flow:event(event, { payload = value_of(payload) }))
end

function flow_steps.event_to(_, flow, event, target, payload, options)
  return outcome_of(flow:event(event, { to = target, payload = value_of(payload),
    skip_handlers = options and options.skip_handlers }))
end

function flow_steps.ffwd(_, flow, target, options)
  local results, err = flow:fast_forward(target, options)
  for i, each in ipairs(results or {}) do results[i] = { each[1], { each[2], each[3] } } end
  return outcome_of(results, err)
end

function flow_steps.info(_, flow) return (flow:info()) end

function steps.flow(run, state, what, ...)
  return flow_steps[what](run, assert(run.branch:flow("fsm", state)), ...)
end

---@return boolean whether this runner knows all steps of the case
function M.knows(case)
  for _, step in ipairs(case.steps) do
    if not steps[step[1]] then return false end
  end
  return true
end

---@param case table
---@return table outcome {start=, after=, results=, trace=, exits=, full=}
function M.run(case)
  serial = serial + 1
  local clock = finitomata.virtual_clock()
  local trace = {}
  local function log(entry) trace[#trace + 1] = entry end
  local script = Script.new(case.script)
  local outcome = { after = {}, results = {}, trace = trace }
  local ok, definition = pcall(definition_of, case, script, log)
  if not ok then
    outcome.start, outcome.err = "definition_error", definition
    return outcome
  end
  local branch = finitomata.start_link("case-" .. serial, { clock = clock })
  local run = setmetatable(
    { case = case, clock = clock, branch = branch, definition = definition }, Run)
  local ref, err = run:start()
  outcome.start, outcome.err = ref and "ok" or { "error", err.reason or err.code }, err
  run:settle()
  outcome.after[1] = run:current()
  for i, step in ipairs(case.steps) do
    local result = steps[step[1]](run, table.unpack(step, 2))
    if result ~= nil then outcome.results[#outcome.results + 1] = result end
    run:settle()
    outcome.after[i + 1] = run:current()
  end
  outcome.full = branch:state("fsm")
  local before = #trace
  branch:stop()
  for at = #trace, before + 1, -1 do trace[at] = nil end -- the end of the run is no part of it
  return outcome
end

return M
