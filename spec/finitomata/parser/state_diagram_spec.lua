-- SPDX-License-Identifier: MIT
local parser = require "finitomata.parser"

local function shape(text)
  local transitions, err = parser.parse(text, "state_diagram")
  if not transitions then return err end
  local list = {}
  for i, t in ipairs(transitions) do list[i] = ("%s-%s-%s"):format(t.from, t.event, t.to) end
  return table.concat(list, " ")
end

local PLAIN = "*-on-a a-x-b b-off-*"

describe("A state diagram", function()
  it("may come as it is pasted from elsewhere", function()
    for _, text in ipairs {
      "[*] --> a : on\na --> b : x\nb --> [*] : off",
      "@startuml\n\n[*] --> a : on\na --> b : x\nb --> [*] : off\n\n@enduml\n",
      "@startuml lamp\ntitle A lamp\nskinparam shadowing false\nhide empty description\n"
        .. "' a comment\nleft to right direction\n[*]-->a:on\na-->b:x\nb-->[*]:off\n@enduml",
      "stateDiagram-v2\r\n    direction LR\r\n    %% comment\r\n    [*] --> a: on;\r\n"
        .. "\ta --> b: x\r\n"
        .. "    b --> [*]: off %% the end\r\n",
      "stateDiagram\nstate \"The first\" as a\nstate b\nb : The second\na: first\n[*] --> a : on\n"
        .. "note right of a : careful\na --> b : x\nnote left of b\n  b --> c\nend note\n"
          .. "b --> [*] : off",
      "---\ntitle: Lamp\n---\nstateDiagram-v2\n[*] --> a : on\na:::hot --> b : x\nb --> [*] : off",
      "```mermaid\nstateDiagram-v2\n[*] --> a : on\na --> b : x\nb --> [*] : off\n```",
      "@startuml\n!theme plain\n!$v = 1\nskinparam state {\n  BackgroundColor red\n}\n"
        .. "legend right\n  a --> b\nend legend\n<style>\n.x { }\n</style>\n"
        .. "note \"by itself\" as n1\n"
        .. "state a #pink\nstate b <<choice>>\n[*] -down-> a : on\nnote on link : careful\n"
        .. "a -[#red,dashed]-> b : x\nb ----> [*] : off\n@enduml",
      "/' two\nlines '/\n/' one '/\n[*] --> a : on\na --> b : x\nb --> [*] : off",
    } do
      assert.equal(PLAIN, shape(text), text)
    end
  end)

  it("writes what it reads", function()
    local text = "[*] --> a : on\na --> b,[*] : x!\nb --> b : again?\nb --> [*] : off"
    local transitions = assert(parser.parse(text, "state_diagram"))
    local lint = parser.syntax("state_diagram").lint(transitions)
    assert.same(transitions, (assert(parser.parse(lint, "state_diagram"))))
  end)

  it("does not take a broken arrow for a label", function()
    for _, text in ipairs { "[*] --> a : on\na -> b : x", "[*] --> a\n",
      "[*] --> a : switch on" } do
      assert.equal("malformed", shape(text).code, text)
    end
  end)

  it("cannot have states within states", function()
    assert.equal("malformed", shape("[*] --> a : on\nstate a {\n}\na --> [*] : off").code)
  end)

  it("draws no state that has no edge", function()
    local err = shape("[*] --> a : on\nstate \"A place\" as lost\na --> [*] : off")
    assert.equal("unreachable_state", err.code)
    assert.same({ { "lost" }, 2, 20 }, { err.states, err.line, err.column })
  end)

  it("leaves out no line that brings edges from elsewhere", function()
    assert.equal("malformed", shape("!include more.puml\n[*] --> a : on\na --> [*] : off").code)
    assert.equal("malformed", shape("[*] --> a : on\na : x --> b\na --> [*] : off").code)
  end)

  it("wants its notes closed", function()
    local err = shape("[*] --> a : on\na --> [*] : off\nnote left of a\nmore")
    assert.equal("malformed", err.code)
    assert.equal(3, err.line)
  end)
end)
