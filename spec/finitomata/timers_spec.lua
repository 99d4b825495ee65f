-- SPDX-License-Identifier: MIT
local worlds = require "spec.support.world"

describe("The periodic timer", function()
  local world, ticks
  before_each(function() world, ticks = worlds.new(), {} end)
  after_each(function() world:close() end)

  local function ticking(result)
    local options = { fsm = "a --> |x| b\nb --> |x| b\nb --> |y| c", timer = 100 }
    function options.on_timer(state, fsm)
      ticks[#ticks + 1] = ("%s@%d"):format(state, world.clock:now())
      return type(result) == "function" and result(fsm, #ticks) or result
    end
    return options
  end

  it("ticks again and again", function()
    world:start(ticking())
    world.clock:advance(350)
    assert.same({ "a@100", "a@200", "a@300" }, ticks)
  end)

  it("starts again with every transition that succeeds, and with no other", function()
    world:start(ticking())
    world.clock:advance(60)
    world.branch:call("fsm", "x")
    world.clock:advance(60)
    world.branch:call("fsm", "nonsense")
    world.clock:advance(40)
    assert.same({ "b@160" }, ticks)
  end)

  it("changes the payload", function()
    world:start(ticking(function(_, n) return { payload = { n = n } } end), { n = 0 })
    world.clock:advance(200)
    assert.same({ n = 2 }, world.branch:state("fsm", "payload"))
    assert.same({ n = 2 }, world.branch:state("fsm", "cached"))
  end)

  it("sends an event, with a payload that is only kept if the event succeeds", function()
    world:start(ticking { send = "x", with = 7, payload = { n = 5 } }, { n = 0 })
    world.clock:advance(100)
    assert.equal("b", world.branch:state("fsm", "state"))
    assert.same({ n = 5 }, world.branch:state("fsm", "payload"))
    world:start(ticking { send = "nonsense", payload = { n = 5 } }, { n = 0 }, "other")
    world.clock:advance(100)
    assert.same({ n = 0 }, world.branch:state("other", "payload"))
    assert.equal("not_responding", world.branch:state("other").last_error.stage)
  end)

  it("keeps its payload when on_timer answers something that is none", function()
    world:start(ticking { payload = { n = print } }, { n = 0 })
    world.clock:advance(100)
    assert.same({ n = 0 }, world.branch:state("fsm", "payload"))
    local err = world.branch:state("fsm").last_error
    assert.same({ "timer", "not_serializable" }, { err.stage, err.code })
    world:start(ticking(7), nil, "odd")
    world.clock:advance(100)
    assert.is_nil(world.branch:state("odd").last_error)
  end)

  it("changes its interval, or stops, for good", function()
    world:start(ticking(function(_, n) return n == 1 and { every = 10 } or n == 3
      and { stop = true } end))
    world.clock:advance(1000)
    assert.same({ "a@100", "a@110", "a@120" }, ticks)
    assert.is_false(world.branch:state("fsm").timer)
    world.branch:timer_tick("fsm")
    world.branch:call("fsm", "x")
    world.clock:advance(1000)
    assert.equal(3, #ticks)
  end)

  it("can be let go off at once, and be started again", function()
    world:start(ticking())
    assert.is_true(world.branch:timer_tick("fsm"))
    assert.equal(1, #ticks)
    world.clock:advance(50)
    assert.is_true(world.branch:reset_timer("fsm"))
    world.clock:advance(99)
    assert.equal(1, #ticks)
    world.clock:advance(1)
    assert.equal(2, #ticks)
    assert.is_true(world.branch:reset_timer("fsm", true, 500))
    assert.equal(3, #ticks)
    assert.equal(500, world.branch:state("fsm").timer)
  end)

  it("goes on when on_timer raises, and says so", function()
    world:start(ticking(function() error("x", 0) end))
    world.clock:advance(200)
    assert.equal(2, #ticks)
    assert.same({ "timer", "x" }, { world.branch:state("fsm").last_error.stage,
      world.branch:state("fsm").last_error.reason })
  end)

  it("does not tick after the end", function()
    world:start(ticking())
    world.branch:stop_fsm("fsm")
    world.clock:advance(1000)
    assert.same({}, ticks)
    assert.equal(0, world.clock:pending())
  end)
end)

describe("Timeouts of a state", function()
  local world
  before_each(function() world = worlds.new() end)
  after_each(function() world:close() end)

  local PAYING = {
    fsm = "open --> |pay| paying\npaying --> |done| paid\npaying --> |expire| lapsed\n"
      .. "paying --> |nag| paying\npaying --> |look| paying",
    internal = { paying = { "nag", "look" } },
  }

  local function start(after)
    local options = { after = after }
    for name, value in pairs(PAYING) do options[name] = value end
    world:start(options)
  end

  it("send their event when the state was not left in time", function()
    start { paying = { 60000, "expire" } }
    world.branch:call("fsm", "pay")
    world.clock:advance(59999)
    assert.equal("paying", world.branch:state("fsm", "state"))
    world.clock:advance(1)
    assert.equal("lapsed", world.branch:state("fsm", "state"))
  end)

  it("are dropped when it was", function()
    start { paying = { 60000, "expire" } }
    world.branch:call("fsm", "pay")
    world.branch:call("fsm", "done")
    world.clock:advance(100000)
    assert.equal("paid", world.branch:state("fsm", "state"))
    assert.is_nil(world.branch:state("fsm").last_error)
    assert.equal(0, world.clock:pending())
  end)

  it("may be several, and do not start again with internal transitions", function()
    local nags = 0
    local options = { after = { paying = { { 60000, "expire" },
      { 1000, "nag", { loud = true } } } },
      on_transition = { paying = { nag = function(_, _, with)
        nags = nags + (with.loud and 1 or 0)
      end } } }
    for name, value in pairs(PAYING) do options[name] = value end
    world:start(options)
    world.branch:call("fsm", "pay")
    world.clock:advance(59999)
    assert.equal(1, nags)
    world.clock:advance(1)
    assert.equal("lapsed", world.branch:state("fsm", "state"))
  end)
end)

describe("An event that must succeed", function()
  local world, tries
  before_each(function() world, tries = worlds.new(), {} end)
  after_each(function() world:close() end)

  local function start(good_from, policy)
    world:start({ fsm = "a --> |x| b\nb --> |y| c", ensure_entry = { b = policy or true },
      on_transition = { a = { x = function(_, _, event_payload, payload, fsm)
        tries[#tries + 1] = ("%d@%d:%s"):format(fsm.attempt, world.clock:now(), event_payload.n)
        event_payload.n, payload.n = 99, 99
        if #tries < good_from then return nil, "not yet" end
      end } }, on_failure = function(event) tries[#tries + 1] = "failed " .. event end }, { n = 0 })
  end

  it("is tried again later and later", function()
    start(4)
    world.branch:transition("fsm", "x", { n = 5 })
    world.clock:advance(10000)
    assert.same({ "0@0:5", "1@100:5", "2@300:5", "3@700:5" }, tries)
    local full = world.branch:state("fsm")
    assert.equal("b", full.current)
    assert.is_nil(full.last_error)
    assert.same({ n = 0 }, full.payload)
  end)

  it("is given up in the end", function()
    start(99, { max = 2, delay = 10, factor = 1 })
    world.branch:transition("fsm", "x", { n = 5 })
    world.clock:advance(10000)
    assert.same({ "0@0:5", "1@10:5", "2@20:5", "failed x" }, tries)
    assert.equal("not yet", world.branch:state("fsm").last_error.reason)
  end)

  it("lets the FSM answer readings meanwhile, and keeps other events in order", function()
    start(2)
    world.branch:transition("fsm", "x", { n = 5 })
    world.branch:transition("fsm", "y")
    world.clock:advance(50)
    assert.equal("a", world.branch:state("fsm", "state"))
    assert.equal("not yet", world.branch:state("fsm").last_error.reason)
    world.clock:advance(50)
    assert.equal("c", world.branch:state("fsm", "state"))
  end)

  it("answers its caller when it is settled", function()
    start(3)
    local answer
    require "finitomata.task".spawn(function()
      answer = table.pack(world.branch:call("fsm", "x", { n = 1 }, 60000))
    end)
    world.clock:advance(250)
    assert.is_nil(answer)
    world.clock:advance(100)
    assert.equal("b", answer[1])
  end)

  it("is forgotten when the FSM is stopped", function()
    start(99)
    world.branch:transition("fsm", "x", { n = 5 })
    world.clock:advance(0)
    assert.is_true(world.branch:stop_fsm("fsm"))
    world.clock:advance(10000)
    assert.same({ "0@0:5" }, tries)
    assert.equal(0, world.clock:pending())
  end)
end)
