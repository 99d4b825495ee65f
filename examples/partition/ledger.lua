-- SPDX-License-Identifier: MIT
--- A ledger that must be kept once: whoever writes into it says who he is.
local finitomata = require "finitomata"

local ledger = finitomata.define {
  name = "ledger",
  fsm = [[
    [*] --> open
    open --> |write| open
    open --> |close| closed
  ]],
}

ledger.on_transition = {
  open = {
    write = function(_, _, line, payload)
      payload.lines[#payload.lines + 1] = line
      return "open", payload
    end,
  },
}

function ledger.on_terminate(fsm, reason)
  print(("%s: %s stops here (%s) and takes with it: %s"):format(fsm.node, fsm.name, reason,
    table.concat(fsm.payload.lines, ", ")))
end

return ledger
