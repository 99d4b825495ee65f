-- SPDX-License-Identifier: MIT
--- A node of bench/cluster.lua that serves.
local infinitomata = require "infinitomata"

require "cluster_placement"
assert(infinitomata.start_fsm("probe@" .. infinitomata.node.self().name, "probe", {}))
print("owner at " .. infinitomata.node.self().address)
io.stdout:flush()
