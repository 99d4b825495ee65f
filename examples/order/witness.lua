-- SPDX-License-Identifier: MIT
--- Tells how its own node sees the cluster. One witness lives on each node:
--- placement.lua sends `witness-NODE` to NODE.
local finitomata = require "finitomata"
local infinitomata = require "infinitomata"

local witness = finitomata.define {
  name = "witness",
  fsm = [[
    idle --> |ready!| watching
    watching --> |look| watching
    watching --> |retire| gone
  ]],
  auto_terminate = true,
}

function witness.on_transition(_, event)
  if event ~= "look" then return end
  local view = { orders = 0, on = {} }
  for name, row in pairs(infinitomata.all()) do
    if name:match("^order%-") then
      view.orders = view.orders + 1
      view.on[row.node] = (view.on[row.node] or 0) + 1
    end
  end
  return "watching", view
end

return witness
