-- SPDX-License-Identifier: MIT
--- A node for the cluster's specs: says where it is, then serves.
local infinitomata = require "infinitomata"
print("READY " .. infinitomata.node.self().address)
io.stdout:flush()
