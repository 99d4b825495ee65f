-- SPDX-License-Identifier: MIT
local Random = require "finitomata.random"

describe("Chance", function()
  it("repeats itself from the same seed", function()
    local a, b = Random.new(42), Random.new(42)
    for _ = 1, 100 do assert.equal(a:next(), b:next()) end
  end)

  it("gives the numbers of SplitMix64", function() -- the first of its known answers for seed 0
    assert.equal(math.tointeger(0xE220A8397B1DCDAF), Random.new(0):next())
  end)

  it("stays below its bound and reaches all of it", function()
    local random, seen = Random.new(1), {}
    for _ = 1, 1000 do
      local n = random:below(7)
      assert.is_true(n >= 0 and n < 7)
      seen[n] = true
    end
    for n = 0, 6 do assert.is_true(seen[n]) end
  end)

  it("differs without a seed", function()
    assert.are_not.equal(Random.new():next(), Random.new():next())
  end)
end)
