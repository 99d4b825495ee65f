-- SPDX-License-Identifier: MIT
local finitomata = require "finitomata"
local support = require "spec.support.cli"
local run = support.run

describe("infinitomata draw", function()
  local folder
  before_each(function() folder = support.folder() end)
  after_each(function() folder.remove() end)

  local DIAGRAM = "a --> |b| c\nc --> |d!| e"
  local function door() return folder.write("door.lua", ([[
    local f = require "finitomata"
    return f.define { fsm = "%s" }]]):format((DIAGRAM:gsub("\n", "\\n")))) end
  local function two() return folder.write("two.lua", [[
    local f = require "finitomata"
    f.define { fsm = "a --> |b| c", name = "one" }
    f.define { fsm = "x --> |y| z", name = "other" }]]) end

  it("prints Mermaid that is read back as the same FSM", function()
    local status, out = run("draw", door())
    assert.equal(0, status)
    assert.same(finitomata.parse(DIAGRAM), finitomata.parse(out))
  end)
  it("prints PlantUML that is read back as the same states", function()
    local _, out = run("draw", door(), "--format", "plantuml")
    assert.matches("^@startuml\n.*\na %-%-> c : b\n.*@enduml\n$", out)
  end)
  it("prints Graphviz' language", function()
    local _, out = run("draw", door(), "--format", "dot")
    assert.matches('^digraph .*"a" %-> "c" %[label="b"%].*}\n$', out)
  end)
  it("draws a picture for a terminal", function()
    local _, out = run("draw", door(), "--format", "text")
    for _, word in ipairs { "a", "b", "c", "d!", "e" } do
      assert.matches(" " .. word .. "%s", out)
    end
    assert.matches("v", (out:gsub("▼", "v")))
  end)
  it("draws a diagram by itself, and changes its language", function()
    local path = folder.write("x.mmd", "graph TD\n  a --> |b| c\n")
    local _, out = run("draw", path, "--format", "plantuml")
    assert.matches("a %-%-> c : b", out)
  end)
  it("draws all definitions of a file, or the one that is named", function()
    local _, out = run("draw", two())
    assert.matches("a %-%-> |b| c.*\n\n.*x %-%-> |y| z", out)
    _, out = run("draw", two(), "--name", "other")
    assert.equal("graph TD\n    x --> |y| z\n", out)
    local status, _, err = run("draw", two(), "--name", "third")
    assert.equal(1, status)
    assert.matches("there is no definition 'third', but one, other", err)
  end)
  it("wants to know which of several to lay out", function()
    local status, _, err = run("draw", two(), "--format", "svg")
    assert.equal(2, status)
    assert.matches("choose one with %-%-name", err)
  end)
  it("writes a file", function()
    local path = folder.path .. "/out.mmd"
    local status, out = run("draw", door(), "--out", path)
    assert.same({ 0, "" }, { status, out })
    assert.matches("^graph TD\n", folder.read("out.mmd"))
    status = run("draw", door(), "--out", folder.path .. "/no/such/folder")
    assert.equal(1, status)
  end)
  it("does not draw what is faulty", function()
    local status, out, err = run("draw", folder.write("x.mmd", "a -> b"))
    assert.same({ 1, "" }, { status, out })
    assert.matches("x.mmd:1:3: '%-%->' expected", err)
    status, out, err = run("draw", folder.write("x.lua", "return {}"))
    assert.equal("", out)
    assert.equal(1, status)
    assert.matches("no definition found", err)
  end)
end)
