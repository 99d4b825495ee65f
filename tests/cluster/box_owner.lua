-- SPDX-License-Identifier: MIT
--- A node that has a box.
local infinitomata = require "infinitomata"

infinitomata.cluster_info.init {
  nodes = infinitomata.node.nodes,
  whois = function() return infinitomata.node.self().name end,
}
assert(infinitomata.start_fsm("box", "box", {}))
print("READY " .. infinitomata.node.self().address)
io.stdout:flush()
