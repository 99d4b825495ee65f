-- SPDX-License-Identifier: MIT
local finitomata = require "finitomata"
local memory = require "finitomata.persistency.memory"

describe("finitomata.persistency", function()
  it("offers a storage in memory", function()
    local adapter = finitomata.persistency.memory()
    for name in pairs(memory.new()) do assert.equal("function", type(adapter[name])) end
    assert.are_not.equal(adapter, finitomata.persistency.memory())
  end)
end)
