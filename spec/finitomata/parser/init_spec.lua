-- SPDX-License-Identifier: MIT
local parser = require "finitomata.parser"
local random_of = require "finitomata.random"

local function codes(text, syntax)
  local transitions, err = parser.parse(text, syntax)
  if transitions then return "ok" end
  local list = {}
  for i, fault in ipairs(err.faults) do list[i] = fault.code end
  table.sort(list)
  return table.concat(list, " ")
end

describe("The parser", function()
  it("reports every fault of a diagram, with the states it means", function()
    assert.equal("duplicate_transition final_state unreachable_state unreachable_state",
      codes("[*] --> a\na --> |x| b\nb --> |y| b\na --> |x| b\nc --> |z| d\nd --> |z| c"))
    local _, err = parser.parse("a --> |x| c\nb --> |x| c")
    assert.equal("initial_state", err.code)
    assert.same({ "a", "b" }, err.states)
    local _, orphan = parser.parse("[*] --> a : go\na --> [*] : x\na --> b : y", "state_diagram")
    assert.equal("orphan_to_state", orphan.code)
    assert.same({ "b" }, orphan.states)
    assert.equal(3, orphan.line)
  end)

  it("puts the gravest fault first, and shows where each is", function()
    local _, err = parser.parse("b --> c : z\n[*] --> a : go\na --> d : y\na --> [*] : x",
      "state_diagram")
    local kinds = {}
    for i, fault in ipairs(err.faults) do kinds[i] = fault.code .. " " .. fault.states[1] end
    assert.same({ "orphan_from_state b", "orphan_to_state c", "orphan_to_state d" }, kinds)
    assert.equal("line 1, column 1: `b` is left but never entered\n    b --> c : z\n    ^",
      err.faults[1].message)
    local _, endless = parser.parse("a --> b : x\nb --> a : y", "state_diagram")
    assert.equal("initial_state", endless.code)
    assert.equal("final_state", endless.faults[2].code)
  end)

  it("reports what is written twice beside what cannot be read", function()
    assert.equal("duplicate_transition malformed malformed",
      codes("a --> |x| b\na -> |y| b\na --> |x| b\nwhat"))
  end)

  it("may be told that there is no end", function()
    for syntax, text in pairs { flowchart = "[*] --> a\na --> |x| b\nb --> |y| a",
      state_diagram = "[*] --> a : go\na --> b : x\nb --> a : y" } do
      assert.equal("final_state", codes(text, syntax))
      assert.equal(3, #parser.read(text, syntax, { endless = true }))
    end
  end)

  it("tells an empty text from one that says nothing", function()
    assert.equal("empty", codes(""))
    assert.equal("malformed", codes("\n%% nothing\n"))
  end)

  it("takes another parser", function()
    local arrows = {
      parse = function(text)
        local list = {}
        for from, event, to in text:gmatch("(%S+) (%S+) (%S+)") do
          list[#list + 1] = { from = from, event = event, to = to }
        end
        if #list == 0 then return nil, { code = "malformed", line = 7, message = "no arrows" } end
        return list
      end,
    }
    local transitions = assert(parser.parse("* go a, a stop *", {
      parse = function(text) return arrows.parse((text:gsub(",", ""))) end }))
    assert.equal(2, #transitions)
    local _, err = parser.parse("x", arrows)
    assert.same({ "malformed", 7, "no arrows" }, { err.code, err.line, err.message })
  end)

  it("survives another parser that raises, or answers nonsense", function()
    assert.equal("malformed", codes("x", { parse = function() error "oops" end }))
    assert.equal("malformed", codes("x", { parse = function() return nil, "no" end }))
    assert.equal("malformed", codes("x", { parse = function() return { 1 } end }))
    assert.equal("initial_state",
      (codes("x", { parse = function() return {} end }):match("initial_state")))
  end)

  it("adds edges from every state that goes on", function()
    local list = parser.read("a --> |x| b\nb --> |y| c\nb --> |stop| d", nil,
      { any = { stop = "d" } })
    local from = {}
    for _, t in ipairs(list) do
      if t.event == "stop" then from[#from + 1] = t.from .. t.to end
    end
    table.sort(from)
    assert.same({ "ad", "bd" }, from)
    local chain = parser.read("a --> |x| b\nb --> |go!| c\nc --> |stop| d", nil,
      { any = { stop = "d" } })
    assert.equal(6, #chain) -- nothing is added to a state that leaves by itself
  end)
end)

-- Diagrams of few states, all of whose edges are well formed.
describe("Any diagram", function()
  local function any_diagram(random, syntax)
    local count, lines = 1 + random:below(5), {}
    local function state() return "s" .. 1 + random:below(count) end
    for i = 1, 1 + random:below(7) do
      local what, event = random:below(6), "e" .. random:below(4)
      if syntax == "state_diagram" then
        lines[i] = ("%s --> %s : %s"):format(what == 0 and "[*]" or state(),
          what == 1 and "[*]" or what == 2 and state() .. ",[*]" or state(), event)
      elseif what < 2 then
        lines[i] = what == 0 and "[*] --> " .. state() or state() .. " --> [*]"
      else
        lines[i] = ("%s --> |%s| %s"):format(state(), event, state())
      end
    end
    return table.concat(lines, "\n")
  end

  it("is written as it was read", function()
    local seed = tonumber(os.getenv("SEED")) or os.time()
    local random, good = random_of.new(seed), 0
    for round = 1, 4000 do
      local syntax = round % 2 == 0 and "flowchart" or "state_diagram"
      local text = any_diagram(random, syntax)
      local transitions = parser.parse(text, syntax)
      if transitions then
        good = good + 1
        local lint = parser.syntax(syntax).lint(transitions)
        assert.same(transitions, (parser.parse(lint, syntax)), ("SEED=%d\n%s"):format(seed, text))
      end
    end
    assert.is_true(good > 100)
  end)
end)

-- Whatever comes in: no error, no endless loop, and every line is in an edge, in a
-- fault, or one of those that say nothing.
describe("Any text", function()
  local WORDS = { "a", "b", "go!", "x?", "[*]", "-->", "->", "|", "||", ":", ",", ";", " ", "\t",
    "\n",
    "\r\n", "%%", "graph TD", "stateDiagram-v2", "@startuml", "@enduml", "---", "title x",
      "note left of a",
    "end note", "'", "[", "]", "((", "))", "\"", "state ", "\0", "\xFF", "\xC3\xA9", "Hot", "1",
      "_",
    "subgraph q", "end", "{", "}", "{{", ":::", "%", "^", "$", "(", "." }
  local SYNTAXES = { "flowchart", "state_diagram" }

  local function any_text(random)
    local parts = {}
    for i = 1, random:below(40) do parts[i] = WORDS[1 + random:below(#WORDS)] end
    return table.concat(parts)
  end

  local function damaged(random)
    local text = "a --> |x| b\nb --> |y| c,d\nc --> |z!| e\n[*] --> a : go\na --> [*] : stop\n"
    for _ = 1, 1 + random:below(4) do
      local at = 1 + random:below(#text)
      local kind = random:below(3)
      local byte = kind == 0 and "" or string.char(random:below(256))
      text = text:sub(1, at - 1) .. byte .. text:sub(at + (kind == 2 and 0 or 1))
    end
    return text
  end

  local function check(text, syntax)
    local transitions, err = parser.parse(text, syntax)
    if transitions then
      local lint = parser.syntax(syntax).lint(transitions)
      assert.same(transitions, (parser.parse(lint, syntax)), text)
      return
    end
    assert.is_true(#err.faults > 0)
    for _, fault in ipairs(err.faults) do
      assert.equal("string", type(fault.code))
      assert.equal("string", type(fault.message))
      if fault.code == "malformed" then
        assert.is_true(fault.line >= 1 and fault.column >= 1)
        assert.equal("string", type(fault.text))
      end
    end
  end

  it("is read without harm", function()
    local seed = tonumber(os.getenv("SEED")) or os.time()
    local random = random_of.new(seed)
    for round = 1, 4000 do
      local text = round % 2 == 0 and any_text(random) or damaged(random)
      for _, syntax in ipairs(SYNTAXES) do
        local ok, message = pcall(check, text, syntax)
        if not ok then
          error(("SEED=%d, %s, %q: %s"):format(seed, syntax, text, tostring(message)), 0)
        end
      end
    end
  end)

  it("may be long", function()
    local lines = {}
    for i = 1, 3000 do lines[i] = ("s%d --> |e| s%d"):format(i, i + 1) end
    assert.equal("ok", codes(table.concat(lines, "\n")))
    assert.equal("malformed", codes(("x"):rep(100000)))
    assert.equal("malformed", codes(("a[" ):rep(20000)))
  end)
end)

-- A line that is damaged so that it is no line of a diagram must be reported.
describe("No malformed line", function()
  it("is dropped", function()
    local JUNK = { "nonsense", "a -> b", "a --> b", "a --> |x|", "--> |x| b", "a --> |X| b",
      "| a |",
      "a --> |x| b c", "a --> |x| b,", "# comment", "a |x| b" }
    for _, junk in ipairs(JUNK) do
      for _, place in ipairs { 1, 2, 3 } do
        local lines = { "a --> |x| b", "b --> |y| c" }
        table.insert(lines, place, junk)
        for _, ending in ipairs { "\n", "\r\n", "" } do
          local text = table.concat(lines, ending == "" and "\n" or ending) .. ending
          local _, err = parser.parse(text)
          assert.equal("malformed", err and err.code, text)
          assert.equal(place, err.line, text)
        end
      end
    end
  end)
end)
