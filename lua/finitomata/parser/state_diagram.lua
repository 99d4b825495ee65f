-- SPDX-License-Identifier: MIT

--- State diagrams of PlantUML and Mermaid: `from --> to : event`, one edge a
--- line, `[*]` is the start and the end, and both have events with names.
local Line = require("finitomata.parser.line")

local M = {}

M.name = "state_diagram"
M.shape = "from --> to : event"

local DIRECTIONS <const> = { TB = true, TD = true, BT = true, RL = true, LR = true }
local ANYTHING <const> = {
  title = true, header = true, footer = true, caption = true, skinparam = true, hide = true,
    show = true,
  scale = true, classDef = true, class = true, style = true, accTitle = true, accDescr = true,
}

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
  if not line:take("%-%->") then return line:fault("'-->'") end
  local targets = {}
  repeat
    line:blanks()
    local column = line.at
    local to
    to, fault = take_state(line)
    if not to then return fault end
    targets[#targets + 1] = { to, column }
  until not line:take(",")
  if not line:take(":") then return line:fault("': event'") end
  local event = line:name(true)
  if not event then return line:fault("the name of an event") end
  line:take(";")
  if not line:finished() and not line.text:find("^%%%%", line.at) then
    return line:fault("the end of the line")
  end
  for _, target in ipairs(targets) do
    edges[#edges + 1] = { from = from, to = target[1], event = event, line = line.number,
      column = target[2] }
  end
end

---Lines that say nothing about the FSM: envelopes, comments, labels, styles.
---@param text string a trimmed line
---@return boolean
local function is_decoration(text)
  if text == "" or text:find("^%%%%") or text:find("^'")
      or text:find("^```%l*$") then return true end
  if text:find("^@startuml") or text == "@enduml" or text:find("^!theme%s") then return true end
  if text:find("^stateDiagram;?$") or text:find("^stateDiagram%-v2;?$") then return true end
  if text:find("-->", 1, true) then return false end
  if text == "left to right direction" or text == "top to bottom direction" then return true end
  local word, rest = text:match("^(%a%w*)[%s:]+(.-)%s*;?$")
  if word == "direction" then return DIRECTIONS[rest] == true end
  if ANYTHING[word] then return rest ~= "" end
  if word == "state" and rest then
    return rest:find('^"[^"]*"%s+as%s+%l[%w_]*$') ~= nil or rest:find("^%l[%w_]*$") ~= nil
      or rest:find("^%l[%w_]*%s*:%s*%S") ~= nil or rest:find('^%l[%w_]*%s+as%s+"[^"]*"$') ~= nil
  end
  if word == "note" and rest and rest:find("%sof%s+%l[%w_]*%s*:%s*%S") then return true end
  return text:find("^%l[%w_]*%s*:%s*%S") ~= nil -- a state with its label
end

---Opens a block that runs over several lines: front matter, `note ... end note`.
---@param text string
---@param first boolean nothing was read yet
---@return string? closing the pattern of the line that closes it
local function block(text, first)
  if text == "---" and first then return "^%-%-%-$" end
  if text:find("^note%s+%l+%s+of%s+%l[%w_]*$") then return "^end%s*note$" end
  if text:find("^/'") and not text:find("'/$") then return "'/$" end
end

---Reads a text. Either list may be empty; a line is in one of them or says nothing.
---@param text string
---@return table[] edges  {from=, to=, event=, line=, column=}
---@return table[] faults
function M.read(text)
  local edges, faults, closing, opened = {}, {}, nil, nil
  for _, line in ipairs(Line.split(text)) do
    local trimmed = line:trimmed()
    if closing then
      if trimmed:find(closing) then closing = nil end
    else
      closing, opened = block(trimmed, #edges == 0 and #faults == 0), line
      if not closing and not is_decoration(trimmed) and not trimmed:find("^/'.*'/$") then
        local fault = edge(line, edges)
        if fault then faults[#faults + 1] = fault end
      end
    end
  end
  if closing then faults[#faults + 1] = opened:fault("the end of the block that begins here") end
  return edges, faults
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
