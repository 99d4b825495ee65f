-- SPDX-License-Identifier: MIT
--- Decides which node takes a new FSM. Built in: `naive`, rendezvous hashing of
--- the name over the live members that run the branch, the same answer on
--- every node that sees the same members; or hooks of yours.
local check = require "finitomata.check"
local cluster = require "infinitomata.cluster"
local errors = require "finitomata.error"
local hook = require "infinitomata.hook"

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

-- Placements of the library's own are asked without a watchdog, which costs a start
-- more than the placement itself.
local unguarded = { [M.naive] = true }

---@type infinitomata.ClusterInfo
local chosen = M.naive

---Makes a placement known under a name that `init` takes. It is asked without a guard
---against errors and loops: a table given to `init` has one.
---@param name string
---@param impl infinitomata.ClusterInfo
function M.register(name, impl)
  built_in[name] = impl
  unguarded[impl] = true
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
  if not check.is_callable(hooks.nodes) or not check.is_callable(hooks.whois) then
    error("bad argument #1 to 'init' (a name, or a table of functions `nodes` and `whois`)", 2)
  end
  chosen = impl
  return true
end

local NODE_NAME_MAX = 128

local function failed(which, text, node)
  local sentence = ("cluster_info.%s%s"):format(which, text)
  return nil, errors.new("cluster_info", sentence, { hook = which, node = node })
end

local function ask(which, id, name)
  if unguarded[chosen] then return chosen[which](id, name) end
  local ok, answer = hook.ask(chosen[which], id, name)
  if ok then return answer end
  return failed(which, " failed: " .. answer:gsub("^it failed: ", ""))
end

---The other nodes of a branch.
---@param id string
---@return string[]? names
---@return finitomata.Error? err `cluster_info`
function M.nodes(id)
  local names, err = ask("nodes", id)
  if err then return nil, err end
  if type(names) ~= "table" then
    return failed("nodes", " answered no list of names but a " .. type(names))
  end
  local fault = check.list_fault(names)
  if fault then return failed("nodes", " answered a list with " .. fault) end
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
    return failed("whois", " answered no name of a node but a " .. type(node))
  elseif #node < 1 or #node > NODE_NAME_MAX then
    return failed("whois", (" answered a name of %d bytes, and a node's has 1 to %d"):format(#node,
      NODE_NAME_MAX))
  end
  return node
end

local function is_member(name)
  local node = cluster.node()
  for _, member in ipairs(node and node:members() or {}) do
    if member.name == name then return true end
  end
  return false
end

---What a start says that failed since `whois` had named a node that cannot run it.
---@param id string
---@param node string
---@param err finitomata.Error of the start
---@return finitomata.Error err the same when it has another reason
function M.misplaced(id, node, err)
  local why
  if chosen == M.naive or err.uncertain then return err end
  if err.code == "no_such_branch" then
    why = ("a node that does not run branch %q"):format(id)
  elseif err.code == "unreachable" and not is_member(node) then
    why = "and no member is called that"
  end
  if not why then return err end
  local _, misplaced = failed("whois", (" answered %q, %s"):format(node, why), node)
  return misplaced
end

return M
