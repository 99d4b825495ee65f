-- SPDX-License-Identifier: MIT

--- The options of a definition: what each may be, and what it is turned into.
--- Every wrong one is reported, not only the first.
local config = require("finitomata.config")
local payloads = require("finitomata.payload")
local schema = require("finitomata.schema")

local M = {}

---What `finitomata.define` takes; the [callbacks](#callbacks) may stand beside.
---@class finitomata.Options
---@field fsm string the text of the diagram
---@field name? string the module's name, under which other nodes require it; found by itself
---@field syntax? "flowchart"|"state_diagram"|table what the text is written in: Mermaid's
---  flowcharts (default), PlantUML's or Mermaid's state diagrams, or `{ parse =, lint = }`
---@field auto_terminate? boolean|string|string[] final states that end by themselves; all of them
---  when `true`; default `false`
---@field timer? false|true|number ms between two calls of `on_timer`, which there has to be; `true`
---  is 5000; default `false`
---@field after? table<string, table> `{ state = { ms, event, event_payload? } }`, or lists of
---  these: the event is sent after so long in the state, and dropped when the state is left
---@field ensure_entry? boolean|string[]|table events that lead to these states are tried until they
---  succeed: `true` (the first state), states, or `{ state = { max = 10, delay = 100, factor = 2 }
---  }`
---@field guards? table `{ state = { event = { ["reason"] = f } } }`: `f(event_payload, payload,
---  fsm)` must agree, or the event is refused for that reason
---@field postpone? table<string, string|string[]> `{ state = { events } }`: they wait until the
---  state is another; `_` is any state
---@field ignore? table<string, string|string[]> `{ state = { events } }`: dropped without a failure
---@field internal? table<string, string|string[]> `{ state = { events } }`: an edge from the state
---  to itself that neither exits nor enters it
---@field any? table<string, string> `{ event = state }`: an edge from every state that goes on
---@field listener? function|table|table[] `f(name, state, payload)` after every transition, or a
---  table with `after_transition`, or a list of them
---@field persistency? table a storage, see [finitomata.persistency](#finitomatapersistency)
---@field forks? table `{ state = { event = flow } }`, or lists of flows
---@field history? integer how many states that were left are remembered; default 5
---@field payload? string|table what a payload has to be: the name of a type (`"integer"`,
---  `"string?"`), shapes by key, or `{ shape }`, a list; looked at whenever a payload changes
---@field payload_mode? "copy"|"share" whether callbacks get copies (default) or the payload itself
---@field cache_state? boolean whether `state(name, "cached")` answers; default `true`
---@field hibernate? boolean|string|string[] states in which an FSM is expected to rest for long
---@field mailbox? integer how many events may wait, default 100000; more are `overloaded`
---@field max_handler_ms? false|number how long a handler may run without waiting; default off
---@field shutdown? number ms that a stop waits for a handler; default 5000
---@field endless? boolean whether the FSM need not have an end; default `false`
---@field strict? boolean refuse a start while a choice of the diagram has no handler; default
---  `false`

---@class finitomata.options.Reading
---@field given table         the options as written
---@field states table<string, true>
---@field events table<string, table<string, true>> event -> states that answer it
---@field exits table<string, true>
---@field faults table[]
local Reading = {}
Reading.__index = Reading

---@param code string
---@param format string
function Reading:fault(code, format, ...)
  self.faults[#self.faults + 1] = { code = code, states = {}, message = format:format(...) }
end

---A known state, or a fault.
function Reading:state(name, option)
  if self.states[name] then return true end
  self:fault("unknown_state", "%s: there is no state `%s`", option, tostring(name))
  return false
end

---A known event, and one that `state` answers when a state is given.
function Reading:event(name, option, state)
  local answered = self.events[name]
  if not answered then
    self:fault("unknown_event", "%s: there is no event `%s`", option, tostring(name))
    return false
  end
  if state and state ~= "_" and self.states[state] and not answered[state] then
    self:fault("unknown_event", "%s: `%s` does not answer `%s`", option, state, name)
    return false
  end
  return true
end

---One state or a list of them, as a set.
function Reading:state_set(value, option)
  local set = {}
  if type(value) == "string" then value = { value } end
  if type(value) ~= "table" then
    self:fault("bad_option", "%s: a state or a list of states expected, got %s", option,
      type(value))
    return set
  end
  for key, state in pairs(value) do
    if math.type(key) ~= "integer" then
      self:fault("bad_option", "%s: a list of states expected, got the key '%s'", option,
        tostring(key))
    elseif self:state(state, option) then
      set[state] = true
    end
  end
  return set
end

local function is_duration(value)
  return type(value) == "number" and value > 0 and value < math.huge
end

local function is_count(value, least)
  return math.type(value) == "integer" and value >= least
end

local function number(reading, option, valid, expected)
  local value = reading.given[option]
  if value == nil then return config.default(option) end
  if valid(value) then return value end
  reading:fault("bad_option", "%s: %s expected, got %s", option, expected, tostring(value))
  return config.default(option)
end

local function boolean(reading, option)
  local value = reading.given[option]
  if value == nil then return config.default(option) end
  if type(value) ~= "boolean" then
    reading:fault("bad_option", "%s: boolean expected, got %s", option, type(value))
  end
  return value == true
end

local read = {}

function read.timer(reading)
  local value = reading.given.timer
  if value == nil then value = config.default("timer") end
  if value == true then return config.TIMER_MS end
  if value == false then return false end
  if is_duration(value) and math.tointeger(value) then return math.tointeger(value) end
  reading:fault("bad_option", "timer: whole milliseconds over 0 expected, got %s", tostring(value))
  return false
end

function read.auto_terminate(reading)
  local value = reading.given.auto_terminate
  if value == nil then value = config.default("auto_terminate") end
  if type(value) == "boolean" then return value and reading.exits or {} end
  local set = reading:state_set(value, "auto_terminate")
  for state in pairs(set) do
    if not reading.exits[state] then
      reading:fault("bad_option", "auto_terminate: `%s` is not a state that can end", state)
    end
  end
  return set
end

-- What a policy may say, and what it must be.
local POLICY <const> = {
  max = { "a whole number from 0", function(v) return is_count(v, 0) or v == math.huge end },
  delay = { "milliseconds", function(v) return v == 0 or is_duration(v) end },
  factor = { "a number from 1", function(v) return is_duration(v) and v >= 1 end },
}

local function policy(reading, state, value)
  local result = {}
  for key, default in pairs(config.ENSURE) do result[key] = default end
  if value == true then return result end
  if type(value) ~= "table" then
    reading:fault("bad_option", "ensure_entry: `%s`: {max=, delay=, factor=} expected, got %s",
      state, type(value))
    return result
  end
  for key, given in pairs(value) do
    local rule = POLICY[key]
    if not rule then
      reading:fault("bad_option", "ensure_entry: `%s`: unknown key '%s'", state, tostring(key))
    elseif not rule[2](given) then
      reading:fault("bad_option", "ensure_entry: `%s`: %s: %s expected, got %s", state, key,
        rule[1], tostring(given))
    else
      result[key] = given
    end
  end
  return result
end

function read.ensure_entry(reading)
  local value, ensured = reading.given.ensure_entry, {}
  if value == nil then value = config.default("ensure_entry") end
  if value == false then return ensured end
  if value == true then
    ensured[reading.entry] = policy(reading, reading.entry, true)
  elseif type(value) == "table" then
    for key, each in pairs(value) do
      local listed = math.type(key) == "integer"
      local state = listed and each or key
      if reading:state(state, "ensure_entry") then
        ensured[state] = policy(reading, state, listed or each)
      end
    end
  elseif type(value) == "string" then
    if reading:state(value, "ensure_entry") then ensured[value] = policy(reading, value, true) end
  else
    reading:fault("bad_option", "ensure_entry: boolean or table expected, got %s", type(value))
  end
  return ensured
end

function read.hibernate(reading)
  local value = reading.given.hibernate
  if value == nil then value = config.default("hibernate") end
  if type(value) == "boolean" then return value and reading.states or {} end
  return reading:state_set(value, "hibernate")
end

function read.payload(reading)
  local value = reading.given.payload
  if value == nil then return nil end
  local fault = schema.fault(value)
  if fault then reading:fault("bad_option", "%s", fault) end
  return value
end

function read.payload_mode(reading)
  local value = reading.given.payload_mode
  if value == nil then value = config.default("payload_mode") end
  if value ~= "copy" and value ~= "share" then
    reading:fault("bad_option", "payload_mode: 'copy' or 'share' expected, got '%s'",
      tostring(value))
  end
  return value
end

function read.persistency(reading)
  local value = reading.given.persistency
  if value == nil then return nil end
  if type(value) ~= "table" then
    reading:fault("bad_option", "persistency: {load=, store=} expected, got %s", type(value))
    return nil
  end
  for _, name in ipairs { "load", "store" } do
    if type(value[name]) ~= "function" then
      reading:fault("bad_option", "persistency: a function `%s` expected, got %s", name,
        type(value[name]))
      return nil
    end
  end
  if value.store_error ~= nil and type(value.store_error) ~= "function" then
    reading:fault("bad_option", "persistency: store_error: function expected, got %s",
      type(value.store_error))
  end
  return value
end

local function one_listener(reading, value, list)
  if type(value) == "function" then
    list[#list + 1] = { after_transition = value }
  elseif type(value) == "table" and type(value.after_transition) == "function" then
    list[#list + 1] = value
    if value.after_fork_failure ~= nil and type(value.after_fork_failure) ~= "function" then
      reading:fault("bad_option", "listener: after_fork_failure: function expected, got %s",
        type(value.after_fork_failure))
    end
  else
    reading:fault("bad_option",
      "listener: a function or a table with `after_transition` expected, got %s",
      type(value))
  end
end

function read.listener(reading)
  local value, list = reading.given.listener, {}
  if value == nil then return list end
  if type(value) == "table" and value.after_transition == nil then
    for _, each in ipairs(value) do one_listener(reading, each, list) end
    if #value == 0 and next(value) ~= nil then one_listener(reading, value, list) end
  else
    one_listener(reading, value, list)
  end
  return list
end

---Whether a flow that belongs to a state and an event could ever run, and is one.
local function check_fork(reading, state, event, flows)
  if not reading:event(event, "forks", state) then return end
  local list = reading.given.auto_terminate ~= nil and read.auto_terminate(reading) or {}
  if event:sub(-1) == "!" or list[state] and reading.events[event][state] == "*" then
    reading:fault("bad_option", "forks: `%s` leaves `%s` by itself, no flow could run", event,
      state)
  end
  if type(flows) ~= "table" then
    return reading:fault("bad_option", "forks: `%s`: a flow expected, got %s", event, type(flows))
  end
  for _, flow in ipairs(rawget(flows, "is_flow") and { flows } or #flows > 0 and flows
    or next(flows) and { flows } or {}) do
    if type(flow) ~= "table" or not rawget(flow, "is_flow") then
      reading:fault("bad_option", "forks: `%s`: a flow expected (see finitomata.flow), got %s",
        event, tostring(flow))
    end
  end
end

function read.forks(reading)
  local value, forks = reading.given.forks, {}
  if value == nil then return forks end
  if type(value) ~= "table" then
    reading:fault("bad_option", "forks: {state = {event = flow}} expected, got %s", type(value))
    return forks
  end
  for state, flows in pairs(value) do
    if reading:state(state, "forks") and type(flows) ~= "table" then
      reading:fault("bad_option", "forks: `%s`: {event = flow} expected, got %s", state,
        type(flows))
    elseif reading.states[state] then
      for event, flow in pairs(flows) do check_fork(reading, state, event, flow) end
      forks[state] = flows
    end
  end
  return forks
end

local function timeout(reading, state, value)
  if type(value) ~= "table" or not is_duration(value[1]) or type(value[2]) ~= "string" then
    reading:fault("bad_option", "after: `%s`: {ms, event} expected", state)
    return nil
  end
  if not reading:event(value[2], "after", state) then return nil end
  local _, err = payloads.copy(value[3])
  if err then
    reading:fault("bad_option", "after: `%s`: the event's %s", state, err.message)
  end
  return { ms = value[1], event = value[2], with = value[3] }
end

function read.after(reading)
  local value, after = reading.given.after, {}
  if value == nil then return after end
  if type(value) ~= "table" then
    reading:fault("bad_option", "after: {state = {ms, event}} expected, got %s", type(value))
    return after
  end
  for state, timeouts in pairs(value) do
    if reading:state(state, "after") then
      local list = {}
      if type(timeouts) == "table" and type(timeouts[1]) == "table" then
        for _, each in ipairs(timeouts) do list[#list + 1] = timeout(reading, state, each) end
      else
        list[1] = timeout(reading, state, timeouts)
      end
      after[state] = list
    end
  end
  return after
end

---{state = event | {events}} as {state = {event = true}}; `_` is any state.
local function events_by_state(reading, option)
  local value, sets = reading.given[option], {}
  if value == nil then return sets end
  if type(value) ~= "table" then
    reading:fault("bad_option", "%s: {state = {events}} expected, got %s", option, type(value))
    return sets
  end
  for state, events in pairs(value) do
    if state == "_" or reading:state(state, option) then
      sets[state] = {}
      for _, event in ipairs(type(events) == "table" and events or { events }) do
        if reading:event(event, option) then sets[state][event] = true end
      end
    end
  end
  return sets
end

function read.postpone(reading) return events_by_state(reading, "postpone") end

function read.ignore(reading) return events_by_state(reading, "ignore") end

function read.internal(reading)
  local sets = events_by_state(reading, "internal")
  for state, events in pairs(sets) do
    for event in pairs(events) do
      local targets = reading.events[event]
      if state ~= "_" and targets and targets[state] ~= state then
        reading:fault("bad_option", "internal: `%s` has no edge back to itself by `%s` alone",
          state, event)
      end
    end
  end
  return sets
end

local function guard_list(reading, where, value)
  local list = {}
  if type(value) == "function" then return { { text = where, check = value } } end
  if type(value) ~= "table" then
    reading:fault("bad_option", "guards: %s: {text = function} expected, got %s", where,
      type(value))
    return list
  end
  for text, check in pairs(value) do
    if type(text) ~= "string" or type(check) ~= "function" then
      reading:fault("bad_option", "guards: %s: {text = function} expected", where)
    else
      list[#list + 1] = { text = text, check = check }
    end
  end
  table.sort(list, function(a, b) return a.text < b.text end)
  return list
end

function read.guards(reading)
  local value, guards = reading.given.guards, {}
  if value == nil then return guards end
  if type(value) ~= "table" then
    reading:fault("bad_option", "guards: {state = {event = {text = function}}} expected, got %s",
      type(value))
    return guards
  end
  for state, events in pairs(value) do
    if (state == "_" or state == "*" or reading:state(state, "guards"))
        and type(events) == "table" then
      guards[state] = {}
      for event, list in pairs(events) do
        if reading:event(event, "guards", state) then
          guards[state][event] = guard_list(reading, ("`%s` in `%s`"):format(event, state), list)
        end
      end
    elseif type(events) ~= "table" then
      reading:fault("bad_option", "guards: `%s`: {event = {text = function}} expected",
        tostring(state))
    end
  end
  return guards
end

function read.shutdown(reading)
  return number(reading, "shutdown", function(v) return v == 0 or is_duration(v) end,
    "milliseconds")
end

function read.history(reading)
  return number(reading, "history", function(v) return is_count(v, 0) end, "a whole number from 0")
end

function read.mailbox(reading)
  return number(reading, "mailbox", function(v) return is_count(v, 1) end, "a whole number from 1")
end

function read.max_handler_ms(reading)
  local value = reading.given.max_handler_ms
  if value == nil then value = config.default("max_handler_ms") end
  if value == false or is_duration(value) then return value end
  reading:fault("bad_option", "max_handler_ms: milliseconds over 0 expected, got %s",
    tostring(value))
  return false
end

function read.cache_state(reading) return boolean(reading, "cache_state") end

function read.strict(reading) return boolean(reading, "strict") end

function read.endless(reading) return boolean(reading, "endless") end

M.KNOWN = { fsm = true, name = true, syntax = true, any = true }
for name in pairs(read) do M.KNOWN[name] = true end

---The keys of a table of options that are neither options nor callbacks, sorted.
---@param given table
---@param callbacks table<string, any>
---@return string[]
function M.unknown(given, callbacks)
  local names = {}
  for key in pairs(given) do
    if not M.KNOWN[key] and not callbacks[key] then names[#names + 1] = tostring(key) end
  end
  table.sort(names)
  return names
end

---@param given table        the options as written
---@param shape table        states, events, exits, entry of the diagram
---@param faults table[]     what is wrong is appended here
---@return table options     normalised
function M.read(given, shape, faults)
  local reading = setmetatable({
    given = given, states = shape.states, events = shape.events, exits = shape.exits,
      entry = shape.entry,
    faults = faults,
  }, Reading)
  local options, names = {}, {}
  for name in pairs(read) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do options[name] = read[name](reading) end
  return options
end

return M
