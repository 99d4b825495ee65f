-- SPDX-License-Identifier: MIT
local finitomata = require "finitomata"

describe("finitomata", function()
  it("gives the same branch for the same id, until it is stopped", function()
    local clock = finitomata.virtual_clock()
    local branch = finitomata.start_link("a branch", { clock = clock })
    assert.equal(branch, finitomata.start_link("a branch"))
    assert.equal("a branch", branch.id)
    assert.same({ id = "a branch", start = { "finitomata", "start_link", { "a branch" } } },
      branch:child_spec())
    branch:stop()
    assert.are_not.equal(branch, finitomata.start_link("a branch", { clock = clock }))
    finitomata.start_link("a branch"):stop()
  end)

  it("offers all calls as functions on the default branch", function()
    finitomata.start_link():stop() -- whatever ran there before
    local clock = finitomata.virtual_clock()
    local branch = finitomata.start_link { clock = clock }
    assert.same({ "default", clock }, { branch.id, branch.clock })
    local definition = finitomata.define { fsm = "a --> |x| b\nb --> |y| c" }
    assert(finitomata.start_fsm("one", definition, { n = 1 }))
    assert.equal("b", (finitomata.call("one", "x")))
    assert.is_true(finitomata.transition("one", "y"))
    assert.equal("c", finitomata.state("one", "state"))
    assert.is_true(finitomata.alive("one"))
    assert.is_false((finitomata.allowed("one", "a")))
    assert.is_true(finitomata.responds("one", "__end__"))
    assert.is_true(finitomata.can("one", "__end__"))
    assert.equal(1, finitomata.count())
    assert.equal("one", finitomata.random())
    assert.is_truthy(finitomata.all().one)
    assert.is_true(finitomata.stop_fsm("one"))
    assert.is_true(finitomata.stop())
  end)

  it("refuses what it cannot use", function()
    assert.error_matches(function() finitomata.start_link("x", { clok = 1 }) end,
      "unknown option 'clok'")
    assert.error_matches(function() finitomata.start_link("x", { clock = {} }) end,
      "a clock expected")
    assert.error_matches(function() finitomata.parse(3) end, "string expected")
    assert.error_matches(function() finitomata.parse("x", "dot") end, "unknown syntax 'dot'")
    assert.error_matches(function() finitomata.run(3) end, "function expected")
    assert.error_matches(function() finitomata.spawn(3) end, "function expected")
    assert.error_matches(function() finitomata.sleep("x") end, "milliseconds expected")
    assert.error_matches(function() finitomata.sleep() end, "number expected")
  end)

  it("runs a function until it returns, and returns what it returned", function()
    assert.same({ 1, nil, 3, n = 3 }, table.pack(finitomata.run(function(...) return ... end, 1,
      nil, 3)))
    assert.error_matches(function() finitomata.run(function() error("inside") end) end, "inside")
    local err = {}
    local _, raised = pcall(finitomata.run, function() error(err) end)
    assert.equal(err, raised)
    assert.equal("nested", finitomata.run(function()
      return finitomata.run(function() return "nested" end)
    end))
  end)

  it("spawns functions that go on while others wait", function()
    local order = {}
    finitomata.run(function()
      finitomata.spawn(function() order[#order + 1] = "spawned" end)
      finitomata.sleep(0)
      order[#order + 1] = "after"
    end)
    assert.same({ "spawned", "after" }, order)
  end)

  it("waits for what a callback is told", function()
    local function later(a, b, callback)
      finitomata.spawn(function()
        finitomata.sleep(1)
        callback(a + b, nil, "third")
      end)
    end
    local function at_once(callback) callback("now") end
    local function never() return nil, "ENOENT: no such file", "ENOENT" end
    for _, run in ipairs { finitomata.run, function(fn) return fn() end } do
      run(function()
        assert.same({ 7, nil, "third", n = 3 }, table.pack(finitomata.await(later, 3, 4)))
        assert.equal("now", finitomata.await(at_once))
        assert.same({ nil, "ENOENT: no such file", "ENOENT", n = 3 },
          table.pack(finitomata.await(never)))
      end)
    end
    assert.error_matches(function() finitomata.await("later") end,
      "bad argument #1 to 'await' (function expected, got string)", 1, true)
  end)

  it("lets other FSMs go on while a handler waits for a callback", function()
    local answer
    local slow = finitomata.define { fsm = "a --> |x| b\nb --> |y| c" }
    function slow.on_transition(_, event)
      if event == "x" then finitomata.await(function(callback) answer = callback end) end
    end
    finitomata.run(function()
      local branch = finitomata.start_link "awaiting"
      assert(branch:start_fsm("one", slow))
      assert(branch:start_fsm("two", slow, {}))
      branch:transition("one", "x")
      finitomata.sleep(0)
      assert.equal("a", branch:state("two", "state"))
      assert.is_function(answer)
      answer()
      assert.equal("b", branch:state("one", "state"))
      branch:stop()
    end)
  end)

  it("has the calls of a branch that its types say, and infinitomata has them too", function()
    local declared, calls = {}, {}
    for line in io.lines "lua/meta/calls.lua" do
      declared[line:match "^%-%-%-@field ([%w_]+)" or ""] = true
    end
    declared[""] = nil
    for name in pairs(getmetatable(finitomata.start_link()).__index) do
      if type(finitomata[name]) == "function" and name ~= "flow" then calls[name] = true end
    end
    assert.same(calls, declared)
    local cluster = require "infinitomata"
    for name in pairs(declared) do assert.is_function(cluster[name], name) end
  end)

  it("is the version that it is", function()
    assert.matches("^%d+%.%d+%.%d+$", finitomata._VERSION)
  end)
end)
