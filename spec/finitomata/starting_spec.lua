-- SPDX-License-Identifier: MIT
local finitomata = require "finitomata"
local worlds = require "spec.support.world"

local FSM = "a --> |x| b\nb --> |y!| c\nc --> |z| d"

describe("A start", function()
  local world
  before_each(function() world = worlds.new() end)
  after_each(function() world:close() end)

  local function start(options, payload, name)
    options.fsm = options.fsm or FSM
    return world.branch:start_fsm(name or "fsm", finitomata.define(options), payload)
  end

  it("lets on_start change the payload, leave it, or refuse", function()
    assert(start({ on_start = function(p) return { n = p.n + 1 } end }, { n = 1 }))
    assert.same({ n = 2 }, world.branch:state("fsm", "payload"))
    assert(start({ on_start = function(p) p.n = 99 end }, { n = 1 }, "left"))
    assert.same({ n = 1 }, world.branch:state("left", "payload"))
    local ref, err = start({ on_start = function() return nil, "busy" end }, { n = 1 }, "refused")
    assert.is_nil(ref)
    assert.same({ "on_start", "busy" }, { err.code, err.reason })
    assert.is_false(world.branch:alive("refused"))
    ref, err = start({ on_start = function() error("no disk", 0) end }, { n = 1 }, "raised")
    assert.is_nil(ref)
    assert.equal("on_start", err.code)
    assert.matches("no disk", err.message)
    assert(start({}, nil, "raised"))
  end)

  it("warns once of ambiguous events that have no handler", function()
    local definition = finitomata.define { fsm = "a --> |x| b,c" }
    assert(world.branch:start_fsm("fsm", definition))
    assert(world.branch:start_fsm("again", definition))
    assert.same({ "warning: finitomata.Definition<a>: `x` in `a` has several targets (b, c) "
      .. "and no handler" }, world.lines)
  end)

  it("stays before the entry when on_start says so", function()
    assert(start({ on_start = function(p) return p, "wait" end }, { n = 1 }))
    assert.equal("*", world.branch:state("fsm", "state"))
    assert.same({ n = 1 }, world.branch:state("fsm", "payload"))
    assert.equal("a", (world.branch:call("fsm", "__start__")))
  end)

  it("is refused when on_start answers what is no plain data", function()
    local ref, err = start { on_start = function() return { f = print } end }
    assert.is_nil(ref)
    assert.equal("not_serializable", err.code)
  end)

  it("may wait in on_start", function()
    local ref
    finitomata.spawn(function()
      ref = start { on_start = function()
        require "finitomata.task".sleep(50, world.clock)
        return { slept = true }
      end }
    end)
    world.clock:advance(10)
    assert.is_nil(ref)
    assert.equal("already_started", select(2, start {}).code)
    world.clock:advance(50)
    assert.is_truthy(ref)
    assert.same({ slept = true }, world.branch:state("fsm", "payload"))
  end)

  it("takes the parent out of the payload, or takes who starts it", function()
    assert(start({}, { parent = "mother", n = 1 }))
    assert.equal("mother", world.branch:state("fsm").parent)
    assert.same({ n = 1 }, world.branch:state("fsm", "payload"))
    assert(start({ on_enter = { a = function(fsm_state)
      start({}, { state = fsm_state }, "child")
    end } }, nil, "starter"))
    world.clock:advance(0)
    assert.equal("starter", world.branch:state("child").parent)
    assert.equal("local", world.branch:state("starter").parent)
  end)

  it("knows implementations by the names of their modules", function()
    package.preload["spec.lamp"] = function() return finitomata.define { fsm = FSM } end
    package.preload["spec.no_lamp"] = function() return {} end
    assert(world.branch:start_fsm("lamp", "spec.lamp"))
    assert.equal("spec.lamp", world.branch:all().lamp.implementation)
    for _, bad in ipairs { "spec.no_lamp", "spec.nowhere" } do
      local ref, err = world.branch:start_fsm("other", bad)
      assert.is_nil(ref)
      assert.equal("unknown_implementation", err.code)
      assert.matches(bad, err.message, 1, true)
    end
    package.preload["spec.lamp"], package.preload["spec.no_lamp"] = nil, nil
    package.loaded["spec.lamp"], package.loaded["spec.no_lamp"] = nil, nil
  end)

  it("refuses payloads that are no plain data", function()
    local ref, err = start({}, { deep = { print } })
    assert.is_nil(ref)
    assert.equal("not_serializable", err.code)
    assert.equal("payload.deep[1]", err.path)
    assert.is_false(world.branch:alive("fsm"))
  end)

  it("is refused when the definition is not complete", function()
    local ref, err = start { timer = 5 }
    assert.is_nil(ref)
    assert.equal("no_timer_callback", err.code)
  end)

  describe("from storage", function()
    local function stored(...)
      local answer = table.pack(...)
      return { load = function() return table.unpack(answer, 1, answer.n) end,
        store = function() end }
    end

    it("goes on where it was, without a new beginning", function()
      local called = {}
      assert(start { persistency = stored("loaded", "c", { n = 7 }),
        on_start = function() called[#called + 1] = "on_start" end,
        on_enter = function() called[#called + 1] = "on_enter" end,
        listener = function() called[#called + 1] = "listener" end })
      local full = world.branch:state("fsm")
      assert.same({ "c", { n = 7 }, "loaded" }, { full.current, full.payload, full.lifecycle })
      assert.same({}, full.history)
      assert.same({}, called)
    end)

    it("lets automatic events happen after that", function()
      assert(start { persistency = stored("loaded", "b", nil) })
      assert.equal("c", world.branch:state("fsm", "state"))
      assert(start({ persistency = stored("loaded", "d", nil), auto_terminate = true }, nil,
        "ends"))
      world.clock:advance(0)
      assert.is_false(world.branch:alive("ends"))
    end)

    it("starts the timers of the state", function()
      assert(start { persistency = stored("loaded", "c", nil), after = { c = { 100, "z" } } })
      world.clock:advance(100)
      assert.equal("d", world.branch:state("fsm", "state"))
    end)

    it("stays finished when it has finished", function()
      local ref, err = start { persistency = stored("loaded", "*", nil) }
      assert.is_nil(ref)
      assert.equal("finished", err.code)
    end)

    it("begins as usual when there is nothing", function()
      for lifecycle, answer in pairs { created = stored("created"), unknown = stored("unknown"),
        failed = stored("failed") } do
        assert(start({ persistency = answer }, { n = 1 }, lifecycle))
        local full = world.branch:state(lifecycle)
        assert.same({ "a", lifecycle, { n = 1 } }, { full.current, full.lifecycle, full.payload })
      end
      assert(start({ persistency = stored() }, { n = 1 }, "nothing"))
      assert.equal("a", world.branch:state("nothing", "state"))
      assert(start({ persistency = stored("created", nil, { n = 2 }) }, { n = 1 }, "other"))
      assert.same({ n = 2 }, world.branch:state("other", "payload"))
    end)

    it("fails when the storage fails", function()
      for _, load in ipairs { function() error("disk", 0) end, function() return nil, "disk" end,
        function() return "loaded", "moon" end, function() return "nonsense" end } do
        local ref, err = start { persistency = { load = load, store = function() end } }
        assert.is_nil(ref)
        assert.equal("persistency", err.code)
      end
      assert.equal(0, world.branch:count())
    end)
  end)
end)
