-- SPDX-License-Identifier: MIT
local finitomata = require "finitomata"
local memory = require "finitomata.persistency.memory"
local worlds = require "spec.support.world"

describe("finitomata.persistency", function()
  local world
  before_each(function() world = worlds.new() end)
  after_each(function() world:close() end)

  it("offers a storage in memory", function()
    local adapter = finitomata.persistency.memory()
    for name in pairs(memory.new()) do assert.equal("function", type(adapter[name])) end
    assert.are_not.equal(adapter, finitomata.persistency.memory())
  end)

  ---What becomes of an event when the storage answers it like this.
  local function after_store(...)
    local answer = table.pack(...)
    world:start({ fsm = "a --> |x| b\nb --> |y| c", persistency = { load = function() end,
      store = function(_, _, info)
        if info.event == "x" then return table.unpack(answer, 1, answer.n) end
      end } }, { n = 1 })
    local state, result = world.branch:call("fsm", "x")
    world.branch:stop_fsm("fsm")
    return state or result.reason, state and result
  end

  it("takes a storage's answers in several forms", function()
    for _, stored in ipairs { { n = 0 }, { n = 1, true }, { n = 1, "ok" } } do
      assert.same({ "b", { n = 1 } }, { after_store(table.unpack(stored, 1, stored.n)) })
    end
    assert.same({ "b", { n = 2 } }, { after_store(true, { n = 2 }) })
    assert.same({ "b", { n = 2 } }, { after_store("ok", { n = 2 }) })
    assert.same({ "b", { n = 2 } }, { after_store({ n = 2 }) })
    assert.same({ "b", 5 }, { after_store(true, 5) })
    assert.same({ "disk" }, { (after_store(nil, "disk")) })
    assert.same({ "disk" }, { (after_store(false, "disk")) })
    assert.same({ "disk" }, { (after_store("error", "disk")) })
    assert.same({ "refused" }, { (after_store(false)) })
    assert.same({ "bad_return" }, { (after_store(7)) })
    assert.matches("function", (after_store(true, { print })))
  end)

  it("keeps what a storage gives apart from what the storage keeps", function()
    local kept = { list = { 1 } }
    local definition = finitomata.define { fsm = "a --> |x| b", persistency = {
      load = function() return "loaded", "a", kept end, store = function() end } }
    world:start_definition(definition)
    kept.list[1] = 99
    assert.same({ list = { 1 } }, world.branch:state("fsm", "payload"))
    kept.list[1] = print
    assert.equal("not_serializable", select(2, world.branch:start_fsm("bad", definition)).code)
  end)
end)
