-- SPDX-License-Identifier: MIT

--- Mermaid flowcharts: `from --> |event| to`, one statement a line; `to` may be a
--- list, and the next arrow may follow it. States without a way in begin the FSM,
--- states without a way out end it; `[*] --> s` and `s --> [*]` say so explicitly.
local Line = require("finitomata.parser.line")

local M = {}

M.name = "flowchart"
M.shape = "from --> |event| to"
M.start_event = "__start__"
M.end_event = "__end__"

local DIRECTIONS <const> = { TB = true, TD = true, BT = true, RL = true, LR = true }
local STYLING <const> = {
  classDef = true, class = true, style = true, linkStyle = true, click = true,
  accTitle = true, accDescr = true,
}

-- Shapes of a labelled node, longest opening first.
local LABELS <const> = {
  { "%(%(%(", "%)%)%)" }, { "%(%(", "%)%)" }, { "%(%[", "%]%)" }, { "%[%[", "%]%]" },
    { "%[%(", "%)%]" },
  { "{{", "}}" }, { "%[/", "[/\\]%]" }, { "%[\\", "[/\\]%]" }, { "%(", "%)" }, { "%[", "%]" },
    { "{", "}" },
  { ">", "%]" },
}

-- Arrows, and those that carry the event between their halves: `-- event -->`.
local ARROWS <const> = { "%-%-+>", "==+>", "%-%.+%->" }
local HALVES <const> = { { "%-%-", "%-%-+>" }, { "==", "==+>" }, { "%-%.", "%.+%->" } }

---Takes the label after a state's name: `a[Some text]`, `a((Text))`, `a:::class`.
---@param line finitomata.parser.Line
---@return boolean taken
local function take_label(line)
  local taken = false
  local function take(stop)
    if stop then line.at, taken = stop, true end
    return stop
  end
  for _, pair in ipairs(LABELS) do
    if take(line.text:match("^" .. pair[1] .. "%b\"\"" .. pair[2] .. "()", line.at)
        or line.text:match("^" .. pair[1] .. "[^\"|]-" .. pair[2] .. "()", line.at)) then
      break
    end
  end
  take(line.text:match("^@%b{}()", line.at))
  take(line.text:match("^:::[%w_%-]+()", line.at))
  return taken
end

---@param line finitomata.parser.Line
---@return string? state  a name, or "*"
---@return table? fault
local function take_state(line)
  if line:take("%[%*%]") then return "*" end
  local state = line:name(false)
  if not state then return nil, line:fault("the name of a state") end
  if line.text:find("^[!?]", line.at) then
    return nil, line:fault("a name without suffix (`!` and `?` belong to events)")
  end
  take_label(line)
  return state
end

