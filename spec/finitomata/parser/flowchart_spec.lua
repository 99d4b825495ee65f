-- SPDX-License-Identifier: MIT
local parser = require "finitomata.parser"

local function shape(text)
  local transitions, err = parser.parse(text, "flowchart")
  if not transitions then return err end
  local list = {}
  for i, t in ipairs(transitions) do list[i] = ("%s-%s-%s"):format(t.from, t.event, t.to) end
  return table.concat(list, " ")
end

local PLAIN = "*-__start__-a a-x-b b-y-c c-__end__-*"

describe("A flowchart", function()
  it("may come as it is pasted from elsewhere", function()
    for _, text in ipairs {
      "graph TD\na --> |x| b\nb --> |y| c",
      "graph TD;\n    a-->|x|b;\n    b-->|y|c;\n",
      "flowchart LR\r\n\r\n\ta\t-->\t| x |\tb\r\n\r\n%% the end\r\n\tb --> |y| c ;",
      "---\ntitle: A lamp\nconfig:\n  theme: dark\n---\nflowchart TB\na --> |x| b\nb --> |y| c",
      "%%{init: {'theme': 'dark'}}%%\ngraph\na --> |x| b\nb --> |y| c\n"
        .. "classDef big fill:#f00\nclass a big",
      "flowchart LR\n  direction LR\n  a[The start] --> |x| b((in, between))\n"
        .. "  b --> |y| c{{\"a | b]\"}}",
      "graph LR\na[Start]\na:::big --> |x| b\nb --> |y| c %% done\nstyle a fill:#fff\n"
        .. "linkStyle 0 x",
      "```mermaid\ngraph TD\na --> |x| b\nb --> |y| c\n```",
      "\xEF\xBB\xBFgraph TD\rsubgraph one\ra --> |x| b\rend\rb --> |y| c",
      "title A lamp\na --> |x| b\nb --> |y| c",
      "flowchart TD\naccDescr {\n  what it does\n}\na@{ shape: rect, label: \"A\" }\n"
        .. "a --> |x| b\nb e1@--> |y| c",
      "a ----> |\"x\"| b\nb == y ==> c",
      "a -. x .-> b\nb -.-> |y| c\n",
      "a -- x --> b -->|y| c;",
    } do
      assert.equal(PLAIN, shape(text), text)
    end
  end)

  it("may name its beginning and its ends", function()
    assert.equal("*-__start__-a a-x-b b-y-a a-__end__-*",
      shape("[*] --> a\na --> |x| b\nb --> |y| a\na --> [*]"))
    assert.equal(PLAIN, shape("a --> |x| b\nb --> |y| c\nc --> [*]\n[*] --> a"))
  end)

  it("may list its states with commas or ampersands, on both sides", function()
    assert.equal("*-__start__-a a-x-b a-x-c b-y-d b-y-e c-y-d c-y-e d-__end__-* e-__end__-*",
      shape("a --> |x| b & c\nb, c --> |y| d,e"))
  end)

  it("has nothing but true arrows", function()
    for _, text in ipairs { "a -> |x| b", "a --- |x| b", "a --o|x| b", "a <--> |x| b", "a -- b",
      "a -- X --> b", "a --> |\"x| b", "a --> |x| b --> c" } do
      assert.equal("malformed", shape(text).code, text)
    end
  end)

  it("draws no state that has no edge", function()
    local err = shape("a --> |x| b\n  lost[Somewhere]")
    assert.equal("unreachable_state", err.code)
    assert.same({ { "lost" }, 2, 3 }, { err.states, err.line, err.column })
  end)

  it("has no events of its own for the beginning and the end", function()
    for _, text in ipairs { "[*] --> |go| b", "[*] --> [*]", "a --> |x| [*]", "a --> |x| b,[*]" } do
      assert.equal("malformed", shape(text).code, text)
    end
  end)

  it("writes what it reads", function()
    for _, text in ipairs {
      "a --> |x| b\nb --> |y| c",
      "a --> |x| b,c\nb --> |y!| c\nc --> |z?| c\nc --> |q| d",
      "[*] --> a\na --> |x| b\nb --> |y| a\nb --> [*]",
      "[*] --> a\na --> |x| a\na --> [*]",
      "a --> [*]\n[*] --> a",
      "a --> |x| b\nc --> |y| a\n[*] --> c\nc --> [*]",
    } do
      local transitions = assert(parser.parse(text))
      local again = assert(parser.parse(parser.syntax("flowchart").lint(transitions)))
      assert.same(transitions, again)
    end
  end)

  it("reports every malformed line, with its column", function()
    local err = shape("a --> |x| b\nwhat is this\nb -> |y| c\nb --> |Y| c\nb --> |y| c;;")
    assert.equal(4, #err.faults)
    assert.same({ 2, 6 }, { err.faults[1].line, err.faults[1].column })
    assert.same({ 3, 3 }, { err.faults[2].line, err.faults[2].column })
    assert.same({ 4, 8 }, { err.faults[3].line, err.faults[3].column })
    assert.same({ 5, 13 }, { err.faults[4].line, err.faults[4].column })
  end)

  it("wants its front matter closed", function()
    assert.equal("malformed", shape("---\ntitle: x\na --> |x| b").code)
  end)
end)
