-- SPDX-License-Identifier: MIT
--- A node of bench/heal.sh: b, or c, which starts the accounts, too, once it is alone.
--- Argument: the folder for word to a, who cannot be called then.
local finitomata = require "finitomata"
local infinitomata = require "infinitomata"

local folder, name = arg[1], infinitomata.node.self().name
local nodes = infinitomata.node.nodes

require "cluster_placement"

local function tell(what) assert(io.open(folder .. "/" .. what, "w")):close() end

assert(infinitomata.start_fsm("witness@" .. name, "witness", {}))
tell(name)
if name == "c" then
  finitomata.spawn(function()
    while #nodes() < 2 do finitomata.sleep(5) end
    while #nodes() > 0 do finitomata.sleep(5) end
    for i = 1, 300 do assert(infinitomata.start_fsm("account-" .. i, "account")) end
    tell "started"
  end)
end
