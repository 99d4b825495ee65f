-- SPDX-License-Identifier: MIT

--- Flows: procedures of steps that run beside an FSM while it is in a fork state.
--- A flow is an FSM of its own, made from a table of steps; it remembers every
--- step it took, can go back, and when it comes to its end it sends the owner the
--- event that the option `forks` names, with everything it remembers.
local Error = require("finitomata.error")
local check = require("finitomata.check")
local definitions = require("finitomata.definition")
local engine = require("finitomata.engine")
local graph = require("finitomata.graph")
local guard = require("finitomata.guard")
local timers = require("finitomata.timers")

local M = {}

local FLOWING <const> = "finitomata__flowing" -- before the first step
local FLOWED <const> = "finitomata__flowed" -- after the last
local BEGIN <const> = "finitomata__begin!"
local BACK <const> = "finitomata__back"
local STEP <const> = { from = true, to = true, run = "function", initial = "boolean",
  final = "boolean" }
local OPTIONS <const> = { on_initialization = "function", name = "string" }

-- The flows among the definitions: what their steps do.
local programs = setmetatable({}, { __mode = "k" })

-- ---- making one ----------------------------------------------------------------

local function list_of(value)
  return type(value) == "table" and value or { value }
end

local function fault(faults, code, format, ...)
  faults[#faults + 1] = { code = code, states = {}, message = format:format(...) }
end

---The events in an order that does not depend on chance.
local function sorted(steps)
  local events = {}
  for event in pairs(steps) do events[#events + 1] = event end
  table.sort(events)
  return events
end

local function check_step(event, step, faults)
  if type(step) ~= "table" then
    return fault(faults, "bad_option", "`%s`: {from=, to=, run=} expected, got %s", event,
      type(step))
  end
  for key, value in pairs(step) do
    local expected = STEP[key]
    if expected == nil then
      fault(faults, "bad_option", "`%s`: unknown key '%s'", event, tostring(key))
    elseif type(expected) == "string" and type(value) ~= expected then
      fault(faults, "bad_option", "`%s`: %s: %s expected, got %s", event, key, expected,
        type(value))
    end
  end
  if #list_of(step.from) == 0 then
    fault(faults, "bad_option", "`%s`: from: the states it starts from expected", event)
  end
  if step.final and step.to ~= nil and #list_of(step.to) > 0 then
    fault(faults, "flow_final_with_targets", "`%s` is final and leads somewhere", event)
  end
end

---@return string? first the state in which the flow begins
local function check_initial(steps, events, faults)
  local initial
  for _, event in ipairs(events) do
    local step = steps[event]
    if type(step) == "table" and step.initial then
      if initial then fault(faults, "flow_two_initial", "`%s` and `%s` are both initial", initial,
          event) end
      initial = event
    end
  end
  if not initial then
    fault(faults, "flow_no_initial", "no step is initial")
    return nil
  end
  local from = list_of(steps[initial].from)
  if #from ~= 1 then
    fault(faults, "flow_initial_state", "`%s` is initial and must start from one state", initial)
  end
  return from[1]
end

local function targets_of(step, all)
  if step.final then return { FLOWED } end
  if step.to == nil then return all end
  local to = list_of(step.to)
  return #to > 0 and to or { FLOWED }
end

---@return table[] transitions
local function edges_of(steps, events, first)
  local all, seen, edges, written = {}, {}, {}, {}
  for _, event in ipairs(events) do
    for _, state in ipairs(list_of(steps[event].from)) do
      if not seen[state] then all[#all + 1] = state end
      seen[state] = true
    end
  end
  local function add(from, to, event)
    local key = from .. "\0" .. event .. "\0" .. to
    if not written[key] then edges[#edges + 1] = { from = from, to = to, event = event } end
    written[key] = true
  end
  add("*", FLOWING, "__start__")
  add(FLOWING, first, BEGIN)
  for _, event in ipairs(events) do
    for _, from in ipairs(list_of(steps[event].from)) do
      for _, to in ipairs(targets_of(steps[event], all)) do
        add(from, seen[to] and to or FLOWED, event)
      end
    end
  end
  for at = 3, #edges do -- every step can be taken back, but for those from the first state
    local edge = edges[at]
    if edge.from ~= first and edge.to ~= FLOWED then add(edge.to, edge.from, BACK) end
  end
  add(FLOWED, "*", "__end__")
  return edges
end

---The steps that are left on a shortest way to the end.
local function left_from(edges, state)
  if state == "*" then return 0 end
  local forward = {}
  for _, edge in ipairs(edges) do
    if edge.event ~= BACK then forward[#forward + 1] = edge end
  end
  local path, left = graph.shortest(forward, state, "*", 1)[1], 0
  for at = 2, path and #path or 0, 2 do
    if path[at] ~= BEGIN and path[at - 1] ~= "*" and path[at + 1] ~= "*" then left = left + 1 end
  end
  return left
end

---Makes a flow of a table of steps: event -> {from=, to=, run=, initial=, final=}.
---`run(payload, id, object)` does the step's work; what it returns is remembered.
---@param steps table<string, table>
---@param options? {on_initialization: fun(payload: table), name: string?}
---@return finitomata.Definition
function M.new(steps, options)
  check.type(steps, "table", 1, "flow")
  check.options(options, OPTIONS, 2, "flow")
  local events, faults = sorted(steps), {}
  for _, event in ipairs(events) do check_step(event, steps[event], faults) end
  local first = check_initial(steps, events, faults)
  if #faults > 0 then
    local messages = {}
    for i, each in ipairs(faults) do messages[i] = each.message end
    error(Error.new(faults[1].code, table.concat(messages, "\n"), { faults = faults }), 0)
  end
  local program = { steps = steps, initialize = options and options.on_initialization,
    edges = edges_of(steps, events, first) }
  local definition = definitions.define({
    name = options and options.name,
    fsm = first,
    syntax = { parse = function() return program.edges end, unchecked = true },
    auto_terminate = { FLOWED },
    cache_state = false,
    on_transition = function(...) return M.step(program, ...) end,
    on_terminate = M.report,
  }, 2)
  definition.is_flow = true
  programs[definition] = program
  return definition
end

-- ---- taking steps ----------------------------------------------------------------

---What was done so far, without what lies above the pointer, and one step more.
local function remember(program, payload, state, event, result, target)
  local steps = table.move(payload.history.steps, payload.history.current + 1,
    #payload.history.steps, 2, { { state, event, result } })
  payload.history = { steps = steps, current = 0 }
  payload.steps = { passed = #steps - 1, left = left_from(program.edges, target) }
  return target, payload
end

---One step back: the pointer moves, the state is that of the step below it.
local function step_back(program, state, payload)
  local history = payload.history
  local undone = history.steps[history.current + 1]
  if not undone or not program.definition:allowed(state, undone[1]) then
    return nil, "there is no step to take back"
  end
  history.current = history.current + 1
  payload.steps = { passed = #history.steps - 1 - history.current,
    left = left_from(program.edges, undone[1]) }
  return undone[1], payload
end

---`on_transition` of all flows.
function M.step(program, state, event, request, payload, fsm)
  program.definition = program.definition or M.definition_of(program)
  if state == "*" then
    payload.history = { steps = { { "*", "__start__", "ok" } }, current = 0 }
    payload.steps = { passed = 0, left = left_from(program.edges, FLOWING) }
    return FLOWING, payload
  elseif event == BEGIN then
    if program.initialize then
      local answer, reason = program.initialize(payload)
      if answer == false or answer == nil and reason ~= nil then return nil, reason end
    end
    return nil
  elseif event == "__end__" then
    return remember(program, payload, state, event, "ok", "*")
  elseif event == BACK then
    return step_back(program, state, payload)
  end
  request = request or {}
  local targets = program.definition:targets(state, event)
  local target = request.to or targets[1]
  if not request.to and #targets > 1 then return nil end
  local step, result = program.steps[event], "skipped"
  if not program.definition:allowed(state, target) then return target end
  if not request.skip_handlers then
    result = "done"
    if step.run then
      result = step.run(request.payload, payload.id, payload.object, fsm)
      if result == nil then result = "done" end
    end
  end
  return remember(program, payload, state, event, result, target)
end

---Whether a definition is a flow.
---@param definition finitomata.Definition
---@return boolean
function M.is(definition)
  return programs[definition] ~= nil
end

---@private
function M.definition_of(program)
  for definition, each in pairs(programs) do
    if each == program then return definition end
  end
end

---`on_terminate` of all flows: the owner hears of an end that was reached.
function M.report(fsm, reason)
  local payload = fsm.payload
  local owner = payload.owner
  local branch = M.branch_of(fsm)
  if reason == "normal" and branch:alive(owner.name) then
    branch:transition(owner.name, owner.event, payload)
  end
end

-- ---- the owner's side ------------------------------------------------------------

-- The slots of an instance; instance.lua says what they are.
local KIND <const>, NAME <const>, NODE <const>, PAYLOAD <const> = 1, 2, 3, 4

function M.branch_of(fsm)
  return fsm[KIND].branch
end

---The name under which the flow of a fork state runs.
---@param owner any
---@param state string
---@return string
function M.name_of(owner, state)
  return ("fork:%s:%s"):format(state, tostring(owner))
end

---All flows of a fork state: {{event=, flow=}, ...}.
local function choices(fork)
  local list = {}
  for event, flows in pairs(fork) do
    for _, flow in ipairs(definitions.is(flows) and { flows } or flows) do
      list[#list + 1] = { event = event, flow = flow }
    end
  end
  return list
end

---@return {event: string, flow: finitomata.Definition}? choice
---@return string? why not
local function choose(fsm, node)
  local list, answer = choices(node.fork), nil
  if node.on_fork then
    local ok, result = guard.call_by(fsm[KIND].protect, fsm[NAME], "on_fork", node.on_fork,
      node.name, fsm.payload)
    if not ok then return nil, "on_fork_raised" end
    answer = result
  end
  if answer == nil then
    if #list == 1 then return list[1] end
    return nil, #list == 0 and "missing_fork_resolution" or "multiple_fork_resolutions"
  end
  for _, choice in ipairs(list) do
    if choice.flow == answer or type(answer) == "string" and choice.flow.name == answer then
      return choice
    end
  end
  return nil, definitions.is(answer) and "unknown_fork_resolution" or "bad_fork_resolution"
end

local function failed(fsm, node, reason)
  timers.rare(fsm).last_error = engine.refusal("fork", reason, reason, node, "on_fork")
  for _, listener in ipairs(fsm[KIND].listeners or {}) do
    if type(listener.after_fork_failure) == "function" then
      guard.call(fsm[NAME], "after_fork_failure", listener.after_fork_failure, fsm[NAME], node.name,
        reason)
    end
  end
end

---Starts the flow of the fork state that an FSM has entered, unless it runs already.
---@param fsm finitomata.Instance
function M.enter(fsm)
  local node = fsm[NODE]
  local choice, reason = choose(fsm, node)
  if not choice then return failed(fsm, node, reason) end
  local branch, name = fsm[KIND].branch, M.name_of(fsm[NAME], node.name)
  local own = fsm[PAYLOAD]
  local data = {}
  for key, value in pairs(type(own) == "table" and type(own.fork_data) == "table" and own.fork_data
    or {}) do
    data[key] = value
  end
  local id, object = data.id, data.object
  data.id, data.object = nil, nil
  local ref, err = branch:start_fsm(name, choice.flow, {
    owner = { event = choice.event, id = branch.id, name = fsm[NAME], node = branch.node },
    id = id, object = object, data = data,
    history = { steps = {}, current = 0 }, steps = { passed = 0, left = 0 },
  })
  if not ref and err.code ~= "already_started" then failed(fsm, node, err.code) end
end

---Ends the flows of an FSM that ends itself.
---@param fsm finitomata.Instance
function M.leave(fsm)
  local branch = fsm[KIND].branch
  for state in pairs(fsm[KIND].plan.options.forks) do
    local name = M.name_of(fsm[NAME], state)
    if branch:alive(name) then branch:dismiss(name, "owner") end
  end
end

-- ---- using one -------------------------------------------------------------------

---A step of a flow, for `finitomata.flow`.
---@class finitomata.FlowStep
---@field from string|string[] the states in which the step may be taken
---@field to? string|string[] where it leads; nothing: to any state; a state from which no step
---  starts ends the flow
---@field run? fun(payload: any, id: any, object: any, fsm: finitomata.Fsm): any does the work; what
---  it returns is remembered
---@field initial? boolean the flow begins in the state from which this step starts
---@field final? boolean the flow ends with this step

---What `branch:flow(name, state)` gives.
---@class finitomata.Flow
---@field branch finitomata.Branch where it runs
---@field name string under which it runs there
local Flow = { __name = "finitomata.Flow" }
Flow.__index = Flow

local EVENT <const> = { to = "string", payload = true, skip_handlers = "boolean" }

---The flow that runs for a fork state of an FSM.
---@param branch finitomata.Branch
---@param owner any
---@param state string
---@return finitomata.Flow?
---@return finitomata.Error? err "no_such_fsm"
function M.of(branch, owner, state)
  check.type(state, "string", 2, "flow")
  local name = M.name_of(owner, state)
  if not branch:alive(name) then
    return Error.fail("no_such_fsm", ("no flow runs for `%s` in `%s`"):format(tostring(owner),
      state))
  end
  return setmetatable({ branch = branch, name = name }, Flow)
end

---Takes a step. `to` chooses the target when there are several.
---@async
---@param event string
---@param options? {to: string?, payload: any, skip_handlers: boolean?}
---@return any result    what the step's `run` returned; "skipped" when it was not run
---@return finitomata.Error? err
function Flow:event(event, options)
  check.type(event, "string", 1, "event")
  check.options(options, EVENT, 2, "event")
  local state, answer = self.branch:call(self.name, event, options)
  if not state then return nil, answer end
  return answer.history.steps[answer.history.current + (state == "*" and 2 or 1)][3]
end

---Takes the last step back; the step's record stays until another is taken.
---@async
---@return boolean? ok
---@return finitomata.Error? err
function Flow:back()
  local state, err = self.branch:call(self.name, BACK)
  if not state then return nil, err end
  return true
end

---Takes the steps of a shortest way to a state, or along several.
---@async
---@param states string|string[]
---@param options? {skip_handlers: boolean?}
---@return table[]? results {event, state, result} for every step
---@return finitomata.Error? err "unreachable", or why a step failed
---@return table[]? results  of the steps before that one
function Flow:fast_forward(states, options)
  check.options(options, { skip_handlers = "boolean" }, 2, "fast_forward")
  local results = {}
  for _, target in ipairs(list_of(states)) do
    local at, err = self.branch:state(self.name, "state")
    if not at then return nil, err, results end
    if at ~= target then
      local path = graph.shortest(self:_edges(), at, target, 1)[1]
      if not path then
        return nil, Error.new("unreachable", ("there is no way from `%s` to `%s`"):format(at,
          target)),
          results
      end
      for step = 2, #path, 2 do
        local result, why = self:event(path[step],
          { to = path[step + 1], skip_handlers = options and options.skip_handlers })
        if result == nil then return nil, why, results end
        results[#results + 1] = { path[step], path[step + 1], result }
      end
    end
  end
  return results
end

---@private
function Flow:_edges()
  return self.branch:state(self.name, function(fsm)
    local edges = {}
    for _, edge in ipairs(fsm[KIND].definition.transitions) do
      if edge.event ~= BACK then edges[#edges + 1] = edge end
    end
    return edges
  end)
end

---Where the flow is and what it has done.
---@async
---@return {current: string, steps: table[], pointer: integer, passed: integer, left: integer}?
---@return finitomata.Error? err
function Flow:info()
  local full, err = self.branch:state(self.name)
  if not full then return nil, err end
  local payload = full.payload
  return { current = full.current, steps = payload.history.steps, pointer = payload.history.current,
    passed = payload.steps.passed, left = payload.steps.left }
end

return M
