-- SPDX-License-Identifier: MIT

--- From the text of a diagram to its list of transitions, and what can be wrong
--- with either. One run reports every fault it can see.
local Error = require("finitomata.error")
local flowchart = require("finitomata.parser.flowchart")
local state_diagram = require("finitomata.parser.state_diagram")

local M = {}

local SYNTAXES <const> = { flowchart = flowchart, state_diagram = state_diagram }

---The parser behind a `syntax` option.
---@param syntax? string|table
---@return table? parser
function M.syntax(syntax)
  if type(syntax) == "table" then
    return type(syntax.parse) == "function" and syntax or nil
  end
  return SYNTAXES[syntax or "flowchart"]
end

local function quoted(states)
  local names = {}
  for i, state in ipairs(states) do names[i] = "`" .. state .. "`" end
  return table.concat(names, ", ")
end

---What is wrong with a diagram, and with which edge of it.
---@param code string
---@param states string[]
---@param message string
---@param edge? {line: integer?, column: integer?, source: finitomata.parser.Line?, at: integer?}
---@return table fault
local function fault(code, states, message, edge)
  local source = edge and edge.source
  if source then
    message = ("line %d, column %d: %s\n%s"):format(edge.line, edge.column, message,
      source:excerpt(edge.at))
  end
  return {
    code = code,
    states = states,
    message = message,
    line = edge and edge.line,
    column = edge and edge.column,
  }
end

M.fault = fault

