-- SPDX-License-Identifier: MIT

--- What callbacks see of a running FSM: the instance itself, through named
--- fields that are computed when they are looked at and cannot be set.
local Error = require("finitomata.error")
local histories = require("finitomata.history")
local payloads = require("finitomata.payload")

local copy = payloads.copy

-- The slots of an instance; instance.lua says what they are.
local KIND <const>, NAME <const>, NODE <const>, PAYLOAD <const> = 1, 2, 3, 4
local HISTORY <const>, MAIL <const>, EXTRA <const> = 5, 6, 8
local ATTEMPT <const>, DEAD <const> = 1 << 34, math.maxinteger

local M = {}

---The argument `fsm` of callbacks, and what `state(name)` answers. It can be read and
---not changed.
---@class finitomata.Fsm
---@field name any          under which it was started
---@field id any            of its branch
---@field node string       the node it lives on
---@field current string    the state
---@field previous string? the state before
---@field payload any       a copy, unless payloads are shared
---@field history {state: string, n: integer}[] states left, newest first
---@field lifecycle "created"|"loaded"|"failed"|"unknown" whether it began anew or came from storage
---@field parent any        who started it: an FSM, or the node
---@field timer number|false the interval
---@field attempt integer   0 for an event as it was sent, then counted up
---@field last_error finitomata.Error? why the last event was not taken; nothing after a success
local meta = { __name = "finitomata.Fsm" }

---The payload, as far as its owner shows it.
---@param self finitomata.Instance
---@return any
local function shown(self)
  local payload = self[PAYLOAD]
  if type(payload) == "table" and not self[KIND].share then return copy(payload) end
  return payload
end

local fields = { payload = shown }

function fields.name(self) return self[NAME] end

function fields.id(self) return self[KIND].branch.id end

function fields.node(self) return self[KIND].branch.node end

function fields.current(self) return self[NODE].name end

function fields.history(self)
  local packed, names = self[HISTORY], self[KIND].plan.names
  if packed == histories.WIDE then return histories.entries(self[EXTRA].history, names) end
  return histories.packed_entries(packed, names)
end

function fields.previous(self)
  local packed, names = self[HISTORY], self[KIND].plan.names
  if packed ~= histories.WIDE then return names[histories.newest(packed)] end
  local newest = self[EXTRA].history[1]
  return newest and names[newest[1]]
end

function fields.lifecycle(self)
  return self[EXTRA] and self[EXTRA].lifecycle or "created"
end

function fields.parent(self)
  local extra = self[EXTRA]
  if extra and extra.parent ~= nil then return extra.parent end
  return self[KIND].branch.node
end

function fields.timer(self)
  local extra = self[EXTRA]
  if extra and extra.interval ~= nil then return extra.interval end
  return self[KIND].timer
end

function fields.attempt(self)
  return self[MAIL] == DEAD and 0 or self[MAIL] // ATTEMPT
end

function fields.last_error(self)
  return self[EXTRA] and self[EXTRA].last_error or nil
end

local ORDER <const> = {
  "name", "id", "node", "current", "previous", "payload", "history", "lifecycle", "parent", "timer",
  "attempt", "last_error",
}

function meta.__index(self, key)
  local field = fields[key]
  if field then return field(self) end
end

function meta.__newindex(self, key, value)
  if key == PAYLOAD then return rawset(self, key, value) end -- the slot was nil
  error(("an fsm is read-only: '%s' cannot be set"):format(tostring(key)), 2)
end

function meta.__tostring(self)
  return ("fsm<%s %s>"):format(tostring(self[NAME]), self[NODE].name)
end

function meta.__pairs(self)
  local at = 0
  return function()
    while ORDER[at + 1] do
      at = at + 1
      local value = self[ORDER[at]]
      if value ~= nil then return ORDER[at], value end
    end
  end, self, nil
end

---A plain table with all fields, as they are now.
---@param self finitomata.Instance
---@return finitomata.Fsm
function M.snapshot(self)
  local err = fields.last_error(self)
  return { -- all at once, so that the table has its size from the start
    name = self[NAME], id = fields.id(self), node = fields.node(self),
    current = fields.current(self), previous = fields.previous(self), payload = shown(self),
    history = fields.history(self), lifecycle = fields.lifecycle(self),
    parent = fields.parent(self), timer = fields.timer(self), attempt = fields.attempt(self),
    last_error = err and Error.to_table(err),
  }
end

M.meta = meta
M.shown = shown

return M
