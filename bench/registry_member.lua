-- SPDX-License-Identifier: MIT
--- A node of bench/registry_nodes.sh that owns rows. Arguments: how many, and what
--- their names begin with. The names are claimed through the C module: no FSM runs.
local cluster = require "infinitomata.cluster"
local infinitomata = require "infinitomata"

local count, prefix = math.tointeger(arg[1]), arg[2]

for i = 1, count do
  assert(cluster.node():claim("default", ("%s-%019d"):format(prefix, i), "order"))
  if i % 1000 == 0 then infinitomata.sleep(0) end
end
print("owner at " .. infinitomata.node.self().address)
io.stdout:flush()
