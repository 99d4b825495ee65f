-- SPDX-License-Identifier: MIT
--- An FSM that says what its node believes of the accounts, and which of them it runs.
local account = require "account"
local finitomata = require "finitomata"
local infinitomata = require "infinitomata"

local witness = finitomata.define {
  name = "witness",
  fsm = [[
    ready --> |go!| present
    present --> |ask| present
    present --> |leave| gone
  ]],
}

---@return table<string, string> believed where each account is
---@return table<string, integer> running accounts of this process, by their own word
function witness.look()
  local believed, running = {}, {}
  for name, row in pairs(infinitomata.all()) do
    if row.implementation == "account" then believed[name] = row.node end
  end
  for name, times in pairs(account.running) do running[name] = times end
  return believed, running
end

function witness.on_transition(_, event)
  if event ~= "ask" then return end
  local believed, running = witness.look()
  return "present", { believed = believed, running = running }
end

return witness
