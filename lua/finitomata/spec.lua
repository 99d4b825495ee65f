-- SPDX-License-Identifier: MIT

--- For the specs of an application: an FSM on a virtual clock, driven step by
--- step. Nothing sleeps, every state that the FSM passes has to be named, and a
--- failure shows the whole way that was walked.
---
--- ```lua
--- local spec = require "finitomata.spec"
---
--- local t = spec.start("turnstile", { coins = 0 })
--- t:expect { "closed" }
--- t:refuse("coin_in", "too little", 0)
--- t:send("coin_in", 1):expect { "opened", payload = { coins = 0 } }
--- t:send("walk_in"):expect { "closed" }
--- ```
local Error = require("finitomata.error")
local check = require("finitomata.check")
local clocks = require("finitomata.clock")
local definitions = require("finitomata.definition")
local explore = require("finitomata.explore")
local order = require("finitomata.order")
local schema = require("finitomata.schema")
local supervisor = require("finitomata.supervisor")
local task = require("finitomata.task")
local telemetry = require("finitomata.telemetry")

local M = {}

---What `spec.start` gives.
---@class finitomata.Walk
---@field definition finitomata.Definition of the FSM
---@field branch finitomata.Branch     where it runs
---@field clock finitomata.Clock       virtual
---@field name any                     of the FSM
---@field state string                 where it is now, "*" after the end
---@field payload any                  what it has now
---@field error? finitomata.Error      its `last_error`
---@field alive boolean                whether it has not ended
---@field private _fsm table           the view that callbacks get
---@field private _path table[]        everything that happened: {event, to} or {event, refused}
---@field private _passed string[]     the states that the last step passed
---@field private _refusals table[]    what was refused in it: {event, refused}
local Walk = { __name = "finitomata.Walk" }

-- ---- showing ---------------------------------------------------------------------

local WORD <const> = "^[%a_][%w_]*$"

