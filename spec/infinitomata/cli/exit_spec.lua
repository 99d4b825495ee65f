-- SPDX-License-Identifier: MIT
local exit = require "infinitomata.cli.exit"
local finitomata = require "finitomata"

describe("os.exit of a script on a node", function()
  local real, said, node
  before_each(function()
    real, said = os.exit, {}
    rawset(os, "exit", function(...) said[#said + 1] = { "exit", ... } end)
    node = {
      self = function() return node.up end,
      leave = function()
        said[#said + 1] = "leave"
        if node.hook then node.hook() end
        node.up = nil
      end,
      up = { name = "a" },
    }
  end)
  after_each(function() rawset(os, "exit", real) end)

  it("leaves first, and ends as it was asked to", function()
    local function note(word) return function() said[#said + 1] = word end end
    exit.install(node, note "stopping", note "ended")
    os.exit(3, true)
    assert.same({ "stopping", "leave", "ended", { "exit", 3, true } }, said)
  end)

  it("is the plain one where no node is", function()
    exit.install(node)
    node.up = nil
    os.exit()
    assert.same({ { "exit" } }, said)
  end)

  it("ends at once when it is called while it leaves", function()
    exit.install(node)
    node.hook = function() os.exit(1) end
    os.exit(0)
    assert.same({ "leave", { "exit", 1 }, { "exit", 0 } }, said)
  end)

  it("ends when leaving fails", function()
    exit.install(node)
    node.hook = function() error "oh" end
    os.exit(4)
    assert.same({ "leave", { "exit", 4 } }, said)
  end)

  it("does not wait for ever", function()
    local before = exit.LEAVE_MS
    exit.LEAVE_MS = 5
    finally(function() exit.LEAVE_MS = before end)
    exit.install(node)
    node.hook = function() finitomata.sleep(60) end
    finitomata.run(function() os.exit(5) end)
    assert.same({ "exit", 5 }, said[2])
  end)

  it("does not try to wait where nobody can", function()
    exit.install(node)
    coroutine.wrap(function()
      table.sort({ 1, 2 }, function() os.exit(6) end)
    end)()
    assert.same({ { "exit", 6 } }, said)
  end)
end)
