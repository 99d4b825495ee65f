-- SPDX-License-Identifier: MIT
--- The idea: conditions with names, so that a caller can ask first, and is told why not.
local finitomata = require "finitomata"

local door = finitomata.define {
  name = "door",
  fsm = [[
    [*] --> closed
    closed --> |open| opened
    opened --> |close| closed
    closed --> |lock| locked
    locked --> |unlock| closed
    closed --> |remove| gone
  ]],
  guards = {
    locked = {
      unlock = {
        ["the key must fit"] = function(key, payload) return key == payload.key end,
      },
    },
    closed = {
      lock = {
        ["only at night"] = function(_, payload) return payload.hour >= 22 end,
      },
    },
  },
}

local branch = finitomata.start_link("door", { clock = finitomata.virtual_clock() })
assert(branch:start_fsm("front", door, { key = 1234, hour = 23 }))

print((branch:can("front", "lock"))) --> true
print((branch:call("front", "lock"))) --> locked

local can, why = branch:can("front", "unlock", 1)
print(can, why.reason) --> false	the key must fit
print(select(2, branch:call("front", "unlock", 1)).reason) --> the key must fit
print((branch:call("front", "unlock", 1234))) --> closed
print(select(2, branch:can("front", "close")).code) --> not_responding
