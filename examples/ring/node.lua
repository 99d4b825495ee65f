-- SPDX-License-Identifier: MIT
--- A node that takes what the ring gives it:
---
---     infinitomata run --name a examples/ring/node.lua
local infinitomata = require "infinitomata"

require "placement"

print("node at " .. infinitomata.node.self().address)
io.stdout:flush()
