-- SPDX-License-Identifier: MIT
--- `x@b` starts on b, all else where its name hashes to.
local cluster_info = require("infinitomata").cluster_info
local naive = cluster_info.naive

cluster_info.init {
  nodes = naive.nodes,
  whois = function(id, name) return name:match "@(.+)$" or naive.whois(id, name) end,
}
