-- SPDX-License-Identifier: MIT
--- Where a new FSM starts: witnesses on the node they are named after, all
--- else where the name hashes to.
local infinitomata = require "infinitomata"

local naive = infinitomata.cluster_info.naive

infinitomata.cluster_info.init {
  nodes = naive.nodes,
  whois = function(id, name)
    return name:match("^witness%-(.+)$") or naive.whois(id, name)
  end,
}
