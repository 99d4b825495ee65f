-- SPDX-License-Identifier: MIT
--- The engine against a model of it: the order of one transition, written down as
--- plainly as it can be. Random diagrams, callbacks that answer anything, and both
--- have to call the same functions in the same order and to end in the same state.
local finitomata = require "finitomata"
local random_of = require "finitomata.random"
local worlds = require "spec.support.world"

local SEED = tonumber(os.getenv("SEED")) or os.time()

---A diagram that may be refused: some events are hard, some are soft.
local function diagram(random)
  local count, lines = 2 + random:below(4), { "[*] --> s1 : go" }
  local function state() return "s" .. 1 + random:below(count) end
  for i = 2, count do
    lines[#lines + 1] = ("s%d --> s%d : %s"):format(1 + random:below(i - 1), i,
      ({ "x", "y?", "n!" })[1 + random:below(3)])
  end
  for _ = 1, random:below(5) do
    lines[#lines + 1] = ("%s --> %s : %s"):format(state(), state(),
      ({ "x", "y?", "z", "n!" })[1 + random:below(4)])
  end
  for i = 1, count do
    if i == count or random:below(3) == 0 then
      lines[#lines + 1] = ("s%d --> [*] : bye"):format(i)
    end
  end
  return table.concat(lines, "\n")
end

---What callbacks do: a stream of choices, the same for the engine and the model.
local function choices(seed)
  local random = random_of.new(seed)
  return function(n) return random:below(n) end
end

---@return string|nil|false state what on_transition says; "error" stands for raising
---@return string? reason
local function decision(choose, targets)
  local what = choose(9)
  if what == 0 then return "error" end
  if what == 1 then return nil, "refused" end
  if what == 2 then return "nowhere" end
  if what == 3 then return 7 end
  if what < 6 then return nil end
  return targets[1 + choose(#targets)]
end

local function fails(choose)
  return choose(7) == 0
end

-- ---- the model -------------------------------------------------------------------

local Model = {}
Model.__index = Model

function Model.new(definition, choose)
  local edges = {}
  for _, t in ipairs(definition.transitions) do
    edges[t.from] = edges[t.from] or {}
    edges[t.from][t.event] = edges[t.from][t.event] or {}
    table.insert(edges[t.from][t.event], t.to)
  end
  return setmetatable({ edges = edges, choose = choose, state = "*", history = {}, calls = {} },
    Model)
end

function Model:call(...)
  self.calls[#self.calls + 1] = table.concat({ ... }, " ")
end

function Model:failed(event, stage)
  self.last = stage
  self:call("store_error", stage)
  if stage == "not_allowed" then self:call("on_rollback", event) end
  if not event:find("?", 1, true) then self:call("on_failure", event, self.state, stage) end
  return false
end

---What the event comes to before anything is done.
function Model:decide(event, targets)
  self:call("on_transition", self.state, event)
  local target, reason = decision(self.choose, targets)
  if target == "error" or reason or target == 7 then return nil, "on_transition" end
  if target == nil then
    if #targets > 1 then return nil, "on_transition" end
    target = targets[1]
  end
  for _, each in ipairs(targets) do
    if each == target then return target end
  end
  return nil, "not_allowed"
end

function Model:remember(state)
  local newest = self.history[1]
  if newest and newest.state == state then
    newest.n = newest.n + 1
  else
    table.insert(self.history, 1, { state = state, n = 1 })
    self.history[6] = nil
  end
end

function Model:take(event)
  local targets = (self.edges[self.state] or {})[event]
  if not targets then return self:failed(event, "not_responding") end
  local target, stage = self:decide(event, targets)
  if not target then return self:failed(event, stage) end
  self:call("store", self.state, target)
  if fails(self.choose) then return self:failed(event, "persistency") end
  local late
  local function guarded(name, ...)
    self:call(name, ...)
    if fails(self.choose) then late = late or name end
  end
  guarded("on_exit", self.state, self.state)
  self:remember(self.state)
  self.state, self.last = target, nil
  guarded("listener", target)
  guarded("on_enter", target, target)
  self.last = late
  if late and not event:find("?", 1, true) then
    self:call("on_failure", event, self.state, late)
  end
  return true
end

---The event that leaves the state by itself.
function Model:automatic()
  local events = self.edges[self.state]
  local event, targets = next(events)
  if self.state == "*" or next(events, event) then return nil end
  local ends = #targets == 1 and targets[1] == "*"
  return (event:find("!", 1, true) or ends) and event or nil
end

function Model:send(event)
  if not self:take(event) then return end
  while self.state ~= "*" do
    local auto = self:automatic()
    if not auto or not self:take(auto) then break end
  end
  if self.state == "*" then
    self:call("on_terminate", "normal")
    self.dead = true
  end
end

-- ---- the engine, with the same choices ----------------------------------------------

local function options_of(text, choose, call, targets_of)
  local function guarded(name)
    return function(state, fsm)
      call(name, state, fsm.current)
      if fails(choose) then error(name) end
    end
  end
  return {
    fsm = text, syntax = "state_diagram", auto_terminate = true,
    on_transition = function(state, event)
      call("on_transition", state, event)
      local target, reason = decision(choose, targets_of(state, event))
      if target == "error" then error("on_transition") end
      return target, reason
    end,
    on_exit = guarded("on_exit"), on_enter = guarded("on_enter"),
    on_failure = function(event, _, fsm)
      call("on_failure", event, fsm.current, fsm.last_error.stage)
    end,
    on_rollback = function(event) call("on_rollback", event) end,
    on_terminate = function(_, reason) call("on_terminate", reason) end,
    listener = function(_, state)
      call("listener", state)
      if fails(choose) then error("listener") end
    end,
    persistency = {
      load = function() end,
      store = function(_, _, info)
        call("store", info.from, info.to)
        if fails(choose) then return nil, "disk" end
      end,
      store_error = function(_, _, _, info) call("store_error", info.stage) end,
    },
  }
end

local function compare(seed)
  local random, calls, definition = random_of.new(seed), {}, nil
  local function call(...) calls[#calls + 1] = table.concat({ ... }, " ") end
  local ok, result = pcall(finitomata.define, options_of(diagram(random), choices(seed), call,
    function(state, event) return definition:targets(state, event) end))
  if not ok then return false end
  definition = result
  local model = Model.new(definition, choices(seed))
  local world = worlds.new()
  world:start_definition(definition)
  model:send("go")
  for _ = 1, 12 do
    assert.same(model.calls, calls)
    local full = world.branch:state("fsm")
    assert.equal(model.dead, full == nil or nil)
    if not full then break end
    assert.equal(model.state, full.current)
    assert.same(model.history, full.history)
    assert.equal(model.last, full.last_error and full.last_error.stage)
    local event = random:below(6) == 0 and "go"
      or definition.events[1 + random:below(#definition.events)]
    world.branch:transition("fsm", event)
    world.clock:advance(0)
    model:send(event)
  end
  world:close()
  return true
end

describe("The engine", function()
  it("does what its model does", function()
    local good = 0
    for i = 1, 600 do
      local ok, result = pcall(compare, SEED + i)
      if not ok then error(("SEED=%d: %s"):format(SEED + i - 1, tostring(result)), 0) end
      if result then good = good + 1 end
    end
    assert.is_true(good > 100, good .. " diagrams")
  end)
end)
