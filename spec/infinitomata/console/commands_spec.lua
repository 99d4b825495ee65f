-- SPDX-License-Identifier: MIT
local Session = require "infinitomata.console.session"
local branches = require "infinitomata.branches"
local commands = require "infinitomata.console.commands"
local finitomata = require "finitomata"
local log = require "finitomata.log"

describe("a command", function()
  local session, shown

  setup(function()
    package.preload["spec.turnstile"] = function()
      local turnstile = finitomata.define {
        fsm = "ready --> |on!| closed\nclosed --> |coin| opened\nopened --> |walk| closed\n"
          .. "closed --> |off| switched_off",
        auto_terminate = true,
      }
      function turnstile.on_transition(_, event, amount, payload)
        if event == "coin" and (amount or 0) < 1 then return nil, "too little" end
        if event == "coin" then
          payload.coins = payload.coins + amount
          return "opened", payload
        end
      end
      return turnstile
    end
  end)
  teardown(function()
    package.preload["spec.turnstile"], package.loaded["spec.turnstile"] = nil, nil
  end)
  before_each(function()
    shown = {}
    finitomata.run(function()
      local branch = branches.start "spec-commands"
      assert(branch:start_fsm("gate-1", "spec.turnstile", { coins = 0 }))
      assert(branch:start_fsm("gate 2", "spec.turnstile", { coins = 0 }))
    end)
    session = Session.new {
      write = function(text) shown[#shown + 1] = text end,
      complain = function() end,
    }
    session.branch_id = "spec-commands"
  end)
  after_each(function()
    session:close()
    finitomata.run(function() branches.get "spec-commands":stop() end)
  end)

  local function run(line)
    return finitomata.run(function()
      local text, problem = commands.run(session, line)
      return text, problem and tostring(problem)
    end)
  end

  it("lists the FSMs that fit", function()
    assert.equal("NAME    IMPLEMENTATION  NODE\ngate 2  spec.turnstile  local\n"
      .. "gate-1  spec.turnstile  local", run ".fsms")
    assert.matches("gate%-1", run ".fsms -1")
    assert.equal("no FSM fits", run ".fsms 1*")
    assert.matches("gate 2", run ".fsms g*2")
  end)

  it("shows an FSM, also one with blanks in its name", function()
    assert.matches('current = "closed"', run ".state gate-1")
    assert.matches('name = "gate 2"', run [[.state "gate 2"]])
    assert.matches("nobody", select(2, run ".state nobody"))
  end)

  it("sends an event and shows where it led, or why it did not", function()
    session.env.coin = 3
    assert.equal("opened  { coins = 3 }", run ".send gate-1 coin coin")
    assert.matches("^closed", run ".send gate-1 walk")
    assert.matches("too little", select(2, run ".send gate-1 coin 0"))
    assert.matches("payload:1", select(2, run ".send gate-1 coin {"))
    assert.equal("opened  { coins = 5 }", run [[.send "gate 2" coin ("12345"):len()]])
  end)

  it("says at once that there is no such FSM, and which may be meant", function()
    for _, command in ipairs { ".state", ".send", ".watch" } do
      assert.equal("no FSM is called \"gate-3\" (did you mean 'gate-1'?)",
        select(2, run(command .. " gate-3")))
      assert.equal("no FSM is called \"x\"; .fsms lists those that run",
        select(2, run(command .. " x")))
    end
  end)

  it("says which events an FSM answers when it does not answer this one", function()
    assert.matches("does not answer `nope`; `closed` answers coin, off",
      select(2, run ".send gate-1 nope"), 1, true)
  end)

  it("draws an FSM with its state marked, and a module without", function()
    assert.matches("# => closed #", run ".draw gate-1")
    local text = run ".draw spec.turnstile"
    assert.matches("| closed |", text, 1, true)
    assert.is_nil(text:find("=>", 1, true))
    assert.matches("no FSM and no module", select(2, run ".draw nothing"))
    package.preload["spec.broken"] = function() return finitomata.define { fsm = "a -> b" } end
    local _, problem = run ".draw spec.broken"
    package.preload["spec.broken"] = nil
    assert.matches("cannot be loaded: .*%-%->' expected", problem)
  end)

  it("watches transitions until it is told not to", function()
    assert.equal("gate-1: is in closed", run ".watch gate-1")
    assert.equal("watching gate-1", run ".watch")
    run ".send gate-1 coin 0"
    run ".send gate-1 coin 1"
    assert.matches("^gate%-1: closed %-%-coin%-%-> stays: .*too little", shown[1])
    assert.equal("gate-1: closed --coin--> opened\n", shown[2])
    assert.equal("gate-1 is not watched any more", run ".watch gate-1")
    assert.equal("nothing is watched", run ".watch")
  end)

  it("needs its arguments", function()
    assert.equal("usage: .send NAME EVENT [PAYLOAD]; `closed` answers coin, off",
      select(2, run ".send gate-1"))
  end)

  it("explains itself", function()
    assert.matches("^%.draw NAME  the diagram", run ".help draw")
    assert.matches("^%.draw NAME  the diagram", run ".help .draw")
    assert.equal("there is no command .bogus", select(2, run ".help bogus"))
  end)

  it("sets the level of the log", function()
    local before = run ".log"
    assert.equal("", run ".log error")
    assert.equal("error", run ".log")
    assert.matches("debug, info", select(2, run ".log loud"))
    log.set_level(before)
  end)

  it("speaks of a node only when there is one", function()
    assert.equal("this process runs no node", run ".members")
    assert.matches("this process runs no node", run ".ring gate-1")
    assert.equal("in step: 2 FSMs", run ".synch")
  end)

  it("lists the members by name, and says which one this is", function()
    local node = require "infinitomata.node"
    local self, members = node.self, node.members
    node.self = function() return { name = "b" } end -- luacheck: ignore 122
    node.members = function() -- luacheck: ignore 122
      return { { name = "b", state = "alive", address = "h:2" },
        { name = "c", state = "suspect", address = "h:3" },
        { name = "a", state = "alive", address = "h:1" } }
    end
    local ok, text = pcall(run, ".members")
    node.self, node.members = self, members -- luacheck: ignore 122
    assert.is_true(ok, text)
    assert.equal("NAME  STATE    ADDRESS\na     alive    h:1\nb     alive    h:2      this node\n"
      .. "c     suspect  h:3", text)
  end)

  it("changes the branch, and suggests the one that was meant", function()
    branches.start "spec-other"
    assert.matches("=> spec%-other  0 FSMs", run ".branch spec-other")
    assert.matches("did you mean 'spec%-commands'", select(2, run ".branch spec-comands"))
  end)
end)

describe("commands.words", function()
  it("keeps what is quoted together", function()
    assert.same({ "a", "b c", "d", '"e' }, (commands.words [[a "b c" 'd' "e]]))
  end)

  it("takes a quotation mark behind a backslash into the word", function()
    local words, ends = commands.words [["it's \"q\" \\" 'don\'t' x]]
    assert.same({ [[it's "q" \]], "don't", "x" }, words)
    assert.same({ 16, 25, 27 }, ends)
  end)
end)
