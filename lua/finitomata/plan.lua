-- SPDX-License-Identifier: MIT

--- A definition made ready to run: for every state a node, for every event a
--- node answers an edge, each with the functions that belong to it, so that a
--- step is a few table look-ups. A plan keeps its identity when callbacks
--- change; running FSMs see the new ones with their next event.
local callbacks = require("finitomata.callbacks")
local history = require("finitomata.history")

local M = {}

local STEPS <const>, ON_ENTER <const> = 1, 2

---@class finitomata.Edge
---@field event string
---@field hard boolean
---@field soft boolean
---@field list string[]                        targets in source order
---@field targets table<string, finitomata.Node>
---@field sole finitomata.Node?                the target, when there is only one
---@field handler function?                    on_transition
---@field guards {text: string, check: function}[]?
---@field internal boolean                     neither exit nor enter
---@field ensured table?                       {max=, delay=, factor=}
---@field on_failure function?
---@field on_rollback function?

---@class finitomata.Node
---@field name string
---@field number integer                       its place in `plan.names`
---@field edges table<string, finitomata.Edge>
---@field steps table<string, function>       the edges again, as functions
---@field auto finitomata.Edge?                fires by itself after entering
---@field on_enter function?
---@field on_exit function?
---@field on_timer function?
---@field on_fork function?
---@field on_terminate function?
---@field fork table?                          {event = flow}
---@field after {ms: number, event: string, with: any}[]?
---@field postpone table<string, true>?
---@field ignore table<string, true>?
---@field settles boolean                      entering it sets something going
---@field defers boolean                       it postpones or ignores something
---@field [1] table<string, function>|false    its steps, when it defers nothing, for C
---@field [2] function|false                   on_enter, for C

---@class finitomata.Plan
---@field definition finitomata.Definition
---@field nodes table<string, finitomata.Node>
---@field names string[]
---@field start finitomata.Node                the pseudo-state "*"
---@field known table<string, true>            all events
---@field entry_event string
---@field options table

local function merged(first, second)
  if not first then return second end
  if not second then return first end
  local set = {}
  for key in pairs(first) do set[key] = true end
  for key in pairs(second) do set[key] = true end
  return set
end

---Whether `node` leaves by itself: one event on all its edges, hard, or leading
---nowhere but to the end from a state that is to end by itself.
local function automatic(node, auto_terminate)
  local event = next(node.edges)
  if event == nil or next(node.edges, event) ~= nil or node.name == "*" then return nil end
  local edge = node.edges[event]
  if edge.hard then return edge end
  if edge.sole and edge.sole.name == "*" and auto_terminate[node.name] then return edge end
end

---The policy of an event that must succeed: all its targets are ensured.
local function ensured(edge, policies)
  local found
  for _, target in ipairs(edge.list) do
    if not policies[target] then return nil end
    found = found or policies[target]
  end
  return found
end

local function add_edges(plan, transitions)
  for _, t in ipairs(transitions) do
    local edges = plan.nodes[t.from].edges
    local edge = edges[t.event]
    if not edge then
      local suffix = t.event:sub(-1)
      edge = { event = t.event, hard = suffix == "!", soft = suffix == "?", list = {},
        targets = {} }
      edges[t.event] = edge
      plan.known[t.event] = true
    end
    if not edge.targets[t.to] then
      edge.list[#edge.list + 1] = t.to
      edge.targets[t.to] = plan.nodes[t.to]
    end
  end
end

local function listed(sets, state, event)
  local own, any = sets[state], sets._
  return own and own[event] or any and any[event] or false
end

local function finish_edge(node, edge, options)
  edge.sole = #edge.list == 1 and edge.targets[edge.list[1]] or nil
  edge.ensured = not edge.soft and ensured(edge, options.ensure_entry) or nil
  edge.internal = edge.sole == node and listed(options.internal, node.name, edge.event)
  edge.guards = callbacks.find(options.guards, node.name, edge.event)
  if edge.guards and #edge.guards == 0 then edge.guards = nil end
end

---@param definition finitomata.Definition
---@param options table the normalised options
---@return finitomata.Plan
function M.build(definition, options)
  local plan = {
    definition = definition,
    options = options,
    nodes = {},
    names = {},
    known = {},
    history_size = options.history,
    history_mask = history.mask(options.history, #definition.states + 1),
  }
  local function add_node(name)
    if plan.nodes[name] then return end
    local number = #plan.names + 1
    plan.names[number] = name
    plan.nodes[name] = { name = name, number = number, edges = {} }
  end
  add_node("*")
  for _, state in ipairs(definition.states) do add_node(state) end
  add_edges(plan, definition.transitions)
  plan.start = plan.nodes["*"]
  plan.entry_event = next(plan.start.edges)
  for _, node in pairs(plan.nodes) do
    for _, edge in pairs(node.edges) do finish_edge(node, edge, options) end
    node.auto = automatic(node, options.auto_terminate)
    node.fork = options.forks[node.name]
    node.after = options.after[node.name]
    if node.after and #node.after == 0 then node.after = nil end
    node.postpone = merged(options.postpone[node.name], node.name ~= "*" and options.postpone._
      or nil)
    node.ignore = merged(options.ignore[node.name], node.name ~= "*" and options.ignore._ or nil)
    node.settles = node.auto ~= nil or node.name == "*" or node.fork ~= nil
    node.defers = node.postpone ~= nil or node.ignore ~= nil
  end
  return plan
end

---Puts the definition's callbacks where the steps find them.
---@param plan finitomata.Plan
---@param given table<string, function|table>
function M.bind(plan, given)
  local find = callbacks.find
  plan.on_start = given.on_start
  for name, node in pairs(plan.nodes) do
    node.steps = {} -- compiled when they are first used
    node.on_enter = find(given.on_enter, name)
    node[STEPS], node[ON_ENTER] = not node.defers and node.steps, node.on_enter or false
    node.on_exit = find(given.on_exit, name)
    node.on_timer = find(given.on_timer, name)
    node.on_fork = find(given.on_fork, name)
    node.on_terminate = find(given.on_terminate, name)
    for event, edge in pairs(node.edges) do
      edge.handler = find(given.on_transition, name, event)
      edge.on_failure = find(given.on_failure, event)
      edge.on_rollback = find(given.on_rollback, event)
    end
  end
  plan.failure = given.on_failure -- for events that a state does not answer
end

return M
