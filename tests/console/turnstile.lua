-- SPDX-License-Identifier: MIT
-- The FSM of the console's tests.
local finitomata = require "finitomata"

local turnstile = finitomata.define {
  fsm = [[
    ready --> |on!| closed
    opened --> |walk_in| closed
    closed --> |coin_in| opened
    closed --> |switch_off| switched_off
  ]],
  auto_terminate = true,
}

function turnstile.on_transition(_, event, amount, payload)
  if event == "coin_in" then
    if (amount or 0) < 1 then return nil, "too little" end
    print("a coin of " .. amount)
    payload.coins = (payload.coins or 0) + amount
    return "opened", payload
  end
end

return turnstile
