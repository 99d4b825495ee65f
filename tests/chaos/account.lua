-- SPDX-License-Identifier: MIT
--- An FSM that can tell whether something happened to it twice: each credit has
--- a number of its own, and the account keeps those that it has seen.
local finitomata = require "finitomata"

local account = finitomata.define {
  name = "account",
  fsm = [[
    ready --> |go!| open
    open --> |credit| open
    open --> |close| closed
  ]],
  auto_terminate = true,
}

---What runs in this process by its own word, not the registry's: name -> fsm.id
---of every account between its entry and its end.
account.running = {}

---How many accounts of this process gave way to another of the same name.
account.conflicts = 0

function account.on_start() return { seen = {}, twice = 0 } end

function account.on_transition(_, event, number, payload)
  if event ~= "credit" then return end
  if payload.seen[number] then payload.twice = payload.twice + 1 end
  payload.seen[number] = true
  return "open", payload
end

function account.on_enter(state, fsm)
  if state == "open" and fsm.previous == "ready" then
    local running = account.running
    running[fsm.name] = (running[fsm.name] or 0) + 1
  end
end

function account.on_terminate(fsm, reason)
  if reason == "conflict" then account.conflicts = account.conflicts + 1 end
  local running = account.running
  local left = (running[fsm.name] or 0) - 1
  running[fsm.name] = left > 0 and left or nil
end

return account
