-- SPDX-License-Identifier: MIT
--- The idea: what an FSM is outlives it; what has not been stored has not happened.
local finitomata = require "finitomata"

local storage = finitomata.persistency.memory()
local full = false -- whether the disk is

local wallet = finitomata.define {
  name = "wallet",
  fsm = [[
    [*] --> open
    open --> |pay_in| open
    open --> |close| closed
  ]],
  persistency = {
    load = storage.load,
    store = function(...)
      if full then return nil, "the disk is full" end
      return storage.store(...)
    end,
  },
}

function wallet.on_transition(_, event, amount, payload)
  if event ~= "pay_in" then return end
  payload.cents = payload.cents + amount
  return "open", payload
end

local branch = finitomata.start_link("wallet", { clock = finitomata.virtual_clock() })
assert(branch:start_fsm("ann", wallet, { cents = 0 }))
branch:call("ann", "pay_in", 500)

full = true
print(select(2, branch:call("ann", "pay_in", 250)).reason) --> the disk is full
print(branch:state("ann", "payload").cents) --> 500
full = false

branch:stop_fsm("ann") -- the FSM is gone, its snapshot is not
assert(branch:start_fsm("ann", wallet, { cents = 0 }))
print(branch:state("ann").lifecycle, branch:state("ann", "payload").cents) --> loaded	500
