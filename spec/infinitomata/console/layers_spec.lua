-- SPDX-License-Identifier: MIT
local layers = require "infinitomata.console.layers"

---Arranges arrows "a b", all states 5 and all labels 3 columns wide.
local function arrange(names, texts)
  local arrows, widths = {}, {}
  for index, text in ipairs(texts) do
    local from, to = text:match "^(%w+) (%w+)$"
    arrows[index] = { from = from, to = to, width = 3 }
  end
  for _, name in ipairs(names) do widths[name] = 5 end
  return layers.arrange(names, arrows, widths), arrows
end

local function layer_of(arranged, name)
  for index, layer in ipairs(arranged) do
    for _, place in ipairs(layer) do
      if place.name == name then return index, place end
    end
  end
end

describe("layers.arrange", function()
  it("puts every state below those that lead to it", function()
    local arranged = arrange({ "a", "b", "c" }, { "a b", "a c", "b c" })
    assert.equal(1, (layer_of(arranged, "a")))
    assert.equal(3, (layer_of(arranged, "b")))
    assert.equal(5, (layer_of(arranged, "c")))
  end)

  it("turns the arrow that closes a circle", function()
    local arranged, arrows = arrange({ "a", "b" }, { "a b", "b a" })
    assert.equal(1, (layer_of(arranged, "a")))
    assert.equal(3, (layer_of(arranged, "b")))
    assert.is_nil(arrows[1].turned)
    assert.is_true(arrows[2].turned)
    assert.equal(2, arrows[2].label.layer)
    assert.equal("upper", arrows[2].label.above[1].head)
  end)

  it("gives an arrow a place in every layer that it crosses", function()
    local arranged, arrows = arrange({ "a", "b", "c" }, { "a b", "b c", "a c" })
    assert.equal("label", arrows[3].label.kind)
    local kinds = {}
    for index = 2, 4 do
      for _, place in ipairs(arranged[index]) do
        if place.kind ~= "state" then kinds[#kinds + 1] = place.kind end
      end
    end
    table.sort(kinds)
    assert.same({ "bend", "bend", "label", "label", "label" }, kinds)
  end)

  it("sorts places so that arrows do not cross that need not", function()
    local arranged = arrange({ "a", "b", "c", "d", "e" }, { "a b", "a c", "b e", "c d" })
    local _, b = layer_of(arranged, "b")
    local _, c = layer_of(arranged, "c")
    local _, d = layer_of(arranged, "d")
    local _, e = layer_of(arranged, "e")
    assert.equal(b.index < c.index, e.index < d.index)
  end)

  it("leaves room between neighbours, and begins in the first column", function()
    local arranged = arrange({ "a", "b", "c", "d" }, { "a b", "a c", "a d", "b d", "d a" })
    local first = math.huge
    for _, layer in ipairs(arranged) do
      for index, place in ipairs(layer) do
        first = math.min(first, place.x)
        local before = layer[index - 1]
        assert.is_true(not before or before.x + before.width < place.x)
      end
    end
    assert.equal(1, first)
  end)

  it("takes states that nothing leads to, and nothing at all", function()
    local arranged = arrange({ "a", "b" }, {})
    assert.equal(1, (layer_of(arranged, "a")))
    assert.equal(1, (layer_of(arranged, "b")))
  end)
end)
