-- SPDX-License-Identifier: MIT

--- Measurements for whoever wants them: one record per event, with the FSM's
--- name, the event, the states it lay between, how long it took and what became
--- of it. While nobody listens nothing is measured.
local clock = require("finitomata.clock")
local guard = require("finitomata.guard")
local task = require("finitomata.task")

local M = {}

---True while somebody listens.
M.active = false

local handlers = {}

---What became of one event.
---@class finitomata.telemetry.Record
---@field name any           the FSM
---@field id any             its branch
---@field implementation? string the name of its definition
---@field event string       what happened
---@field from string        where it was before
---@field to string          where it is afterwards
---@field duration_ns integer from the event's turn to its end, callbacks included
---@field outcome string     "ok", or the code of the error
---@field error? finitomata.Error why it was refused
---@field fsm finitomata.Fsm the FSM, as callbacks see it

---Calls `fn(record)` for every event that an FSM of this process has answered, taken
---or refused. Events that its state does not know are not among them.
---@param fn fun(record: finitomata.telemetry.Record)
---@return {cancel: fun(self)} handle
function M.attach(fn)
  if type(fn) ~= "function" then
    error(("bad argument #1 to 'attach' (function expected, got %s)"):format(type(fn)), 2)
  end
  local handle = { fn = fn }
  function handle:cancel()
    for i, each in ipairs(handlers) do
      if each == self then
        table.remove(handlers, i)
        break
      end
    end
    M.active = #handlers > 0
    task.observe(M.active)
  end
  handlers[#handlers + 1] = handle
  M.active = true
  task.observe(true)
  return handle
end

M.now = clock.nanoseconds

---Reports one event.
---@param fsm finitomata.Instance
---@param implementation string?
---@param from string
---@param event string
---@param started integer
---@param err finitomata.Error?
function M.transition(fsm, implementation, from, event, started, err)
  local record = {
    name = fsm.name,
    id = fsm.id,
    implementation = implementation,
    event = event,
    from = from,
    to = fsm.current,
    duration_ns = M.now() - started,
    outcome = err and err.code or "ok",
    error = err,
    fsm = fsm,
  }
  for _, handle in ipairs({ table.unpack(handlers) }) do
    guard.call(fsm.name, "telemetry", handle.fn, record)
  end
end

return M
