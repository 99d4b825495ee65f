-- SPDX-License-Identifier: MIT
--- One of the nodes that are to be cut from each other. It prints what becomes of
--- the ledger; everything else it is asked by `infinitomata attach`.
local infinitomata = require "infinitomata"

io.stdout:setvbuf "line"

infinitomata.monitor(function(kind, rows)
  if kind ~= "conflict" then return end
  for name, row in pairs(rows) do
    print(("%s: hears that %s has a %s, too"):format(infinitomata.node.self().name, row.node, name))
  end
end)
