-- SPDX-License-Identifier: MIT
local source = require "infinitomata.source"
local cli = require "spec.support.cli"

describe("source.read", function()
  local folder
  before_each(function() folder = cli.folder() end)
  after_each(function() folder.remove() end)

  local function read(text, name)
    return assert(source.read(folder.write(name or "door.lua", text)))
  end

  --- The faults as lines, like "3:5: ...".
  local function faults(text, name)
    local lines = {}
    for i, fault in ipairs(read(text, name).faults) do
      lines[i] = ("%d:%d: %s%s"):format(fault.line, fault.column,
        fault.warning and "warning: " or "", fault.message)
    end
    return lines
  end

  local function define(rest)
    return "local f = require 'finitomata'\nlocal door = f.define {\n" .. rest .. "\n}\n"
  end

  it("finds every definition of a file, with its name", function()
    local text = define "fsm = 'a --> |b| c',"
    local found = read(text .. define "fsm = 'd --> |e| f', name = 'second'")
    assert.equal(2, #found.definitions)
    assert.equal("door", found.definitions[1].name)
    assert.same({ "d", "f" }, found.definitions[2].definition.states)
    assert.equal("second", found.definitions[2].name)
    assert.equal(6, found.definitions[2].line)
    assert.is_false(found:is_faulty())
  end)

  it("finds a definition that is returned at once", function()
    assert.equal(1, #read("return require 'finitomata'.define { fsm = 'a --> |b| c' }").definitions)
  end)

  it("does not count the definitions of other modules", function()
    folder.write("other.lua", define "fsm = 'a --> |b| c'" .. "return door")
    assert.equal(0, #read("assert(#require 'other'.states == 2)").definitions)
  end)

  it("gives the true line and column of a fault in a diagram", function()
    assert.same({
      "4:7: '-->' expected, found '-'",
      "5:12: the name of an event expected, found '|'",
    }, faults(define "fsm = [[\n    a - b\n    c --> || d\n  ]]"))
  end)

  it("counts the column from the start of the line when the diagram begins in it", function()
    assert.same({ "3:11: '-->' expected, found '-'" }, faults(define "fsm = [[a -> |b| c]]"))
  end)

  it("finds a diagram that was written before", function()
    assert.same({ "2:3: '-->' expected, found '-'" }, faults [==[
local text = [[
a - b]]
return require "finitomata".define { fsm = text }]==])
  end)

  it("tells two definitions with the same diagram apart", function()
    local one = define "fsm = [[\na - b]],"
    assert.same({ "4:3: '-->' expected, found '-'", "9:3: '-->' expected, found '-'" },
      faults(one .. one))
  end)

  it("puts a fault of an option where the option stands", function()
    assert.same({ "4:3: unknown option 'colour'" },
      faults(define "  fsm = 'a --> |b| c',\n  colour = 1,"))
    assert.same({ "4:3: ensure_entry: there is no state `x`" },
      faults(define "  fsm = 'a --> |b| c',\n  ensure_entry = { 'x' },"))
  end)

  it("puts a fault of a callback where it is set", function()
    assert.same({ "5:1: on_enter: there is no state `x`", "6:1: there is no callback 'on_foo'" },
      faults(define "fsm = 'a --> |b| c'"
        .. "door.on_enter = { x = print }\nfunction door.on_foo() end"))
  end)

  it("sees what shows only when all callbacks are there", function()
    local text = define "fsm = 'a --> |b| c',\ntimer = 100"
    assert.same({ "4:1: timer: there is no callback `on_timer`" }, faults(text))
    assert.same({}, faults(text .. "function door.on_timer() end"))
  end)

  it("warns where an ambiguous event has no handler, until it has one", function()
    local text = define "fsm = [[\n  a --> |go| b, c\n]]"
    assert.same({ "4:10: warning: `go` in `a` has several targets (b, c) and no handler" },
      faults(text))
    assert.same({}, faults(text .. "function door.on_transition() return 'b' end"))
  end)

  it("says where a file does not parse or run", function()
    assert.same({ "2:1: unexpected symbol near <eof>" }, faults "local x =\n")
    assert.same({ "2:1: oh" }, faults "\nerror 'oh'")
  end)

  it("leaves alone what cannot be known before the file runs", function()
    local text = define "fsm = 'a --> |b| c', persistency = require 'db'.open(), listener = f.tell"
    assert.same({}, faults(text .. "door.on_enter = require 'luv'.call"))
    assert.same({ "1:1: warning: the diagram is not known before the file runs" },
      faults "require 'finitomata'.define { fsm = io.open('x'):read('a') }")
  end)

  it("does not blame a file for the world that is missing", function()
    local text = define "fsm = 'a --> |b| c', persistency = { load = f.x.load, store = print }"
    assert.same({}, faults(text .. "local ok, why = f.call() print(why.reason)"))
    assert.same({ "1:1: warning: attempt to index a nil value (local 'why')" },
      faults "local ok, why = require 'luv'.call() print(why.reason)")
  end)

  it("reads a diagram by itself", function()
    local found = read("graph TD\r\n  a --> |b| c\r\n", "kettle.mmd")
    assert.equal("kettle", found.definitions[1].name)
    assert.same({ "2:5: '-->' expected, found '-'" },
      faults("graph TD\n  a -> |b| c\n", "kettle.mmd"))
  end)

  it("tells the syntax of a diagram", function()
    for text, syntax in pairs {
      ["a --> |b| c"] = "flowchart",
      ["[*] --> a : b"] = "state_diagram",
      ["@startuml"] = "state_diagram",
      ["stateDiagram-v2"] = "state_diagram",
      [""] = "flowchart",
    } do
      assert.equal(syntax, source.guess_syntax(text))
    end
    assert.equal("state_diagram", source.guess_syntax("", "x.puml"))
  end)

  it("says when there is no file", function()
    local found, err = source.read(folder.path .. "/none.lua")
    assert.is_nil(found)
    assert.equal("no_file", err.code)
  end)
end)
