-- SPDX-License-Identifier: MIT
local finitomata = require "finitomata"
local random_of = require "finitomata.random"
local schema = require "finitomata.schema"
local worlds = require "spec.support.world"

local SHAPE = { total = "integer", name = "string?", open = "boolean", rest = "any?",
  items = { { sku = "string", price = "number" } } }

describe("The shape of a payload", function()
  it("is fitted by what has every key, and no other", function()
    for _, good in ipairs { { total = 1, items = {}, open = false },
      { total = 1, name = "x", items = { { sku = "a", price = 1 }, { sku = "b", price = 1.5 } },
        open = true, rest = { 1 } } } do
      assert.is_nil(schema.mismatch(SHAPE, good))
    end
    for why, bad in pairs {
      ["payload: table expected, got nil"] = false,
      ["payload.items: table expected, got nil"] = { total = 1, open = true },
      ["payload.total: integer expected, got a float"] = { total = 1.5, items = {}, open = true },
      ["payload.items[1].price: number expected, got string"] = { total = 1, open = true,
        items = { { sku = "a", price = "1" } } },
      ["payload.items: a list expected, got the key 'x'"] = { total = 1, open = true,
        items = { x = 1 } },
      ["payload: unknown key 'nmae'"] = { total = 1, items = {}, open = true, nmae = "x" },
    } do
      assert.equal(why, schema.mismatch(SHAPE, bad or nil))
    end
    assert.equal("payload: integer expected, got string", schema.mismatch("integer", "1"))
  end)

  it("is fitted by the payloads that are made from it", function()
    local random = random_of.new(tonumber(os.getenv("SEED")) or 7)
    local function roll(from, to)
      if not to then from, to = 1, from end
      return from + random:below(to - from + 1)
    end
    for _ = 1, 200 do assert.is_nil(schema.mismatch(SHAPE, schema.random(SHAPE, roll))) end
  end)

  it("has to be one", function()
    assert.is_nil(schema.fault(SHAPE))
    assert.equal("payload.a.b: there is no type 'int'", schema.fault { a = { b = "int" } })
    assert.equal("payload.a: the name of a type or a table of shapes expected, got number",
      schema.fault { a = 5 })
    local ok, err = pcall(finitomata.define, { fsm = "a --> |x| b", payload = "int" })
    assert.is_false(ok)
    assert.equal("bad_option", err.code)
  end)
end)

describe("A definition with a shape", function()
  local world
  before_each(function() world = worlds.new() end)
  after_each(function() world:close() end)

  local options = { fsm = "a --> |x| b\nb --> |y| c", payload = { n = "integer" }, timer = 100,
    on_timer = function() return { payload = { n = "one" } } end,
    on_transition = { a = { x = function(_, _, n) return "b", { n = n } end } } }

  it("starts with nothing else", function()
    local definition = finitomata.define(options)
    local ref, err = world.branch:start_fsm("fsm", definition, { n = "1" })
    assert.is_nil(ref)
    assert.same({ "bad_payload", "on_start", "payload.n: integer expected, got string" },
      { err.code, err.stage, err.reason })
    assert.is_false(world.branch:alive("fsm"))
    assert.is_truthy(world.branch:start_fsm("fsm", definition, { n = 1, parent = "me" }))
  end)

  it("lets no transition and no timer bring anything else", function()
    world:start(options, { n = 1 })
    local state, err = world.branch:call("fsm", "x", "two")
    assert.is_nil(state)
    assert.same({ "bad_payload", "on_transition" }, { err.code, err.stage })
    assert.same({ n = 1 }, world.branch:state("fsm", "payload"))
    world.clock:advance(100)
    assert.equal("timer", world.branch:state("fsm").last_error.stage)
    assert.same({ n = 1 }, world.branch:state("fsm", "payload"))
    assert.same({ "b", { n = 2 } }, { world.branch:call("fsm", "x", 2) })
  end)

  it("is held against what a storage gives", function()
    local own = { persistency = { load = function() end,
      store = function(_, _, info) if info.event == "x" then return { n = "stored" } end end } }
    for key, value in pairs(options) do own[key] = value end
    world:start(own, { n = 1 })
    local _, err = world.branch:call("fsm", "x", 2)
    assert.same({ "bad_payload", "persistency" }, { err.code, err.stage })
    own.persistency.load = function() return "loaded", "b", { n = "loaded" } end
    local definition = finitomata.define(own)
    assert.equal("bad_payload", select(2, world.branch:start_fsm("other", definition)).code)
  end)

  it("is explored with payloads of its shape", function()
    local seen = {}
    local probe = finitomata.define { fsm = "a --> |x| b\nb --> |y| c",
      payload = { n = "integer" }, on_start = function(payload) seen[#seen + 1] = payload.n end }
    require("finitomata.spec").explore(probe, { runs = 20, steps = 2 })
    assert.equal("integer", math.type(seen[1]))
  end)
end)
