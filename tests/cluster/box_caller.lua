-- SPDX-License-Identifier: MIT
--- Puts things into another node's box: one before a cut, one while nobody has
--- noticed the cut, one after the heal. Says what the box then has. Argument: the
--- time that what was left on the way is given to arrive, in ms.
local infinitomata = require "infinitomata"

local IMPATIENT <const> = { attempts = 1, rpc_timeout = 200 }

local function tell(...)
  print(...)
  io.stdout:flush()
end

local function wait_until(holds)
  while not holds() do infinitomata.sleep(20) end
end

local function sees_box() return infinitomata.all().box ~= nil end

wait_until(sees_box)
assert(infinitomata.transition("box", "put", "before"))
tell "CUT"
io.read "l"
local _, err = infinitomata.transition("box", "put", "lost", nil, IMPATIENT)
tell("ENDED", err and err.code, err and err.uncertain)
wait_until(function() return #infinitomata.node.nodes() == 0 end)
tell "ALONE"
io.read "l"
wait_until(sees_box)
infinitomata.sleep(tonumber(arg[1]))
assert(infinitomata.transition("box", "put", "after"))
tell("BOX", table.concat(infinitomata.state("box", "payload"), " "))
