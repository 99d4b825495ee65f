-- SPDX-License-Identifier: MIT
local definitions = require "finitomata.definition"
local finitomata = require "finitomata"

local TURNSTILE = [[
  ready --> |on!| closed
  opened --> |walk_in| closed
  closed --> |coin_in| opened
  closed --> |look?| closed
  closed --> |switch_off| switched_off
]]

local function failure(options)
  local ok, err = pcall(finitomata.define, options)
  assert.is_false(ok)
  return err
end

describe("A definition", function()
  local d = finitomata.define { fsm = TURNSTILE, name = "turnstile" }

  it("shows what it is", function()
    assert.equal("turnstile", d.name)
    assert.equal("ready", d.entry)
    assert.same({ "switched_off" }, d.exits)
    assert.same({ "ready", "closed", "opened", "switched_off" }, d.states)
    assert.same({ "on!", "walk_in", "coin_in", "look?", "switch_off" }, d.events)
    assert.equal(7, #d.transitions)
    assert.same({ from = "*", to = "ready", event = "__start__" }, d.transitions[1])
    assert.same({ "ready", "on!" }, { d.hard[1].state, d.hard[1].event })
    assert.same({ "closed", "look?" }, { d.soft[1].state, d.soft[1].event })
    assert.same({}, d.ambiguous)
    assert.equal(TURNSTILE, d.dsl)
    assert.equal("finitomata.Definition<turnstile>", tostring(d))
  end)

  it("answers what may happen", function()
    assert.is_true(d:allowed("closed", "opened"))
    assert.is_false(d:allowed("opened", "switched_off"))
    assert.is_true(d:responds("closed", "coin_in"))
    assert.is_false(d:responds("opened", "coin_in"))
    assert.same({ "opened" }, d:targets("closed", "coin_in"))
    assert.same({}, d:targets("nowhere", "coin_in"))
    assert.equal("opened", d:guess("closed", "coin_in"))
    assert.equal("undefined_transition", select(2, d:guess("opened", "coin_in")).code)
  end)

  it("lists every event with several targets", function()
    local many = finitomata.define {
      fsm = "a --> |p| b,c\na --> |q| b,c\nb --> |x| z\nc --> |x| z",
    }
    assert.same({ { "a", "p", { "b", "c" } }, { "a", "q", { "b", "c" } } }, {
      { many.ambiguous[1].state, many.ambiguous[1].event, many.ambiguous[1].targets },
      { many.ambiguous[2].state, many.ambiguous[2].event, many.ambiguous[2].targets } })
    assert.equal("ambiguous_transition", select(2, many:guess("a", "p")).code)
    assert.equal(2, #many:check())
    many.on_transition = { a = { p = function() return "b" end, q = function() return "c" end } }
    assert.equal(0, #many:check())
  end)

  it("draws itself, and can be read back from every drawing", function()
    assert.same(d.transitions, (finitomata.parse(d:lint())))
    assert.same(d.transitions, (finitomata.parse(d:mermaid())))
    local sd = finitomata.define { syntax = "state_diagram",
      fsm = "[*] --> a : go\na --> a : spin\na --> [*] : stop" }
    assert.same(sd.transitions, (finitomata.parse(sd:lint(), "state_diagram")))
    assert.same(sd.transitions, (finitomata.parse(sd:mermaid(), "state_diagram")))
    assert.same(sd.transitions, (finitomata.parse(sd:plantuml(), "state_diagram")))
    assert.matches("^digraph fsm {.*\"closed\" %-> \"opened\" %[label=\"coin_in\"%].*}$", d:dot())
    assert.matches("closed --> opened : coin_in", d:plantuml(), 1, true)
  end)

  it("describes itself", function()
    local text = d:describe()
    for _, part in ipairs { "turnstile", "entry:  ready", "loops:",
      "closed --coin_in--> opened" } do
      assert.matches(part, text, 1, true)
    end
    local more = finitomata.define { fsm = "a --> |x| b", auto_terminate = { "b" }, timer = 50,
      after = { a = { 100, "x" } }, on_timer = print, guards = { a = { x = print } } }:describe()
    assert.matches("option: after = { a = { 100, x } }\noption: auto_terminate = { b }\n"
      .. "option: guards = { a = { x = f } }\noption: timer = 50\n", more, 1, true)
    assert.is_nil(more:find("on_timer"))
  end)

  it("has a hash of its diagram, and of nothing else", function()
    local again = finitomata.define { fsm = "graph TD\n" .. TURNSTILE, timer = 5, on_timer = print }
    assert.equal(d.hash, again.hash)
    assert.are_not.equal(d.hash, finitomata.define { fsm = "a --> |x| b" }.hash)
  end)

  it("warns of states without a way to the end", function()
    local trap = finitomata.define { fsm = "a --> |x| b\na --> |y| c\nb --> |z| b2\nb2 --> |z| b" }
    assert.equal(2, #trap.warnings)
    assert.matches("no way from `b` to the end", trap.warnings[1], 1, true)
  end)

  it("takes callbacks as fields, and refuses those that cannot be right", function()
    local own = finitomata.define { fsm = TURNSTILE }
    local function f() end
    own.on_enter = { opened = f }
    assert.equal(f, own.on_enter.opened)
    assert.error_matches(function() own.on_enter = { open = f } end, "no state `open`")
    assert.error_matches(function() own.on_entre = f end, "no callback 'on_entre'")
    assert.error_matches(function() own.on_transition = 3 end, "function or table expected")
    own.anything_else = 7
    assert.equal(7, own.anything_else)
  end)

  it("finds its name where its module is loaded", function()
    local own = finitomata.define { fsm = TURNSTILE }
    assert.is_nil(own.name)
    package.loaded["spec.of.a.turnstile"] = own
    assert.equal("spec.of.a.turnstile", own.name)
    package.loaded["spec.of.a.turnstile"] = nil
  end)

  it("is what `is` says it is", function()
    assert.is_true(definitions.is(d))
    assert.is_false(definitions.is({}))
  end)

  it("cannot run a timer without a callback", function()
    local plan, err = definitions.plan(finitomata.define { fsm = TURNSTILE, timer = 5 })
    assert.is_nil(plan)
    assert.equal("no_timer_callback", err.code)
  end)

  it("wants a handler for every choice when it is strict", function()
    local strict = finitomata.define { fsm = "a --> |x| b,c", strict = true }
    assert.equal("ambiguous_transition", select(2, definitions.plan(strict)).code)
    strict.on_transition = { a = { x = function() return "b" end } }
    assert.is_truthy(definitions.plan(strict))
  end)
end)

describe("A definition without an end", function()
  it("is one that says so", function()
    local text = "[*] --> day\nday --> |dusk| night\nnight --> |dawn| day"
    assert.equal("final_state", failure({ fsm = text }).code)
    local sun = finitomata.define { fsm = text, endless = true, auto_terminate = true }
    assert.same({ {}, {}, {} }, { sun.exits, sun:paths(), sun:check() })
    assert.equal(2, #sun:loops())
    assert.equal(3, #finitomata.define({ fsm = sun:lint(), endless = true }).transitions)
  end)
end)

describe("A definition that cannot be", function()
  it("is refused with every fault in it", function()
    local err = failure { fsm = "a --> |x!| b\na --> |y| c", timer = 0, on_enter = { q = print },
      ensure_entry = { "moon" } }
    local codes = {}
    for _, fault in ipairs(err.faults) do codes[fault.code] = true end
    assert.same({ hard_not_determined = true, bad_option = true, unknown_state = true }, codes)
    assert.equal(4, #err.faults)
    assert.matches("moon", tostring(err))
  end)

  it("is refused for its missing on_timer when it brings other callbacks along", function()
    local err = failure { fsm = "a --> |x| b", timer = 5, on_enter = print }
    assert.equal("no_timer_callback", err.code)
    assert.matches("definition_spec.lua:%d+: timer", tostring(err))
    local later = finitomata.define { fsm = "a --> |x| b", timer = 5 }
    later.on_timer = print
    assert.is_truthy(definitions.plan(later))
  end)

  it("names the line of the file in which the diagram stands", function()
    local line = debug.getinfo(1, "l").currentline
    local err = failure { fsm = [[
      first --> |x| second
      this is wrong
    ]] }
    assert.equal(line + 3, err.faults[1].file_line)
    assert.matches("definition_spec.lua:" .. line + 3, tostring(err), 1, true)
    assert.equal(2, err.line)
    assert.equal(12, err.column)
    assert.matches("      this is wrong\n               ^", tostring(err), 1, true)
  end)

  it("points to the caller when it is no table at all", function()
    local line = debug.getinfo(1, "l").currentline + 1
    local _, message = pcall(function() finitomata.define(3) end)
    assert.matches("definition_spec.lua:" .. line, message, 1, true)
    assert.matches("table expected, got number", message, 1, true)
  end)
end)
