-- SPDX-License-Identifier: MIT
--- Live transitions of one FSM. On this node the engine reports them; an FSM on
--- another node is asked where it is, and its history tells what happened since.
local cluster = require "infinitomata.cluster"
local task = require "finitomata.task"
local telemetry = require "finitomata.telemetry"

local M = {}

local POLL_MS <const> = 200

---@class infinitomata.console.Watch
---@field text string where the FSM is when the watch begins
---@field private _over boolean
---@field private _engine { cancel: fun(self) }
local Watch = {}
Watch.__index = Watch

function Watch:cancel()
  self._over = true
  self._engine:cancel()
end

local function is_here(branch, name)
  local row = branch:row(name)
  local node = cluster.node()
  return not node or row ~= nil and row.node == node:self().name
end

local function told(record)
  if record.outcome == "ok" then
    return ("%s: %s --%s--> %s"):format(record.name, record.from, record.event, record.to)
  end
  local reason = record.error and record.error.message or record.outcome
  return ("%s: %s --%s--> stays: %s"):format(record.name, record.from, record.event, reason)
end

---The states an FSM went through since `before`, oldest first. A history counts
---how often a state was left; what it has dropped is lost.
---@param before table as branch:state gives it
---@param now table
---@return string[]
function M.steps(before, now)
  local left = {}
  for _, entry in ipairs(now.history or {}) do
    for _ = 1, entry.n do table.insert(left, 1, entry.state) end
  end
  local known = 0
  for _, entry in ipairs(before.history or {}) do known = known + entry.n end
  local steps = table.move(left, known + 1, #left, 1, {})
  if known >= #left and before.current ~= now.current then steps = { before.current } end
  if #steps > 0 then steps[#steps + 1] = now.current end
  return steps
end

local function poll(self, branch, name, last, show)
  while not self._over do
    task.sleep(POLL_MS)
    if self._over then return end
    local now, err = branch:state(name)
    if now == nil then
      self:cancel()
      local known = err.code ~= "no_such_fsm" and branch:row(name)
      show(("%s: %s"):format(name, known and tostring(err) or "has ended"), true)
      return
    end
    if not is_here(branch, name) then
      local steps = M.steps(last, now)
      if #steps > 0 then show(("%s: %s"):format(name, table.concat(steps, " --> "))) end
    end
    last = now
  end
end

---@async
---@param branch infinitomata.Branch
---@param name string
---@param show fun(text: string, over?: boolean) gets a line for each transition
---@return infinitomata.console.Watch?
---@return finitomata.Error? err
function M.start(branch, name, show)
  local first, err = branch:state(name)
  if first == nil then return nil, err end
  local self = setmetatable({ _over = false }, Watch)
  self.text = ("%s: is in %s"):format(name, first.current)
  self._engine = telemetry.attach(function(record)
    if record.name == name and record.id == branch.id then show(told(record)) end
  end)
  task.spawn(poll, self, branch, name, first, show)
  return self
end

return M
