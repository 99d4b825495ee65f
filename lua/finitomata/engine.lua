-- SPDX-License-Identifier: MIT

--- One transition, as far as it is a decision: a state, an event and a payload
--- go in, the next state and payload come out, or the reason why not. Nothing
--- outside is touched; whoever asked commits the answer, or forgets it.
local Error = require("finitomata.error")
local guard = require("finitomata.guard")
local payloads = require("finitomata.payload")

local M = {}

local xpcall, type = xpcall, type
local catch, copy = guard.catch, payloads.copy

---A refusal, with all that is known of it.
---@param stage string
---@param code string
---@param reason any
---@param node finitomata.Node
---@param event string
---@param event_payload any
---@param message? string
---@return finitomata.Error
local function refusal(stage, code, reason, node, event, event_payload, message)
  if not message then
    message = ("`%s` in `%s`: %s"):format(event, node.name, Error.text(reason))
  end
  return Error.new(code, message, {
    stage = stage, reason = reason, state = node.name, event = event, event_payload = event_payload,
  })
end

M.refusal = refusal

---Whether a raised value is the watchdog's.
---@param value any
---@return boolean
function M.is_runaway(value)
  return Error.is(value) and value.code == "runaway"
end

local function raised(stage, value, node, edge, event_payload)
  if M.is_runaway(value) then stage = "runaway" end
  return refusal(stage, stage == "runaway" and stage or "raised", value, node, edge.event,
    event_payload)
end

M.raised = raised

---The first guard that says no.
local function unmet(node, edge, event_payload, payload, fsm, protect)
  for _, each in ipairs(edge.guards) do
    local ok, met = protect(each.check, catch, event_payload, payload, fsm)
    if not ok then
      guard.report(fsm.name, ("the guard '%s'"):format(each.text))
      return raised("guard", met, node, edge, event_payload)
    elseif not met then
      return refusal("guard", "guard", each.text, node, edge.event, event_payload)
    end
  end
end

---@return finitomata.Error? err why a guard would refuse, without doing anything
function M.unmet(node, edge, event_payload, payload, fsm)
  if not edge.guards then return nil end
  return unmet(node, edge, copy(event_payload), copy(payload), fsm, xpcall)
end

local function ambiguous(node, edge, event_payload)
  local reason = ("ambiguous_transition: `%s` in `%s` may lead to %s"):format(
    edge.event, node.name, table.concat(edge.list, ", "))
  local err = refusal("on_transition", "ambiguous_transition", reason, node, edge.event,
    event_payload, reason)
  err.targets = edge.list
  return err
end

---What an answer of `on_transition` that is no known target means.
local function odd_answer(node, edge, event_payload, target, second)
  if target == nil or target == false then
    local reason = second
    if reason == nil then reason = "refused" end
    return refusal("on_transition", "refused", reason, node, edge.event, event_payload)
  elseif type(target) ~= "string" then
    return refusal("on_transition", "bad_return", "bad_return", node, edge.event, event_payload,
      ("`%s` in `%s`: on_transition returned a %s where a state was expected"):format(
        edge.event, node.name, type(target)))
  end
  local reason = ("not_allowed: `%s` does not lead to `%s` by `%s`"):format(
    node.name, target, edge.event)
  local err = refusal("not_allowed", "not_allowed", reason, node, edge.event, event_payload, reason)
  err.target = target
  return err
end

---What the answer of `on_transition` means.
---@param ok boolean whether it returned
---@param target any what it returned, or raised
---@param new_payload any
---@return finitomata.Node? target
---@return any payload the new one, or the error
function M.judge(node, edge, event_payload, payload, fsm, share, ok, target, new_payload)
  if not ok then
    guard.report(fsm.name, "on_transition")
    return nil, raised("on_transition", target, node, edge, event_payload)
  end
  if target == nil and new_payload == nil then -- nothing said: the edge decides
    if edge.sole then return edge.sole, payload end
    return nil, ambiguous(node, edge, event_payload)
  end
  local next_node = edge.targets[target]
  if next_node == nil then
    return nil, odd_answer(node, edge, event_payload, target, new_payload)
  end
  if new_payload == nil then return next_node, payload end
  if share or payloads.is_plain(new_payload) then return next_node, new_payload end
  local _, why = copy(new_payload)
  return nil, refusal("on_transition", "not_serializable", why.message, node, edge.event,
    event_payload)
end

---Decides one event.
---@param node finitomata.Node      the current state
---@param edge finitomata.Edge      the event, as that state answers it
---@param event_payload any
---@param payload any               never touched when `share` is false
---@param fsm finitomata.Instance   what the callback may look at
---@param share boolean             hand out the payload itself
---@param protect function          `xpcall`, or something that does more
---@return finitomata.Node? target
---@return any payload the new one, or the error
function M.decide(node, edge, event_payload, payload, fsm, share, protect)
  if edge.guards then
    local err = unmet(node, edge, event_payload, share and payload or copy(payload), fsm, protect)
    if err then return nil, err end
  end
  local handler = edge.handler
  if handler == nil then
    if edge.sole then return edge.sole, payload end
    return nil, ambiguous(node, edge, event_payload)
  end
  local shown = payload
  if not share then shown = payloads.duplicate(payload) end
  return M.judge(node, edge, event_payload, payload, fsm, share,
    protect(handler, catch, node.name, edge.event, event_payload, shown, fsm))
end

return M
