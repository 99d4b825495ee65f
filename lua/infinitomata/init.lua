-- SPDX-License-Identifier: MIT
--- Finite state machines that run transparently in a cluster: the calls of
--- finitomata, answered wherever the FSM lives.
local check = require "finitomata.check"
local branches = require "infinitomata.branches"
local cluster = require "infinitomata.cluster"
local cluster_info = require "infinitomata.cluster_info"
local finitomata = require "finitomata"
local policy = require "infinitomata.policy"
local ring = require "infinitomata.ring"
local task = require "finitomata.task"

---@class infinitomata: finitomata.Calls
---@field synch async fun(nodes?: string[]): true?, finitomata.Error?
local M = {
  _VERSION = finitomata._VERSION,
  cluster_info = cluster_info,
  node = require "infinitomata.node",
  ring = ring,
  await = finitomata.await,
  run = finitomata.run,
  sleep = finitomata.sleep,
}

---Starts a branch, or gives the one that runs under the id. A branch reaches over all
---nodes that started one under this id; names are of their own in a branch.
---@async
---@param id? string "default" when absent; it may be left out before a table of options
---@param options? table what `finitomata.start_link` takes; the keys of
---  [the retry policy](#the-retry-policy); and `resolve`, which of two FSMs of one name stays when
---  views had differed: `"last"` (default), `"oldest"`, or a function, see
---  [who stays](consistency.md#who-stays)
---@return infinitomata.Branch?
---@return finitomata.Error? err `bad_name`; `overloaded` or `too_big`: the node
---  [has no room for it](operations.md#limits)
function M.start_link(id, options)
  if type(id) == "table" and options == nil then id, options = nil, id end
  check.optional(id, "string", 1, "start_link")
  check.optional(options, "table", 2, "start_link")
  return branches.start(id, options)
end

---Changes the retry policy of this process; keys left out keep their value.
---
---```lua
---require "infinitomata".configure { attempts = 20, rpc_timeout = 1000 }
---```
---@param options infinitomata.Policy some of its keys
function M.configure(options)
  policy.configure(options)
end

---The calls of a branch, as functions on the default one.
local CALLS = {
  "start_fsm", "transition", "call", "state", "alive", "allowed", "responds", "can", "timer_tick",
  "reset_timer", "all", "count", "random", "stop_fsm", "monitor", "synch", "child_spec", "stop",
}

for _, name in ipairs(CALLS) do
  M[name] = function(a, b, c, d, e)
    local branch = branches.default()
    return branch[name](branch, a, b, c, d, e)
  end
end

local transition = M.transition

function branches.on_start(running)
  M.transition = task.sender_to(running, transition, branches.DEFAULT)
end

---The first node on the ring that runs the branch, so that a branch of a few nodes
---stays on them.
cluster_info.register("ring", {
  nodes = cluster_info.naive.nodes,
  whois = function(id, name)
    local self = cluster.node()
    if not self then return nil end
    local members, runs = ring.managed(), {}
    for _, node in ipairs(self:nodes(id)) do runs[node] = true end
    local first = members:key_to_node(name)
    if runs[first] then return first end
    for _, node in ipairs(members:key_to_nodes(name, #members:nodes()) or {}) do
      if runs[node] then return node end
    end
  end,
})

return M
