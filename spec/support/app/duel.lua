-- SPDX-License-Identifier: MIT
--- A node that runs `king` in the branch `duel`, which resolves conflicts in the
--- way that its argument names.
local duels = require "duels"
local infinitomata = require "infinitomata"

local duel = infinitomata.start_link("duel", { resolve = duels[arg[1]] })
duel:monitor(function(kind, rows)
  if kind == "conflict" then print("CONFLICT", rows.king.ref, rows.king.lost.ref) end
end)
assert(duel:start_fsm("king", "king"))
print("READY " .. infinitomata.node.self().address)
io.stdout:flush()
