-- SPDX-License-Identifier: MIT
local Delayed = require "infinitomata.delayed"
local infinitomata = require "infinitomata"

describe("A delayed event for another node", function()
  setup(function() assert(infinitomata.node.start { name = "here", bind = "127.0.0.1:0" }) end)
  teardown(function() infinitomata.node.leave() end)

  local function handle()
    local self = { cancelled = 0 }
    function self.cancel()
      self.cancelled = self.cancelled + 1
      return self.cancelled == 1
    end
    return self
  end

  it("is taken back by its mark, once", function()
    local here, one, two = Delayed.new(), handle(), handle()
    local mark, other = here:keep(one), here:keep(two)
    assert.is_true(here:take_back(mark))
    assert.is_false(here:take_back(mark))
    assert.same({ 1, 0 }, { one.cancelled, two.cancelled })
    assert.is_true(here:take_back(other))
  end)

  it("is not kept for its mark's sake", function()
    local here = Delayed.new()
    local mark = here:keep(handle())
    collectgarbage()
    assert.is_false(here:take_back(mark))
  end)

  it("has a mark that names the node, and a stranger's mark is no event", function()
    assert.matches("^here ", Delayed.new():keep(handle()))
    assert.is_false(Delayed.new():take_back "here 7")
  end)
end)
