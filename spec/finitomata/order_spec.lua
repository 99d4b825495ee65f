-- SPDX-License-Identifier: MIT
local order = require "finitomata.order"

describe("The keys of a table", function()
  it("are in one order, whatever they are", function()
    assert.same({ true, -1, 2, 10.5, "a", "b" },
      order.keys { b = 1, a = 1, [2] = 1, [-1] = 1, [10.5] = 1, [true] = 1 })
    assert.same({}, order.keys {})
    local one, two = {}, {}
    local keys = order.keys { [one] = 1, [two] = 1, x = 1 }
    assert.equal("x", keys[1])
    assert.is_true(tostring(keys[2]) < tostring(keys[3]))
  end)
end)
