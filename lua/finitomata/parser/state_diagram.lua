-- SPDX-License-Identifier: MIT

--- State diagrams of PlantUML and Mermaid: `from --> to : event`, one edge a
--- line, `[*]` is the start and the end, and both have events with names.
local Line = require("finitomata.parser.line")

local M = {}

M.name = "state_diagram"
M.shape = "from --> to : event"

local DIRECTIONS <const> = { TB = true, TD = true, BT = true, RL = true, LR = true }
local ANYTHING <const> = {
  title = true, header = true, footer = true, caption = true, legend = true, skinparam = true,
  hide = true, show = true, scale = true, mainframe = true, classDef = true, class = true,
  style = true, accTitle = true, accDescr = true, note = true,
}
local PREPROCESSOR <const> = { theme = true, pragma = true, define = true, undef = true }

-- Arrows of any length, with a direction or a style in them.
local ARROWS <const> = { "%-%-+>", "%-+%l+%-+>", "%-+%[[^%]]*%]%-+>", "%-+%l+%[[^%]]*%]%-+>",
  "%-+%[[^%]]*%]%l+%-+>" }

local function take_arrow(line)
  for _, pattern in ipairs(ARROWS) do
    if line:take(pattern) then return true end
  end
  return false
end

---@param line finitomata.parser.Line
---@return string? state  a name, or "*"
---@return table? fault
local function take_state(line)
  if line:take("%[%*%]") then return "*" end
  local state = line:name(false)
  if not state then return nil, line:fault("the name of a state, or '[*]'") end
  if line.text:find("^[!?]", line.at) then
    return nil, line:fault("a name without suffix (`!` and `?` belong to events)")
  end
  local stop = line.text:match("^:::[%w_%-]+()", line.at)
  if stop then line.at = stop end
  return state
end

---@param line finitomata.parser.Line
---@param edges table[] edges are appended here
---@return table? fault
local function edge(line, edges)
  local from, fault = take_state(line)
  if not from then return fault end
  if not take_arrow(line) then return line:fault("'-->'") end
  local targets = {}
  repeat
    local at = line:blanks().at
    local to
    to, fault = take_state(line)
    if not to then return fault end
    targets[#targets + 1] = { to, at }
  until not line:take(",")
  if not line:take(":") then return line:fault("': event'") end
  local event = line:name(true)
  if not event then return line:fault("the name of an event") end
  line:take(";")
  if not line:finished() and not line.text:find("^%%%%", line.at) then
    return line:fault("the end of the line")
  end
  for _, target in ipairs(targets) do
    edges[#edges + 1] = line:edge(from, target[1], event, target[2])
  end
end

---A state that has a line of its own: `state a`, `state "Text" as a`, `a : Text`.
---@param text string a trimmed line
---@return string? state
local function drawn_state(text)
  if text:find("-->", 1, true) then return nil end -- an edge that is not quite one
  local state = text:match("^(%l[%w_]*)%s*:%s*[^%s:]") or text:match("^(%l[%w_]*):::[%w_%-]+$")
  if state then return state end
  local rest = text:match("^state%s+(.*)$")
  if not rest then return nil end
  rest = rest:gsub("%s*#[%w#:;.|%-]+$", ""):gsub("%s*<<[^<>]+>>$", "")
  return rest:match('^"[^"]*"%s+as%s+(%l[%w_]*)$') or rest:match('^(%l[%w_]*)%s+as%s+"[^"]*"$')
    or rest:match("^(%l[%w_]*)$") or rest:match("^(%l[%w_]*)%s*:%s*%S")
end

---Lines that say nothing about the FSM: envelopes, comments, labels, styles.
---@param text string a trimmed line
---@return boolean
local function is_decoration(text)
  if text == "" or text:find("^%%%%") or text:find("^'") or text:find("^/'.*'/$")
      or text:find("^```%l*$") then return true end
  if text:find("^@startuml") or text == "@enduml" then return true end
  if text:find("^!") then
    return text:find("^!%$") ~= nil or PREPROCESSOR[text:match("^!(%l+)")] == true
  end
  if text:find("^stateDiagram;?$") or text:find("^stateDiagram%-v2;?$") then return true end
  if text == "left to right direction" or text == "top to bottom direction" then return true end
  local word, rest = text:match("^(%a%w*)[%s:]+(.-)%s*;?$")
  if word == "direction" then return DIRECTIONS[rest] == true end
  return ANYTHING[word] == true and rest ~= "" and not rest:find("^%-")
end

-- Blocks over several lines: what begins them, and what ends them.
local BLOCKS <const> = {
  { "^note%s+%l+%s+of%s+%l[%w_]*$", "^end%s*note$" },
  { "^note%s+on%s+link$", "^end%s*note$" },
  { "^note%s+as%s+[%w_]+$", "^end%s*note$" },
  { "^title$", "^end%s*title$" },
  { "^header$", "^end%s*header$" },
  { "^footer$", "^end%s*footer$" },
  { "^legend$", "^end%s*legend$" },
  { "^legend%s+%l+$", "^end%s*legend$" },
  { "^skinparam%s.*{$", "^}$" },
  { "^accDescr%s*{$", "^}$" },
  { "^<style>$", "^</style>$" },
}

---Opens a block that runs over several lines: front matter, `note ... end note`.
---@param text string
---@param first boolean nothing was read yet
---@return string? closing the pattern of the line that closes it
local function block(text, first)
  if text == "---" and first then return "^%-%-%-$" end
  if text:find("^/'") and not text:find("'/$") then return "'/$" end
  for _, each in ipairs(BLOCKS) do
    if text:find(each[1]) then return each[2] end
  end
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
    if closing then
      if trimmed:find(closing) then closing = nil end
    else
      closing, opened = block(trimmed, #edges == 0 and #faults == 0), line
      if not closing and not is_decoration(trimmed) then
        local state = drawn_state(trimmed)
        if state then
          drawn[#drawn + 1] = { state = state, source = line }
        elseif trimmed:find("^state%s.*{$") then
          faults[#faults + 1] = line:fault("a diagram without states in states")
        else
          faults[#faults + 1] = edge(line, edges)
        end
      end
    end
  end
  if closing then faults[#faults + 1] = opened:fault("the end of the block that begins here") end
  return edges, faults, drawn
end

---State diagrams say everything themselves.
---@param edges table[]
---@return table[]
function M.complete(edges)
  return edges
end

local function shown(state)
  return state == "*" and "[*]" or state
end

---The text of a list of transitions, the other way round of `read`.
---@param transitions table[]
---@return string
function M.lint(transitions)
  local lines = { "@startuml", "" }
  for _, t in ipairs(transitions) do
    lines[#lines + 1] = ("%s --> %s : %s"):format(shown(t.from), shown(t.to), t.event)
  end
  lines[#lines + 1] = ""
  lines[#lines + 1] = "@enduml"
  return table.concat(lines, "\n")
end

return M
