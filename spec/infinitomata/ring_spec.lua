-- SPDX-License-Identifier: MIT
local ring = require "infinitomata.ring"

local KEYS = 10000

local function owners(of)
  local list = {}
  for i = 1, KEYS do list[i] = of:key_to_node("key-" .. i) end
  return list
end

describe("infinitomata.ring", function()
  it("is a function of its nodes, not of the order they came in", function()
    local forward = ring.new { "a", "b", "c", { "d", 64 } }
    local backward = ring.new():add_node("d", 64):add_node("c"):add_node("b"):add_node("a")
    assert.same(owners(forward), owners(backward))
  end)

  it("moves about 1/(n+1) of the keys when a node joins, and only to it", function()
    local small, large = ring.new { "a", "b", "c" }, ring.new { "a", "b", "c", "d" }
    local before, after, moved = owners(small), owners(large), 0
    for i = 1, KEYS do
      if before[i] ~= after[i] then
        assert.equal("d", after[i])
        moved = moved + 1
      end
    end
    assert.is_true(moved > KEYS * 0.18 and moved < KEYS * 0.32, "moved " .. moved)
  end)

  it("gives keys by weight, and none to weight 0", function()
    local weighted = ring.new { { "light", 64 }, { "heavy", 192 }, { "draining", 0 } }
    local count = { light = 0, heavy = 0, draining = 0 }
    for _, owner in ipairs(owners(weighted)) do count[owner] = count[owner] + 1 end
    assert.equal(0, count.draining)
    assert.is_true(count.heavy > 2 * count.light)
    assert.same({ "draining", "heavy", "light" }, weighted:nodes())
  end)

  it("adds several at once, and tells its weights, its number and its spread", function()
    local few = ring.new():add_nodes { "a", { "b", 256 } }
    assert.equal(128, few:weight "a")
    assert.equal(256, few:weight "b")
    assert.is_nil(few:weight "c")
    assert.equal(ring.new({ { "b", 256 }, "a" }):id(), few:id())
    assert.not_equal(few:id(), few:add_node("a", 64):id())
    local least, most = ring.new({ "a", "b", "c", "d" }):spread()
    assert.is_true(0.7 < least and least < 1 and 1 < most and most < 1.3)
  end)

  it("changes a weight when the node is added again", function()
    local changed = ring.new { { "a", 1 }, "b" }
    changed:add_node("a", 128)
    assert.same(owners(ring.new { "a", "b" }), owners(changed))
  end)

  it("gives the first node of key_to_nodes as key_to_node, and all different", function()
    local three = ring.new { "a", "b", "c" }
    for i = 1, 1000 do
      local nodes = three:key_to_nodes(i, 5)
      assert.equal(3, #nodes)
      assert.equal(nodes[1], three:key_to_node(i))
      assert.is_true(nodes[1] ~= nodes[2] and nodes[2] ~= nodes[3] and nodes[1] ~= nodes[3])
    end
  end)

  it("forgets a removed node", function()
    local two = ring.new { "a", "b" }
    assert.is_true(two:remove_node("a"))
    assert.is_false(two:remove_node("a"))
    assert.equal("b", two:key_to_node("anything"))
  end)

  it("says that it is empty, and that a function is no key", function()
    local node, err = ring.new():key_to_node("x")
    assert.is_nil(node)
    assert.equal("empty", err.code)
    node, err = ring.new({ "a" }):key_to_node(print)
    assert.is_nil(node)
    assert.equal("not_serializable", err.code)
  end)

  it("refuses a weight that is none, and an unknown option", function()
    assert.error_matches(function() ring.new { { "a", -1 } } end, "bad weight")
    assert.error_matches(function() ring.new({}, { wait = 1 }) end, "wait")
  end)

  it("raises on a name or a list that it cannot take", function()
    local r = ring.new()
    for _, name in ipairs { "", ("x"):rep(256) } do
      local raised = "'add_node' %(a name of 1 to 255 bytes expected, got " .. #name
      assert.error_matches(function() r:add_node(name) end, raised)
    end
    for _, list in ipairs { { a = 64 }, { "a", nil, "c" } } do
      assert.error_matches(function() ring.new(list) end, "a list of names")
    end
    assert.same({}, r:nodes())
  end)

  it("names what in a key cannot be hashed", function()
    local r = ring.new { "a" }
    local _, err = r:key_to_node(print)
    assert.equal("key cannot be hashed: it is a function", err.message)
    _, err = r:key_to_node { x = { print } }
    assert.matches("^key.x%[1%] cannot be hashed", err.message)
  end)

  it("refuses what would fail when the members change", function()
    for _, options in ipairs { { whitelist = { "[" } }, { blacklist = { 1 } },
      { blacklist = { b = "x" } }, { weights = { a = "x" } }, { weight = -1 } } do
      options.name = "wrong"
      local _, message = pcall(function() ring.managed(options) end)
      assert.matches("ring_spec.lua:%d+: bad ", message)
    end
  end)

  it("leaves a ring that follows the members to itself", function()
    local r = ring.managed { name = "followed" }
    for _, change in ipairs { "add_node", "add_nodes", "remove_node" } do
      assert.error_matches(function() r[change](r, "x") end, change .. "' on a ring that follows")
    end
  end)
end)
