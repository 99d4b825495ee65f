-- SPDX-License-Identifier: MIT
local graph = require "finitomata.graph"
local parser = require "finitomata.parser"
local random_of = require "finitomata.random"

local function transitions(text, syntax)
  return (assert(parser.parse(text, syntax)))
end

---Every state leads to every other, and the first to the end.
local function complete(n)
  local list = { { from = "*", to = "s1", event = "in" }, { from = "s1", to = "*", event = "out" } }
  for i = 1, n do
    for k = 1, n do
      if i ~= k then
        list[#list + 1] = { from = "s" .. i, to = "s" .. k, event = ("e%d_%d"):format(i, k) }
      end
    end
  end
  return list
end

---The loops by trying every way: slow, and plainly right.
local function loops_by_hand(list)
  local count = 0
  local function go(start, state, seen)
    for _, t in ipairs(list) do
      if t.from == state and t.to ~= "*" then
        if t.to == start then
          count = count + 1
        elseif not seen[t.to] then
          seen[t.to] = true
          go(start, t.to, seen)
          seen[t.to] = nil
        end
      end
    end
  end
  local states = {}
  for _, t in ipairs(list) do states[t.from] = true end
  states["*"] = nil
  for state in pairs(states) do go(state, state, { [state] = true }) end
  return count
end

describe("Loops", function()
  it("of a complete graph of five states are 84, each seen from all of its states", function()
    local different = {}
    for _, loop in ipairs(graph.loops(complete(5))) do
      local least = 1
      for i = 3, #loop - 2, 2 do
        if loop[i] < loop[least] then least = i end
      end
      local turned = {}
      for i = 0, #loop - 2 do turned[i + 1] = loop[(least - 1 + i) % (#loop - 1) + 1] end
      different[table.concat(turned, " ")] = true
    end
    local count = 0
    for _ in pairs(different) do count = count + 1 end
    assert.equal(84, count)
    assert.is_nil(graph.loops(complete(5)).truncated)
  end)

  it("begin and end in the same state", function()
    for _, loop in ipairs(graph.loops(complete(4))) do assert.equal(loop[1], loop[#loop]) end
  end)

  it("are those that trying every way finds", function()
    local random = random_of.new(tonumber(os.getenv("SEED")) or 11)
    for _ = 1, 60 do
      local list = {}
      for i = 1, 2 + random:below(14) do
        list[i] = { from = "s" .. random:below(7), to = "s" .. random:below(7), event = "e" .. i }
      end
      assert.equal(loops_by_hand(list), #graph.loops(list))
    end
  end)

  it("stop at the limit, and say so", function()
    local loops = graph.loops(complete(8), 10)
    assert.is_true(loops.truncated)
    assert.is_true(#loops >= 10)
  end)
end)

describe("A limit that is just met", function()
  it("truncates nothing", function()
    local list = transitions("a --> |x| b\nb --> |y| c\nc --> |z| b\nb --> |w| d")
    for _, search in ipairs { graph.paths, graph.straight } do
      local count = #search(list)
      assert.is_nil(search(list, nil, nil, count).truncated)
      local fewer = search(list, nil, nil, count - 1)
      assert.same({ count - 1, true }, { #fewer, fewer.truncated })
    end
    assert.is_nil(graph.loops(list, 1).truncated)
    assert.same({ 0, true }, { #graph.loops(list, 0), graph.loops(list, 0).truncated })
    assert.is_nil(graph.shortest(list, "a", "c", 1).truncated)
  end)
end)

describe("A long diagram", function()
  it("is searched in a time that grows with its length", function()
    local list = { { from = "*", to = "s1", event = "in" } }
    for i = 1, 3000 do list[#list + 1] = { from = "s" .. i, to = "s" .. i + 1, event = "e" } end
    list[#list + 1] = { from = "s3001", to = "*", event = "out" }
    local began = os.clock()
    assert.equal(0, #graph.loops(list))
    assert.equal(1, #graph.paths(list))
    list[#list + 1] = { from = "s20", to = "s10", event = "back" }
    list[#list + 1] = { from = "s3001", to = "s3001", event = "stay" }
    assert.equal(12, #graph.loops(list))
    assert.is_true(os.clock() - began < 3)
  end)
end)

describe("Paths", function()
  it("use no edge twice, and end where they first arrive", function()
    local list = transitions("a --> |x| b\nb --> |y| b\nb --> |z| c")
    assert.equal(2, #graph.paths(list))
    assert.same({ { "a", "x", "b" } }, graph.paths(list, "a", "b"))
  end)

  it("never end anywhere but in their target", function()
    local list = transitions("m --> |x| n\nn --> |y| o\nm --> |q| e1\no --> |z| e2")
    for _, search in ipairs { graph.paths, graph.straight, graph.shortest } do
      assert.same({ { "m", "x", "n", "y", "o" } }, search(list, "m", "o"))
      assert.same({}, search(list, "e1", "o"))
      assert.same({}, search(list, "nowhere", "o"))
      assert.same({}, search(list, "m", "nowhere"))
    end
  end)

  it("stop at the limit, and say so", function()
    local list = complete(7)
    local found = graph.paths(list, nil, nil, 50)
    assert.equal(50, #found)
    assert.is_true(found.truncated)
    assert.is_true(graph.straight(list, "s1", "s7", 5).truncated)
  end)
end)

describe("Shortest paths", function()
  it("are as long as the steps say", function()
    local random = random_of.new(5)
    for _ = 1, 50 do
      local list = { { from = "*", to = "s0", event = "in" } }
      for i = 1, 12 do
        list[#list + 1] = { from = "s" .. random:below(6), to = "s" .. random:below(6),
          event = "e" .. i }
      end
      for to = 1, 5 do
        local steps = graph.steps(list, "s0", "s" .. to)
        local paths = graph.shortest(list, "s0", "s" .. to)
        assert.equal(steps == nil, #paths == 0)
        for _, path in ipairs(paths) do assert.equal(steps, (#path - 1) // 2) end
        for _, path in ipairs(graph.straight(list, "s0", "s" .. to)) do
          assert.is_true((#path - 1) // 2 >= steps)
        end
      end
    end
  end)

  it("of nothing are none", function()
    local list = transitions("a --> |x| b")
    assert.equal(0, graph.steps(list, "a", "a"))
    assert.same({}, graph.shortest(list, "a", "a"))
  end)
end)

describe("The ways out", function()
  it("are the tails that go by themselves, each once", function()
    local list = transitions("a --> |x| b\nb --> |n!| c\na --> |y| c")
    assert.equal(2, #graph.exiting(list))
  end)
end)
