-- SPDX-License-Identifier: MIT
--- The other node of bench/remote.lua: it owns the FSM that is asked.
local infinitomata = require "infinitomata"

assert(infinitomata.start_fsm("there", "turnstile", { n = 0 }))
print("owner at " .. infinitomata.node.self().address)
io.stdout:flush()
