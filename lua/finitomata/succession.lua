-- SPDX-License-Identifier: MIT

--- A new definition for FSMs that run. An FSM whose state the new diagram has goes
--- on there, with its payload, its history and what waits for it; one whose state
--- is gone keeps the old diagram. Each moves when its turn comes, between events.
local definitions = require("finitomata.definition")
local flow = require("finitomata.flow")
local histories = require("finitomata.history")
local instances = require("finitomata.instance")
local log = require("finitomata.log")
local supervisor = require("finitomata.supervisor")
local task = require("finitomata.task")
local timers = require("finitomata.timers")

-- The slots of an instance; instance.lua says what they are.
local KIND <const>, NODE <const>, HISTORY <const>, EXTRA <const> = 1, 3, 5, 8

local M = {}

---The history with the numbers that its states have in another plan.
local function translated(self, kind)
  local packed, own, list = self[HISTORY], self[KIND].plan, {}
  local old = packed == histories.WIDE and self[EXTRA].history or histories.unpack(packed)
  for _, entry in ipairs(old) do
    local node = kind.plan.nodes[own.names[entry[1]]]
    if node then list[#list + 1] = { node.number, entry[2] } end
  end
  return list
end

---Whether two states have the same timeouts, so that those that run may run on.
local function same_timeouts(one, other)
  if not one or not other then return one == other end
  for i = 1, math.max(#one, #other) do
    local a, b = one[i] or {}, other[i] or {}
    if a.ms ~= b.ms or a.event ~= b.event or a.with ~= b.with then return false end
  end
  return true
end

local function move(self, kind)
  local old, node = self[NODE], kind.plan.nodes[self[NODE].name]
  if not node then
    log.warning("%s stays with its old diagram: there is no state `%s` any more",
      tostring(instances.name(self)), old.name)
    return
  end
  if old.fork and not node.fork then flow.leave(self) end
  local interval, list = timers.interval(self), translated(self, kind)
  self[HISTORY] = histories.pack(list, kind.history_mask) or histories.WIDE
  if self[HISTORY] == histories.WIDE then timers.rare(self).history = list end
  self[KIND], self[NODE] = kind, node
  if timers.interval(self) ~= interval then timers.arm_tick(self) end
  if not same_timeouts(old.after, node.after) then timers.arm_timeouts(self) end
  local extra = self[EXTRA]
  local postponed = extra and extra.postponed
  if postponed then extra.recall = true end
  if node.auto or node.fork or postponed then instances.send_resume(self) end
end

---Lets an FSM follow when everything that was sent to it before is done.
local function follow(self, kind)
  if not kind.plan.nodes[self[NODE].name] then return false end
  instances.send_read(self, { read = move, argument = kind, waiter = task.waiter() })
  return true
end

---What of a definition cannot change while FSMs of it run.
local function obstacle(old, new)
  local before, after = definitions.plan(old), definitions.plan(new)
  if flow.is(old) or flow.is(new) then return "a flow that has changed needs a restart" end
  if not before then return nil end
  if before.options.payload_mode ~= after.options.payload_mode then
    return "its payload_mode has changed: that needs a restart"
  end
  if (before.options.persistency == nil) ~= (after.options.persistency == nil) then
    return "its persistency has come or gone: that needs a restart"
  end
  after.options.persistency = before.options.persistency -- what it has stored stays where it is
end

---Gives a definition, and the FSMs that run by it, the diagram, options and callbacks of another.
---@param definition finitomata.Definition
---@param new finitomata.Definition not to be used after this
---@return any[]? staying names of FSMs that go on with the old diagram
---@return string? problem nothing has changed
function M.succeed(definition, new)
  local plan, err = definitions.plan(new)
  if not plan then return nil, err.message end
  local problem = obstacle(definition, new)
  if problem then return nil, problem end
  definitions.swap(definition, new)
  local staying = {}
  for branch in pairs(supervisor.branches) do
    for _, name in ipairs(branch:renew(definition, follow)) do staying[#staying + 1] = name end
  end
  return staying
end

return M
