-- SPDX-License-Identifier: MIT
local finitomata = require "finitomata"
local fsm = require "infinitomata.generator.fsm"

local function written(diagram, options)
  options = options or {}
  local definition = finitomata.define {
    fsm = diagram, syntax = options.syntax, auto_terminate = options.auto_terminate,
  }
  return fsm.text(options.module or "shop.door", definition, options), definition
end

local function loaded(text)
  return assert(load(text, "=module", "t"))()
end

describe("a generated FSM", function()
  it("has the diagram that it was made from", function()
    local text, definition = written("\n\n  graph TD\n    a --> |b| c\n\n")
    local module = loaded(text)
    assert.same(definition.transitions, module.transitions)
    assert.matches("fsm = %[%[\n    graph TD\n      a %-%-> |b| c\n  %]%]", text)
  end)
  it("has one function for each event that a state answers", function()
    local text = written("a --> |b| c, d\nc --> |b| d")
    local count = 0
    for _ in text:gmatch("\n    b = function") do count = count + 1 end
    assert.equal(2, count)
    local on_transition = loaded(text).on_transition
    assert.equal("c", (on_transition.a.b("a", "b", nil, {})))
    assert.equal("d", (on_transition.a.b("a", "b", "d", {})))
    assert.equal("d", (on_transition.c.b("c", "b", nil, {})))
    assert.equal("*", (on_transition.d.__end__("d", "__end__", nil, {})))
  end)
  it("has no function for what ends by itself", function()
    local module = loaded((written("a --> |b| c", { auto_terminate = true })))
    assert.is_nil(module.on_transition.c)
    assert.same({ "c" }, { module:automatic()[1].state })
  end)
  it("lets the payload decide where an automatic event leads to several", function()
    local on_transition = loaded((written("a --> |b!| c, d"))).on_transition
    assert.equal("c", (on_transition.a["b!"]("a", "b!", nil, {})))
    assert.equal("d", (on_transition.a["b!"]("a", "b!", nil, { a = "d" })))
  end)
  it("quotes names that Lua reserves", function()
    local module = loaded((written("if --> |end| nil\nnil --> |or?| goto", { module = "while" })))
    assert.is_function(module.on_transition["if"]["end"])
    assert.is_function(module.on_transition["nil"]["or?"])
  end)
  it("says the syntax when it is not the usual one", function()
    local text = written("[*] --> a : go\na --> [*] : stop", { syntax = "state_diagram" })
    assert.matches('syntax = "state_diagram"', text)
    assert.equal("a", loaded(text).entry)
  end)
  it("has the callbacks that are asked for", function()
    local text = written("a --> |b| c", { timer = 250, callbacks = fsm.CALLBACKS })
    local module = loaded(text)
    for _, name in ipairs(fsm.CALLBACKS) do assert.is_function(module[name]) end
    assert.matches("timer = 250,", text)
    assert.same({}, module:check())
  end)
  it("writes brackets that the diagram does not close", function()
    local text, definition = written("a[[Sub]] --> |b| c")
    assert.matches("fsm = %[=%[", text)
    assert.same(definition.transitions, loaded(text).transitions)
  end)
end)

describe("fsm.variable", function()
  it("makes a variable of a module's name", function()
    for module, name in pairs {
      door = "door", ["shop.door"] = "door", ["shop.front-door"] = "front_door",
      ["end"] = "end_fsm", finitomata = "finitomata_fsm", ["7up"] = "_7up_fsm",
    } do
      assert.equal(name, fsm.variable(module))
    end
  end)
end)
