-- SPDX-License-Identifier: MIT

--- Snapshots in a table: they survive the FSM, not the process.
local Error = require("finitomata.error")
local order = require("finitomata.order")
local payloads = require("finitomata.payload")

local M = {}

---What is kept of an FSM.
---@class finitomata.persistency.Snapshot
---@field state string       where it was
---@field payload any        what it had
---@field definition string  the hash of the diagram it was taken under
---@field version integer    how many times the FSM was stored

---@class finitomata.persistency.Memory
---@field load function        for the engine, see above
---@field store function       for the engine
---@field store_error function for the engine
---@field get fun(name: any): finitomata.persistency.Snapshot?
---  the snapshot of an FSM, as a copy
---@field last_error fun(name: any): table?
---  the last attempt that failed since the last one that was stored
---@field purge fun(name: any?)
---  forgets one FSM, or all
---@field names fun(): any[]
---  of all FSMs that are stored

local function copied(value)
  local copy, err = payloads.copy(value)
  if err then error(err, 0) end
  return copy
end

---@return finitomata.persistency.Memory
function M.new()
  local snapshots, errors = {}, {}
  local adapter = {}

  function adapter.load(name, _)
    local snapshot = snapshots[name]
    if not snapshot then return "created" end
    return "loaded", snapshot.state, copied(snapshot.payload)
  end

  function adapter.store(name, payload, info)
    local copy, err = payloads.copy(payload)
    if err then return nil, err end
    local before = snapshots[name]
    snapshots[name] = {
      state = info.to,
      payload = copy,
      definition = info.definition,
      version = (before and before.version or 0) + 1,
    }
    errors[name] = nil
    return true
  end

  function adapter.store_error(name, _, reason, info)
    errors[name] = { reason = Error.text(reason), stage = info.stage, state = info.from,
      event = info.event }
    return true
  end

  function adapter.get(name)
    return copied(snapshots[name])
  end

  function adapter.last_error(name)
    return errors[name]
  end

  function adapter.purge(name)
    if name == nil then
      snapshots, errors = {}, {}
    else
      snapshots[name], errors[name] = nil, nil
    end
  end

  function adapter.names()
    return order.keys(snapshots)
  end

  return adapter
end

return M
