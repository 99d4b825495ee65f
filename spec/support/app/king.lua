-- SPDX-License-Identifier: MIT
--- An FSM that says how it ends.
local king = require("finitomata").define {
  name = "king",
  fsm = [[
    crowned --> |reign!| reigning
    reigning --> |fall| fallen
  ]],
}

function king.on_terminate(fsm, reason)
  print(("END %s %s"):format(fsm.node, reason))
  io.stdout:flush()
end

return king
