-- SPDX-License-Identifier: MIT

--- What an FSM is, apart from any that runs: its diagram, its options and its
--- callbacks. Made by `finitomata.define`; callbacks may be assigned later, like
--- fields of the module they are.
local Error = require("finitomata.error")
local callbacks = require("finitomata.callbacks")
local check = require("finitomata.check")
local graph = require("finitomata.graph")
local options_of = require("finitomata.options")
local order = require("finitomata.order")
local parser = require("finitomata.parser")
local places = require("finitomata.place")
local plan_of = require("finitomata.plan")
local shapes = require("finitomata.shape")

---@class finitomata.Definition
---@field name string?       the name of its module
---@field states string[]    in the order of the diagram
---@field events string[]    without `__start__` and `__end__`
---@field entry string       the state that comes first
---@field exits string[]     states that can end
---@field transitions {from: string, to: string, event: string}[] in the order of the diagram
---@field hard table[]       edges that carry a `!` event: {state, event}
---@field soft table[]       edges that carry a `?` event: {state, event}
---@field ambiguous table[]  {state, event, targets} for every event with several targets
---@field dsl string         the text of the diagram
---@field syntax string|table what it is written in
---@field hash string        of states, events and transitions
---@field warnings string[]  what is allowed but looks wrong
local Definition = {}


-- What a definition keeps to itself; weak, so that definitions can be collected.
local secrets = setmetatable({}, { __mode = "k" })

---The name of the module that returned this definition.
local function module_name(definition)
  for name, module in pairs(package.loaded) do
    if rawequal(module, definition) and type(name) == "string" then return name end
  end
end

local meta = { __name = "finitomata.Definition" }

function meta.__index(self, key)
  local method = Definition[key]
  if method ~= nil then return method end
  local secret = secrets[self]
  if secret == nil then return nil end
  if key == "name" then
    local name = module_name(self)
    if name then rawset(self, "name", name) end
    return name
  end
  return secret.callbacks[key]
end

function meta.__newindex(self, key, value)
  local secret = secrets[self]
  if callbacks.KEYS[key] then
    if value ~= nil then
      local faults = {}
      callbacks.check(key, value, secret.shape, faults)
      if #faults > 0 then error(parser.error(faults), 2) end
    end
    secret.callbacks[key] = value
    plan_of.bind(secret.plan, secret.callbacks)
    secret.sealed = false
  elseif type(key) == "string" and key:find("^on_") then
    error(("there is no callback '%s'"):format(key), 2)
  else
    rawset(self, key, value)
  end
end

function meta.__tostring(self)
  return ("finitomata.Definition<%s>"):format(self.name or self.entry)
end

---@param value any
---@return boolean
local function is_definition(value)
  return getmetatable(value) == meta
end

