-- SPDX-License-Identifier: MIT

--- Mermaid flowcharts: `from --> |event| to`, one edge a line, `to` may be a
--- comma list. States without a way in begin the FSM, states without a way out
--- end it; `[*] --> s` and `s --> [*]` say so explicitly.
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

---Takes the label after a state's name: `a[Some text]`, `a((Text))`, `a:::class`.
---@param line finitomata.parser.Line
---@return boolean taken
local function take_label(line)
  local taken = false
  for _, pair in ipairs(LABELS) do
    local stop = line.text:match("^" .. pair[1] .. "%b\"\"" .. pair[2] .. "()", line.at)
      or line.text:match("^" .. pair[1] .. "[^\"|]-" .. pair[2] .. "()", line.at)
    if stop then
      line.at, taken = stop, true
      break
    end
  end
  local stop = line.text:match("^:::[%w_%-]+()", line.at)
  if stop then line.at, taken = stop, true end
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
---@return string? event
---@return table? fault
local function take_event(line)
  if not line:take("|") then return nil, line:fault("'|event|'") end
  local event = line:name(true)
  if not event then return nil, line:fault("the name of an event") end
  if not line:take("|") then return nil, line:fault("'|'") end
  return event
end

local function at_end(line)
  line:take(";")
  return line:finished() or line.text:find("^%%%%", line.at) ~= nil
end

---@param line finitomata.parser.Line
---@param edges table[] edges are appended here
---@return table? fault
local function edge(line, edges)
  local from, fault = take_state(line)
  if not from then return fault end
  if not line:take("%-%->") then return line:fault("'-->'") end
  line:blanks()
  local marked = from == "*" or line.text:find("^%[%*%]", line.at) ~= nil
  local event
  if marked and not line.text:find("^|", line.at) then
    event = from == "*" and M.start_event or M.end_event
  elseif from == "*" then
    return line:fault("a state (the entry of a flowchart has no event of its own)")
  else
    event, fault = take_event(line)
    if not event then return fault end
  end
  repeat
    line:blanks()
    local column = line.at
    local to
    to, fault = take_state(line)
    if not to then return fault end
    if (to == "*") ~= (event == M.end_event) or (from == "*" and to == "*") then
      return line:fault(to == "*" and "a state" or "'[*]'", column)
    end
    edges[#edges + 1] = { from = from, to = to, event = event, line = line.number, column = column }
  until not line:take(",")
  if not at_end(line) then return line:fault("the end of the line") end
end

---Lines that say nothing about the FSM: headers, comments, labels, styles.
---@param line finitomata.parser.Line
---@return boolean
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
  -- a node with a label, on its own
  local at = line.at
  local labelled = line:name(false) ~= nil and take_label(line) and at_end(line)
  line.at = at
  return labelled
end

---Reads a text. Either list may be empty; a line is in one of them or says nothing.
---@param text string
---@return table[] edges  {from=, to=, event=, line=, column=}
---@return table[] faults
function M.read(text)
  local edges, faults, matter = {}, {}, nil
  for _, line in ipairs(Line.split(text)) do
    local trimmed = line:trimmed()
    if matter then -- YAML front matter: from `---` to `---`
      if trimmed == "---" then matter = nil end
    elseif trimmed == "---" and #edges == 0 and #faults == 0 then
      matter = line
    elseif not is_decoration(line) then
      local fault = edge(line, edges)
      if fault then faults[#faults + 1] = fault end
    end
  end
  if matter then faults[#faults + 1] = matter:fault("a closing '---'") end
  return edges, faults
end

local function ends_of(edges)
  local entered, left, order, seen = {}, {}, {}, {}
  for _, e in ipairs(edges) do
    if e.from ~= "*" then left[e.from] = true end
    if e.from ~= "*" and e.to ~= "*" then entered[e.to] = true end
    for _, state in ipairs { e.from, e.to } do
      if state ~= "*" and not seen[state] then
        seen[state] = true
        order[#order + 1] = state
      end
    end
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

---The text of a list of transitions, the other way round of `read`.
---@param transitions table[]
---@return string
function M.lint(transitions)
  local _, entered, left = ends_of(transitions)
  for state in pairs(left) do left[state] = nil end
  for _, t in ipairs(transitions) do
    if t.from ~= "*" and t.to ~= "*" then left[t.from] = true end
  end
  local implied = 0 -- how many states look like a beginning
  local order = ends_of(transitions)
  for _, state in ipairs(order) do
    if not entered[state] then implied = implied + 1 end
  end
  local lines = { "graph TD" }
  for _, t in ipairs(transitions) do
    if t.from == "*" then
      if entered[t.to] or implied ~= 1 then lines[#lines + 1] = ("    [*] --> %s"):format(t.to) end
    elseif t.to == "*" then
      if left[t.from] then lines[#lines + 1] = ("    %s --> [*]"):format(t.from) end
    else
      lines[#lines + 1] = ("    %s --> |%s| %s"):format(t.from, t.event, t.to)
    end
  end
  return table.concat(lines, "\n")
end

return M
