-- SPDX-License-Identifier: MIT
--- A box that keeps what is put into it.
local box = require("finitomata").define {
  name = "box",
  fsm = [[
    [*] --> open
    open --> |put| open
    open --> |close| closed
  ]],
}

box.on_transition = {
  open = {
    put = function(_, _, thing, payload)
      payload[#payload + 1] = thing
      return "open", payload
    end,
  },
}

return box
