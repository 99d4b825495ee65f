-- SPDX-License-Identifier: MIT
--- The idea: how long an FSM may stay in a state is said beside the state.
local finitomata = require "finitomata"

local payment = finitomata.define {
  name = "payment",
  fsm = [[
    cart --> |check_out| paying
    paying --> |paid| done
    paying --> |remind| paying
    paying --> |expire| lapsed
  ]],
  internal = { paying = "remind" }, -- neither leaves nor enters, so the timeouts go on
  after = { paying = { { 60000, "expire" }, { 40000, "remind" } } },
}

payment.on_transition = {
  paying = {
    remind = function(_, _, _, payload)
      payload.reminders = payload.reminders + 1
      return "paying", payload
    end,
  },
}

local clock = finitomata.virtual_clock() -- time moves when we say so
local branch = finitomata.start_link("payment", { clock = clock })
for _, name in ipairs { "quick", "slow" } do
  assert(branch:start_fsm(name, payment, { reminders = 0 }))
  branch:transition(name, "check_out")
end

clock:advance(50000)
print("quick", (branch:call("quick", "paid"))) --> quick	done
clock:advance(50000)
print("quick", branch:state("quick", "state")) --> quick	done
print("slow", branch:state("slow", "state")) --> slow	lapsed
print("reminders", branch:state("slow", "payload").reminders) --> reminders	1
