-- SPDX-License-Identifier: MIT

--- Events that are sent later. They are bound to a name, not to an FSM: when
--- their time comes they meet whatever has the name by then.
local payloads = require("finitomata.payload")

local M = {}

---@class finitomata.Delayed
---@field private timer any
local Delayed = { __name = "finitomata.Delayed" }
Delayed.__index = Delayed

local function send(self)
  self.sent = true
  self.branch:transition(self.name, self.event, self.payload)
end

---Takes the event back.
---
---```lua
---local finitomata = require "finitomata"
---
---local branch = finitomata.start_link "later"
---branch:start_fsm("gate", "turnstile")
---local ok, delayed = branch:transition("gate", "switch_off", nil, 60000)
---assert(ok and delayed:cancel())
---```
---@return boolean cancelled false when it was sent, or taken back, already
function Delayed:cancel()
  if self.sent then return false end
  self.sent = true
  return self.branch.clock:stop(self.timer)
end

---@param branch finitomata.Branch
---@param name any
---@param event string
---@param event_payload any
---@param delay_ms number
---@return true?
---@return finitomata.Delayed|finitomata.Error
function M.send(branch, name, event, event_payload, delay_ms)
  local payload, err = payloads.copy(event_payload)
  if err then return nil, err end
  local self = setmetatable(
    { branch = branch, name = name, event = event, payload = payload, sent = false }, Delayed)
  self.timer = branch.clock:start(delay_ms, send, self)
  return true, self
end

return M
