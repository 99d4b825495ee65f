-- SPDX-License-Identifier: MIT
--- What the benchmarks run: two states, an event each way, every callback
--- there is for a transition.
local finitomata = require "finitomata"

local turnstile = finitomata.define {
  name = "turnstile",
  fsm = [[
    [*] --> closed
    closed --> |coin| opened
    opened --> |push| closed
    closed --> |retire| retired
  ]],
}

function turnstile.on_transition(_, event, _, payload)
  if event == "coin" then return "opened", payload end
  if event == "push" then return "closed", payload end
end

function turnstile.on_exit(_, _) end
function turnstile.on_enter(_, _) end

return turnstile
