-- SPDX-License-Identifier: MIT
local behaviour = require "spec.support.behaviour"
local cases = require "spec.support.cases"
local finitomata = require "finitomata"

-- What has no counterpart here, and why.
local NOT_OURS = {
  B061 = "an FSM cannot be killed, only stopped",
}

-- Ours counts the steps that are not taken back, and says when there is none.
local RECORDED = { { "k", "seal", "done" }, { "m", "fill", "done" }, { "n", "open", "done" },
  { "*", "__start__", "ok" } }
local BACK_AND_FORTH = {
  { "ok", "done" }, { "ok", "done" }, { "ok", "done" }, { "ok", true },
  { steps = RECORDED, current = "k", left = 2, passed = 2, pointer = 1 },
  { "ok", true },
  { steps = RECORDED, current = "m", left = 3, passed = 1, pointer = 2 },
  { "error", "not_responding: `m` does not answer `finitomata__back`" },
  { steps = RECORDED, current = "m", left = 3, passed = 1, pointer = 2 },
  { "ok", "done" },
  { steps = { table.unpack(RECORDED, 2) }, current = "k", left = 2, passed = 2, pointer = 0 },
}

-- Where one of our own rules moves the expectation and the case does not say so.
local OURS = {
  B021 = { after = { "a", "@dead", "@dead" } },
  B033 = { start = "definition_error", error = "hard_not_determined" },
  B052 = { after = { "off", "on" }, last_error = { stage = "on_exit", reason = "stuck" } },
  B048 = { last_error = false }, -- a success clears it
  B056 = { after = { "off", "on" }, last_error = false },
  B060 = { after = { "off", "on", "on", "on" }, -- an error never ends an FSM
    last_error = { stage = "on_transition", reason = "boom" } },
  B065 = { after = { "idle", "open", "open" }, last_error = { stage = "not_responding" } },
  B066 = { after = { "idle", "idle" }, last_error = { stage = "not_allowed" } },
  B080 = { after = { "off", "on" }, last_error = { stage = "on_enter", reason = "r" } },
  B084 = false,
  B086 = { payload = 77 }, -- whatever on_start returns is the new payload
  B171 = { results = BACK_AND_FORTH },
  B175 = {
    after = { "a", "wait", "fin", "fin" },
    results = { { "ok", { { "open", { "m", "skipped" } }, { "fill", { "k", "skipped" } },
      { "send", { "finitomata__flowed", "skipped" } } } } },
  },
  B179 = { start = "ok" },
  B193 = { after = { "off" }, last_error = false }, -- what is absent does nothing
  B099 = { after = { "off", "off" }, last_error = { stage = "timer", reason = "x" } },
}

local ran, skipped = 0, 0

-- ---- traces --------------------------------------------------------------------

---Splits what the file says of an event payload into payload and attempt.
local function split_payload(payload, attempt)
  if type(payload) ~= "table" or attempt == 0 or payload.__retries__ == nil then
    return payload, 0
  end
  local rest = {}
  for key, value in pairs(payload) do
    if key ~= "__retries__" then rest[key] = value end
  end
  if rest.payload ~= nil then return rest.payload, payload.__retries__ end
  if next(rest) == nil then return "@nil", payload.__retries__ end
  return rest, payload.__retries__
end

---A reason by its meaning: the words in it.
local function means(want, got)
  if type(want) == "table" then
    for _, part in ipairs(want) do
      if not means(part, got) then return false end
    end
    return true
  end
  if want == "@any" or want == got then return true end
  return type(want) == "string" and tostring(got):find(want, 1, true) ~= nil
end

local WITH_EVENT = { on_transition = 4, on_failure = 3, on_rollback = 3 }

