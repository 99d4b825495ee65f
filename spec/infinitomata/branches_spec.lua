-- SPDX-License-Identifier: MIT
local branches = require "infinitomata.branches"
local infinitomata = require "infinitomata"
local node = infinitomata.node

local MOST <const> = 64

describe("branches", function()
  local started = {}

  local function start(id)
    local branch, err = branches.start(id)
    if branch then started[#started + 1] = branch end
    return branch, err
  end

  after_each(function()
    for _, branch in ipairs(started) do branch:stop() end
    started = {}
    node.leave()
  end)

  it("are one for each id", function()
    local one = start "one"
    assert.equal(one, start "one")
    assert.equal(one, branches.get "one")
    assert.not_equal(one, start "two")
    assert.is_nil(branches.get "three")
  end)

  it("are the default one when nobody names another", function()
    assert.equal(branches.default(), start())
    assert.equal("default", branches.default().id)
  end)

  it("are forgotten when they stop", function()
    start("short"):stop()
    assert.is_nil(branches.get "short")
  end)

  it("are refused by a node that runs as many as it can", function()
    assert(node.start { name = "full", bind = "127.0.0.1:0" })
    for i = #branches.ids() + 1, MOST do assert(start("b" .. i)) end
    local none, err = start "one more"
    assert.is_nil(none)
    assert.equal("overloaded", err.code)
    assert.equal("one more", err.branch)
    assert.is_nil(branches.get "one more")
    started[1]:stop()
    assert(start "one more")
  end)

  it("are refused by a node whose tags have no room for the name", function()
    assert(node.start { name = "full", bind = "127.0.0.1:0" })
    local _, err
    repeat _, err = start("a long name " .. #branches.ids()) until err
    assert.equal("too_big", err.code)
    assert.truthy(tostring(err):find("no room for its name", 1, true))
  end)

  it("that are more than a node can run keep it from starting", function()
    for i = 1, MOST do assert(start("b" .. i)) end
    branches.default()
    local none, err = node.start { name = "full", bind = "127.0.0.1:0" }
    assert.is_nil(none)
    assert.equal("overloaded", err.code)
    assert.is_nil((node.self()))
    started[1]:stop()
    assert(node.start { name = "full", bind = "127.0.0.1:0" })
  end)

  it("give an error when they are to be reconciled with nodes and cannot", function()
    assert(node.start { name = "lone", bind = "127.0.0.1:0" })
    local none, err = require("infinitomata.cluster").synch("nobody runs it")
    assert.is_nil(none)
    assert.equal("no_such_fsm", err.code)
  end)
end)
