-- SPDX-License-Identifier: MIT
local finitomata = require "finitomata"
local worlds = require "spec.support.world"

describe("The storage in memory", function()
  local world, adapter, options
  before_each(function()
    world, adapter = worlds.new(), finitomata.persistency.memory()
    options = { fsm = "a --> |x| b\nb --> |y| c", persistency = adapter, auto_terminate = true,
      on_transition = { a = { x = function(_, _, event_payload, payload)
        if event_payload == "no" then return nil, "no" end
        payload.list[#payload.list + 1] = event_payload
        return "b", payload
      end } } }
  end)
  after_each(function() world:close() end)

  it("keeps an FSM beyond its end", function()
    world:start(options, { list = {}, id = "whatever" })
    world.branch:call("fsm", "x", 7)
    world.branch:stop_fsm("fsm")
    assert.same({ "fsm" }, adapter.names())
    world:start(options, { list = "ignored" })
    local full = world.branch:state("fsm")
    assert.same({ "b", "loaded", { list = { 7 }, id = "whatever" } },
      { full.current, full.lifecycle, full.payload })
    assert.equal("a", (function()
      world:start(options, { list = {} }, "other")
      return world.branch:state("other", "state")
    end)())
  end)

  it("says what it keeps, and under which diagram", function()
    local definition = world:start(options, { list = {} })
    world.branch:call("fsm", "x", 7)
    local snapshot = adapter.get("fsm")
    assert.same({ state = "b", payload = { list = { 7 } }, definition = definition.hash,
      version = 2 },
      snapshot)
    snapshot.payload.list[1] = 99
    assert.same({ 7 }, adapter.get("fsm").payload.list)
    assert.is_nil(adapter.get("nobody"))
  end)

  it("lets what has finished stay finished, until it is purged", function()
    world:start(options, { list = {} })
    world.branch:call("fsm", "x", 7)
    world.branch:call("fsm", "y")
    assert.is_false(world.branch:alive("fsm"))
    local definition = finitomata.define(options)
    assert.equal("finished", select(2, world.branch:start_fsm("fsm", definition, {})).code)
    adapter.purge("fsm")
    assert(world.branch:start_fsm("fsm", definition, { list = {} }))
    assert.equal("a", world.branch:state("fsm", "state"))
    adapter.purge()
    assert.same({}, adapter.names())
  end)

  it("remembers the last attempt that failed, until one succeeds", function()
    world:start(options, { list = {} })
    world.branch:call("fsm", "x", "no")
    assert.same({ reason = "no", stage = "on_transition", state = "a", event = "x" },
      adapter.last_error("fsm"))
    assert.equal("a", adapter.get("fsm").state)
    world.branch:call("fsm", "x", 1)
    assert.is_nil(adapter.last_error("fsm"))
  end)

  it("refuses payloads that are no plain data", function()
    local ok, err = adapter.store("fsm", { print }, { to = "a", definition = "" })
    assert.is_nil(ok)
    assert.equal("not_serializable", err.code)
  end)
end)
