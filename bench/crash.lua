-- SPDX-License-Identifier: MIT
--- User code that crashes four times in a row: how many FSMs of its branch are gone?
local finitomata = require "finitomata"
local report = require "report"

local N <const>, CRASHES <const> = 1000, 4

local fragile = finitomata.define {
  name = "fragile",
  fsm = "[*] --> whole\nwhole --> |drop| broken\nwhole --> |touch| whole\nbroken --> |sweep| gone",
  on_transition = function(_, event, _, payload)
    if event == "drop" then error "crash" end
    return "whole", payload
  end,
}

finitomata.run(function()
  finitomata.start_link()
  finitomata.log.set_sink(function() end)
  for i = 1, N do assert(finitomata.start_fsm(i, fragile, { n = i })) end
  for i = 1, CRASHES do
    local state, err = finitomata.call(i, "drop")
    assert(not state and err.code == "raised", "it did not crash")
  end
  local lost = 0
  for i = 1, N do
    if finitomata.call(i, "touch") ~= "whole" then lost = lost + 1 end
  end
  report.line("crash.lost", lost, ("of %d in the branch"):format(N))
end)
