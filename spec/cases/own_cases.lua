-- SPDX-License-Identifier: MIT

--- More behaviour cases, in the format of fsm_cases.lua, for what that file leaves
--- out: timers, history, readings, delayed events, listeners, storage and forks.
local LAMP = "off --> |flip| on\non --> |flip| worn\nworn --> |retire| scrap"
local SPIN = "idle --> |spin| hot\nhot --> |spin| hot\nhot --> |rest| cool\n"
  .. "cool --> |spin| hot\ncool --> |quit| out"
local FORK = "a --> |go| wait\nwait --> |back| fin\nwait --> |skip| fin"
local SOFT = "idle --> |knock?| open\nidle --> |leave| gone\nopen --> |leave| gone"
local SHORT = "a --> |x| b"

local FIRST = { payload = "@nil", __retries__ = 1 }
local AUTO = { __retries__ = 1 }

local cases = {}

---@param note string
---@param case table a case; what is expected of the start is "ok" when it does not say
local function add(note, case)
  case.id, case.kind, case.note = ("own %d"):format(#cases + 1), "behaviour", note
  case.steps = case.steps or {}
  case.expect.start = case.expect.start or "ok"
  cases[#cases + 1] = case
end

local function concat(...)
  local all = {}
  for _, list in ipairs { ... } do table.move(list, 1, #list, #all + 1, all) end
  return all
end

---Entries of the trace for a transition that is made.
local function moved(from, event, to, event_payload, payload, told)
  local entries = { { "on_transition", from, event, event_payload or "@nil", payload or {} } }
  if told then entries[2] = { "listener", to, payload or {} } end
  entries[#entries + 1] = { "on_enter", to, to }
  return entries
end

local function started(payload, state, told)
  return concat({ { "on_start", payload or {} } },
    moved("*", "__start__", state or "off", FIRST, payload, told))
end

---Entries for a transition that is stored.
local function stored(from, event, to, event_payload, payload)
  local entries = moved(from, event, to, event_payload, payload)
  table.insert(entries, 2, { "store", from, to, event, payload or {} })
  return entries
end

local function script(callback, key, ...)
  return { [callback] = { { on = key, results = { ... } } } }
end

local function error_of(stage, reason, state, event)
  return { stage = stage, reason = reason, state = state, event = event }
end

local UNKNOWN = error_of("not_responding", nil, "off", "nope")

-- ---- life ----------------------------------------------------------------------

add("an FSM lives from its start to the end that is sent to it", {
  def = { fsm = LAMP },
  steps = { { "send", "flip" }, { "send", "flip" }, { "send", "retire" }, { "send", "__end__" } },
  expect = { after = { "off", "on", "worn", "scrap", "@dead" }, alive = false,
    exits = { "normal" },
    trace = concat(started(), moved("off", "flip", "on"), moved("on", "flip", "worn"),
      moved("worn", "retire", "scrap"), moved("scrap", "__end__", "*"),
      { { "on_terminate", "*" } }) },
})

add("an event that the state does not answer is reported", {
  def = { fsm = LAMP },
  steps = { { "send", "nope" } },
  expect = { after = { "off", "off" }, history = { "*" }, last_error = UNKNOWN,
    trace = concat(started(), { { "on_failure", "nope", "@nil", "off", "not_responding" } }) },
})

add("events to an FSM that has ended are dropped", {
  def = { fsm = SHORT, options = { auto_terminate = true } },
  steps = { { "send", "x" }, { "send", "x" }, { "send", "__start__" } },
  expect = { after = { "a", "@dead", "@dead", "@dead" }, alive = false, exits = { "normal" } },
})

add("event payloads arrive as they were sent", {
  def = { fsm = LAMP },
  steps = { { "send", "flip", { k = "v", deep = { 1, 2 } } }, { "send", "flip", "text" } },
  expect = { after = { "off", "on", "worn" },
    trace = concat(started(), moved("off", "flip", "on", { k = "v", deep = { 1, 2 } }),
      moved("on", "flip", "worn", "text")) },
})

add("payloads go from one transition to the next", {
  def = { fsm = LAMP }, payload = { n = 0 },
  script = { on_transition = { { on = { "off", "flip" }, results = { { "ok", "on", { n = 1 } } } },
    { on = { "on", "flip" }, results = { { "ok", "worn", { n = 2 } } } } } },
  steps = { { "send", "flip" }, { "read", "payload" }, { "send", "flip" } },
  expect = { after = { "off", "on", "on", "worn" }, payload = { n = 2 }, results = { { n = 1 } } },
})

add("a loop leaves and enters its state, and folds in the history", {
  def = { fsm = "[*] --> a : go\na --> a : again\na --> [*] : quit", syntax = "state_diagram" },
  steps = { { "send", "again" }, { "send", "again" } },
  expect = { after = { "a", "a", "a" }, history = { { "a", 2 }, "*" },
    trace = concat({ { "on_start", {} } }, moved("*", "go", "a", FIRST), moved("a", "again", "a"),
      moved("a", "again", "a")) },
})

add("events are handled in the order in which they were sent", {
  def = { fsm = LAMP },
  steps = { { "send_many", "flip", "nope", "flip", "retire" } },
  expect = { after = { "off", "scrap" }, history = { "worn", "on", "off", "*" },
    last_error = false },
})

add("a name in use cannot be started again", {
  def = { fsm = LAMP },
  steps = { { "start_again" } },
  expect = { after = { "off", "off" }, results = { { "error", "already_started" } } },
})

-- ---- timers --------------------------------------------------------------------

local TIMER = { fsm = LAMP, options = { timer = 100 } }
local TICK = { { "on_timer", "off" } }

add("the interval begins at the start and again after every call", {
  def = TIMER,
  steps = { { "advance", 99 }, { "advance", 1 }, { "advance", 100 } },
  expect = { after = { "off", "off", "off", "off" }, trace = concat(started(), TICK, TICK) },
})

add("a transition begins the interval again", {
  def = TIMER,
  steps = { { "advance", 60 }, { "send", "flip" }, { "advance", 60 }, { "advance", 40 } },
  expect = { after = { "off", "off", "on", "on", "on" },
    trace = concat(started(), moved("off", "flip", "on"), { { "on_timer", "on" } }) },
})

add("what fails does not touch the interval", {
  def = TIMER,
  script = script("on_transition", { "off", "flip" }, { "error", "e" }),
  steps = { { "advance", 60 }, { "send", "nope" }, { "send", "flip" }, { "advance", 40 } },
  expect = { after = { "off", "off", "off", "off", "off" },
    trace = concat(started(), { { "on_failure", "nope", "@nil", "off", "not_responding" },
      { "on_transition", "off", "flip", "@nil", {} }, { "on_failure", "flip", "@nil", "off", "e" } },
      TICK) },
})

add("a new interval lasts", {
  def = TIMER,
  script = script("on_timer", { "off" }, { "reschedule", 30 }, { "default" }),
  steps = { { "advance", 100 }, { "advance", 30 }, { "advance", 30 }, { "read", "timer" } },
  expect = { after = { "off", "off", "off", "off", "off" }, results = { 30 }, timer = 30,
    trace = concat(started(), TICK, TICK, TICK) },
})

for _, reset in ipairs { { "reset_timer" }, { "reset_timer", false } } do
  add("a reset begins the interval again", {
    def = TIMER,
    steps = { { "advance", 60 }, reset, { "advance", 60 }, { "advance", 40 } },
    expect = { after = { "off", "off", "off", "off", "off" }, trace = concat(started(), TICK) },
  })
end

add("a reset may let the timer go off at once", {
  def = TIMER,
  steps = { { "advance", 60 }, { "reset_timer", true }, { "advance", 60 }, { "advance", 40 } },
  expect = { after = { "off", "off", "off", "off", "off" }, trace = concat(started(), TICK, TICK) },
})

add("without a timer a tick and a reset do nothing", {
  def = { fsm = LAMP },
  steps = { { "tick" }, { "reset_timer", true } },
  expect = { after = { "off", "off", "off" }, timer = false, trace = started() },
})

add("timer=true is five seconds", {
  def = { fsm = LAMP, options = { timer = true } },
  steps = { { "read", "timer" }, { "advance", 4999 }, { "advance", 1 } },
  expect = { after = { "off", "off", "off", "off" }, results = { 5000 }, timer = 5000,
    trace = concat(started(), TICK) },
})

add("the timer goes on where the FSM hibernates", {
  def = { fsm = LAMP, options = { timer = 50, hibernate = true } },
  steps = { { "advance", 50 }, { "advance", 50 } },
  expect = { after = { "off", "off", "off" }, trace = concat(started(), TICK, TICK) },
})

-- ---- history -------------------------------------------------------------------

add("the history keeps five states, newest first", {
  def = { fsm = SPIN },
  steps = { { "send_many", "spin", "rest", "spin", "rest", "spin", "rest" } },
  expect = { after = { "idle", "cool" }, history = { "hot", "cool", "hot", "cool", "hot" } },
})

add("repeats fold into one entry", {
  def = { fsm = SPIN },
  steps = { { "send_many", "spin", "spin", "spin", "rest" } },
  expect = { after = { "idle", "cool" }, history = { { "hot", 3 }, "idle", "*" } },
})

add("a folded entry counts as one of the five", {
  def = { fsm = SPIN },
  steps = { { "send_many", "spin", "spin", "spin", "rest", "spin", "rest", "spin", "spin" } },
  expect = { after = { "idle", "hot" }, history = { "hot", "cool", "hot", "cool", { "hot", 3 } } },
})

add("a long repeat is counted to its end", {
  def = { fsm = SPIN },
  steps = { concat({ "send_many" }, (function()
    local events = {}
    for i = 1, 41 do events[i] = "spin" end
    return events
  end)()) },
  expect = { after = { "idle", "hot" }, history = { { "hot", 40 }, "idle", "*" } },
})

add("what fails leaves nothing in the history", {
  def = { fsm = SPIN },
  script = script("on_transition", { "hot", "spin" }, { "error", "e" }),
  steps = { { "send_many", "spin", "spin", "nope", "spin" } },
  expect = { after = { "idle", "hot" }, history = { "idle", "*" } },
})

-- ---- readings ------------------------------------------------------------------

add("a reading sees state, payload and the cached payload", {
  def = { fsm = LAMP }, payload = { n = 1 },
  script = script("on_transition", { "off", "flip" }, { "ok", "on", { n = 2 } }),
  steps = { { "read", "state" }, { "read", "payload" }, { "read", "cached" }, { "send", "flip" },
    { "read", "cached" } },
  expect = { after = { "off", "off", "off", "off", "on", "on" },
    results = { "off", { n = 1 }, { n = 1 }, { n = 2 } } },
})

add("without a cache the payload can be read all the same", {
  def = { fsm = LAMP, options = { cache_state = false } }, payload = { n = 1 },
  steps = { { "read", "payload" }, { "read", "cached" } },
  expect = { after = { "off", "off", "off" }, results = { { n = 1 }, "@nil" } },
})

add("allowed and responds look at the diagram from the current state", {
  def = { fsm = LAMP },
  script = script("on_transition", { "off", "flip" }, { "error", "never" }),
  steps = { { "allowed", "on" }, { "allowed", "worn" }, { "allowed", "moon" },
    { "responds", "flip" }, { "responds", "retire" }, { "responds", "nope" } },
  expect = { after = { "off", "off", "off", "off", "off", "off", "off" },
    results = { true, false, false, true, false, false }, trace = started() },
})

add("the end can be asked about in a final state", {
  def = { fsm = SHORT },
  steps = { { "send", "x" }, { "allowed", "*" }, { "responds", "__end__" }, { "allowed", "a" },
    { "responds", "__start__" } },
  expect = { after = { "a", "b", "b", "b", "b", "b" }, results = { true, true, false, false } },
})

-- ---- delayed events ------------------------------------------------------------

add("a delayed event comes after its delay, whatever the state is by then", {
  def = { fsm = LAMP },
  steps = { { "send_after", 50, "flip" }, { "advance", 49 }, { "send", "flip" }, { "advance", 1 } },
  expect = { after = { "off", "off", "off", "on", "worn" } },
})

add("delayed events come in the order of their times", {
  def = { fsm = LAMP },
  steps = { { "send_after", 50, "nope" }, { "send_after", 20, "flip" }, { "advance", 20 },
    { "advance", 30 } },
  expect = { after = { "off", "off", "off", "on", "on" },
    last_error = error_of("not_responding", nil, "on", "nope") },
})

add("a delayed event meets whoever has the name by then", {
  def = { fsm = SHORT, options = { auto_terminate = true } },
  steps = { { "send_after", 50, "x" }, { "send", "x" }, { "start_again" }, { "advance", 50 } },
  expect = { after = { "a", "a", "@dead", "a", "@dead" }, alive = false, results = { { "ok" } },
    exits = { "normal", "normal" } },
})

-- ---- listeners -----------------------------------------------------------------

for _, kind in ipairs { "callback", "mailbox" } do
  add("a listener is told the new state and payload before on_enter: " .. kind, {
    def = { fsm = LAMP, listener = kind }, payload = { n = 0 },
    script = script("on_transition", { "off", "flip" }, { "ok", "on", { n = 1 } }),
    steps = { { "send", "flip" } },
    expect = { after = { "off", "on" },
      trace = concat(started({ n = 0 }, "off", true),
        { { "on_transition", "off", "flip", "@nil", { n = 0 } }, { "listener", "on", { n = 1 } },
          { "on_enter", "on", "on" } }) },
  })
end

add("a listener is told of the first state and of the end", {
  def = { fsm = SHORT, listener = "callback", options = { auto_terminate = true } },
  steps = { { "send", "x" } },
  expect = { after = { "a", "@dead" }, alive = false, exits = { "normal" },
    trace = concat(started({}, "a", true), moved("a", "x", "b", nil, nil, true),
      moved("b", "__end__", "*", AUTO, nil, true), { { "on_terminate", "*" } }) },
})

local FAILED = { "on_transition", "off", "flip", "@nil", {} }
local MOON = { "not_allowed", "off", "moon" }

add("a listener is told nothing of what fails", {
  def = { fsm = LAMP, listener = "callback" },
  script = script("on_transition", { "off", "flip" }, { "error", "e" }, { "raise", "x" },
    { "ok", "moon" }),
  steps = { { "send_many", "flip", "flip", "flip", "nope" } },
  expect = { after = { "off", "off" },
    trace = concat(started({}, "off", true), { FAILED, { "on_failure", "flip", "@nil", "off", "e" },
      FAILED, { "on_failure", "flip", "@nil", "off", "x" }, FAILED,
      { "on_rollback", "flip", "@nil", "off", MOON }, { "on_failure", "flip", "@nil", "off", MOON },
      { "on_failure", "nope", "@nil", "off", "not_responding" } }) },
})

add("what a listener answers is ignored", {
  def = { fsm = LAMP, listener = "callback" },
  script = script("listener", { "on" }, { "garbage", 7 }),
  steps = { { "send", "flip" } },
  expect = { after = { "off", "on" }, last_error = false },
})

add("a listener that raises is recorded, and the state stays new", {
  def = { fsm = LAMP, listener = "callback" },
  script = script("listener", { "on" }, { "raise", "deaf" }),
  steps = { { "send", "flip" } },
  expect = { after = { "off", "on" }, history = { "off", "*" },
    last_error = error_of("listener", "deaf", "off", "flip") },
})

-- ---- storage -------------------------------------------------------------------

local STORED = { fsm = LAMP, persistency = true }
local LOAD = { { "load" } }
local START = concat(LOAD, { { "on_start", {} } }, stored("*", "__start__", "off", FIRST))

add("every transition is stored, the first and the last too", {
  def = { fsm = SHORT, persistency = true, options = { auto_terminate = true } },
  steps = { { "send", "x" } },
  expect = { after = { "a", "@dead" }, alive = false, exits = { "normal" },
    trace = concat(LOAD, { { "on_start", {} } }, stored("*", "__start__", "a", FIRST),
      stored("a", "x", "b"), stored("b", "__end__", "*", AUTO), { { "on_terminate", "*" } }) },
})

add("a loaded FSM goes on where it was, with nothing called", {
  def = { fsm = LAMP, persistency = true, listener = "callback", options = { timer = 100 } },
  payload = { id = 1 },
  script = script("load", {}, { "loaded", "on", { n = 7 } }),
  steps = { { "advance", 100 }, { "read", "lifecycle" }, { "read", "history" }, { "send", "flip" } },
  expect = { after = { "on", "on", "on", "on", "worn" }, payload = { n = 7 }, history = { "on" },
    results = { "loaded", {} },
    trace = { { "load" }, { "on_timer", "on" }, { "on_transition", "on", "flip", "@nil", { n = 7 } },
      { "store", "on", "worn", "flip", { n = 7 } }, { "listener", "worn", { n = 7 } },
      { "on_enter", "worn", "worn" } } },
})

add("a storage may veto", {
  def = { fsm = LAMP, persistency = true, listener = "callback" }, payload = { n = 0 },
  script = { store = { { on = { "off", "flip" }, results = { { "error", "disk" } } } },
    on_transition = { { on = { "off", "flip" }, results = { { "ok", "on", { n = 1 } } } } } },
  steps = { { "send", "flip" } },
  expect = { after = { "off", "off" }, payload = { n = 0 }, history = { "*" },
    last_error = error_of("persistency", "disk", "off", "flip") },
})

add("a storage may replace the payload", {
  def = STORED, payload = { n = 0 },
  script = script("store", { "off", "flip" }, { "ok", { n = 9 } }),
  steps = { { "send", "flip" } },
  expect = { after = { "off", "on" }, payload = { n = 9 } },
})

add("a storage that raises vetoes", {
  def = STORED,
  script = script("store", { "off", "flip" }, { "raise", "disk" }),
  steps = { { "send", "flip" } },
  expect = { after = { "off", "off" }, history = { "*" },
    last_error = error_of("persistency", "disk", "off", "flip") },
})

add("the storage is told of a refused event", {
  def = STORED,
  script = script("on_transition", { "off", "flip" }, { "error", "e" }),
  steps = { { "send", "flip" } },
  expect = { after = { "off", "off" }, last_error = error_of("on_transition", "e", "off", "flip"),
    trace = concat(START, { FAILED, { "store_error", "off", "flip", "e" },
      { "on_failure", "flip", "@nil", "off", "e" } }) },
})

add("a storage that fails at that is recorded", {
  def = STORED,
  script = { on_transition = { { on = { "off", "flip" }, results = { { "error", "e" } } } },
    store_error = { { on = { "off", "flip" }, results = { { "error", "full" } } } } },
  steps = { { "send", "flip" } },
  expect = { after = { "off", "off" },
    last_error = error_of("persistency", "full", "off", "flip") },
})

add("a loaded FSM takes the automatic event of its state", {
  def = { fsm = "a --> |x| b\nb --> |n!| c\nc --> |y| d", persistency = true },
  script = script("load", {}, { "loaded", "b", { n = 1 } }),
  expect = { after = { "c" }, history = { "b" } },
})

add("a loaded FSM in a final state ends by itself", {
  def = { fsm = SHORT, persistency = true, options = { auto_terminate = true } },
  script = script("load", {}, { "loaded", "b", {} }),
  expect = { after = { "@dead" }, alive = false, exits = { "normal" } },
})

for _, each in ipairs { { { "created", { n = 3 } }, "created", 3 }, { { "failed" }, "failed", 1 },
  { { "unknown", { n = 4 } }, "unknown", 4 }, { { "loaded", "@nil", { n = 2 } }, "created", 2 } } do
  add("what is not loaded starts as usual: " .. each[1][1], {
    def = STORED, payload = { n = 1 },
    script = script("load", {}, each[1]),
    steps = { { "read", "lifecycle" } },
    expect = { after = { "off", "off" }, payload = { n = each[3] }, results = { each[2] },
      trace = concat(LOAD, { { "on_start", { n = each[3] } } },
        stored("*", "__start__", "off", FIRST, { n = each[3] })) },
  })
end

add("what has finished stays finished", {
  def = STORED,
  script = script("load", {}, { "loaded", "*", { n = 2 } }),
  expect = { start = { "error", "finished" }, alive = false, trace = LOAD },
})

add("a soft event fails in silence at the storage too", {
  def = { fsm = SOFT, persistency = true },
  script = script("store", { "idle", "knock?" }, { "error", "disk" }),
  steps = { { "send", "knock?" } },
  expect = { after = { "idle", "idle" },
    last_error = error_of("persistency", "disk", "idle", "knock?"),
    trace = concat(LOAD, { { "on_start", {} } }, stored("*", "__start__", "idle", FIRST),
      { { "on_transition", "idle", "knock?", "@nil", {} },
        { "store", "idle", "open", "knock?", {} }, { "store_error", "idle", "knock?", "disk" } }) },
})

add("an ensured event is stored again", {
  def = { fsm = LAMP, persistency = true, options = { ensure_entry = { "on" } } },
  script = script("store", { "off", "flip" }, { "error", "disk" }, { "ok" }),
  steps = { { "send", "flip" } },
  expect = { after = { "off", "on" }, last_error = false },
})

add("on_enter may raise after the store", {
  def = STORED,
  script = script("on_enter", { "on" }, { "raise", "x" }),
  steps = { { "send", "flip" } },
  expect = { after = { "off", "on" }, last_error = error_of("on_enter", "x", "off", "flip") },
})

add("what a timer does to the payload is not stored", {
  def = { fsm = LAMP, persistency = true, options = { timer = 100 } },
  script = script("on_timer", { "off" }, { "ok", { n = 1 } }),
  steps = { { "advance", 100 }, { "read", "payload" } },
  expect = { after = { "off", "off", "off" }, results = { { n = 1 } }, trace = concat(START, TICK) },
})

-- ---- forks ---------------------------------------------------------------------

local FLOW = { events = { { "open", { initial = true, target_states = { "m" },
  valid_states = { "n" } } }, { "send", { final = true, target_states = {},
  valid_states = { "m" } } } } }
local WAIT = { fsm = FORK, forks = { { "wait", { { "back", "F1" } } } } }
local BEFORE = { steps = { { "*", "__start__", "ok" } }, current = "n", left = 2, passed = 0,
  pointer = 0 }

add("a flow that comes to its end sends its event", {
  def = WAIT, flows = { F1 = FLOW },
  steps = { { "send", "go" }, { "all" }, { "flow", "wait", "event", "open" },
    { "flow", "wait", "event", "send", { z = 1 } }, { "all" } },
  expect = { after = { "a", "wait", "wait", "wait", "fin", "fin" }, history = { "wait", "a", "*" },
    results = { { { "fork", "wait", "fsm" }, "fsm" }, { "ok", "done" }, { "ok", "done" },
      { "fsm" } } },
})

add("a flow gets what the owner has for it", {
  def = WAIT, flows = { F1 = FLOW },
  payload = { fork_data = { id = 5, object = { o = 1 }, more = "x" } },
  steps = { { "send", "go" }, { "flow", "wait", "event", "open", "p" } },
  expect = { after = { "a", "wait", "wait" }, results = { { "ok", "done" } },
    trace = concat({ { "on_start", { fork_data = { id = 5, object = { o = 1 }, more = "x" } } } },
      moved("*", "__start__", "a", FIRST, { fork_data = { id = 5, object = { o = 1 },
        more = "x" } }), moved("a", "go", "wait", nil, { fork_data = { id = 5, object = { o = 1 },
        more = "x" } }), { { "on_fork", "wait" }, { "on_flow_initialization" },
        { "handler", "open", "p", 5, { o = 1 } } }) },
})

local TWO = { { "back", "F1" }, { "skip", "F2" } }
for _, each in ipairs { { TWO, { "ok" }, "multiple_fork_resolutions" },
  { TWO, { "ok", "F1" } }, { TWO, { "ok", "F3" }, "unknown_fork_resolution" },
  { TWO, { "garbage", 7 }, "bad_fork_resolution" }, { TWO, { "raise", "x" }, "on_fork_raised" },
  { {}, { "ok" }, "missing_fork_resolution" } } do
  add("which flow runs has to be known: " .. (each[3] or "it is"), {
    def = { fsm = FORK, listener = "callback", forks = { { "wait", each[1] } } },
    flows = { F1 = FLOW, F3 = FLOW, F2 = { events = { { "turn", { initial = true,
      target_states = { "m" }, valid_states = { "n" } } }, { "send", { final = true,
      target_states = {}, valid_states = { "m" } } } } } },
    script = script("on_fork", { "wait" }, each[2]),
    steps = { { "send", "go" } },
    expect = { after = { "a", "wait" },
      last_error = each[3] and error_of("fork", each[3], "wait") or false,
      trace = concat(started({}, "a", true), moved("a", "go", "wait", nil, nil, true),
        { { "on_fork", "wait" }, each[3] and { "listener_fork_failure", "wait", each[3] }
          or { "on_flow_initialization" } }) },
  })
end

add("a flow goes on when its state is left otherwise, and then speaks to the wrong one", {
  def = WAIT, flows = { F1 = FLOW },
  steps = { { "send", "go" }, { "send", "skip" }, { "all" }, { "flow", "wait", "event", "open" },
    { "flow", "wait", "event", "send" } },
  expect = { after = { "a", "wait", "fin", "fin", "fin", "fin" },
    results = { { { "fork", "wait", "fsm" }, "fsm" }, { "ok", "done" }, { "ok", "done" } },
    last_error = error_of("not_responding", nil, "fin", "back") },
})

add("a step that answers an error has been taken", {
  def = WAIT, flows = { F1 = FLOW },
  script = script("handler", { "open" }, { "error", "e" }),
  steps = { { "send", "go" }, { "flow", "wait", "event", "open" }, { "flow", "wait", "info" } },
  expect = { after = { "a", "wait", "wait", "wait" },
    results = { { "ok", { "error", "e" } }, { steps = { { "n", "open", { "error", "e" } },
      { "*", "__start__", "ok" } }, current = "m", left = 1, passed = 1, pointer = 0 } } },
})

add("a step that raises has not been taken", {
  def = WAIT, flows = { F1 = FLOW },
  script = script("handler", { "open" }, { "raise", "e" }),
  steps = { { "send", "go" }, { "flow", "wait", "event", "open" }, { "flow", "wait", "info" } },
  expect = { after = { "a", "wait", "wait", "wait" }, results = { { "error", "e" }, BEFORE } },
})

return { cases = cases }
