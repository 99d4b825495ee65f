-- SPDX-License-Identifier: MIT
--- One node of the shop. Run it as often as you like:
---
---     infinitomata run --name a --bind 127.0.0.1:7946 node.lua
---     infinitomata run --name b --bind 127.0.0.1:7947 --join 127.0.0.1:7946 node.lua
local infinitomata = require "infinitomata"

require "placement"

local self = infinitomata.node.self()
assert(infinitomata.start_fsm("witness-" .. self.name, "witness"))
print(("node %s at %s"):format(self.name, self.address))
io.stdout:flush()
