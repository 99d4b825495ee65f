-- SPDX-License-Identifier: MIT

--- Finite state machines on this node: define them, start them under names, send
--- them events, read them. `infinitomata` offers the same calls in a cluster.
local check = require("finitomata.check")
local clocks = require("finitomata.clock")
local config = require("finitomata.config")
local definitions = require("finitomata.definition")
local flow = require("finitomata.flow")
local log = require("finitomata.log")
local parser = require("finitomata.parser")
local persistency = require("finitomata.persistency")
local supervisor = require("finitomata.supervisor")
local task = require("finitomata.task")
local telemetry = require("finitomata.telemetry")
local trace = require("finitomata.trace")

---@class finitomata: finitomata.Calls
local M = {
  _VERSION = "0.1.0",
  config = config,
  log = log,
  persistency = persistency,
  telemetry = telemetry,
}

---Makes a definition. Raises, with everything that is wrong, when it cannot be:
---the error's `faults` name file, line, column and what was expected.
---@param options finitomata.Options the [options](#options-of-define), [callbacks](#callbacks)
---  among them
---@return finitomata.Definition
function M.define(options)
  local definition = definitions.define(options, 2)
  return definition
end

---The transitions of a diagram, in source order.
---
---```lua
---local finitomata = require "finitomata"
---
---local list = finitomata.parse "on --> |flip| off"
---assert(list[2].from == "on" and list[2].event == "flip" and list[2].to == "off")
---
---local none, err = finitomata.parse "on -> |flip| off"
---assert(not none and err.code == "malformed" and err.line == 1 and err.column == 4)
---```
---@param text string the diagram
---@param syntax? string|table "flowchart" (default), "state_diagram", {parse=, lint=}
---@return {from: string, to: string, event: string}[]? transitions `"*"` is the start and the end
---@return finitomata.Error? err code, line, column, states; `err.faults` lists every fault
function M.parse(text, syntax)
  check.type(text, "string", 1, "parse")
  if not parser.syntax(syntax) then
    error(("bad argument #2 to 'parse' (unknown syntax '%s')"):format(tostring(syntax)), 2)
  end
  return parser.parse(text, syntax)
end

---Makes a flow, for the option `forks`: a procedure of steps that runs beside an FSM.
---@param steps table<string, finitomata.FlowStep> by event
---@param options? {on_initialization: function?, name: string?} `on_initialization(payload)` runs
---  before the first step, and may refuse with `nil, reason`; the name is for `on_fork`
---@return finitomata.Definition flow
function M.flow(steps, options)
  local definition = flow.new(steps, options)
  return definition
end

---A clock that moves only by `:advance(ms)`, for `start_link { clock = }`; see
---[a virtual clock](#a-virtual-clock).
---@return finitomata.Clock
M.virtual_clock = clocks.virtual

-- ---- branches ------------------------------------------------------------------

local branches = {}
local DEFAULT <const> = "default"
local transition -- the function, where there is no shorter way to the default branch
local LINK_OPTIONS <const> = { clock = "table", node = "string", seed = "number" }

---Starts a branch, FSMs under names of their own, or gives the one that runs under
---the id.
---@param id? any "default" when absent; it may be left out before a table of options
---@param options? {clock: finitomata.Clock?, node: string?, seed: integer?} the clock that its FSMs
---  live by, what they see as `fsm.node`, the seed of `random`; used only when the branch is new
---@return finitomata.Branch
function M.start_link(id, options)
  if type(id) == "table" and options == nil then id, options = nil, id end
  check.options(options, LINK_OPTIONS, 2, "start_link")
  if id == nil then id = DEFAULT end
  local branch = branches[id]
  if branch then return branch end
  if options and options.clock and not clocks.is(options.clock) then
    error("bad argument #2 to 'start_link' (option 'clock': a clock expected)", 2)
  end
  local own = { id = id }
  for key, value in pairs(options or {}) do own[key] = value end
  branch = supervisor.new(own)
  branch:on_stop(function()
    if branches[id] == branch then branches[id] = nil end
  end)
  branches[id] = branch
  M.transition = task.sender_to(branches, transition, DEFAULT)
  return branch
end

local CALLS <const> = {
  "start_fsm", "call", "state", "alive", "allowed", "responds", "can", "timer_tick",
  "reset_timer", "all", "count", "random", "stop_fsm", "monitor", "child_spec", "stop",
}

for _, name in ipairs(CALLS) do
  M[name] = function(...)
    local branch = branches.default or M.start_link()
    return branch[name](branch, ...)
  end
end

---Sends an event to an FSM of the default branch, as `branch:transition` does.
---@param name any the FSM
---@param event string what happens to it
---@param event_payload? any plain data
---@param delay_ms? number send it later
---@return true? ok
---@return finitomata.Error|finitomata.Delayed|nil err or, of a delayed event, its handle
function M.transition(name, event, event_payload, delay_ms)
  return (branches.default or M.start_link()):transition(name, event, event_payload, delay_ms)
end

transition = M.transition

-- ---- coroutines ----------------------------------------------------------------

---Pauses the caller: in a handler the handler, elsewhere everything but the FSMs.
---@async
---@param ms number on the clock of the FSM whose handler it is
function M.sleep(ms)
  if ms == nil then check.type(ms, "number", 1, "sleep") end
  check.duration(ms, 1, "sleep")
  local fsm = task.current()
  task.sleep(ms, fsm and supervisor.clock_of(fsm) or clocks.real())
end

local function answer_of(waiter, ...)
  if select("#", ...) > 1 and (...) == nil then return ... end -- it has not begun
  return task.wait(waiter)
end

---Makes a request that takes a callback last, luv's for one, and waits for what the
---callback is told. In a handler other FSMs go on meanwhile. A request that cannot
---begin returns `nil` and why, as luv's do.
---
---```lua
---local finitomata = require "finitomata"
---local uv = require "luv"
---
---local err, stat = finitomata.await(uv.fs_stat, "/")
---assert(err == nil and stat.type == "directory")
---err = finitomata.await(uv.fs_stat, "/no/such/file")
---assert(err:match "^ENOENT")
---```
---@async
---@param request fun(...) called with the arguments and a callback behind them
---@param ... any its arguments
---@return any ... what the callback was told
function M.await(request, ...)
  check.callable(request, 1, "await")
  clocks.real() -- requests run on its loop
  local waiter, arguments = task.waiter(), table.pack(...)
  arguments[arguments.n + 1] = function(...) task.wake(waiter, ...) end
  return answer_of(waiter, request(table.unpack(arguments, 1, arguments.n + 1)))
end

---Runs a function in a coroutine of its own, soon. An error in it is logged.
---@param fn function
---@param ... any its arguments
function M.spawn(fn, ...)
  check.type(fn, "function", 1, "spawn")
  task.spawn(fn, ...)
end

local function finish(waiter, ...)
  task.wake(waiter, ...)
end

---Runs a function and the loop until the function returns, and returns what it
---returned. An error in it is raised here.
---
---```lua
---local finitomata = require "finitomata"
---
---local state = finitomata.run(function()
---  assert(finitomata.start_fsm("gate", "turnstile"))
---  finitomata.sleep(1)
---  return finitomata.call("gate", "coin_in", 1)
---end)
---assert(state == "opened")
---```
---@async
---@param fn function
---@param ... any its arguments
---@return any ...
function M.run(fn, ...)
  check.type(fn, "function", 1, "run")
  clocks.real()
  local waiter = task.waiter()
  local arguments = table.pack(...)
  task.spawn(function()
    finish(waiter, xpcall(fn, function(err)
      if type(err) ~= "string" then return err end
      return trace.add(err)
    end, table.unpack(arguments, 1, arguments.n)))
  end)
  local results = table.pack(task.wait(waiter))
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

return M
