-- SPDX-License-Identifier: MIT
--- Delayed events for FSMs of other nodes. The event waits where its FSM lives;
--- the sender holds a handle that can take it back from afar.
local cluster = require "infinitomata.cluster"

local M = {}

---What waits here for senders elsewhere.
---@class infinitomata.DelayedHere
---@field private _handles table<string, finitomata.Delayed> weak: a sent one goes by itself
---@field private _serial integer
local Here = { __name = "infinitomata.DelayedHere" }
Here.__index = Here

---@return infinitomata.DelayedHere
function M.new()
  return setmetatable({ _handles = setmetatable({}, { __mode = "v" }), _serial = 0 }, Here)
end

---@param handle finitomata.Delayed
---@return string mark names this node and the event
function Here:keep(handle)
  self._serial = self._serial + 1
  local mark = ("%s %d"):format(cluster.node():self().name, self._serial)
  self._handles[mark] = handle
  return mark
end

---@param mark string
---@return boolean cancelled
function Here:take_back(mark)
  local handle = self._handles[mark]
  self._handles[mark] = nil
  return handle ~= nil and handle:cancel()
end

---@class infinitomata.RemoteDelayed
---@field private _branch string
---@field private _name string of the FSM
---@field private _mark string
---@field private _retry infinitomata.Policy
local Remote = { __name = "infinitomata.RemoteDelayed" }
Remote.__index = Remote

---Takes the event back.
---@async
---@return boolean? cancelled false when it was sent, or taken back, already
---@return finitomata.Error? err the node with the event does not answer
function Remote:cancel()
  local owner = self._mark:match "^(.*) "
  if not cluster.node() then return false end
  return cluster.call_node(self._retry, owner, self._branch, "take_back", self._name, self._mark)
end

---@param branch string
---@param name string
---@param mark string what `keep` gave on the FSM's node
---@param retry infinitomata.Policy
---@return infinitomata.RemoteDelayed
function M.remote(branch, name, mark, retry)
  return setmetatable({ _branch = branch, _name = name, _mark = mark, _retry = retry }, Remote)
end

return M
