-- SPDX-License-Identifier: MIT
--- Starts parcels and says where they went. Arguments: how many parcels, and how
--- many nodes to wait for.
local finitomata = require "finitomata"
local infinitomata = require "infinitomata"

local ring = require "placement"

local parcels, nodes = math.tointeger(arg[1]), math.tointeger(arg[2])

for _ = 1, 500 do
  if #infinitomata.node.nodes() + 1 >= nodes then break end
  finitomata.sleep(20)
end
print("ring: " .. table.concat(ring:nodes(), " "))

local on = {}
for i = 1, parcels do
  local name = "parcel-" .. i
  assert(infinitomata.start_fsm(name, "parcel"))
  local owner = infinitomata.all()[name].node
  assert(owner == ring:key_to_node(name), name .. " is not where the ring says")
  on[owner] = (on[owner] or 0) + 1
end
for owner, count in pairs(on) do print(("%s: %d"):format(owner, count)) end
os.exit(0)
