-- SPDX-License-Identifier: MIT
local completion = require "infinitomata.console.completion"

describe("completion.complete", function()
  local known

  before_each(function()
    local object = setmetatable({ name = "x", _hidden = 1 }, { __index = {
      move = function() end, moved = 1 } })
    package.loaded["spec.gate"] = { states = { "closed", "opened" }, events = { "coin", "walk" } }
    known = {
      env = setmetatable({ object = object, word = "text" },
        { __index = _G, names = { "branch" } }),
      branch = function()
        local rows = {
          ["gate-1"] = { implementation = "spec.gate" },
          ["gate-2"] = { implementation = "spec.gate" },
          ['od"d'] = { implementation = "spec.none" },
        }
        return { all = function() return rows end, row = function(_, name) return rows[name] end }
      end,
      branches = function() return { "default", "orders" } end,
      commands = { state = { arguments = { "fsm" } }, synch = {},
        send = { arguments = { "fsm", "event" } } },
    }
  end)
  after_each(function() package.loaded["spec.gate"] = nil end)

  local function words(before)
    local start, found = completion.complete(before, known)
    return found, before:sub(start)
  end

  it("offers fields of globals", function()
    local found, typed = words "x = string.fo"
    assert.same({ "format" }, found)
    assert.equal("fo", typed)
  end)

  it("offers globals, keywords and what the session adds", function()
    assert.same({ "false", "for", "function" }, (words "f"))
    assert.same({ "branch", "break" }, (words "br"))
    assert.same({ "tonumber", "tostring" }, (words "print(to"))
  end)

  it("offers fields of an object and of what it inherits from", function()
    assert.same({ "move", "moved", "name" }, (words "object."))
  end)

  it("offers only methods after a colon", function()
    assert.same({ "move" }, (words "object:m"))
    assert.same({ "rep", "reverse" }, (words "word:re"))
  end)

  it("offers globals behind two dots", function()
    assert.same({ "branch", "break" }, (words "'a' .. br"))
    assert.same({ "branch", "break" }, (words "word..br"))
    assert.same({ "move", "moved" }, (words "{...}, word..object.mo"))
    assert.equal("br", select(2, words "word..br"))
  end)

  it("offers nothing of a name that is a field of something unknown", function()
    assert.same({}, (words "f(1).object.mo"))
    assert.same({}, (words "list[1]:string.fo"))
  end)

  it("offers private names to those who ask for them", function()
    assert.same({ "_hidden" }, (words "object._"))
  end)

  it("offers nothing of what is not there, and does not raise", function()
    assert.same({}, (words "nothing.at.all"))
    assert.same({}, (words "f()."))
    known.env.trap = setmetatable({}, { __index = function() error "no" end })
    assert.same({}, (words "trap.x.y"))
  end)

  it("offers FSMs as the first argument", function()
    assert.same({ "gate-1", "gate-2" }, (words 'infinitomata.state("ga'))
    assert.same({ "gate-1", "gate-2" }, (words "branch:transition('ga"))
  end)

  it("closes the string when only one name fits", function()
    assert.same({ 'gate-2"' }, (words 'state("gate-2'))
  end)

  it("escapes the quotation mark inside a name", function()
    local found, typed = words 'state("od'
    assert.same({ 'od\\"d"' }, found)
    assert.equal("od", typed)
  end)

  it("offers events of the FSM named before, and states after allowed", function()
    assert.same({ "coin", "walk" }, (words 'branch:call("gate-1", "'))
    assert.same({ 'opened"' }, (words 'allowed("gate-1", "o'))
  end)

  it("offers no events of an FSM that is not there or cannot be loaded", function()
    assert.same({}, (words 'call("gate-9", "'))
    assert.same({}, (words 'call("od\\"d", "'))
  end)

  it("offers nothing inside other strings and comments", function()
    assert.same({}, (words 'print("ga'))
    assert.same({}, (words "-- pri"))
  end)

  it("puts names with blanks into quotation marks for a command", function()
    known.branch = function()
      return { all = function() return { ["gate one"] = {}, ["gate two"] = {}, other = {} } end }
    end
    assert.same({ '"gate one', '"gate two' }, (words ".state ga"))
    assert.same({ '"gate one', '"gate two' }, (words '.state "gate '))
    local found, typed = words '.state "gate o'
    assert.same({ '"gate one"' }, found)
    assert.equal('"gate o', typed)
    assert.same({ "other" }, (words ".state o"))
    assert.same({ "gate one", "gate two", "other" }, (words ".state "))
  end)

  it("puts quotation marks within a name behind a backslash", function()
    known.branch = function()
      return { all = function() return { ["it's \"q\""] = {} } end }
    end
    assert.same({ [["it's \"q\""]] }, (words ".state it"))
    local found, typed = words [[.state "it's \"q]]
    assert.same({ [["it's \"q\""]] }, found)
    assert.equal([["it's \"q]], typed)
    assert.same({}, (words [[.state "it's \"q\"" x]]))
  end)

  it("offers methods of a string", function()
    assert.same({ "rep", "reverse" }, (words '("x"):re'))
  end)

  it("offers what can be drawn", function()
    local definition = setmetatable({}, { __name = "finitomata.Definition" })
    package.loaded["spec.drawn"] = definition
    known.commands.draw = { arguments = { "drawing" } }
    assert.same({ "spec.drawn" }, (words ".draw spec.d"))
    assert.same({ "gate-1", "gate-2" }, (words ".draw gate"))
    package.loaded["spec.drawn"] = nil
  end)

  it("offers commands and their arguments", function()
    assert.same({ "send", "state", "synch" }, (words ".s"))
    assert.same({ "state " }, (words ".st"))
    assert.same({ "gate-1", "gate-2" }, (words ".state ga"))
    assert.same({ "coin", "walk" }, (words ".send gate-1 "))
    assert.same({}, (words ".synch x"))
  end)
end)

describe("completion.common", function()
  it("is what all words begin with", function()
    assert.equal("ga", completion.common { "gate", "gait" })
    assert.equal("", completion.common {})
    assert.equal("x", completion.common { "x" })
  end)
  it("does not end inside a character", function()
    assert.equal("a", completion.common { "aé", "aè" })
  end)
end)
