-- SPDX-License-Identifier: MIT
--- An FSM whose handlers keep a whole Lua from doing anything else: `spin`
--- computes, `block` sits in a C call.
local finitomata = require "finitomata"

local busy = finitomata.define {
  name = "busy",
  fsm = [[
    ready --> |go!| free
    free --> |spin| free
    free --> |block| free
    free --> |finish| done
  ]],
}

local function spin(seconds)
  local stop = os.time() + seconds
  while os.time() < stop do end -- luacheck: ignore 542
end

function busy.on_transition(_, event, seconds, payload)
  if event == "spin" then
    spin(seconds)
    return "free", payload
  elseif event == "block" then
    os.execute("sleep " .. seconds)
    return "free", payload
  end
end

return busy
