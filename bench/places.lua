-- SPDX-License-Identifier: MIT
--- Where this node would start FSMs of so many names, and where the managed ring has
--- them.
local infinitomata = require "infinitomata"

---@param count integer
---@return string[] owners
---@return string[] on_ring
return function(count)
  local owners, on_ring = {}, {}
  local ring = infinitomata.ring.managed()
  for i = 1, count do
    local name = "place-" .. i
    owners[i] = infinitomata.cluster_info.naive.whois("default", name)
    on_ring[i] = ring:key_to_node(name)
  end
  return owners, on_ring
end
