-- SPDX-License-Identifier: MIT
local diagram = require "infinitomata.console.diagram"
local finitomata = require "finitomata"

local TEXTS = {
  turnstile = [[
ready --> |on!| closed
opened --> |walk_in| closed
closed --> |coin_in| opened
closed --> |switch_off| switched_off]],
  order = [[
new --> |open| cart
cart --> |checkout| pending
pending --> |pay| paid
pending --> |cancel| cancelled
paid --> |ship| shipped
paid --> |refund| refunded
cart --> |add| cart
cart --> |abandon| cancelled
pending --> |edit| cart]],
}

-- The pictures, character by character.
local PICTURES = {
  { text = "turnstile", current = "closed", unicode = true, picture = [[
              ●
              │
          ┌───▼───┐
          │ ready │
          └───┬───┘
             on!
        ╔═════▼════╗
        ║ ▶ closed ║
        ╚▲═══╤════╤╝
      ╭──╯   │    ╰─╮
walk_in   coin_in   switch_off
    ┌┴──────▼┐   ┌──────▼───────┐
    │ opened │   │ switched_off │
    └────────┘   └──────┬───────┘
                        │
                        ◉]] },
  { text = "turnstile", current = "closed", unicode = false, picture = [[
             (*)
              |
          +---v---+
          | ready |
          +---+---+
             on!
       +======v====+
       # => closed #
       +^====+====++
      +-+    |    +-+
walk_in   coin_in   switch_off
    ++------v+   +------v-------+
    | opened |   | switched_off |
    +--------+   +------+-------+
                        |
                       (o)]] },
  { text = "order", current = "paid", unicode = true, picture = [[
                        ●
                        │
                     ┌──▼──┐
                     │ new │
                     └──┬──┘
                       open
                    ┌───▼───┐
                    │ cart  │
                    │ ↻ add │
                    └┬──▲──┬┘
                   ╭─╯  │  ╰──╮
            checkout   edit   abandon
              ┌▼───────┴┐        │
              │ pending │        │
              └─┬──────┬┘        │
                │      │      ╭──╯
               pay   cancel   │
         ╔══════▼═╗   ┌▼──────▼───┐
         ║ ▶ paid ║   │ cancelled │
         ╚╤═════╤═╝   └──────┬────┘
       ship   refund         │
        │       │            ╰╮
┌───────▼─┐   ┌─▼────────┐    │
│ shipped │   │ refunded │    │
└────────┬┘   └───┬──────┘    │
         ╰─╮      │     ╭─────╯
           │      │     │
           ╰─────╮│     │
                 ├╯     │
                 ├──────╯
                 ◉]] },
}

local function edges_of(text)
  return assert(finitomata.parse(text, "flowchart"))
end

describe("diagram.draw", function()
  for _, golden in ipairs(PICTURES) do
    local way = golden.unicode and "in boxes" or "in ASCII"
    it(("draws the %s %s, the current state marked"):format(golden.text, way), function()
      assert.equal(golden.picture, diagram.draw(edges_of(TEXTS[golden.text]), golden.current,
        { unicode = golden.unicode }))
    end)
  end

  it("marks nothing when nothing is current", function()
    local picture = diagram.draw(edges_of(TEXTS.turnstile))
    assert.is_nil(picture:find("▶", 1, true))
    assert.is_nil(picture:find("═", 1, true))
    assert.matches("│ closed │", picture)
  end)

  it("shows in colour where the FSM is and what may happen to it", function()
    local picture = diagram.draw(edges_of(TEXTS.turnstile), "closed", { colour = true })
    assert.matches("\27%[1;7m ▶ closed \27%[0m", picture)
    assert.matches("\27%[1mcoin_in\27%[0m", picture)
    assert.matches("\27%[1mswitch_off\27%[0m", picture)
    assert.is_nil(picture:find("\27[1mwalk_in", 1, true))
  end)

  it("names all events of one way", function()
    local picture = diagram.draw(edges_of "a --> |x| b\na --> |y| b")
    assert.matches("x\n%s+y\n", picture)
    local _, arrows = picture:gsub("▼", "")
    assert.equal(2, arrows)
  end)

  it("draws every state and event of a diagram that is full of ways", function()
    local lines = {}
    for i = 1, 6 do
      for j = 1, 6 do lines[#lines + 1] = ("s%d --> |from%dto%d| s%d"):format(i, i, j, j) end
    end
    lines[#lines + 1] = "[*] --> s1\ns6 --> |off| done"
    local edges = edges_of(table.concat(lines, "\n"))
    local picture = diagram.draw(edges, "s3", { width = 1000 })
    for _, edge in ipairs(edges) do
      if edge.event:find "^from" then assert.matches(edge.event, picture) end
    end
    assert.matches("▶ s3", picture)
  end)

  it("lets no two lines run into each other", function()
    local edges = { { from = "*", to = "s1", event = "__start__" } }
    for way in ("s1e2s2 s1e3s3 s1e4s4 s1e5s5 s3x5s1 s5x6s1 s3x7s1 s2x8s1"):gmatch "%S+" do
      edges[#edges + 1] = { from = way:sub(1, 2), event = way:sub(3, 4), to = way:sub(5, 6) }
    end
    local picture = diagram.draw(edges)
    assert.matches("s1", picture)
    assert.is_nil(picture:find("├", 1, true))
    assert.is_nil(picture:find("┤", 1, true))
  end)
end)

describe("diagram.list", function()
  local edges = {
    { from = "*", to = "ready", event = "__start__" },
    { from = "open", to = "closed", event = "walk" },
    { from = "ready", to = "closed", event = "on!" },
    { from = "closed", to = "open", event = "coin" },
    { from = "closed", to = "off", event = "switch" },
    { from = "off", to = "*", event = "__end__" },
  }
  local lines = table.concat({
    "   *      --> ready",
    "   ready  --> |on!| closed",
    "=> closed --> |coin| open",
    "          --> |switch| off",
    "   open   --> |walk| closed",
    "   off    --> *",
  }, "\n")

  it("walks from the entry and marks the current state", function()
    assert.equal(lines, diagram.list(edges, "closed"))
  end)

  it("is what a narrow screen gets", function()
    assert.equal(lines, diagram.draw(edges, "closed", { width = 15 }))
    assert.not_equal(lines, diagram.draw(edges, "closed", { width = 80 }))
  end)

  it("shows a state that nothing leaves", function()
    local edge = { from = "a", to = "b", event = "go" }
    assert.equal("   a --> |go| b\n=> b", diagram.list({ edge }, "b"))
  end)
end)
