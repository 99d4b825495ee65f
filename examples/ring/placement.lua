-- SPDX-License-Identifier: MIT
--- Placement by a hash ring of one's own: it follows the members, and leaves out
--- those that are called `spare`.
local infinitomata = require "infinitomata"

local ring = infinitomata.ring.managed { name = "shop", blacklist = { "spare.*" } }

infinitomata.cluster_info.init {
  nodes = function(_) return ring:others() end,
  whois = function(_, name) return ring:key_to_node(name) end,
}

return ring
