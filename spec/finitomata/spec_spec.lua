-- SPDX-License-Identifier: MIT
local finitomata = require "finitomata"
local spec = require "finitomata.spec"

--- What a failing step says.
local function failure(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  return tostring(message)
end

local turnstile = finitomata.define {
  name = "turnstile",
  fsm = [[
    ready --> |on!| closed
    opened --> |walk_in| closed
    closed --> |coin_in| opened
    closed --> |switch_off| switched_off
  ]],
  auto_terminate = true,
}

function turnstile.on_transition(_, event, event_payload, payload)
  if event == "walk_in" then
    payload.passengers = payload.passengers + 1
    return "closed", payload
  end
  if event == "coin_in" then
    if event_payload < 1 then return nil, "too little" end
    return "opened", payload
  end
end

local function start() return spec.start(turnstile, { passengers = 0 }) end

describe("spec.start", function()
  it("starts an FSM and lets it come to rest", function()
    local t = start()
    assert.equal("closed", t.state)
    assert.same({ passengers = 0 }, t.payload)
    assert.is_true(t.alive)
    assert.equal("turnstile", t.name)
    assert.is_nil(t.error)
  end)

  it("takes the name of a module", function()
    package.loaded["a.turnstile"] = turnstile
    assert.equal("closed", spec.start("a.turnstile", { passengers = 0 }).state)
    package.loaded["a.turnstile"] = nil
  end)

  it("keeps walks apart", function()
    local one, other = start(), start()
    one:expect { "ready", "closed" }
    one:send("coin_in", 1)
    other:expect { "ready", "closed" }
    assert.equal("closed", other.state)
  end)

  it("fails when the FSM does not start", function()
    local f = finitomata.define { fsm = "a --> |b| c", on_start = function() return nil, "no" end }
    assert.matches("the FSM did not start: .*no", failure(spec.start, f))
  end)

  it("raises for what is no definition", function()
    package.loaded["a.table"] = {}
    assert.matches("the module 'a.table' does not return a definition",
      failure(spec.start, "a.table"))
    package.loaded["a.table"] = nil
    assert.matches("string expected, got nil", failure(spec.start))
    assert.matches("unknown option 'nmae'", failure(spec.start, turnstile, {}, { nmae = 1 }))
  end)

  it("can give the FSM a name and a node", function()
    local t = spec.start(turnstile, {}, { name = "front", node = "west" })
    assert.equal("front", t.name)
    assert.equal("west", t.branch:state("front").node)
  end)
end)

describe("spec.refuse_start", function()
  local f = finitomata.define { fsm = "a --> |b| c", on_start = function() return nil, "no" end }
  it("is content when the start fails, for the reason given", function()
    spec.refuse_start(f)
    spec.refuse_start(f, {}, "no")
    spec.refuse_start(f, {}, "on_start")
  end)
  it("fails when it does not fail, or for another reason", function()
    assert.matches("expected the start to fail, but it did not",
      failure(spec.refuse_start, turnstile))
    assert.matches('expected the start to fail: "yes"\n +got: "no"',
      failure(spec.refuse_start, f, {}, "yes"))
  end)
end)

describe("t:expect", function()
  it("names every state that was passed, to the end", function()
    local t = start():expect { "ready", "closed" }
    t:send("coin_in", 1):expect { "opened" }
    t:send("walk_in"):expect { "closed", payload = { passengers = 1 } }
    t:send("switch_off"):expect { "switched_off", "*" }
    assert.is_false(t.alive)
    assert.equal("*", t.state)
  end)
  it("fails when a state is wrong, missing or too much, and shows the way", function()
    local message = failure(function() start():expect { "ready", "opened" } end)
    assert.matches("expected: ready %-> opened\n +got: ready %-> closed\n", message)
    assert.matches("walked: %* %-%-__start__%-%-> ready %-%-on!%-%-> closed\n", message)
    assert.matches("payload: { passengers = 0 }", message)
    assert.matches("got: ready %-> closed", failure(function() start():expect { "ready" } end))
    assert.matches("got: no transition", failure(function()
      start():send("coin_in", 0):expect { "opened" }
    end))
    assert.matches("expected: no transition\n +got: opened", failure(function()
      start():send("coin_in", 1):expect {}
    end))
  end)
  it("shows what was refused on the way, and why", function()
    local message = failure(function() start():send("coin_in", 0):expect { "opened" } end)
    assert.matches('closed %(coin_in refused: "too little"%)\n', message)
    assert.matches("error: .*too little", message)
  end)
  it("compares payloads to the depth, integers with integers", function()
    local f = finitomata.define { fsm = "a --> |b| c" }
    local t = spec.start(f, { list = { 1, { x = "y" } } })
    t:expect { "a", payload = { list = { 1, { x = "y" } } } }
    for _, other in ipairs { { list = { 1.0, { x = "y" } } }, { list = { 1 } }, {},
      { list = { 1, { x = "y", z = 1 } } } } do
      assert.matches("expected payload: ", failure(t.expect, t, { payload = other }))
    end
  end)
  it("asks a function about the payload", function()
    local t = start()
    t:expect { "ready", "closed", payload = function(payload) assert(payload.passengers == 0) end }
    assert.matches("the payload is not as expected", failure(t.expect, t,
      { payload = function() return false end }))
    assert.matches("the payload: .*oh", failure(t.expect, t,
      { payload = function() error "oh" end }))
  end)
  it("looks at some fields of the payload", function()
    local t = start():expect { "ready", "closed", fields = { passengers = 0 } }
    assert.matches("expected payload.passengers: 7\n +got: 0", failure(t.expect, t,
      { fields = { passengers = 7 } }))
  end)
  it("raises for states and keys that there are not", function()
    local t = start()
    assert.matches("there is no state 'open'", failure(t.expect, t, { "open" }))
    assert.matches("unknown key 'paylaod'", failure(t.expect, t, { paylaod = {} }))
    assert.matches("table expected, got string", failure(t.expect, t, "closed"))
  end)
end)

describe("t:refuse", function()
  it("is content with the reason, the code or the stage", function()
    local t = start()
    t:refuse("coin_in", "too little", 0)
    t:refuse("coin_in", "on_transition", 0)
    t:refuse("coin_in", nil, 0)
    t:refuse("walk_in", "not_responding")
    assert.equal("closed", t.state)
  end)
  it("fails when the event is taken", function()
    local t = start()
    assert.matches("expected `coin_in` to be refused, but it led to opened", failure(t.refuse, t,
      "coin_in", "too little", 1))
  end)
  it("fails when the reason is another one", function()
    local t = start()
    assert.matches('to be refused: "too much"\n +got: "too little"', failure(t.refuse, t, "coin_in",
      "too much", 0))
  end)
  it("fails when nothing became of the event", function()
    local f = finitomata.define { fsm = "a --> |b| c\nc --> |d| e", ignore = { a = "d" } }
    local t = spec.start(f)
    assert.matches("nothing became of it", failure(t.refuse, t, "d"))
  end)
end)

describe("t:send", function()
  it("fails when the FSM has ended", function()
    local t = start():send("switch_off")
    assert.matches("`coin_in` cannot be sent: the FSM has ended", failure(t.send, t, "coin_in"))
  end)
  it("fails when the payload is not plain data", function()
    local t = start()
    assert.matches("cannot be sent: .*function", failure(t.send, t, "coin_in", print))
  end)
  it("starts an FSM that waits", function()
    local f = finitomata.define { fsm = "a --> |b| c", on_start = function(p) return p, "wait" end }
    local t = spec.start(f, {}):expect {}
    assert.equal("*", t.state)
    t:send("__start__"):expect { "a" }
  end)
end)

describe("time", function()
  local egg = finitomata.define {
    fsm = "raw --> |boil| soft\nsoft --> |wait| hard\nhard --> |eat| eaten",
    timer = 60000,
    after = { soft = { 180000, "wait" } },
  }
  function egg.on_timer(state, fsm)
    local payload = fsm.payload
    payload.minutes = (payload.minutes or 0) + 1
    if state == "hard" and payload.minutes >= 10 then return { send = "eat", payload = payload } end
    return { payload = payload }
  end
  function egg.on_transition(_, event)
    if event == "eat" then finitomata.sleep(500) end
  end

  it("stands still until it is moved", function()
    local t = spec.start(egg, {}):expect { "raw", payload = {} }
    t:advance(59999):expect { payload = {} }
    t:advance(1):expect { payload = { minutes = 1 } }
  end)
  it("fires what falls into the interval, in order", function()
    local t = spec.start(egg, {})
    t:send("boil"):expect { "soft" }
    t:advance(180000):expect { "hard", payload = { minutes = 2 } }
  end)
  it("lets a handler sleep", function()
    local t = spec.start(egg, { minutes = 9 })
    t:send("boil"):advance(180000)
    t:send("eat"):expect {}
    t:advance(499):expect {}
    t:advance(1):expect { "eaten" }
  end)
  it("ticks", function()
    local t = spec.start(egg, {})
    t:tick():expect { payload = { minutes = 1 } }
    t:tick():tick():expect { fields = { minutes = 3 } }
  end)
  it("sees the transition that a tick makes", function()
    local t = spec.start(egg, { minutes = 20 })
    t:send("boil"):advance(180000)
    t:tick():advance(500):expect { "eaten" }
  end)
  it("has no tick after the end", function()
    local t = start():send("switch_off")
    assert.matches("has ended: it has no timer", failure(t.tick, t))
  end)
  it("tries ensured states again, as time goes on", function()
    local tries = 0
    local f = finitomata.define {
      fsm = "a --> |go| b",
      ensure_entry = { b = { max = 3, delay = 100 } },
      on_transition = { a = { go = function()
        tries = tries + 1
        if tries < 3 then return nil, "not yet" end
      end } },
    }
    local t = spec.start(f)
    t:refuse("go", "not yet")
    t:advance(100):expect {}
    t:advance(200):expect { "b" }
    assert.equal(3, tries)
  end)
end)

describe("t:stop", function()
  it("ends the FSM, and is called when the walk is closed", function()
    local told = {}
    local f = finitomata.define {
      fsm = "a --> |b| c",
      on_terminate = function(_, why) told[#told + 1] = why end,
    }
    do
      local t <close> = spec.start(f)
      t:expect { "a" }
    end
    spec.start(f):stop("enough")
    assert.same({ "stop", "enough" }, told)
  end)
end)

describe("t:path", function()
  it("tells the way", function()
    local t = start()
    t:send("coin_in", 1)
    t:refuse("coin_in")
    assert.equal('* --__start__--> ready --on!--> closed --coin_in--> opened'
      .. ' (coin_in refused: "not_responding")', t:path())
    assert.equal("finitomata.Walk<" .. t:path() .. ">", tostring(t))
  end)
end)

describe("a failure", function()
  it("names the line of the test, not of the helper", function()
    local line = debug.getinfo(1, "l").currentline + 1
    local message = failure(function() start():expect {} end)
    assert.matches(("^[^\n]*spec_spec.lua:%d: expected: no transition\n"):format(line), message)
    assert.matches("^[^\n]*spec_spec.lua:%d+: .*milliseconds expected, got %-1",
      failure(function() start():advance(-1) end))
  end)
end)

describe("without a test framework", function()
  it("raises the message at the line of the test", function()
    local luassert = package.loaded.luassert
    package.loaded.luassert = nil
    local ok, message = pcall(function() start():expect {} end)
    package.loaded.luassert = luassert
    assert.is_false(ok)
    assert.matches("^[^\n]*spec_spec.lua:%d+: expected: no transition\n", message)
  end)
end)
