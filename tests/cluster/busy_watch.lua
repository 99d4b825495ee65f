-- SPDX-License-Identifier: MIT
--- Keeps b and c busy at the same time, and says whatever becomes of a member
--- meanwhile. Arguments: how many seconds.
local finitomata = require "finitomata"
local infinitomata = require "infinitomata"

local seconds = math.tointeger(arg[1])

infinitomata.cluster_info.init {
  nodes = infinitomata.cluster_info.naive.nodes,
  whois = function(_, name) return name:match "@(.+)$" end,
}

local deadline = 500
while #infinitomata.node.nodes() < 2 do
  finitomata.sleep(20)
  deadline = deadline - 1
  assert(deadline > 0, "the other nodes did not come")
end
for _, name in ipairs { "spin@b", "block@c" } do
  assert(infinitomata.start_fsm(name, "busy"))
end

infinitomata.node.on_member(function(what, member)
  print(("SEEN %s %s"):format(what, member.name))
end)
print "WATCHING"
io.stdout:flush()

local left = 2
for _, name in ipairs { "spin@b", "block@c" } do
  finitomata.spawn(function()
    local state, err = infinitomata.call(name, name:match "^%a+", seconds, 4000 * seconds)
    print(name, state or tostring(err))
    left = left - 1
  end)
end
while left > 0 do finitomata.sleep(50) end
for _, member in ipairs(infinitomata.node.members()) do
  print(("STATE %s %s %s"):format(member.name, member.state, tostring(member.health)))
end
os.exit(0)
