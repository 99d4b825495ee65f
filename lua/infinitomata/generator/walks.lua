-- SPDX-License-Identifier: MIT
--- Ways through an FSM that use every edge at least once, as few and as short as
--- a greedy search finds them: from where the FSM rests, the nearest edge that no
--- walk has used yet is next. What fires by itself is part of the step that led
--- there.
local M = {}

---@class infinitomata.generator.Step
---@field event string
---@field to string          where the event itself leads
---@field choice boolean     the event may lead elsewhere too
---@field passed string[]    every state that is passed until the FSM rests, `to` first

---@class infinitomata.generator.Walk
---@field passed string[]    the states before the first step
---@field choices table<string, string>  state -> target, where an automatic event may lead
---  to several
---@field steps infinitomata.generator.Step[]

local function key_of(edge)
  return edge.from .. "\0" .. edge.event .. "\0" .. edge.to
end

---@param definition finitomata.Definition
local function read(definition)
  local graph = { edges = {}, auto = {}, entry = nil, total = 0 }
  for _, t in ipairs(definition.transitions) do
    if t.from == "*" then
      graph.entry = t
    else
      graph.edges[t.from] = graph.edges[t.from] or {}
      table.insert(graph.edges[t.from], t)
    end
  end
  for _, each in ipairs(definition:automatic()) do graph.auto[each.state] = each.event end
  return graph
end

local function copied(map)
  local copy = {}
  for key, value in pairs(map) do copy[key] = value end
  return copy
end

---The edges of an automatic state, in the order in which they are worth trying.
local function candidates(graph, state, choices, used)
  local fresh, rest = {}, {}
  for _, edge in ipairs(graph.edges[state]) do
    if choices[state] then
      if choices[state] == edge.to then return { edge } end
    else
      table.insert(used[key_of(edge)] and rest or fresh, edge)
    end
  end
  return table.move(rest, 1, #rest, #fresh + 1, fresh)
end

---Follows automatic events from a state to where the FSM rests.
---@param choices table<string, string> what the walk has decided; an automatic state decides
---  the same way all through a walk
---@param used table<string, true> the edges of all walks so far
---@param seen? table<string, true>
---@return string[]? passed from `state` on; nothing when it never rests
---@return table[] edges
---@return table<string, string> choices
local function follow(graph, state, choices, used, seen)
  if state == "*" or not graph.auto[state] then return { state }, {}, choices end
  if seen and seen[state] then return nil, {}, choices end
  seen = copied(seen or {})
  seen[state] = true
  local several = #graph.edges[state] > 1
  for _, edge in ipairs(candidates(graph, state, choices, used)) do
    local own = choices
    if several then
      own = copied(choices)
      own[state] = edge.to
    end
    local passed, edges, decided = follow(graph, edge.to, own, used, seen)
    if passed then
      table.insert(passed, 1, state)
      table.insert(edges, 1, edge)
      return passed, edges, decided
    end
  end
  return nil, {}, choices
end

local function is_fresh(used, edge, edges)
  if not used[key_of(edge)] then return true end
  for _, each in ipairs(edges) do
    if not used[key_of(each)] then return true end
  end
  return false
end

---The shortest list of steps from a resting state that uses an unused edge.
local function nearest(graph, from, choices, used)
  local queue, seen, at = { { state = from, steps = {}, choices = choices } }, { [from] = true }, 1
  while queue[at] do
    local here = queue[at]
    at = at + 1
    for _, edge in ipairs(graph.edges[here.state] or {}) do
      local passed, edges, own = follow(graph, edge.to, here.choices, used)
      local rest = passed and passed[#passed]
      local steps = table.move(here.steps, 1, #here.steps, 1, {})
      steps[#steps + 1] = { edge = edge, passed = passed, edges = edges }
      if passed and is_fresh(used, edge, edges) then return steps, own end
      if passed and rest ~= "*" and not seen[rest] then
        seen[rest] = true
        queue[#queue + 1] = { state = rest, steps = steps, choices = own }
      end
    end
  end
end

local function is_choice(graph, edge)
  for _, each in ipairs(graph.edges[edge.from]) do
    if each.event == edge.event and each.to ~= edge.to then return true end
  end
  return false
end

local function mark(used, edges)
  local fresh = 0
  for _, edge in ipairs(edges) do
    local key = key_of(edge)
    if not used[key] then fresh = fresh + 1 end
    used[key] = true
  end
  return fresh
end

local function one_walk(graph, used)
  -- The end can be reached from the entry, so some decisions lead to where it rests.
  local passed, edges, choices = follow(graph, graph.entry.to, {}, used)
  local walk = { passed = passed, choices = choices, steps = {} }
  local fresh = mark(used, edges)
  while passed[#passed] ~= "*" do
    local steps, decided = nearest(graph, passed[#passed], walk.choices, used)
    if not steps then break end
    walk.choices = decided
    for _, step in ipairs(steps) do
      fresh = fresh + mark(used, { step.edge }) + mark(used, step.edges)
      passed = step.passed
      table.insert(walk.steps, { event = step.edge.event, to = step.edge.to,
        choice = is_choice(graph, step.edge), passed = passed })
    end
  end
  return walk, fresh
end

---@param definition finitomata.Definition
---@return infinitomata.generator.Walk[] walks
---@return { from: string, to: string, event: string }[] missed edges that no walk can use
function M.of(definition)
  local graph, used, walks = read(definition), {}, {}
  repeat
    local walk, fresh = one_walk(graph, used)
    if fresh > 0 or #walks == 0 then walks[#walks + 1] = walk end
  until fresh == 0
  local missed = {}
  for _, edges in pairs(graph.edges) do
    for _, edge in ipairs(edges) do
      if not used[key_of(edge)] then missed[#missed + 1] = edge end
    end
  end
  table.sort(missed, function(a, b) return key_of(a) < key_of(b) end)
  return walks, missed
end

return M
