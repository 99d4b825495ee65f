-- SPDX-License-Identifier: MIT
local finitomata = require "finitomata"
local walks = require "infinitomata.generator.walks"

local function of(fsm, options)
  options = options or {}
  options.fsm = fsm
  return walks.of(finitomata.define(options))
end

describe("walks.of", function()
  it("uses every edge in one walk where that is possible", function()
    local found, missed = of([[
      ready --> |on!| closed
      opened --> |walk_in| closed
      closed --> |coin_in| opened
      closed --> |switch_off| switched_off
    ]], { auto_terminate = true })
    assert.same({}, missed)
    assert.equal(1, #found)
    assert.same({ "ready", "closed" }, found[1].passed)
    assert.same({
      { event = "coin_in", to = "opened", choice = false, passed = { "opened" } },
      { event = "walk_in", to = "closed", choice = false, passed = { "closed" } },
      { event = "switch_off", to = "switched_off", choice = false,
        passed = { "switched_off", "*" } },
    }, found[1].steps)
  end)
  it("begins anew where the FSM has ended", function()
    local found = of("a --> |b| c, d")
    assert.equal(2, #found)
    assert.is_true(found[1].steps[1].choice)
    assert.same({ "c", "d" }, { found[1].steps[1].to, found[2].steps[1].to })
  end)
  it("goes a used way to an edge that is not used yet", function()
    local found = of("a --> |b| c\nc --> |f| a\nc --> |d| e\n[*] --> a")
    assert.equal(1, #found)
    local events = {}
    for i, step in ipairs(found[1].steps) do events[i] = step.event end
    assert.same({ "b", "f", "b", "d", "__end__" }, events)
  end)
  it("decides once in a walk where an automatic event leads", function()
    local found = of("a --> |b!| c, d\nc --> |back| a\nd --> |on| e\n[*] --> a")
    assert.equal(2, #found)
    assert.same({ a = "c" }, found[1].choices)
    assert.same({ a = "d" }, found[2].choices)
  end)
  it("does not walk where an automatic event leads round and round", function()
    local found, missed = of("[*] --> a\na --> |b!| a, c")
    assert.equal(1, #found)
    assert.equal(1, #missed)
    assert.same({ "a", "b!", "a" }, { missed[1].from, missed[1].event, missed[1].to })
    assert.same({ c = "e" }, of("[*] --> a\na --> |b!| c\nc --> |d!| a, e")[1].choices)
  end)
  it("does not walk into what goes round by itself for ever", function()
    local found, missed = of("a --> |go| b, c\nb --> |x!| d\nd --> |y!| b")
    assert.equal(1, #found)
    assert.equal("c", found[1].steps[1].to)
    assert.equal(3, #missed)
  end)
end)
