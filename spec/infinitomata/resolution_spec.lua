-- SPDX-License-Identifier: MIT
local infinitomata = require "infinitomata"
local log = require "finitomata.log"
local nodes = require "spec.support.nodes"
local resolution = require "infinitomata.resolution"

local duels = require "duels"

local A = { node = "a", ref = "a/1/2", implementation = "counter", at = 20 }
local B = { node = "b", ref = "b/1/1", implementation = "counter", at = 10 }

describe("infinitomata.resolution", function()
  local lines, sink

  before_each(function()
    lines = {}
    sink = log.set_sink(function(level, message) lines[#lines + 1] = level .. ": " .. message end)
  end)
  after_each(function() log.set_sink(sink) end)

  local function judge(fn) return resolution.new(fn):judge("king", A, B) end

  it("takes an answer as a letter or as the row", function()
    assert.equal("last", judge(function() return "a" end))
    assert.equal("older", judge(function() return "b" end))
    assert.equal("last", judge(function(_, a) return a end))
    assert.equal("older", judge(function(_, _, b) return b end))
    assert.same({}, lines)
  end)

  it("tells the function the name and both rows, and keeps its own", function()
    judge(function(name, a, b)
      assert.equal("king", name)
      assert.same(A, a)
      assert.same(B, b)
      a.ref = "changed"
      return b
    end)
    assert.equal("a/1/2", A.ref)
  end)

  it("keeps the last writer and says why when the function has no answer", function()
    for way, why in pairs {
      fails = "it failed: .*no idea",
      waits = "it tried to wait",
      nonsense = "but \"c\"",
    } do
      lines = {}
      assert.equal("last", judge(duels[way]))
      assert.matches("^error: resolve of \"king\": .*" .. why, lines[1])
      assert.matches("; the last writer stays$", lines[1])
    end
    lines = {}
    assert.equal("last", judge(function() end))
    assert.matches("but nil", lines[1])
  end)

  it("needs no function", function()
    assert.equal("last", resolution.new(nil).way)
    assert.equal("oldest", resolution.new"oldest".way)
    assert.equal("last", resolution.new"last":judge("king", A, B))
    assert.error_matches(function() resolution.new"best" end, "bad option 'resolve'.*best")
  end)
end)

--- Two nodes that each start `king`, a first, and meet through this process.
describe("two owners of one name", function()
  local a, b, told

  after_each(function()
    infinitomata.start_link("duel"):stop()
    infinitomata.node.leave()
    a:stop()
    b:stop()
  end)

  local function duel(way)
    told = nil
    a = nodes.start("a", nil, nil, "duel.lua " .. way)
    b = nodes.start("b", nil, nil, "duel.lua " .. way)
    local branch = infinitomata.start_link("duel", { resolve = duels[way] })
    branch:monitor(function(kind, rows)
      if kind == "conflict" then told = rows.king end
    end)
    local both = { a.address, b.address }
    assert(infinitomata.node.start { name = "c", bind = "127.0.0.1:0", join = both })
    local winner
    nodes.eventually("one king", function()
      local king = branch:all().king
      local ended = { a = a:says "END a conflict", b = b:says "END b conflict" }
      winner = king and king.node
      return winner and not ended[winner] and (ended.a or ended.b)
    end)
    assert.is_true(branch:alive "king")
    return winner
  end

  --- All three nodes are told the same: who stays, and who was lost.
  local function told_everywhere(winner, loser)
    nodes.eventually("news of the conflict", function() return told end)
    assert.same({ winner, "king", loser, "king" },
      { told.node, told.implementation, told.lost.node, told.lost.implementation })
    assert.not_equal(told.ref, told.lost.ref)
    local line = ("CONFLICT\t%s\t%s\n"):format(told.ref, told.lost.ref)
    for _, node in ipairs { a, b } do
      nodes.eventually("the same news at " .. node.name, function()
        return node:text():find(line, 1, true)
      end)
    end
  end

  it("leave the last writer", function()
    assert.equal("b", duel "last")
    told_everywhere("b", "a")
  end)

  it("leave the older one where the branch wants that", function()
    assert.equal("a", duel "oldest")
    told_everywhere("a", "b")
  end)

  it("leave the one that the function chose", function()
    assert.equal("a", duel "first_in_the_alphabet")
  end)

  it("leave the last writer when the function fails", function()
    assert.equal("b", duel "fails")
    assert.is_truthy(a:says "resolve of \"king\": it failed: .*no idea; the last writer stays")
  end)
end)