---A value as Lua would write it, on one line.
---@param value any
---@param depth? integer
---@return string
local function shown(value, depth)
  depth = depth or 1
  if type(value) == "string" then return (("%q"):format(value):gsub("\\\n", "\\n")) end
  if type(value) ~= "table" then return tostring(value) end
  if depth > 6 then return "{ ... }" end
  local parts, length = {}, #value
  for i = 1, length do parts[i] = shown(value[i], depth + 1) end
  for _, key in ipairs(order.keys(value)) do
    if not (math.type(key) == "integer" and key >= 1 and key <= length) then
      local name = type(key) == "string" and key:find(WORD) and key
        or "[" .. shown(key, depth + 1) .. "]"
      parts[#parts + 1] = name .. " = " .. shown(value[key], depth + 1)
    end
  end
  if #parts == 0 then return "{}" end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then
    return a == b and math.type(a) == math.type(b) or a ~= a and b ~= b
  end
  for key, value in pairs(a) do
    if not same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

local function path_text(self)
  local words = { "*" }
  for _, step in ipairs(self._path) do
    if step.refused then
      words[#words + 1] = ("(%s refused: %s)"):format(step.event, shown(step.refused))
    else
      words[#words + 1] = ("--%s--> %s"):format(step.event, step.to)
    end
  end
  return table.concat(words, " ")
end

local function states_text(states)
  if #states == 0 then return "no transition" end
  return table.concat(states, " -> ")
end

-- ---- failing ---------------------------------------------------------------------

local Failure = { __tostring = function(self) return self.message end }

---Where the test is: the first caller outside this file.
local function place_of_test()
  local level, own = 2, debug.getinfo(1, "S").source
  while true do
    local info = debug.getinfo(level, "Sl")
    if not info then return "" end
    if info.source ~= own and info.what ~= "C" then
      return ("%s:%d: "):format(info.short_src, info.currentline)
    end
    level = level + 1
  end
end

---Raises, as an assertion of the test framework when there is one.
local function raise(message)
  local assertion = package.loaded.luassert
  message = place_of_test() .. message
  if assertion then assertion(false, setmetatable({ message = message }, Failure)) end
  error(message, 0)
end

---Fails the test and shows the way.
local function fail(self, format, ...)
  local lines = { format:format(...), " walked: " .. path_text(self),
    "payload: " .. shown(self.payload) }
  local last = self.error
  if last then lines[#lines + 1] = "  error: " .. tostring(last.message) end
  raise(table.concat(lines, "\n"))
end

-- ---- walking ---------------------------------------------------------------------

---The walks by the id of their branch; they may be collected.
local walks = setmetatable({}, { __mode = "v" })
local listening

local function listen()
  listening = listening or telemetry.attach(function(record)
    local self = walks[record.id]
    if not self then return end
    if record.error then
      local err = record.error
      local refusal = { event = record.event,
        refused = err.code == "not_responding" and err.code or err.reason }
      table.insert(self._path, refusal)
      table.insert(self._refusals, refusal)
    else
      table.insert(self._path, { event = record.event, to = record.to })
      table.insert(self._passed, record.to)
    end
  end)
end

---What is seen of the FSM, alive or not.
local fields = {}

function fields.state(self) return self._fsm.current end

function fields.payload(self) return self._fsm.payload end

function fields.error(self) return self._fsm.last_error end

function fields.alive(self) return self.branch:alive(self.name) end

function Walk.__index(self, key)
  local field = fields[key]
  if field then return field(self) end
  return Walk[key]
end

function Walk:__tostring()
  return ("finitomata.Walk<%s>"):format(path_text(self))
end

---Begins a step: what the one before passed is forgotten.
local function begin(self)
  self._passed, self._refusals = {}, {}
end

---Lets everything happen that can happen now, or within `ms`.
local function settle(self, ms)
  self.clock:advance(ms or 0)
end

local function deliver(self, event, event_payload)
  begin(self)
  if not self.alive then fail(self, "`%s` cannot be sent: the FSM has ended", event) end
  local ok, err = self.branch:transition(self.name, event, event_payload)
  if not ok then fail(self, "`%s` cannot be sent: %s", event, err.message) end
  settle(self)
end

---Sends an event and lets happen what follows from it.
---@param event string
---@param event_payload? any
---@return finitomata.Walk self
function Walk:send(event, event_payload)
  check.type(event, "string", 1, "send")
  deliver(self, event, event_payload)
  return self
end

---Calls `on_timer` now, as if the interval were over.
---@return finitomata.Walk self
function Walk:tick()
  begin(self)
  if not self.alive then fail(self, "the FSM has ended: it has no timer") end
  local err
  task.spawn(function()
    local _
    _, err = self.branch:timer_tick(self.name)
  end)
  settle(self)
  if err and err.code ~= "no_such_fsm" then fail(self, "no tick: %s", err.message) end
  return self
end

---Moves the time on: timers fire, timeouts pass, handlers that sleep go on.
---@param ms number
---@return finitomata.Walk self
function Walk:advance(ms)
  check.type(ms, "number", 1, "advance")
  if ms < 0 or ms ~= ms then
    error(("bad argument #1 to 'advance' (milliseconds expected, got %s)"):format(ms), 2)
  end
  begin(self)
  settle(self, ms)
  return self
end

-- ---- expecting -------------------------------------------------------------------

local EXPECTED <const> = { payload = true, fields = true }

local function is_state(definition, value)
  for _, state in ipairs(definition.states) do
    if state == value then return true end
  end
  return value == "*"
end

local function check_expected(self, expected)
  check.type(expected, "table", 1, "expect")
  for key, value in pairs(expected) do
    if math.type(key) == "integer" then
      if not is_state(self.definition, value) then
        error(("bad argument #1 to 'expect' (there is no state '%s')"):format(tostring(value)), 3)
      end
    elseif not EXPECTED[key] then
      error(("bad argument #1 to 'expect' (unknown key '%s')"):format(tostring(key)), 3)
    end
  end
end

local function check_states(self, expected)
  local states = table.move(expected, 1, #expected, 1, {})
  if not same(states, self._passed) then
    fail(self, "expected: %s\n     got: %s", states_text(states), states_text(self._passed))
  end
  self._passed = {}
end

local function check_payload(self, expected)
  local got = self.payload
  if type(expected.payload) == "function" then
    local ok, verdict = pcall(expected.payload, got)
    if not ok then fail(self, "the payload: %s", Error.text(verdict)) end
    if verdict == false then fail(self, "the payload is not as expected") end
  elseif expected.payload ~= nil and not same(expected.payload, got) then
    fail(self, "expected payload: %s\n             got: %s", shown(expected.payload), shown(got))
  end
  for _, key in ipairs(order.keys(expected.fields or {})) do
    local own = type(got) == "table" and got[key] or nil
    if not same(expected.fields[key], own) then
      fail(self, "expected payload.%s: %s\n                got: %s", tostring(key),
        shown(expected.fields[key]), shown(own))
    end
  end
end

---The states that the last step passed, all of them and in order, automatic ones
---included; "*" is the end. Beside them may stand `payload`, the payload now (a value
---to equal, or a function that fails the test by raising or by returning false), and
---`fields`, some of its fields.
---@param expected table `{ "state", ..., payload = any, fields = table }`
---@return finitomata.Walk self
function Walk:expect(expected)
  check_expected(self, expected)
  check_states(self, expected)
  check_payload(self, expected)
  return self
end

---Sends an event that has to be refused.
---@param event string
---@param reason? any   the reason, or the code or the stage of the error; any when absent
---@param event_payload? any
---@return finitomata.Walk self
function Walk:refuse(event, reason, event_payload)
  check.type(event, "string", 1, "refuse")
  deliver(self, event, event_payload)
  if #self._passed > 0 then
    fail(self, "expected `%s` to be refused, but it led to %s", event, states_text(self._passed))
  elseif #self._refusals == 0 then
    fail(self, "expected `%s` to be refused, but nothing became of it", event)
  end
  local err = self.error
  if reason ~= nil and err and not (same(reason, err.reason) or reason == err.code
    or reason == err.stage) then
    fail(self, "expected `%s` to be refused: %s\n%sgot: %s", event, shown(reason),
      (" "):rep(#event + 24), shown(err.reason))
  end
  return self
end

---What was walked so far, as a text.
---@return string
function Walk:path()
  return path_text(self)
end

---Ends the FSM, if it has not ended.
---@param reason? any what `on_terminate` is told
function Walk:stop(reason)
  if self.alive then self.branch:stop_fsm(self.name, reason) end
end

Walk.__close = function(self) self:stop() end

-- ---- beginning -------------------------------------------------------------------

local OPTIONS <const> = { name = true, id = true, node = "string" }

local function definition_of(module)
  if definitions.is(module) then return module end
  local result = require(module)
  if not definitions.is(result) then
    error(("bad argument #1 to 'start' (the module '%s' does not return a definition)"):format(
      module), 3)
  end
  if result.name == nil then result.name = module end
  return result
end

---Starts an FSM on a clock of its own. What it passes before it first rests is
---there for `expect`.
---@param module string|finitomata.Definition
---@param payload? any
---@param options? { name: any, id: any, node: string? } what the FSM is called, its branch's id,
---  and the node that it sees
---@return finitomata.Walk
function M.start(module, payload, options)
  if not definitions.is(module) then check.type(module, "string", 1, "start") end
  check.options(options, OPTIONS, 3, "start")
  options = options or {}
  local definition = definition_of(module)
  local clock = clocks.virtual()
  local id = options.id or ("spec %d"):format(task.serial())
  local branch = supervisor.new { id = id, clock = clock, node = options.node }
  local name = options.name or definition.name or "fsm"
  local self = { definition = definition, branch = branch, clock = clock, name = name,
    _path = {}, _passed = {}, _refusals = {} }
  setmetatable(self, Walk)
  listen()
  walks[id] = self
  local ref, err = branch:start_fsm(name, definition, payload)
  if not ref then error(("the FSM did not start: %s"):format(err.message), 2) end
  self._fsm = branch._fsms[name] -- the view; it outlives the FSM
  settle(self)
  return self
end

---An FSM whose start has to fail.
---@param module string|finitomata.Definition
---@param payload? any
---@param reason? any the reason of `on_start`, or the error's code; any when absent
function M.refuse_start(module, payload, reason)
  local definition = definition_of(module)
  local branch = supervisor.new { id = "spec", clock = clocks.virtual() }
  local ref, err = branch:start_fsm("fsm", definition, payload)
  local told = err and (err.reason == nil and err.code or err.reason)
  if err and (reason == nil or same(reason, told) or reason == err.code) then return end
  raise(ref and "expected the start to fail, but it did not"
    or ("expected the start to fail: %s\n                       got: %s"):format(
      shown(reason), shown(told)))
end

---What `explore` takes. Functions that make something get `roll(n)` and `roll(m, n)`: an
---integer from 1 or m up to n.
---@class finitomata.ExploreOptions
---@field payload? any to start with, or a function that makes one; by default one of the shape
---  that the definition has
---@field events? table<string, any> by event, its payload, or a function that makes one
---@field check? fun(walk: finitomata.Walk): any called after every step: raises, or returns false,
---  when something is wrong
---@field advance? number up to so many ms pass now and then
---@field steps? integer in one walk; default 50
---@field runs? integer how many walks; default 100
---@field seed? integer of the first walk

---Walks at random, again and again, and fails with the shortest walk it finds on
---which a callback raises or returns what it must not, or the check does not hold.
---@param module string|finitomata.Definition
---@param options? finitomata.ExploreOptions
function M.explore(module, options)
  local definition = definition_of(module)
  local shape = definitions.plan(definition)
  shape = shape and shape.options.payload
  if shape and (options == nil or options.payload == nil) then
    local own = { payload = function(roll) return schema.random(shape, roll) end }
    for key, value in pairs(options or {}) do own[key] = value end
    options = own
  end
  local failure = explore.run(function(payload) return M.start(definition, payload) end, options)
  if not failure then return end
  local lines = { failure.problem, " walked: " .. failure.path,
    "payload: " .. shown(failure.payload) }
  for i, step in ipairs(failure.steps) do
    lines[#lines + 1] = ("%7d. %s"):format(i, step.advance and ("%d ms pass"):format(step.advance)
      or step.event .. (step.payload ~= nil and " " .. shown(step.payload) or ""))
  end
  lines[#lines + 1] = ("   seed: %d"):format(failure.seed)
  raise(table.concat(lines, "\n"))
end

return M
