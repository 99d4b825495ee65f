-- SPDX-License-Identifier: MIT

--- Questions about the shape of an FSM: which ways lead where, which ways come
--- back. A path is a flat list: state, event, state, event, state. Every search
--- has a limit and says with `truncated = true` when it stopped early.
local M = {}

local LIMIT <const> = 10000

---@param transitions table[]
---@return table<string, table[]> outgoing edges by state, in source order
local function outgoing(transitions)
  local by_state = {}
  for _, t in ipairs(transitions) do
    by_state[t.from] = by_state[t.from] or {}
    table.insert(by_state[t.from], t)
  end
  return by_state
end

local function path_of(from, walk)
  local path = { from }
  for _, t in ipairs(walk) do
    path[#path + 1] = t.event
    path[#path + 1] = t.to
  end
  return path
end

---States from which `to` can be reached, itself included.
---@param transitions table[]
---@param to string
---@return table<string, true>
local function reaching(transitions, to)
  local back, found, stack = {}, { [to] = true }, { to }
  for _, t in ipairs(transitions) do
    back[t.to] = back[t.to] or {}
    table.insert(back[t.to], t.from)
  end
  while #stack > 0 do
    for _, state in ipairs(back[table.remove(stack)] or {}) do
      if not found[state] then
        found[state] = true
        stack[#stack + 1] = state
      end
    end
  end
  return found
end

M.reaching = reaching

---Adds to a list of findings. One more than `limit` is not kept: it only shows that
---there are more.
---@return boolean more whether the search may go on
local function keep(found, path, limit)
  if #found >= limit then
    found.truncated = true
    return false
  end
  found[#found + 1] = path
  return true
end

---Walks from `from`; `visit(walk)` answers "keep" (collect, go no further),
---"go" (go on) or nil (turn back).
local function search(transitions, from, limit, visit)
  local edges, found, walk = outgoing(transitions), {}, {}
  local steps, most = 0, (limit + 1) * 100
  local function go(state)
    for _, t in ipairs(edges[state] or {}) do
      steps = steps + 1
      if steps > most then found.truncated = true end
      if found.truncated then return end
      walk[#walk + 1] = t
      local verdict = visit(walk, t)
      if verdict == "keep" then
        keep(found, path_of(from, walk), limit)
      elseif verdict == "go" then
        go(t.to)
      end
      walk[#walk] = nil
    end
  end
  go(from)
  return found
end

---All walks between two states that use no edge twice; a walk ends where it
---first reaches `to`, or the end of the FSM.
---@param transitions table[]
---@param from? string the start when absent
---@param to? string   the end when absent
---@param limit? integer
---@return table[] paths with `truncated` when there are more
function M.paths(transitions, from, to, limit)
  from, to = from or "*", to or "*"
  local useful = reaching(transitions, to)
  local used = {}
  return search(transitions, from, limit or LIMIT, function(walk, edge)
    for i = 1, #walk - 1 do used[walk[i]] = true end
    local again = used[edge]
    for i = 1, #walk - 1 do used[walk[i]] = nil end
    if again then return nil end
    if edge.to == to then return "keep" end
    if edge.to == "*" or not useful[edge.to] then return nil end
    return "go"
  end)
end

---The paths between two states that visit no state twice.
---@param transitions table[]
---@param from? string
---@param to? string
---@param limit? integer
---@return table[] paths with `truncated` when there are more
function M.straight(transitions, from, to, limit)
  from, to = from or "*", to or "*"
  local useful = reaching(transitions, to)
  return search(transitions, from, limit or LIMIT, function(walk, edge)
    if edge.to == to then return from ~= to and "keep" or (to == "*" and "keep") or nil end
    if edge.to == "*" or edge.to == from or not useful[edge.to] then return nil end
    for i = 1, #walk - 1 do
      if walk[i].to == edge.to then return nil end
    end
    return "go"
  end)
end

---How many edges lie between each state and `to`, going backwards.
local function distances(transitions, to)
  local back = {}
  for _, t in ipairs(transitions) do
    back[t.to] = back[t.to] or {}
    table.insert(back[t.to], t.from)
  end
  local distance, layer = {}, { to }
  local n = 0
  while #layer > 0 do
    n = n + 1
    local further = {}
    for _, state in ipairs(layer) do
      for _, from in ipairs(back[state] or {}) do
        if not distance[from] then
          distance[from] = n
          if from ~= "*" then further[#further + 1] = from end
        end
      end
    end
    layer = further
  end
  return distance
end

---All shortest paths between two states; none when `to` cannot be reached.
---@param transitions table[]
---@param from string
---@param to string
---@param limit? integer
---@return table[] paths with `truncated` when there are more
function M.shortest(transitions, from, to, limit)
  if from == to and to ~= "*" then return {} end
  local distance = distances(transitions, to)
  local length = distance[from]
  if not length then return {} end
  return search(transitions, from, limit or LIMIT, function(walk, edge)
    local left = length - #walk
    if left == 0 then return edge.to == to and "keep" or nil end
    return edge.to ~= "*" and distance[edge.to] == left and "go" or nil
  end)
end

---The length of a shortest path; 0 from a state to itself.
---@param transitions table[]
---@param from string
---@param to string
---@return integer? steps nothing when there is no way
function M.steps(transitions, from, to)
  if from == to and to ~= "*" then return 0 end
  return distances(transitions, to)[from]
end

---@param path string[]
---@param at integer the index of a state in it
---@return string[] path the same loop, begun at that state
local function rotated(path, at)
  local loop = {}
  for i = at, #path do loop[#loop + 1] = path[i] end
  for i = 2, at do loop[#loop + 1] = path[i] end
  return loop
end

---States by the strongly connected part of the FSM that they belong to, among those
---from `least` on (R. Tarjan, "Depth-first search and linear graph algorithms",
---1972, with a stack of its own).
---@param edges table<string, table[]>
---@param states string[]
---@param rank table<string, integer>
---@param least integer
---@return table<string, integer> part
---@return table<integer, integer> size of each part
local function parts_of(edges, states, rank, least)
  local index, low, part, size, open, count, parts = {}, {}, {}, {}, {}, 0, 0
  local function visit(root)
    local calls = {}
    local function enter(state)
      count = count + 1
      index[state], low[state] = count, count
      open[#open + 1] = state
      calls[#calls + 1] = { state = state, at = 0 }
    end
    enter(root)
    while #calls > 0 do
      local call = calls[#calls]
      local state = call.state
      call.at = call.at + 1
      local t = edges[state] and edges[state][call.at]
      if t and t.to ~= "*" and rank[t.to] >= least then
        if not index[t.to] then
          enter(t.to)
        elseif not part[t.to] then
          low[state] = math.min(low[state], index[t.to])
        end
      elseif not t then
        calls[#calls] = nil
        local caller = calls[#calls]
        if caller then low[caller.state] = math.min(low[caller.state], low[state]) end
        if low[state] == index[state] then
          parts = parts + 1
          size[parts] = 0
          repeat
            local member = table.remove(open)
            part[member], size[parts] = parts, size[parts] + 1
          until member == state
        end
      end
    end
  end
  for at = least, #states do
    if not index[states[at]] then visit(states[at]) end
  end
  return part, size
end

---Elementary loops that pass through `root` within `part` and no state before it in
---`rank` (D. B. Johnson, "Finding all the elementary circuits of a directed graph",
---1975): a state on a dead end stays blocked until one of its ways opens.
local function circuits(edges, root, rank, part, found, limit)
  local blocked, waiting, walk = {}, {}, {}

  local function inside(state)
    return state ~= "*" and rank[state] > rank[root] and part[state] == part[root]
  end

  local function unblock(state)
    local stack = { state }
    while #stack > 0 do
      local each = table.remove(stack)
      if blocked[each] then
        blocked[each] = nil
        for other in pairs(waiting[each] or {}) do stack[#stack + 1] = other end
        waiting[each] = nil
      end
    end
  end

  local function go(state)
    local closed = false
    blocked[state] = true
    for _, t in ipairs(edges[state] or {}) do
      if found.truncated then return closed end
      if t.to == root then
        walk[#walk + 1] = t
        closed = keep(found, path_of(root, walk), limit)
        walk[#walk] = nil
      elseif inside(t.to) and not blocked[t.to] then
        walk[#walk + 1] = t
        if go(t.to) then closed = true end
        walk[#walk] = nil
      end
    end
    if closed then
      unblock(state)
    else
      for _, t in ipairs(edges[state] or {}) do
        if inside(t.to) then
          waiting[t.to] = waiting[t.to] or {}
          waiting[t.to][state] = true
        end
      end
    end
    return closed
  end

  go(root)
end

local function loops_to_itself(edges, state)
  for _, t in ipairs(edges[state] or {}) do
    if t.to == state then return true end
  end
  return false
end

---All elementary loops, each listed once for every state it passes.
---@param transitions table[]
---@param limit? integer how many different loops at most
---@return table[] loops with `truncated` when there are more
function M.loops(transitions, limit)
  local edges, rank, states = outgoing(transitions), {}, {}
  for _, t in ipairs(transitions) do
    for _, state in ipairs { t.from, t.to } do
      if state ~= "*" and not rank[state] then
        states[#states + 1] = state
        rank[state] = #states
      end
    end
  end
  local found = {}
  local root = 1
  while root <= #states and not found.truncated do
    local part, size = parts_of(edges, states, rank, root)
    local function idle(state)
      return size[part[state]] == 1 and not loops_to_itself(edges, state)
    end
    while root <= #states and idle(states[root]) do root = root + 1 end
    if root <= #states then circuits(edges, states[root], rank, part, found, limit or LIMIT) end
    root = root + 1
  end
  local loops = { truncated = found.truncated }
  for _, path in ipairs(found) do
    for at = 1, #path - 2, 2 do loops[#loops + 1] = rotated(path, at) end
  end
  return loops
end

---The ways out that go by themselves: for each path to the end its longest tail
---of `!` events and the last edge, without repetitions.
---@param transitions table[]
---@param limit? integer
---@return table[] paths
function M.exiting(transitions, limit)
  local tails, seen = {}, {}
  local all = M.paths(transitions, "*", "*", limit)
  for _, path in ipairs(all) do
    local at = #path - 2
    while at > 3 and path[at - 1]:sub(-1) == "!" do at = at - 2 end
    local tail = table.move(path, at, #path, 1, {})
    local key = table.concat(tail, "\0")
    if not seen[key] then
      seen[key] = true
      tails[#tails + 1] = tail
    end
  end
  tails.truncated = all.truncated
  return tails
end

return M
