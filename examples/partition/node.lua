-- SPDX-License-Identifier: MIT
--- One of the nodes that are to be cut from each other. It prints what becomes of
--- the ledger; everything else it is asked by `infinitomata attach`.
local infinitomata = require "infinitomata"

io.stdout:setvbuf "line"

infinitomata.monitor(function(kind, rows)
  if kind ~= "conflict" then return end
  for name, row in pairs(rows) do
    print(("%s: hears that the %s of %s stays, not that of %s"):format(
      infinitomata.node.self().name, name, row.node, row.lost.node))
  end
end)
