-- SPDX-License-Identifier: MIT
--- Decides which node takes a new FSM. Built in: `naive`, rendezvous hashing of
--- the name over the live members that run the branch, the same answer on
--- every node that sees the same members; or hooks of yours.
local cluster = require "infinitomata.cluster"
local errors = require "finitomata.error"

---A placement. Its functions must answer at once, and the same on every node.
---@class infinitomata.ClusterInfo
---@field nodes fun(id: string): string[] the other nodes of the branch
---@field whois fun(id: string, name: string): string the node to start `name` on

local M = {}

---@type infinitomata.ClusterInfo
M.naive = {
  nodes = function(id)
    local node = cluster.node()
    if not node then return {} end
    local me, others = node:self().name, {}
    for _, name in ipairs(node:nodes(id)) do
      if name ~= me then others[#others + 1] = name end
    end
    return others
  end,
  whois = function(id, name)
    local node = cluster.node()
    return node and node:place(id, name)
  end,
}

local built_in = { naive = M.naive }

---@type infinitomata.ClusterInfo
local chosen = M.naive

---Makes a placement known under a name that `init` takes.
---@param name string
---@param impl infinitomata.ClusterInfo
function M.register(name, impl)
  built_in[name] = impl
end

---Chooses the placement for this node: the name of a built-in one, or a table
---with functions `nodes` and `whois`.
---@param impl "naive"|"ring"|infinitomata.ClusterInfo
---@return true
function M.init(impl)
  if type(impl) == "string" then
    if not built_in[impl] then
      error(("bad argument #1 to 'init' (no built-in placement is called %q)"):format(impl), 2)
    end
    chosen = built_in[impl]
    return true
  end
  local hooks = type(impl) == "table" and impl or {}
  if type(hooks.nodes) ~= "function" or type(hooks.whois) ~= "function" then
    error("bad argument #1 to 'init' (a name, or a table of functions `nodes` and `whois`)", 2)
  end
  chosen = impl
  return true
end

local function failed(hook, text)
  text = ("cluster_info.%s %s"):format(hook, text)
  return nil, errors.new("cluster_info", text, { hook = hook })
end

local DONE = {}

---Runs hook after hook, so that not each needs a coroutine of its own.
local function run_hooks(hook, id, name)
  while true do hook, id, name = coroutine.yield(DONE, hook(id, name)) end
end

local idle -- a coroutine that waits for the next hook

---Runs a user's hook where it can do no harm: an error, an attempt to wait and
---a nonsensical answer all come back as an error value.
local function ask(hook, id, name)
  local co = idle or coroutine.create(run_hooks)
  idle = nil
  local ok, mark, answer = coroutine.resume(co, chosen[hook], id, name)
  if ok and mark == DONE then
    idle = co
    return answer
  end
  local problem = tostring(mark)
  if ok then
    problem = "it tried to wait, and a placement must answer at once"
    coroutine.close(co)
  end
  return failed(hook, "failed: " .. problem)
end

---The other nodes of a branch.
---@param id string
---@return string[]? names
---@return finitomata.Error? err `cluster_info`
function M.nodes(id)
  local names, err = ask("nodes", id)
  if err then return nil, err end
  if type(names) ~= "table" then
    return failed("nodes", "answered no list of names but a " .. type(names))
  end
  for _, name in ipairs(names) do
    if type(name) ~= "string" then
      return failed("nodes", "answered a list with a " .. type(name))
    end
  end
  return names
end

---The node that is to run a new FSM.
---@param id string
---@param name string
---@param home? string the name's home, when the caller knows it
---@return string? node
---@return finitomata.Error? err `cluster_info`
function M.whois(id, name, home)
  if home and chosen == M.naive then return home end
  local node, err = ask("whois", id, name)
  if err then return nil, err end
  if type(node) ~= "string" then
    return failed("whois", "answered no name of a node but a " .. type(node))
  end
  return node
end

return M