---@param line finitomata.parser.Line
---@return table[]? states  {name=, at=}
---@return table? fault
local function take_states(line)
  local states = {}
  repeat
    local at = line:blanks().at
    local name, fault = take_state(line)
    if not name then return nil, fault end
    states[#states + 1] = { name = name, at = at }
  until not line:take("[,&]")
  return states
end

---@param line finitomata.parser.Line
---@return string? event
---@return table? fault
local function take_event(line)
  local quoted = line:take('"')
  local event = line:name(true)
  if not event or quoted and not line:take('"') then
    return nil, line:fault("the name of an event")
  end
  return event
end

---The arrow between two lists of states, with its event if it has one.
---@param line finitomata.parser.Line
---@return {event: string?, at: integer}? arrow  `at` is where its event is, or should be
---@return table? fault
local function take_arrow(line)
  line:take("%l[%w_]*@%f[-=]")
  local event, fault
  for _, pattern in ipairs(ARROWS) do
    if line:take(pattern) then
      local at = line:blanks().at
      if not line:take("|") then return { at = at } end
      event, fault = take_event(line)
      if event and not line:take("|") then return nil, line:fault("'|'") end
      return event and { event = event, at = at }, fault
    end
  end
  for _, halves in ipairs(HALVES) do
    if line:take(halves[1] .. "%f[%s]") then
      local at = line:blanks().at
      event, fault = take_event(line)
      if event and not line:take(halves[2]) then return nil, line:fault("'-->'") end
      return event and { event = event, at = at }, fault
    end
  end
  return nil, line:fault("'-->'")
end

local function at_end(line)
  line:take(";")
  return line:finished() or line.text:find("^%%%%", line.at) ~= nil
end

---The event of one edge: the beginning and the end have events of the engine's own.
---@return string? event
---@return table? fault
local function event_of(line, from, to, arrow)
  if from.name == "*" and arrow.event then
    return nil, line:fault("a state (the entry of a flowchart has no event of its own)", arrow.at)
  elseif to.name == "*" and (arrow.event or from.name == "*") then
    return nil, line:fault("a state", to.at)
  end
  local event = arrow.event or from.name == "*" and M.start_event
    or to.name == "*" and M.end_event
  if not event then return nil, line:fault("'|event|'", arrow.at) end
  return event
end

---@param line finitomata.parser.Line
---@param edges table[] edges are appended here
---@return table? fault
local function statement(line, edges)
  local sources, fault = take_states(line)
  if not sources then return fault end
  repeat
    local arrow, targets, event
    arrow, fault = take_arrow(line)
    if not arrow then return fault end
    targets, fault = take_states(line)
    if not targets then
      local bare = not arrow.event and line.at == arrow.at and sources[1].name ~= "*"
      return bare and line:fault("'|event|'") or fault
    end
    for _, from in ipairs(sources) do
      for _, to in ipairs(targets) do
        event, fault = event_of(line, from, to, arrow)
        if not event then return fault end
        edges[#edges + 1] = line:edge(from.name, to.name, event, to.at)
      end
    end
    sources = targets
  until not line.text:find("^[-=]", line:blanks().at)
  if not at_end(line) then return line:fault("the end of the line") end
end

---Lines that say nothing about the FSM: headers, comments, labels, styles.
---@param line finitomata.parser.Line
---@return boolean
---@return string? state  that the line draws on its own, with a label
local function is_decoration(line)
  local text = line:trimmed()
  if text == "" or text:find("^%%%%") or text:find("^```%l*$") then return true end
  local body = text:gsub("%s*;$", "")
  local word, rest = body:match("^(%a[%w%-]*)%s*(.-)$")
  if word == "graph" or word == "flowchart" or word == "flowchart-elk" then
    return rest == "" or DIRECTIONS[rest] == true
  end
  if word == "direction" then return DIRECTIONS[rest] == true end
  if word == "title" then return rest ~= "" and not rest:find("-->", 1, true) end
  if word == "subgraph" then return rest ~= "" and not rest:find("-->", 1, true) end
  if body == "end" then return true end
  if STYLING[word] then return rest ~= "" and not rest:find("^%-%->") end
  local at = line.at
  local drawn = line:name(false)
  local labelled = drawn ~= nil and take_label(line) and at_end(line)
  line.at = at
  return labelled, labelled and drawn or nil
end

---Reads a text. Either list may be empty; a line is in one of them or says nothing.
---@param text string
---@return table[] edges  {from=, to=, event=, line=, column=, source=, at=}
---@return table[] faults
---@return table[] drawn  states with a line of their own: {state=, source=}
function M.read(text)
  local edges, faults, drawn, closing, opened = {}, {}, {}, nil, nil
  for _, line in ipairs(Line.split(text)) do
    local trimmed = line:trimmed()
    if closing then -- YAML front matter, or a description
      if trimmed == closing then closing = nil end
    elseif trimmed == "---" and #edges == 0 and #faults == 0 then
      closing, opened = "---", line
    elseif trimmed:find("^accDescr%s*{$") then
      closing, opened = "}", line
    else
      local decorates, state = is_decoration(line)
      if state then drawn[#drawn + 1] = { state = state, source = line } end
      if not decorates then faults[#faults + 1] = statement(line, edges) end
    end
  end
  if closing then faults[#faults + 1] = opened:fault(("a closing '%s'"):format(closing)) end
  return edges, faults, drawn
end

local function ends_of(edges)
  local entered, left, order, seen = {}, {}, {}, {}
  local function see(state)
    if state ~= "*" and not seen[state] then
      seen[state] = true
      order[#order + 1] = state
    end
  end
  for _, e in ipairs(edges) do
    if e.from ~= "*" then left[e.from] = true end
    if e.from ~= "*" and e.to ~= "*" then
      entered[e.to] = true
      see(e.from)
      see(e.to)
    end
  end
  for _, e in ipairs(edges) do -- the beginning and the ends may be written anywhere
    see(e.from)
    see(e.to)
  end
  return order, entered, left
end

---The edges in their canonical order: the start first, as written, the ends last
---in the order in which their states were first seen.
---@param edges table[]
---@return table[]
function M.complete(edges)
  local order, entered, left = ends_of(edges)
  local starts, middle, explicit = {}, {}, {}
  for _, e in ipairs(edges) do
    if e.from == "*" then
      starts[#starts + 1] = e
    elseif e.to == "*" then
      explicit[e.from] = explicit[e.from] or {}
      table.insert(explicit[e.from], e)
    else
      middle[#middle + 1] = e
    end
  end
  if #starts == 0 then
    for _, state in ipairs(order) do
      if not entered[state] then
        starts[#starts + 1] = { from = "*", to = state, event = M.start_event }
      end
    end
  end
  local all = table.move(middle, 1, #middle, #starts + 1, starts)
  for _, state in ipairs(order) do
    if explicit[state] then
      table.move(explicit[state], 1, #explicit[state], #all + 1, all)
    elseif not left[state] then
      all[#all + 1] = { from = state, to = "*", event = M.end_event }
    end
  end
  return all
end

---The text of a list of transitions, the other way round of `read`. A beginning or
---an end is written when the other edges do not say it.
---@param transitions table[]
---@return string
function M.lint(transitions)
  local inner, lines = {}, { "graph TD" }
  for _, t in ipairs(transitions) do
    if t.from ~= "*" and t.to ~= "*" then inner[#inner + 1] = t end
  end
  local order, entered, left = ends_of(inner)
  local known, sources = {}, 0
  for _, state in ipairs(order) do
    known[state] = true
    if not entered[state] then sources = sources + 1 end
  end
  for _, t in ipairs(transitions) do
    if t.from == "*" then
      if sources ~= 1 or entered[t.to] then lines[#lines + 1] = ("    [*] --> %s"):format(t.to) end
    elseif t.to == "*" then
      if left[t.from] or not known[t.from] then
        lines[#lines + 1] = ("    %s --> [*]"):format(t.from)
      end
    else
      lines[#lines + 1] = ("    %s --> |%s| %s"):format(t.from, t.event, t.to)
    end
  end
  return table.concat(lines, "\n")
end

return M
