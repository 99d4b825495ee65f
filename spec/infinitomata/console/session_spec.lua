-- SPDX-License-Identifier: MIT
local Session = require "infinitomata.console.session"
local branches = require "infinitomata.branches"
local finitomata = require "finitomata"
local task = require "finitomata.task"

describe("a session", function()
  local shown, complained, session

  before_each(function()
    shown, complained = {}, {}
    session = Session.new {
      write = function(text) shown[#shown + 1] = text end,
      complain = function(text) complained[#complained + 1] = text end,
    }
  end)
  after_each(function()
    session:close()
    _G.spec_session = nil
  end)

  ---Types lines, one after the other; gives what became of the last.
  local function type_lines(...)
    local lines = table.pack(...)
    return finitomata.run(function()
      local status
      for _, line in ipairs(lines) do
        local waiter = task.waiter()
        session:feed(line, function(result) task.wake(waiter, result) end)
        status = task.wait(waiter, 5000)
      end
      return status
    end)
  end

  local function output() return table.concat(shown) end
  local function complaints() return table.concat(complained) end

  it("prints the values of expressions", function()
    assert.equal("ok", type_lines "1 + 1, 'x'")
    assert.equal("2\tx\n", output())
  end)

  it("prints nothing for statements", function()
    assert.equal("ok", type_lines "x = 1")
    assert.equal("", output())
  end)

  it("keeps globals to itself, and sees those of the process", function()
    _G.spec_session = "shared"
    type_lines("mine = 5", "mine, spec_session")
    assert.equal("5\tshared\n", output())
    assert.is_nil(rawget(_G, "mine"))
    assert.is_nil(rawget(Session.new { write = print, complain = print }.env, "mine"))
  end)

  it("makes one chunk of several lines, under another prompt", function()
    assert.equal("> ", session:prompt())
    assert.equal("more", type_lines "for i = 1, 2 do")
    assert.equal(">> ", session:prompt())
    assert.equal("ok", type_lines("print(i)", "end"))
    assert.equal("1\n2\n", output())
    assert.equal("> ", session:prompt())
  end)

  it("takes its prompts from _PROMPT and _PROMPT2", function()
    type_lines "_PROMPT = 'fsm> '"
    type_lines "_PROMPT2 = setmetatable({}, {__tostring = function() return '..' end})"
    assert.equal("fsm> ", session:prompt())
    type_lines "("
    assert.equal("..", session:prompt())
  end)

  it("survives a prompt that cannot be made", function()
    type_lines "_PROMPT = setmetatable({}, {__tostring = function() error 'x' end})"
    assert.equal("> ", session:prompt())
  end)

  it("says what is wrong, and goes on", function()
    assert.equal("error", type_lines "x = = 1")
    assert.equal("error", type_lines "error 'oops'")
    assert.equal("console:1: unexpected symbol near '='\nconsole:1: oops\n", complaints())
    assert.equal("ok", type_lines "1")
  end)

  it("ends a chunk that stays incomplete with what is missing", function()
    type_lines "f("
    assert.is_true(session:finish())
    assert.matches("near <eof>", complaints())
    assert.is_false(session:finish())
  end)

  it("forgets lines that are given up", function()
    type_lines "f("
    assert.is_false(session:interrupt())
    assert.equal("> ", session:prompt())
  end)

  it("tells what there is", function()
    type_lines "help()"
    assert.matches("infinitomata", output())
    assert.matches("%.fsms %[PATTERN%]", output())
  end)

  it("has the branch at hand", function()
    type_lines "branch.id"
    assert.equal("default\n", output())
    branches.start "spec-session"
    type_lines(".branch spec-session", "branch.id")
    assert.matches("spec%-session\n$", output())
  end)

  it("runs commands, and only at the beginning of a chunk", function()
    assert.equal("ok", type_lines ".5 + 1")
    assert.equal("1.5\n", output())
    assert.equal("quit", type_lines ".quit")
  end)

  it("suggests the command that was meant", function()
    assert.equal("error", type_lines ".mmbers")
    assert.equal("there is no command .mmbers; did you mean .members?\n", complaints())
  end)

  it("completes over the lines typed so far", function()
    type_lines "print("
    local start, words = session:complete "string.form"
    assert.equal(8, start)
    assert.same({ "format" }, words)
  end)

  it("runs a command for -e", function()
    local outcomes = finitomata.run(function()
      local outcomes = {}
      for i, text in ipairs { ".fsms", ".fmss" } do
        local waiter = task.waiter()
        session:run(text, function(well) task.wake(waiter, well) end)
        outcomes[i] = task.wait(waiter, 5000)
      end
      return outcomes
    end)
    assert.same({ true, false }, outcomes)
    assert.matches("did you mean .fsms", complaints())
  end)

  it("runs a whole chunk for -e", function()
    local ok = finitomata.run(function()
      local waiter = task.waiter()
      session:run("local x = 2\nreturn x, nil", function(well) task.wake(waiter, well) end)
      return task.wait(waiter, 5000)
    end)
    assert.is_true(ok)
    assert.equal("2\tnil\n", output())
  end)

  it("from afar writes to its own console and cannot end the node", function()
    session = Session.new {
      write = function(text) shown[#shown + 1] = text end,
      complain = function(text) complained[#complained + 1] = text end,
      remote = true,
    }
    type_lines "io.write('a', 1); os.exit(3)"
    assert.equal("a1", output())
    assert.matches("would end the node", complaints())
  end)
end)
