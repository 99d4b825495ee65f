-- SPDX-License-Identifier: MIT
local finitomata = require "finitomata"
local worlds = require "spec.support.world"

local OWNER = "a --> |go| wait\nwait --> |done| fin\nwait --> |skip| fin\nfin --> |again| wait\n"
  .. "fin --> |leave| gone"

local function steps()
  return {
    open = { from = "n", to = "m", initial = true },
    fill = { from = "m", to = { "m", "k" }, run = function(payload, id, object)
      return { payload = payload, id = id, object = object }
    end },
    send = { from = "k", final = true },
  }
end

describe("A flow", function()
  local world
  before_each(function() world = worlds.new() end)
  after_each(function() world:close() end)

  local function start(flow, extra, payload)
    local options = { fsm = OWNER, forks = { wait = { done = flow } } }
    for name, value in pairs(extra or {}) do options[name] = value end
    world:start(options, payload)
    world.branch:call("fsm", "go")
    world.clock:advance(0)
    return world.branch:flow("fsm", "wait")
  end

  it("runs while its owner is in the fork state, and tells it of the end", function()
    local told
    local flow = start(finitomata.flow(steps()), { on_transition = { wait = {
      done = function(_, _, event_payload) told = event_payload end } } },
      { fork_data = { id = 7, object = "box", colour = "red" } })
    assert.equal("done", flow:event("open"))
    assert.same({ payload = { kg = 2 }, id = 7, object = "box" },
      flow:event("fill", { to = "k", payload = { kg = 2 } }))
    assert.same({ current = "k", left = 1, passed = 2, pointer = 0 }, (function()
      local info = flow:info()
      info.steps = nil
      return info
    end)())
    assert.equal("done", flow:event("send"))
    world.clock:advance(0)
    assert.equal("fin", world.branch:state("fsm", "state"))
    assert.same({ 7, "box", { colour = "red" }, "fsm", 0 },
      { told.id, told.object, told.data, told.owner.name, told.steps.left })
    assert.same({ "finitomata__flowed", "__end__", "ok" }, told.history.steps[1])
    assert.is_nil((world.branch:flow("fsm", "wait")))
  end)

  it("asks for the target when there are several, and for steps that there are", function()
    local flow = start(finitomata.flow(steps()))
    flow:event("open")
    assert.equal("ambiguous_transition", select(2, flow:event("fill")).code)
    assert.equal("not_allowed", select(2, flow:event("fill", { to = "n" })).code)
    assert.equal("not_responding", select(2, flow:event("send")).code)
    assert.error_matches(function() flow:event("fill", { too = "k" }) end, "unknown option 'too'")
  end)

  it("goes along a shortest way, or says that there is none", function()
    local flow = start(finitomata.flow(steps()))
    assert.same({ { "open", "m", "skipped" }, { "fill", "k", "skipped" } },
      flow:fast_forward("k", { skip_handlers = true }))
    local none, err, results = flow:fast_forward { "k", "n" }
    assert.is_nil(none)
    assert.equal("unreachable", err.code)
    assert.same({}, results)
  end)

  it("stops where a step fails", function()
    local all = steps()
    all.fill.run = function() error("spilt", 0) end
    local flow = start(finitomata.flow(all))
    local none, err, results = flow:fast_forward("k")
    assert.is_nil(none)
    assert.equal("spilt", err.reason)
    assert.same({ { "open", "m", "done" } }, results)
    assert.equal("m", flow:info().current)
  end)

  it("ends with its owner, without a word", function()
    start(finitomata.flow(steps()))
    world.branch:stop_fsm("fsm")
    world.clock:advance(0)
    assert.equal(0, world.branch:count())
  end)

  it("begins after a reload, too", function()
    local adapter = { load = function() return "loaded", "wait" end, store = function() end }
    local definition = finitomata.define { fsm = OWNER, persistency = adapter,
      forks = { wait = { done = finitomata.flow(steps()) } } }
    assert(world.branch:start_fsm("fsm", definition))
    world.clock:advance(0)
    assert.equal("n", world.branch:flow("fsm", "wait"):info().current)
  end)

  it("waits before its first step when it cannot be initialized", function()
    local flow = start(finitomata.flow(steps(),
      { on_initialization = function() return nil, "no box" end }))
    assert.equal("finitomata__flowing", flow:info().current)
  end)
end)

describe("The choice of a flow", function()
  local world, failures
  before_each(function() world, failures = worlds.new(), {} end)
  after_each(function() world:close() end)

  local one, two = finitomata.flow(steps(), { name = "one" }),
    finitomata.flow(steps(), { name = "two" })

  local function start(flows, on_fork, name)
    world:start({ fsm = OWNER, forks = { wait = { done = flows } }, on_fork = on_fork, listener = {
      after_transition = function() end,
      after_fork_failure = function(_, state,
        reason) failures[#failures + 1] = state .. " " .. reason end,
    } }, nil, name)
    world.branch:call(name, "go")
    world.clock:advance(0)
    return world.branch:state(name).last_error
  end

  it("is made by on_fork, or is none when there is one", function()
    assert.is_nil(start(one, nil, "a"))
    assert.is_nil(start({ one, two }, function() return two end, "b"))
    assert.is_nil(start({ one, two }, function() return "one" end, "c"))
    assert.equal("two", world.branch:all()["fork:wait:b"].implementation)
    assert.equal("one", world.branch:all()["fork:wait:c"].implementation)
  end)

  it("is reported when it fails, and the owner stays", function()
    assert.equal("fork", start({ one, two }, nil, "a").stage)
    start(one, function() return two end, "b")
    start(one, function() return 7 end, "c")
    start(one, function() error("x") end, "d")
    start({}, nil, "e")
    assert.same({ "wait multiple_fork_resolutions", "wait unknown_fork_resolution",
      "wait bad_fork_resolution", "wait on_fork_raised", "wait missing_fork_resolution" }, failures)
    for _, name in ipairs { "a", "b", "c", "d", "e" } do
      assert.equal("wait", world.branch:state(name, "state"))
    end
  end)
end)

describe("A table of steps that is no flow", function()
  local function code(change)
    local all = steps()
    change(all)
    local ok, err = pcall(finitomata.flow, all)
    assert.is_false(ok)
    return err.code
  end

  it("is refused", function()
    assert.equal("flow_no_initial", code(function(all) all.open.initial = nil end))
    assert.equal("flow_two_initial", code(function(all) all.fill.initial = true end))
    assert.equal("flow_initial_state", code(function(all) all.open.from = { "n", "m" } end))
    assert.equal("flow_final_with_targets", code(function(all) all.send.to = "m" end))
    assert.equal("bad_option", code(function(all) all.send.form = "k" end))
    assert.equal("bad_option", code(function(all) all.send.from = nil end))
    assert.equal("bad_option", code(function(all) all.send = 3 end))
    assert.equal("bad_option", code(function(all) all.fill.run = 3 end))
  end)
end)
