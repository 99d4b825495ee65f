-- SPDX-License-Identifier: MIT
local json = require "infinitomata.json"
local support = require "spec.support.cli"
local run = support.run

describe("infinitomata lint", function()
  local folder
  before_each(function() folder = support.folder() end)
  after_each(function() folder.remove() end)

  local GOOD = "return require 'finitomata'.define { fsm = 'a --> |b| c' }"
  local BAD = "return require 'finitomata'.define {\nfsm = [[\n  a -> |b| c]] }"
  local AMBIGUOUS = "return require 'finitomata'.define {\nfsm = [[\n  a --> |b| c, d]] }"

  it("is silent about a good file", function()
    local status, out, err = run("lint", folder.write("good.lua", GOOD))
    assert.same({ 0, "", "" }, { status, out, err })
  end)
  it("prints faults as an editor wants them, and fails", function()
    local path = folder.write("bad.lua", BAD)
    local status, out = run("lint", path)
    assert.equal(1, status)
    assert.equal(path .. ":3:5: '-->' expected, found '-'\n", out)
  end)
  it("checks all files that it is given", function()
    local bad, good = folder.write("bad.lua", BAD), folder.write("good.lua", GOOD)
    local diagram = folder.write("x.mmd", "a --> |b|\n")
    local status, out = run("lint", bad, good, diagram)
    assert.equal(1, status)
    assert.equal(bad .. ":3:5: '-->' expected, found '-'\n"
      .. diagram .. ":1:10: the name of a state expected, the line ends\n", out)
  end)
  it("checks the others when one cannot be read", function()
    local bad = folder.write("bad.lua", BAD)
    local status, out, err = run("lint", folder.path .. "/none.lua", bad)
    assert.equal(1, status)
    assert.equal(bad .. ":3:5: '-->' expected, found '-'\n", out)
    assert.matches("none.lua: No such file", err)
    assert.equal(1, (run("lint", folder.path .. "/none.lua", folder.write("good.lua", GOOD))))
  end)
  it("marks warnings, which fail only when asked to", function()
    local path = folder.write("ambiguous.lua", AMBIGUOUS)
    local status, out = run("lint", path)
    assert.equal(0, status)
    assert.equal(path .. ":3:10: warning: `b` in `a` has several targets (c, d) and no handler\n",
      out)
    assert.equal(1, (run("lint", "--strict", path)))
  end)
  it("prints JSON", function()
    local path = folder.write("bad.lua", BAD)
    local status, out = run("lint", "--json", path)
    assert.equal(1, status)
    assert.same({ { file = path, line = 3, column = 5, warning = false,
      message = "'-->' expected, found '-'" } }, json.decode(out))
    assert.equal("[]\n", select(2, run("lint", "--json", folder.write("good.lua", GOOD))))
  end)
  it("says when there is no file, and when there is nothing in it", function()
    local status, _, err = run("lint", folder.path .. "/none.lua")
    assert.equal(1, status)
    assert.matches("none.lua: No such file", err)
    status, _, err = run("lint", folder.write("empty.lua", "return {}"))
    assert.equal(0, status)
    assert.equal("no definition found\n", err)
  end)
  it("reads a diagram in the syntax that it is told", function()
    local path = folder.write("x.txt", "[*] --> a : go\na --> [*] : stop\n")
    assert.equal(0, (run("lint", path)))
    assert.equal(1, (run("lint", "--syntax", "flowchart", path)))
  end)
end)
