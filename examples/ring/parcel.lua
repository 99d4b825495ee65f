-- SPDX-License-Identifier: MIT
--- Something to be placed.
local finitomata = require "finitomata"

return finitomata.define {
  name = "parcel",
  fsm = [[
    packed --> |send| sent
    sent --> |deliver| delivered
  ]],
}