local function same_entry(want, got)
  if want[1] ~= got[1] then return false end
  local payload_at = WITH_EVENT[want[1]]
  for i = 2, math.max(#want, #got) do
    local a, b = want[i], got[i]
    if i == payload_at then
      local attempt
      a, attempt = split_payload(a, got.attempt)
      if attempt ~= (got.attempt or 0) then return false end
    end
    local is_reason = payload_at == 3 and i == 5 or want[1] == "store_error" and i == 4
    if is_reason then
      if not means(a, b) then return false end
    elseif cases.show(a) ~= cases.show(b) then
      return false
    end
  end
  return true
end

local function without_exits(trace)
  local kept = {}
  for _, entry in ipairs(trace) do
    if entry[1] ~= "on_exit" then kept[#kept + 1] = entry end
  end
  return kept
end

local function check_trace(want, got)
  want, got = without_exits(want), without_exits(got)
  for i = 1, math.max(#want, #got) do
    if not (want[i] and got[i] and same_entry(want[i], got[i])) then
      error(("entry %d of the trace: expected %s, got %s\nexpected: %s\ngot:      %s"):format(
        i, cases.show(want[i]), cases.show(got[i]), cases.show(want), cases.show(got)), 0)
    end
  end
end

---Ours exits after the decision: once for each transition that was committed.
local function check_exits(trace)
  local decided
  for _, entry in ipairs(trace) do
    local what = entry[1]
    if what == "on_transition" then
      decided = entry[2]
    elseif what == "on_failure" or what == "on_rollback" or what == "on_start" then
      decided = nil
    elseif what == "on_exit" then
      assert.equal(decided, entry[2], "on_exit of a state that was not being left")
      decided = nil
    elseif what == "listener" or what == "on_enter" then
      assert.is_nil(decided, "on_exit was not called before " .. what)
    end
  end
end

-- ---- expectations --------------------------------------------------------------

local check = {}

function check.start(want, outcome)
  if type(want) == "table" then
    assert.equal("error", outcome.start[1])
    assert.equal(want[2], outcome.start[2])
  else
    assert.equal(want, outcome.start, tostring(outcome.err))
  end
end

function check.error_kind(want, outcome)
  if want ~= "crash" then assert.equal(want, outcome.err.code) end
end

check["error"] = function(want, outcome)
  assert.equal("definition_error", outcome.start)
  if not want:find(" ", 1, true) then assert.equal(want, outcome.err.code) end
end

function check.after(want, outcome) assert.same(want, outcome.after) end

function check.alive(want, outcome) assert.equal(want, outcome.full ~= nil) end

function check.payload(want, outcome)
  local payload = outcome.full.payload
  assert.equal(cases.show(want), cases.show(payload == nil and "@nil" or payload))
end

function check.history(want, outcome)
  local entries = {}
  for i, each in ipairs(want) do
    entries[i] = type(each) == "table" and { state = each[1], n = each[2] }
      or { state = each, n = 1 }
  end
  assert.same(entries, outcome.full.history)
end

function check.results(want, outcome)
  assert.equal(cases.show(want), cases.show(outcome.results))
end

function check.exits(want, outcome)
  local ends = {}
  for _, entry in ipairs(outcome.trace) do
    if entry[1] == "on_terminate" then ends[#ends + 1] = entry.ended end
  end
  assert.same(want, ends)
end

function check.timer(want, outcome) assert.equal(want, outcome.full.timer) end

function check.trace(want, outcome)
  check_trace(want, outcome.trace)
end

function check.last_error(want, outcome, case)
  local got = outcome.full.last_error
  local trace = case.expect.trace
  if trace and #trace > 0 and trace[#trace][1] == "on_enter" and not cases.better(case)
      and not OURS[case.id] then
    want = false -- a success clears it
  end
  if not want then return assert.is_nil(got) end
  for _, field in ipairs { "stage", "state", "event" } do
    if want[field] ~= nil then assert.equal(want[field], got[field]) end
  end
  if want.reason == "bad_return" then
    assert.equal("bad_return", got.code)
  elseif want.reason ~= nil then
    assert.is_true(means(want.reason, got.reason), tostring(got.reason))
  end
end

local function expectations(case)
  local ours = OURS[case.id] or cases.better(case)
  if not ours then return case.expect end
  local want = { after = not (ours.error or ours.start) and case.expect.after or nil }
  for name, value in pairs(ours) do want[name] = value end
  if want.last_error and not want.last_error.state and case.expect.last_error then
    want.last_error.state = case.expect.last_error.state
  end
  return want
end

local function hold(case)
  local outcome = behaviour.run(case)
  for name, want in pairs(expectations(case)) do
    assert(check[name], "no such expectation: " .. name)(want, outcome, case)
  end
  check_exits(outcome.trace)
  ran = ran + 1
end

describe("The behaviour cases", function()
  local level, sink
  setup(function()
    level = finitomata.log.set_level("off")
    sink = finitomata.log.set_sink(nil)
  end)
  teardown(function()
    finitomata.log.set_level(level)
    finitomata.log.set_sink(sink)
    print(("\n%d behaviour cases ran, %d have no counterpart here"):format(ran, skipped))
  end)

  for _, case in ipairs(cases.of_kind("behaviour")) do
    if NOT_OURS[case.id] or OURS[case.id] == nil and case.tag and not cases.better(case)
        or not behaviour.knows(case) then
      skipped = skipped + 1
    else
      it(("hold: %s, %s"):format(case.id, case.note), function() hold(case) end)
    end
  end
end)