local function count_ends(transitions)
  local entries, finals = {}, {}
  for _, t in ipairs(transitions) do
    if t.from == "*" then entries[#entries + 1] = t end
    if t.to == "*" then finals[#finals + 1] = t end
  end
  return entries, finals
end

---An edge with its place moved to where it names a state.
local function naming(edge, state)
  local source = edge.source
  local at = source and source.text:find("%f[%w_]" .. state .. "%f[^%w_]")
  if not at then return edge end
  return { line = edge.line, column = source:column(at), source = source, at = at }
end

local function neighbours(transitions)
  local states, seen, entered, left, next_of = {}, {}, {}, {}, {}
  for _, t in ipairs(transitions) do
    for _, state in ipairs { t.from, t.to } do
      if state ~= "*" and not seen[state] then
        seen[state] = naming(t, state)
        states[#states + 1] = state
      end
    end
    left[t.from], entered[t.to] = true, true
    next_of[t.from] = next_of[t.from] or {}
    table.insert(next_of[t.from], t.to)
  end
  return states, seen, entered, left, next_of
end

local function reachable(start, next_of)
  local found, stack = { [start] = true }, { start }
  while #stack > 0 do
    for _, state in ipairs(next_of[table.remove(stack)] or {}) do
      if not found[state] and state ~= "*" then
        found[state] = true
        stack[#stack + 1] = state
      end
    end
  end
  return found
end

local function check_duplicates(transitions, faults)
  local seen = {}
  for _, t in ipairs(transitions) do
    local key = t.from .. "\0" .. t.event .. "\0" .. t.to
    if seen[key] then
      faults[#faults + 1] = fault("duplicate_transition", { t.from, t.to },
        ("`%s` --> `%s` by `%s` is written twice"):format(t.from, t.to, t.event), t)
    end
    seen[key] = true
  end
end

local function check_ends(transitions, states, faults, endless)
  local entries, finals = count_ends(transitions)
  if #entries ~= 1 then
    local names = {}
    for i, t in ipairs(entries) do names[i] = t.to end
    faults[#faults + 1] = fault("initial_state", names, #entries == 0
      and "no state to begin with: every state has a way in (name one: `[*] --> state`)"
      or ("one state to begin with expected, got %d: %s"):format(#entries, quoted(names)),
        entries[2])
  end
  if #finals == 0 and not endless then
    faults[#faults + 1] = fault("final_state", {},
      "no state to end with: every state has a way out (name one: `state --> [*]`, or say "
        .. "`endless = true`)")
  end
  if #states == 0 then faults[#faults + 1] = fault("no_states", {}, "the FSM has no states") end
  return #entries == 1 and entries[1] or nil
end

---Every fault of a list of transitions, the gravest first.
---@param transitions table[]
---@param endless? boolean whether there need not be an end
---@return table[] faults
function M.validate(transitions, endless)
  local faults = {}
  local states, seen, entered, left, next_of = neighbours(transitions)
  local entry = check_ends(transitions, states, faults, endless)
  local orphan = {}
  for _, state in ipairs(states) do
    if not entered[state] then
      orphan[state] = true
      faults[#faults + 1] = fault("orphan_from_state", { state },
        ("`%s` is left but never entered"):format(state), seen[state])
    end
  end
  for _, state in ipairs(states) do
    if entered[state] and not left[state] then
      orphan[state] = true
      faults[#faults + 1] = fault("orphan_to_state", { state },
        ("`%s` is entered but never left"):format(state), seen[state])
    end
  end
  if entry then
    local found = reachable(entry.to, next_of)
    for _, state in ipairs(states) do
      if not found[state] and not orphan[state] then
        faults[#faults + 1] = fault("unreachable_state", { state },
          ("`%s` cannot be reached from `%s`"):format(state, entry.to), seen[state])
      end
    end
  end
  check_duplicates(transitions, faults)
  return faults
end

---One error for a list of faults: the first fault's fields, every fault's message.
---@param faults table[]
---@return finitomata.Error
function M.error(faults)
  local first, messages = faults[1], {}
  for i, each in ipairs(faults) do messages[i] = each.message end
  local fields = {}
  for key, value in pairs(first) do fields[key] = value end
  fields.faults = faults
  return Error.new(first.code, table.concat(messages, "\n"), fields)
end

local function custom(parser, text)
  local ok, transitions, err = pcall(parser.parse, text)
  if not ok then transitions, err = nil, transitions end
  if type(transitions) ~= "table" then
    local plain = type(err) == "table" and err or {}
    local message = type(err) == "table" and err.message
      or Error.text(err or "the parser gave no transitions")
    return nil, { { code = plain.code or "malformed", line = plain.line, column = plain.column,
      states = plain.states or {}, message = message } }
  end
  local edges = {}
  for i, t in ipairs(transitions) do
    if type(t) ~= "table" or type(t.from) ~= "string" or type(t.to) ~= "string"
        or type(t.event) ~= "string" then
      return nil, { { code = "malformed", states = {},
        message = ("the parser's transition %d: {from=, to=, event=} expected"):format(i) } }
    end
    edges[i] = { from = t.from, to = t.to, event = t.event, line = t.line, column = t.column }
  end
  return edges
end

---Edges from every state that goes on, but not from those that do so by themselves:
---the meaning of the option `any`.
---@param edges table[] edges are appended here
---@param any table<string, string> event -> target
local function add_wildcards(edges, any)
  local order, seen, left, answers = {}, {}, {}, {}
  for _, e in ipairs(edges) do
    for _, state in ipairs { e.from, e.to } do
      if state ~= "*" and not seen[state] then
        seen[state] = true
        order[#order + 1] = state
      end
    end
    if e.to ~= "*" and left[e.from] == nil then left[e.from] = true end
    if e.event:sub(-1) == "!" then left[e.from] = false end
    answers[e.from .. "\0" .. e.event] = true
  end
  local events = {}
  for event in pairs(any) do events[#events + 1] = event end
  table.sort(events)
  for _, event in ipairs(events) do
    for _, state in ipairs(order) do
      if left[state] and state ~= any[event] and not answers[state .. "\0" .. event] then
        edges[#edges + 1] = { from = state, to = any[event], event = event }
      end
    end
  end
end

---States that are drawn and have no edge: nothing could ever reach them.
local function check_drawn(drawn, edges, faults)
  local known = {}
  for _, e in ipairs(edges) do known[e.from], known[e.to] = true, true end
  for _, each in ipairs(drawn) do
    if not known[each.state] then
      local line = each.source
      local edge = { line = line.number, column = 1, source = line, at = 1 }
      faults[#faults + 1] = fault("unreachable_state", { each.state },
        ("`%s` has no way in"):format(each.state), naming(edge, each.state))
    end
  end
end

---The edges of a text in one of our own syntaxes.
local function read_text(parser, text)
  if text == "" then
    return nil, { { code = "empty", line = 1, column = 1, states = {},
      message = "the diagram is empty" } }
  end
  local edges, faults, drawn = parser.read(text)
  if #faults == 0 and #edges == 0 then
    faults = { { code = "malformed", line = 1, column = 1, offset = 0, text = "", states = {},
      message = ("line 1, column 1: `%s` expected, there is none"):format(parser.shape) } }
  end
  if #faults > 0 then
    check_duplicates(edges, faults) -- all that can be said while lines are missing
    return nil, faults
  end
  return edges, faults, drawn
end

---Reads a text and says everything that is wrong with it.
---@param text string
---@param syntax? string|table "flowchart" (default), "state_diagram", {parse=, lint=}
---@param options? {any: table<string, string>?, endless: boolean?} of a definition: event ->
---  target, from every state that goes on; whether there need not be an end
---@return table[]? transitions with line and column, in source order
---@return table[]? faults
function M.read(text, syntax, options)
  local parser = M.syntax(syntax)
  local edges, faults, drawn
  if SYNTAXES[parser.name] == parser then
    edges, faults, drawn = read_text(parser, text)
  else
    edges, faults = custom(parser, text)
  end
  if not edges then return nil, faults end
  options = options or {}
  if options.any then add_wildcards(edges, options.any) end
  local transitions = parser.complete and parser.complete(edges) or edges
  if parser.unchecked then return transitions end -- made by a program that knows
  faults = M.validate(transitions, options.endless)
  if drawn then check_drawn(drawn, edges, faults) end
  if #faults > 0 then return nil, faults end
  return transitions
end

---The transitions of a diagram, in source order.
---@param text string
---@param syntax? string|table
---@return {from: string, to: string, event: string}[]? transitions
---@return finitomata.Error? err code, line, column, states; `err.faults` lists every fault
function M.parse(text, syntax)
  local transitions, faults = M.read(text, syntax)
  if not transitions then return nil, M.error(faults) end
  local plain = {}
  for i, t in ipairs(transitions) do
    plain[i] = { from = t.from, to = t.to, event = t.event }
  end
  return plain
end

return M
