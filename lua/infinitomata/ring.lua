-- SPDX-License-Identifier: MIT
--- A consistent hash ring: which node a key belongs to, moving as few keys as
--- can be when nodes come and go (Karger and others, 1997). A ring is a pure
--- function of its nodes and their weights: the order of additions is nothing.
local check = require "finitomata.check"
local cluster = require "infinitomata.cluster"
local errors = require "finitomata.error"

---@class infinitomata.Ring
---@field private _points infinitomata.core.Ring
---@field private _weight integer of a node added without one
---@field private _members? { cancel: fun(self) } the subscription of a managed ring
local Ring = {}
Ring.__index = Ring
Ring.__name = "infinitomata.Ring"

local DEFAULT_WEIGHT = 128
local NAME_MAX = 255
local M = { Ring = Ring }

local function weight_of(value)
  if math.type(value) == "integer" and value >= 0 and value <= 65535 then return value end
  check.blame(("bad weight (an integer from 0 to 65535 expected, got %s)"):format(tostring(value)))
end

---A ring that follows the members would forget at their next move what was done to
---it by hand.
local function by_hand(ring, name)
  if not ring._members then return end
  check.blame(("'%s' on a ring that follows the members: see its lists and `weights`"):format(name))
end

local function add(ring, name, weight)
  check.type(name, "string", 1, "add_node")
  weight = weight_of(weight or ring._weight)
  if ring._points:add(name, weight) then return ring end
  local text = "bad argument #1 to 'add_node' (a name of 1 to %d bytes expected, got %d)"
  check.blame(text:format(NAME_MAX, #name))
end

---Adds a node, or changes its weight. Weight 0 keeps it known but gives it no
---keys.
---@param name string
---@param weight? integer points on the ring, 0 to 65535
---@return infinitomata.Ring self
function Ring:add_node(name, weight)
  by_hand(self, "add_node")
  return add(self, name, weight)
end

---Adds several nodes, or changes their weights.
---@param nodes (string|table)[] names, or `{ name, weight }`
---@return infinitomata.Ring self
function Ring:add_nodes(nodes)
  by_hand(self, "add_nodes")
  check.type(nodes, "table", 1, "add_nodes")
  local count = 0
  for _ in pairs(nodes) do count = count + 1 end
  if count ~= #nodes then
    check.blame("bad nodes of a ring (a list of names and { name, weight } expected)")
  end
  for _, node in ipairs(nodes) do
    if type(node) == "table" then add(self, node[1], node[2]) else add(self, node) end
  end
  return self
end

---Removes a node.
---@param name string
---@return boolean removed false when the ring did not have it
function Ring:remove_node(name)
  by_hand(self, "remove_node")
  check.type(name, "string", 1, "remove_node")
  return self._points:remove(name)
end

---The nodes, sorted.
---@return string[]
function Ring:nodes()
  return self._points:nodes()
end

---The weight of a node.
---@param name string
---@return integer? weight nil when the ring does not have the node
function Ring:weight(name)
  check.type(name, "string", 1, "weight")
  return self._points:weight(name)
end

---A number for the nodes and their weights: rings with the same one give every
---key the same node.
---@return integer
function Ring:id()
  return self._points:id()
end

---How evenly the keys are spread: the smallest and the largest share that a node
---has, in relation to what its weight is due. 1 and 1 would be perfect.
---@return number least
---@return number most
function Ring:spread()
  return self._points:spread()
end

---The nodes but this one.
---@return string[]
function Ring:others()
  local node = cluster.node()
  local me = node and node:self().name
  local others = {}
  for _, name in ipairs(self:nodes()) do
    if name ~= me then others[#others + 1] = name end
  end
  return others
end

---The node that a key belongs to.
---@param key any a string, or any plain value
---@return string? node
---@return finitomata.Error? err `empty`, `not_serializable`
function Ring:key_to_node(key)
  local nodes, err = self:key_to_nodes(key, 1)
  if not nodes then return nil, err end
  return nodes[1]
end

---The first `count` different nodes for a key, best first; fewer when the ring
---has fewer.
---@param key any a string, or any plain value
---@param count integer how many, from 1
---@return string[]? nodes
---@return finitomata.Error? err `empty`, `not_serializable`
function Ring:key_to_nodes(key, count)
  if math.type(count) ~= "integer" or count < 1 then
    error("bad argument #2 to 'key_to_nodes' (a positive integer expected)", 2)
  end
  local bytes, path, why = key, nil, nil
  if type(key) ~= "string" then
    bytes, path, why = cluster.pack(key, "key")
  end
  if not bytes then
    return nil, errors.new("not_serializable", ("%s cannot be hashed: it is %s"):format(path, why))
  end
  local nodes = self._points:lookup(bytes, count)
  if #nodes == 0 then return nil, errors.new("empty", "the ring has no nodes") end
  return nodes
end

function Ring:__tostring()
  return ("infinitomata.Ring<%s>"):format(table.concat(self:nodes(), ", "))
end

---A ring of the nodes given, which no one else changes.
---
---```lua
---local infinitomata = require "infinitomata"
---
---local ring = infinitomata.ring.new { "a", "b", { "big", 256 } }
---local owner = ring:key_to_node("order-7")
---ring:add_node("c")
---assert(ring:key_to_node("order-7") == owner or ring:key_to_node("order-7") == "c")
---```
---@param nodes? (string|table)[] names, or `{ name, weight }`
---@param options? { weight: integer } of nodes without their own; 128 when absent
---@return infinitomata.Ring
function M.new(nodes, options)
  check.optional(nodes, "table", 1, "ring.new")
  check.options(options, { weight = "number" }, 2, "ring.new")
  local weight = weight_of(options and options.weight or DEFAULT_WEIGHT)
  local ring = setmetatable({ _points = cluster.ring(), _weight = weight }, Ring)
  return ring:add_nodes(nodes or {})
end

---True when a member's name passes the lists: exact names or patterns. The
---white list beats the black list.
local function admitted(name, options)
  local function listed(list)
    for _, entry in ipairs(list or {}) do
      if entry == name or name:find("^" .. entry .. "$") then return true end
    end
    return false
  end
  if options.whitelist then return listed(options.whitelist) end
  return not listed(options.blacklist)
end

local function follow(ring, options)
  local weights = options.weights or {}
  local wanted = {}
  local node = cluster.node()
  for _, member in ipairs(node and node:members() or {}) do
    local live = member.state == "alive" or member.state == "suspect"
    if live and member.rpc and admitted(member.name, options) then
      wanted[member.name] = weights[member.name] or ring._weight
    end
  end
  for _, name in ipairs(ring:nodes()) do
    if not wanted[name] then ring._points:remove(name) end
  end
  for name, weight in pairs(wanted) do add(ring, name, weight) end
end

---What `ring.managed` takes.
---@class infinitomata.RingOptions
---@field name? string the ring's own; default "ring"
---@field weight? integer of each node; default 128
---@field weights? table<string, integer> by node, for those that differ
---@field whitelist? string[] only these nodes: names, or Lua patterns for whole names
---@field blacklist? string[] all but these; not with a white list
local MANAGED = {
  name = "string",
  weight = "number",
  weights = "table",
  whitelist = "table",
  blacklist = "table",
}

---Raises what would go wrong whenever the members change.
local function check_lists(options)
  for _, key in ipairs { "whitelist", "blacklist" } do
    local list = options[key] or {}
    local fault = check.list_fault(list)
    for _, entry in ipairs(fault and {} or list) do
      local ok, why = pcall(string.find, "", "^" .. entry .. "$")
      if not ok then fault = ("%q: %s"):format(entry, why) end
    end
    if fault then
      check.blame(("bad option '%s' to 'ring.managed' (names and patterns expected, got %s)")
        :format(key, fault))
    end
  end
  for _, weight in pairs(options.weights or {}) do weight_of(weight) end
end

---@type table<string, infinitomata.Ring>
local managed = {}

---A ring that follows the live members. One ring a `name`: asking again gives
---the same.
---@param options? infinitomata.RingOptions
---@return infinitomata.Ring
function M.managed(options)
  check.options(options, MANAGED, 1, "ring.managed")
  options = options or {}
  check_lists(options)
  local name = options.name or "ring"
  if managed[name] then return managed[name] end
  local ring = M.new(nil, { weight = options.weight })
  ring._members = cluster.on("member", function() follow(ring, options) end)
  ring._started = cluster.on("node", function() follow(ring, options) end)
  follow(ring, options)
  managed[name] = ring
  return ring
end

return M