---@return boolean readable whether the diagram can be read
local function check_arguments(given, faults)
  local readable = true
  local function fault(format, ...)
    faults[#faults + 1] = { code = "bad_option", states = {}, message = format:format(...) }
  end
  for _, key in ipairs(options_of.unknown(given, callbacks.KEYS)) do
    fault("unknown option '%s'", key)
  end
  if type(given.fsm) ~= "string" then
    fault("fsm: the text of a diagram expected, got %s", type(given.fsm))
    readable = false
  end
  if given.name ~= nil and type(given.name) ~= "string" then
    fault("name: string expected, got %s", type(given.name))
  end
  if not parser.syntax(given.syntax) then
    fault("syntax: 'flowchart', 'state_diagram' or {parse=, lint=} expected, got '%s'",
      tostring(given.syntax))
    readable = false
  end
  if given.any ~= nil then
    local good = type(given.any) == "table"
    for event, target in pairs(good and given.any or {}) do
      good = good and type(event) == "string" and type(target) == "string"
        and event:find("^%l[%w_]*%??$") ~= nil and target:find("^%l[%w_]*$") ~= nil
    end
    if not good then fault("any: {event = state} expected, of names without `!`") end
    readable = readable and good
  end
  return readable
end

---@param fault table
---@param place finitomata.Place
---@return string message with the place in the file, as exactly as it is known
local function placed(fault, place)
  fault.file, fault.file_line = place.file, place.line
  if not (fault.line and place.first) then
    return ("%s:%s: %s"):format(place.file, place.line or "?", fault.message)
  end
  fault.file_line = place.first + fault.line - 1
  fault.file_column = fault.column + (fault.line == 1 and place.indent or 0)
  return ("%s:%d:%d: %s"):format(place.file, fault.file_line, fault.file_column,
    (fault.message:gsub("^line %d+, column %d+: ", "")))
end

local function refuse(faults, given)
  local place, lines = places.of(given), {}
  for i, fault in ipairs(faults) do lines[i] = placed(fault, place) end
  local err = parser.error(faults)
  err.message = table.concat(lines, "\n")
  error(err, 0)
end

local function no_on_timer()
  return { code = "no_timer_callback", states = {},
    message = "timer: there is no callback `on_timer`" }
end

---Makes a definition, or raises with everything that is wrong with it.
---@param given table see the options of `finitomata.define`
---@param level integer whose call it is, as for `error`
---@return finitomata.Definition
local function define(given, level)
  local faults = {}
  if type(given) ~= "table" then
    error(("bad argument #1 to 'define' (table expected, got %s)"):format(type(given)), level + 1)
  end
  local readable = check_arguments(given, faults)
  if not readable then refuse(faults, given) end
  local transitions, wrong = parser.read(given.fsm, given.syntax, given)
  if not transitions then
    refuse(table.move(faults, 1, #faults, #wrong + 1, wrong), given)
  end

  local shape = shapes.of(transitions)
  shapes.check_hard(transitions, faults)
  local options = options_of.read(given, shape, faults)
  local known = { state = setmetatable({ ["*"] = true }, { __index = shape.states }),
    event = shape.events }
  local given_callbacks = {}
  for name in pairs(callbacks.KEYS) do
    if given[name] ~= nil then
      callbacks.check(name, given[name], known, faults)
      given_callbacks[name] = given[name]
    end
  end
  if options.timer and next(given_callbacks) and not given_callbacks.on_timer then
    faults[#faults + 1] = no_on_timer() -- who brings callbacks along brings all of them
  end
  if #faults > 0 then refuse(faults, given) end

  local plain = {}
  for i, t in ipairs(transitions) do plain[i] = { from = t.from, to = t.to, event = t.event } end
  local self = {
    name = given.name,
    states = shape.lists.states,
    events = shape.lists.events,
    entry = shape.entry,
    exits = shape.lists.exits,
    transitions = plain,
    hard = shape.lists.hard,
    soft = shape.lists.soft,
    ambiguous = shapes.ambiguous(plain),
    dsl = given.fsm,
    syntax = given.syntax or "flowchart",
    hash = shapes.hash(plain),
    warnings = {},
  }
  local ends = graph.reaching(plain, "*")
  for _, state in ipairs(self.states) do
    if not ends[state] and not options.endless then
      table.insert(self.warnings, ("there is no way from `%s` to the end"):format(state))
    end
  end
  setmetatable(self, meta)
  local secret = { callbacks = given_callbacks, shape = known, options = options, given = given,
    sealed = false }
  secret.plan = plan_of.build(self, options)
  secrets[self] = secret
  plan_of.bind(secret.plan, given_callbacks)
  return self
end

---Ambiguous events that nothing resolves.
---@param self finitomata.Definition
---@return string[]
local function unresolved(self)
  local messages, secret = {}, secrets[self]
  for _, each in ipairs(self.ambiguous) do
    if not secret.plan.nodes[each.state].edges[each.event].handler then
      messages[#messages + 1] = ("`%s` in `%s` has several targets (%s) and no handler"):format(
        each.event, each.state, table.concat(each.targets, ", "))
    end
  end
  return messages
end

---What only shows once all callbacks are there.
local function seal(self, secret)
  local faults, warnings = {}, unresolved(self)
  if secret.options.timer and not secret.callbacks.on_timer then
    faults[#faults + 1] = no_on_timer()
  end
  if secret.options.strict then
    for _, message in ipairs(warnings) do
      faults[#faults + 1] = { code = "ambiguous_transition", states = {}, message = message }
    end
  end
  if #faults > 0 then return nil, parser.error(faults) end
  secret.sealed = true
  return true
end

---The plan of a definition whose callbacks are complete.
---@param self finitomata.Definition
---@return finitomata.Plan?
---@return finitomata.Error?
local function plan(self)
  local secret = secrets[self]
  if not secret.sealed then
    local ok, err = seal(self, secret)
    if not ok then return nil, err end
  end
  return secret.plan
end

---Makes a definition what another is, in everything but its name and its identity. The other
---one becomes what this one was, for the FSMs that cannot follow.
---@param self finitomata.Definition
---@param other finitomata.Definition
local function swap(self, other)
  local fields, others, name = {}, {}, self.name
  for key, value in next, self do fields[key] = value end
  for key, value in next, other do others[key] = value end
  for key in pairs(fields) do rawset(self, key, others[key]) end
  for key, value in pairs(others) do rawset(self, key, value) end
  for key, value in pairs(fields) do rawset(other, key, value) end
  rawset(self, "name", name)
  rawset(other, "name", name)
  secrets[self], secrets[other] = secrets[other], secrets[self]
  secrets[self].plan.definition, secrets[other].plan.definition = self, other
  secrets[other].heir = self
end

---The definition that stands for this one now.
---@param self finitomata.Definition
---@return finitomata.Definition
local function heir(self)
  return secrets[self].heir or self
end

---What looks wrong now that the callbacks are there: ambiguous events without a
---handler, and states from which there is no way to the end.
---@return string[]
function Definition:check()
  local all, messages = table.move(self.warnings, 1, #self.warnings, 1, {}),
    unresolved(self)
  return table.move(messages, 1, #messages, #all + 1, all)
end

---Whether some edge leads from one state to another.
---@param from string
---@param to string
---@return boolean
function Definition:allowed(from, to)
  local node = secrets[self].plan.nodes[from]
  if node then
    for _, edge in pairs(node.edges) do
      if edge.targets[to] then return true end
    end
  end
  return false
end

---Whether a state answers an event.
---@param state string
---@param event string
---@return boolean
function Definition:responds(state, event)
  local node = secrets[self].plan.nodes[state]
  return node ~= nil and node.edges[event] ~= nil
end

---Where an event may lead from a state, in the order of the diagram.
---@param state string
---@param event string
---@return string[]
function Definition:targets(state, event)
  local node = secrets[self].plan.nodes[state]
  local edge = node and node.edges[event]
  return edge and table.move(edge.list, 1, #edge.list, 1, {}) or {}
end

---The target of an event when there is only one.
---@param state string
---@param event string
---@return string? target
---@return finitomata.Error? err "undefined_transition", "ambiguous_transition" with `targets`
function Definition:guess(state, event)
  local targets = self:targets(state, event)
  if #targets == 1 then return targets[1] end
  if #targets == 0 then
    return Error.fail("undefined_transition", ("`%s` does not answer `%s`"):format(state, event),
      { state = state, event = event })
  end
  return Error.fail("ambiguous_transition",
    ("`%s` in `%s` may lead to %s"):format(event, state, table.concat(targets, ", ")),
    { state = state, event = event, targets = targets })
end

---The event of a state all of whose edges carry the same one.
---@param state string
---@return string? event
function Definition:sole_event(state)
  local node = secrets[self].plan.nodes[state]
  local event = node and next(node.edges)
  if event and next(node.edges, event) == nil then return event end
end

---The only edge of a state.
---@param state string
---@return string? event
---@return string? target
function Definition:sole_edge(state)
  local event = self:sole_event(state)
  local targets = event and self:targets(state, event) or {}
  if #targets == 1 then return event, targets[1] end
end

---The states that leave by one event, whatever its targets: {state, event}.
---@return table[]
function Definition:determined()
  local found = {}
  for _, state in ipairs(self.states) do
    local event = self:sole_event(state)
    if event then found[#found + 1] = shapes.pair(state, event) end
  end
  return found
end

---What fires by itself: {state, event, targets} for every automatic event.
---@return table[]
function Definition:automatic()
  local found = {}
  for _, state in ipairs(self.states) do
    local edge = secrets[self].plan.nodes[state].auto
    local event = edge and edge.event
    if event then found[#found + 1] = shapes.pair(state, event, self:targets(state, event)) end
  end
  return found
end

---All walks between two states that use no edge twice, as flat lists of states
---and events; `truncated` is set when there are more than `limit`.
---@param from? string the start when absent
---@param to? string   the end when absent
---@param limit? integer
---@return table[] paths
function Definition:paths(from, to, limit)
  return graph.paths(self.transitions, from, to, limit)
end

---The paths between two states that visit no state twice.
---@param from? string
---@param to? string
---@param limit? integer
---@return table[] paths
function Definition:straight(from, to, limit)
  return graph.straight(self.transitions, from, to, limit)
end

---All shortest paths between two states; an empty list when there is no way.
---@param from? string
---@param to? string
---@param limit? integer
---@return table[] paths
function Definition:shortest(from, to, limit)
  return graph.shortest(self.transitions, from or "*", to or "*", limit)
end

---The length of a shortest path, nothing when there is none.
---@param from? string
---@param to? string
---@return integer? steps
function Definition:steps(from, to)
  return graph.steps(self.transitions, from or "*", to or "*")
end

---All elementary loops, each listed once for every state on it.
---@param limit? integer
---@return table[] paths
function Definition:loops(limit)
  return graph.loops(self.transitions, limit)
end

---The ways out that go by themselves.
---@param limit? integer
---@return table[] paths
function Definition:exiting(limit)
  return graph.exiting(self.transitions, limit)
end

---The diagram, in its own syntax and in canonical form.
---@return string
function Definition:lint()
  local syntax = parser.syntax(rawget(self, "syntax"))
  if type(syntax.lint) ~= "function" then return self.dsl end
  return syntax.lint(self.transitions)
end

---The diagram for Mermaid.
---@return string text
function Definition:mermaid()
  if self.syntax == "flowchart" then return parser.syntax("flowchart").lint(self.transitions) end
  local lines = { "stateDiagram-v2" }
  for _, t in ipairs(self.transitions) do
    lines[#lines + 1] = ("    %s --> %s : %s"):format(
      t.from == "*" and "[*]" or t.from, t.to == "*" and "[*]" or t.to, t.event)
  end
  return table.concat(lines, "\n")
end

---The diagram for PlantUML.
---@return string text
function Definition:plantuml()
  local lines = { "@startuml", "" }
  for _, t in ipairs(self.transitions) do
    local label = shapes.INTERNAL[t.event] and "" or " : " .. t.event
    lines[#lines + 1] = ("%s --> %s%s"):format(
      t.from == "*" and "[*]" or t.from, t.to == "*" and "[*]" or t.to, label)
  end
  lines[#lines + 1] = ""
  lines[#lines + 1] = "@enduml"
  return table.concat(lines, "\n")
end

---The diagram for Graphviz.
---@return string text
function Definition:dot()
  local lines = { "digraph fsm {", "  rankdir=LR;", '  "*" [shape=point];' }
  for _, state in ipairs(self.states) do
    lines[#lines + 1] = ('  "%s" [shape=box, style=rounded];'):format(state)
  end
  for _, t in ipairs(self.transitions) do
    local label = shapes.INTERNAL[t.event] and "" or t.event
    lines[#lines + 1] = ('  "%s" -> "%s" [label="%s"];'):format(t.from, t.to, label)
  end
  lines[#lines + 1] = "}"
  return table.concat(lines, "\n")
end

local function paths_text(title, paths, lines)
  if #paths == 0 then return end
  lines[#lines + 1] = ""
  lines[#lines + 1] = title .. (paths.truncated and " (the first of many)" or "")
  for _, path in ipairs(paths) do
    local words = {}
    for i, word in ipairs(path) do words[i] = i % 2 == 0 and "--" .. word .. "-->" or word end
    lines[#lines + 1] = "  " .. table.concat(words, " ")
  end
end

local IN_THE_DIAGRAM <const> = { fsm = true, name = true, syntax = true }

---A value of an option, in a few words.
local function option_text(value)
  if type(value) ~= "table" then return type(value) == "function" and "f" or tostring(value) end
  if getmetatable(value) ~= nil then return tostring(value) end
  local parts = {}
  for _, key in ipairs(order.keys(value)) do
    local text = option_text(value[key])
    parts[#parts + 1] = math.type(key) == "integer" and text or ("%s = %s"):format(key, text)
  end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

---The options as they were written, but for callbacks.
local function options_text(given, lines)
  for _, name in ipairs(order.keys(given)) do
    if not IN_THE_DIAGRAM[name] and not callbacks.KEYS[name] then
      lines[#lines + 1] = ("option: %s = %s"):format(name, option_text(given[name]))
    end
  end
end

---What the FSM is, for people: diagram, entry, events, options, paths and loops.
---@return string
function Definition:describe()
  local lines = {
    self.name or "an FSM without a name",
    "",
    self:lint(),
    "",
    "entry:  " .. self.entry,
    "exits:  " .. table.concat(self.exits, ", "),
    "states: " .. table.concat(self.states, ", "),
    "events: " .. table.concat(self.events, ", "),
  }
  options_text(secrets[self].given, lines)
  paths_text("ways from the start to the end:", self:straight(nil, nil, 20), lines)
  paths_text("loops:", self:loops(20), lines)
  for i, warning in ipairs(self:check()) do
    if i == 1 then lines[#lines + 1] = "" end
    lines[#lines + 1] = "warning: " .. warning
  end
  return table.concat(lines, "\n")
end

for name, method in pairs(Definition) do -- a method called with a dot is the caller's bug
  Definition[name] = function(self, ...)
    if not is_definition(self) then
      check.type(nil, "finitomata.Definition", 0, name)
    end
    return method(self, ...)
  end
end

return { define = define, is = is_definition, plan = plan, unresolved = unresolved, swap = swap,
  heir = heir }
