-- SPDX-License-Identifier: MIT
local diagram = require "infinitomata.console.diagram"

describe("diagram.draw", function()
  local edges = {
    { from = "*", to = "ready", event = "__start__" },
    { from = "open", to = "closed", event = "walk" },
    { from = "ready", to = "closed", event = "on!" },
    { from = "closed", to = "open", event = "coin" },
    { from = "closed", to = "off", event = "switch" },
    { from = "off", to = "*", event = "__end__" },
  }

  it("walks from the entry and marks the current state", function()
    assert.equal(table.concat({
      "   *      --> ready",
      "   ready  --> |on!| closed",
      "=> closed --> |coin| open",
      "          --> |switch| off",
      "   open   --> |walk| closed",
      "   off    --> *",
    }, "\n"), diagram.draw(edges, "closed"))
  end)

  it("marks nothing when nothing is current", function()
    assert.is_nil(diagram.draw(edges):find("=>", 1, true))
  end)

  it("shows a state that nothing leaves", function()
    local edge = { from = "a", to = "b", event = "go" }
    assert.equal("   a --> |go| b\n=> b", diagram.draw({ edge }, "b"))
  end)
end)
