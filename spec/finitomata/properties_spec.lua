-- SPDX-License-Identifier: MIT
--- Random machines, random callbacks, random events: what holds always.
local finitomata = require "finitomata"
local random_of = require "finitomata.random"
local worlds = require "spec.support.world"

local SEED = tonumber(os.getenv("SEED")) or os.time()

---A diagram in which every state can be reached and the end from each.
local function diagram(random)
  local count = 2 + random:below(5)
  local lines = { "[*] --> s1 : go" }
  for i = 2, count do
    lines[#lines + 1] = ("s%d --> s%d : e%d"):format(1 + random:below(i - 1), i, i)
  end
  for i = 1, random:below(8) do
    lines[#lines + 1] = ("s%d --> s%d : f%d"):format(1 + random:below(count),
      1 + random:below(count), i)
  end
  for i = 1, count do
    if random:below(3) == 0
        or i == count then lines[#lines + 1] = ("s%d --> [*] : bye"):format(i) end
  end
  for i = 1, count do lines[#lines + 1] = ("s%d --> s1 : back"):format(i) end
  return table.concat(lines, "\n")
end

---Callbacks that answer anything, right or wrong, and always spoil what they are given.
local function chaos(random, definition, trace)
  local function act(where)
    local what = random:below(9)
    trace[#trace + 1] = where .. ":" .. what
    return what
  end
  local function spoil(payload)
    if type(payload) == "table" then payload.spoilt = true end
  end
  ---A callback that is shown the FSM as one of its arguments.
  local function late(where, at)
    return function(...)
      local fsm = select(at, ...)
      spoil(fsm.payload)
      if act(where) == 0 then error(where) end
    end
  end
  return {
    on_transition = function(state, event, _, payload)
      if state == "*" then return end
      local what = act("on_transition " .. state .. " " .. event)
      local targets = definition():targets(state, event)
      spoil(payload)
      if what == 0 then error("on purpose") end
      if what == 1 then return nil, "refused on purpose" end
      if what == 2 then return "nowhere" end
      if what == 3 then return what end
      if what == 4 then return definition().states[1], { n = -1 } end
      if what == 5 then return targets[1 + random:below(#targets)], { n = payload.n, print } end
      if what == 6 then return targets[1 + random:below(#targets)] end
      return targets[1 + random:below(#targets)], { n = payload.n + 1 }
    end,
    on_enter = late("on_enter", 2), on_exit = late("on_exit", 2),
    on_terminate = late("on_terminate", 1), on_failure = late("on_failure", 3),
    on_rollback = late("on_rollback", 3),
    listener = random:below(2) == 0 and function(_, _, payload)
      spoil(payload)
      if act("listener") == 0 then error("listener") end
    end or nil,
  }
end

local function past(fsm)
  local entries = {}
  for i, entry in ipairs(fsm.history) do entries[i] = ("%s %d"):format(entry.state, entry.n) end
  return ("%d (%s)"):format(fsm.payload.n, table.concat(entries, ", "))
end

local function run_one(seed)
  local random, trace, definition = random_of.new(seed), {}, nil
  local world = worlds.new { seed = seed }
  local options = chaos(random, function() return definition end, trace)
  options.fsm, options.syntax = diagram(random), "state_diagram"
  definition = finitomata.define(options)
  local outcomes = {}
  assert(world.branch:start_fsm("fsm", definition, { n = 0 }))
  for _ = 1, 40 do
    local before = world.branch:state("fsm")
    if not before then break end
    local event = definition.events[1 + random:below(#definition.events)]
    local state, result = world.branch:call("fsm", event)
    local after = world.branch:state("fsm")
    local trouble = after and after.last_error
    outcomes[#outcomes + 1] = ("%s %s %s %s"):format(event, state or result.code,
      trouble and trouble.stage or "", after and past(after) or "")
    if state then
      assert.is_true(definition:allowed(before.current, state))
      assert.is_true(state == "*" or after.current == state)
      assert.is_nil(result.spoilt)
    else
      assert.equal(before.current, after.current)
      assert.same(before.payload, after.payload)
      assert.same(before.history, after.history)
      assert.equal(result.code, after.last_error.code)
      assert.equal(event, result.event)
    end
    if after then
      assert.is_true(#definition:shortest("*", after.current) > 0 or after.current == "*")
      assert.is_nil(after.payload.spoilt)
      assert.is_true(#after.history <= 5)
    end
  end
  world:close()
  return table.concat(outcomes, ", ") .. "\n" .. table.concat(trace, "\n")
end

describe("Whatever user code does", function()
  it("states are reachable, failures change nothing, every event has one outcome", function()
    for i = 1, 150 do
      local ok, err = pcall(run_one, SEED + i)
      if not ok then error(("SEED=%d: %s"):format(SEED + i - 1, tostring(err)), 0) end
    end
  end)

  it("the same seed gives the same run, to the letter", function()
    for i = 1, 20 do assert.equal(run_one(SEED + i), run_one(SEED + i)) end
  end)
end)

describe("The quick way through a step", function()
  it("is the same as the long one, which telemetry takes", function()
    for i = 1, 40 do
      local quick = run_one(SEED + i)
      local handle = finitomata.telemetry.attach(function() end)
      local long = run_one(SEED + i)
      handle:cancel()
      assert.equal(quick, long)
    end
  end)
end)

describe("Many FSMs and events at once", function()
  it("give every event exactly one outcome, in the order in which it was sent", function()
    local random = random_of.new(SEED)
    local world = worlds.new()
    local taken, sent = {}, {}
    local definition = finitomata.define {
      syntax = "state_diagram",
      fsm = "[*] --> a : go\na --> b : x\nb --> a : x\na --> [*] : bye\nb --> [*] : bye",
      on_transition = function(state, _, event_payload, _, fsm)
        if state == "*" then return end
        if random:below(4) == 0 then finitomata.sleep(1 + random:below(5)) end
        table.insert(taken[fsm.name], event_payload)
        if random:below(5) == 0 then return nil, "no" end
      end,
    }
    for i = 1, 10 do
      taken[i], sent[i] = {}, {}
      assert(world.branch:start_fsm(i, definition))
    end
    for serial = 1, 500 do
      local name = 1 + random:below(10)
      assert(world.branch:transition(name, "x", serial))
      table.insert(sent[name], serial)
      if random:below(10) == 0 then world.clock:advance(random:below(4)) end
    end
    world.clock:advance(10000)
    assert.same(sent, taken)
    world:close()
  end)
end)
