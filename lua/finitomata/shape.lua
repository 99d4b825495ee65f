-- SPDX-License-Identifier: MIT

--- What follows from the list of a diagram's transitions alone: its states and
--- events, what is ambiguous, and whether it is the same as another.
local parser = require("finitomata.parser")

local M = {}

---The events that the parser adds to a flowchart, before the first state and after the last.
M.INTERNAL = { __start__ = true, __end__ = true }

---A row of the lists `hard`, `soft` and `ambiguous`: by position and by name.
---@param state string
---@param event string
---@param targets? string[]
---@return table
function M.pair(state, event, targets)
  return { state, event, targets, state = state, event = event, targets = targets }
end

---FNV-1a over the canonical list of transitions (Fowler, Noll, Vo).
---@param transitions {from: string, to: string, event: string}[]
---@return string hash
function M.hash(transitions)
  local hash = 0xcbf29ce484222325
  for _, t in ipairs(transitions) do
    for byte in (t.from .. "\0" .. t.event .. "\0" .. t.to .. "\n"):gmatch(".") do
      hash = (hash ~ byte:byte()) * 0x100000001b3
    end
  end
  return ("%016x"):format(hash)
end

---The shape of a diagram, as lists for people and as sets for checks.
---@param transitions {from: string, to: string, event: string}[]
---@return { entry: string, states: table<string, true>, exits: table<string, true>,
---  events: table<string, table<string, string|true>>, lists: table<string, table> } shape
---  `events` says of each event where it leads from which state, when that is one state only
function M.of(transitions)
  local shape = { states = {}, events = {}, exits = {}, lists = {} }
  local states, events, exits, hard, soft = {}, {}, {}, {}, {}
  for _, t in ipairs(transitions) do
    for _, state in ipairs { t.from, t.to } do
      if state ~= "*" and not shape.states[state] then
        shape.states[state] = true
        states[#states + 1] = state
      end
    end
    local answers = shape.events[t.event]
    if not answers then
      answers = {}
      shape.events[t.event] = answers
      if not M.INTERNAL[t.event] then events[#events + 1] = t.event end
    end
    if not answers[t.from] then
      local suffix = t.event:sub(-1)
      if suffix == "!" then hard[#hard + 1] = M.pair(t.from, t.event) end
      if suffix == "?" then soft[#soft + 1] = M.pair(t.from, t.event) end
    end
    answers[t.from] = answers[t.from] == nil and t.to or true -- the sole target, or `true`
    if t.from == "*" then shape.entry = t.to end
    if t.to == "*" and not shape.exits[t.from] then
      shape.exits[t.from] = true
      exits[#exits + 1] = t.from
    end
  end
  shape.lists = { states = states, events = events, exits = exits, hard = hard, soft = soft }
  return shape
end

---Events that may lead from one state to several.
---@param transitions {from: string, to: string, event: string}[]
---@return table[] ambiguous {state, event, targets}
function M.ambiguous(transitions)
  local found, index = {}, {}
  for _, t in ipairs(transitions) do
    local key = t.from .. "\0" .. t.event
    local entry = index[key]
    if not entry then
      entry = M.pair(t.from, t.event, {})
      index[key] = entry
      found[#found + 1] = entry
    end
    table.insert(entry.targets, t.to)
  end
  local ambiguous = {}
  for _, entry in ipairs(found) do
    if #entry.targets > 1 then ambiguous[#ambiguous + 1] = entry end
  end
  return ambiguous
end

---A `!` event must be the only event of its state, or it could never fire.
---@param transitions table[]
---@param faults table[] what is wrong is added
function M.check_hard(transitions, faults)
  local events_of, reported = {}, {}
  for _, t in ipairs(transitions) do
    local events = events_of[t.from] or {}
    events_of[t.from] = events
    if not events[t.event] then
      events[t.event] = t
      events[#events + 1] = t.event
    end
  end
  for _, t in ipairs(transitions) do
    local events = events_of[t.from]
    if t.event:sub(-1) == "!" and #events > 1 and not reported[t.from .. t.event] then
      reported[t.from .. t.event] = true
      faults[#faults + 1] = parser.fault("hard_not_determined", { t.from },
        ("`%s` cannot fire by itself: `%s` has other events too (%s)"):format(t.event, t.from,
          table.concat(events, ", ")), t)
    end
  end
end

return M
