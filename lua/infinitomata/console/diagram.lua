-- SPDX-License-Identifier: MIT
--- The diagram of an FSM for a terminal: its edges, state by state, in the order
--- in which a walk from the entry meets them, with a mark at the current state.
local M = {}

local INTERNAL = { __start__ = true, __end__ = true }

---States in the order of a walk from the entry, what is not reached after them.
local function walk(transitions)
  local order, seen = {}, {}
  local function visit(state)
    if seen[state] then return end
    seen[state] = true
    order[#order + 1] = state
  end
  visit("*")
  local at = 1
  while at <= #order do
    for _, edge in ipairs(transitions) do
      if edge.from == order[at] and edge.to ~= "*" then visit(edge.to) end
    end
    at = at + 1
  end
  for _, edge in ipairs(transitions) do
    visit(edge.from)
    visit(edge.to)
  end
  return order
end

local function label(edge)
  if INTERNAL[edge.event] then return "--> " .. edge.to end
  return ("--> |%s| %s"):format(edge.event, edge.to)
end

---@param transitions { from: string, to: string, event: string }[]
---@param current? string the state to mark
---@return string lines
function M.draw(transitions, current)
  local order, widest, lines = walk(transitions), 1, {}
  for _, state in ipairs(order) do widest = math.max(widest, utf8.len(state) or #state) end
  for _, state in ipairs(order) do
    local name = state
    local mark = state == current and "=> " or "   "
    local first = true
    for _, edge in ipairs(transitions) do
      if edge.from == state then
        local padding = (" "):rep(widest - (utf8.len(name) or #name))
        lines[#lines + 1] = ("%s%s%s %s"):format(mark, name, padding, label(edge))
        name, mark, first = "", "   ", false
      end
    end
    if first and state ~= "*" then lines[#lines + 1] = mark .. state end
  end
  return table.concat(lines, "\n")
end

return M
