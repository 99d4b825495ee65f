-- SPDX-License-Identifier: MIT
--- A branch in a process that runs no node: all calls act here.
package.path = package.path .. ";spec/support/app/?.lua"

local branches = require "infinitomata.branches"
local infinitomata = require "infinitomata"

describe("infinitomata without a node", function()
  after_each(function()
    for name in pairs(infinitomata.all()) do infinitomata.stop_fsm(name) end
  end)

  it("starts, asks, sends and stops here", function()
    local ref = assert(infinitomata.start_fsm("x", "counter", {}))
    assert.is_true(infinitomata.transition("x", "add", 3))
    local state, payload = infinitomata.call("x", "add", 4)
    assert.equal("counting", state)
    assert.equal(7, payload.sum)
    assert.equal("counting", infinitomata.state("x", "state"))
    assert.equal(ref, infinitomata.all().x.ref)
    assert.same(infinitomata.all().x, branches.default():row "x")
    assert.is_nil(branches.default():row "y")
    assert.equal(1, infinitomata.count())
    assert.equal("x", infinitomata.random())
    assert.is_true(infinitomata.alive "x")
    assert.is_true(infinitomata.stop_fsm "x")
    assert.is_false(infinitomata.alive "x")
    assert.equal(0, infinitomata.count())
  end)

  it("answers a second start with where the first one is", function()
    local ref = assert(infinitomata.start_fsm("x", "counter", {}))
    local again, err = infinitomata.start_fsm("x", "counter", {})
    assert.is_nil(again)
    assert.equal("already_started", err.code)
    assert.equal(ref, err.ref)
  end)

  it("answers a name that nobody has", function()
    local state, err = infinitomata.state "nobody"
    assert.is_nil(state)
    assert.equal("no_such_fsm", err.code)
    assert.is_false(infinitomata.alive "nobody")
  end)

  it("refuses a name of 0 or 256 bytes, and takes one of 255", function()
    for _, name in ipairs { "", ("n"):rep(256) } do
      local ref, err = infinitomata.start_fsm(name, "counter", {})
      assert.is_nil(ref)
      assert.equal("bad_name", err.code)
      assert.matches(tostring(#name), tostring(err))
    end
    assert(infinitomata.start_fsm(("n"):rep(255), "counter", {}))
  end)

  it("raises where the caller stands when a type is wrong", function()
    local ok, problem = pcall(function() infinitomata.start_fsm(42, "counter") end)
    assert.is_false(ok)
    assert.matches("branch_spec.lua:%d+: bad argument #1 to 'start_fsm'", problem)
    ok, problem = pcall(function() infinitomata.state(nil) end)
    assert.is_false(ok)
    assert.matches("branch_spec.lua:%d+: bad argument #1 to 'state'", problem)
    assert.error_matches(function() infinitomata.start_fsm("x", 1) end, "bad argument #2")
  end)

  it("keeps branches apart, and gives the same one for the same id", function()
    local shop = infinitomata.start_link "shop"
    assert.equal(shop, infinitomata.start_link "shop")
    assert(shop:start_fsm("x", "counter", {}))
    assert.is_false(infinitomata.alive "x")
    assert.equal(1, shop:count())
    shop:stop()
    assert.equal(0, infinitomata.start_link("shop"):count())
    infinitomata.start_link("shop"):stop()
    assert.equal("default", infinitomata.start_link({ attempts = 3 }).id)
  end)

  it("tells a monitor who comes and goes", function()
    local seen = {}
    local handle = infinitomata.monitor(function(kind, rows)
      for name in pairs(rows) do seen[#seen + 1] = kind .. " " .. name end
    end)
    infinitomata.start_fsm("x", "counter", {})
    infinitomata.stop_fsm "x"
    handle:cancel()
    infinitomata.start_fsm("y", "counter", {})
    assert.same({ "join x", "leave x" }, seen)
  end)

  it("has nobody to synch with, and no node of its own", function()
    assert.is_true(infinitomata.synch())
    assert.same({}, infinitomata.node.nodes())
    assert.same({}, infinitomata.node.members())
    local node, err = infinitomata.node.self()
    assert.is_nil(node)
    assert.equal("no_node", err.code)
  end)

  it("refuses a way to resolve conflicts that there is not", function()
    local ok, problem = pcall(function() infinitomata.start_link("z", { resolve = "best" }) end)
    assert.is_false(ok)
    assert.matches("branch_spec.lua:%d+: bad option 'resolve'.*best", problem)
  end)

  it("refuses a bad retry policy for a branch or a call", function()
    assert.error_matches(function() infinitomata.start_link("z", { attempts = 0 }) end, "attempts")
    infinitomata.start_fsm("x", "counter", {})
    assert.error_matches(function()
      infinitomata.state("nobody", "state", { attempt = 1 })
    end, "attempt")
  end)

  it("raises on a wrong type where the user called, though nobody has the name", function()
    local wrong = {
      { "start_fsm", {}, "counter" },
      { "start_fsm", "x", 1 },
      { "transition", "x", 1 },
      { "transition", "x", "add", 1, -5 },
      { "call", "x", "add", 1, "soon" },
      { "state", "x", "half" },
      { "allowed", "x", 5 },
      { "responds", "x" },
      { "can", "x", 5 },
      { "reset_timer", "x", "yes" },
      { "reset_timer", "x", true, -1 },
      { "synch", { 5 } },
      { "start_link", "z", { bogus = 1 } },
      { "start_link", "z", { attempts = "many" } },
      { "configure", { bogus = 1 } },
      { "configure", { attempts = -1 } },
    }
    for _, call in ipairs(wrong) do
      local ok, problem = pcall(function()
        return (infinitomata[call[1]](table.unpack(call, 2, 6)))
      end)
      assert.is_false(ok, call[1])
      assert.matches("branch_spec.lua:%d+: bad .*'" .. call[1] .. "'", problem)
    end
  end)
end)
