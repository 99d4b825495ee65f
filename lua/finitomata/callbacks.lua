-- SPDX-License-Identifier: MIT

--- The callbacks of a definition: which there are, what their tables may be
--- keyed by, and which function answers for a state and an event.
local M = {}

---All are optional, and may be given to `define` or assigned to the definition later.
---Each is a function, or a table of functions keyed by what it is about: a state
---(`on_enter`, `on_exit`, `on_timer`, `on_fork`, `on_terminate`), an event
---(`on_failure`, `on_rollback`), or for `on_transition` a state and in it an event.
---`_` stands for any other. They run in coroutines and may wait, `guards` excepted.
---@class finitomata.Callbacks
---@field on_start? fun(payload: any): ... nothing; or another payload; or a payload and `"wait"`,
---  to stay before the first state until `__start__` is sent; or `nil, reason`: the start fails
---@field on_transition? fun(state: string, event: string, event_payload: any, payload: any,
---  fsm: finitomata.Fsm): ... the new state, and the new payload if it changes; nothing when the
---  diagram has one way only; or `nil, reason`: refused
---@field on_enter? fun(state: string, fsm: finitomata.Fsm) what it returns is ignored
---@field on_exit? fun(state: string, fsm: finitomata.Fsm) what it returns is ignored
---@field on_failure? fun(event: string, event_payload: any, fsm: finitomata.Fsm) an event was
---  refused
---@field on_rollback? fun(event: string, event_payload: any, fsm: finitomata.Fsm) `on_transition`
---  named a state that the event does not lead to, or the storage refused
---@field on_timer? fun(state: string, fsm: finitomata.Fsm): finitomata.TimerAnswer? every `timer`
---  ms
---@field on_fork? fun(state: string, payload: any): ... the flow to start, when there are several
---@field on_terminate? fun(fsm: finitomata.Fsm, reason: any) the FSM ends: `"normal"` from a final
---  state, `"conflict"` when another FSM of the name stays, `"leave"` with its node, or the reason
---  of `stop_fsm`

---What `on_timer` may return; the fields combine.
---@class finitomata.TimerAnswer
---@field payload? any the new payload
---@field send? string an event to send to itself
---@field with? any its event payload
---@field every? number ms, the interval from now on
---@field stop? boolean no more ticks

---What a callback's table is keyed by, outermost first.
M.KEYS = {
  on_start = {},
  on_transition = { "state", "event" },
  on_enter = { "state" },
  on_exit = { "state" },
  on_failure = { "event" },
  on_rollback = { "event" },
  on_timer = { "state" },
  on_fork = { "state" },
  on_terminate = { "state" },
}

---@param callback function|table|nil
---@param first? string   state or event
---@param second? string  event
---@return function?
function M.find(callback, first, second)
  if type(callback) ~= "table" then return callback end
  local found = callback[first]
  if found == nil then found = callback._ end
  if type(found) == "table" then
    local inner = found[second]
    if inner == nil then inner = found._ end
    if inner == nil and callback._ ~= found then return M.find(callback._, second, second) end
    return inner
  end
  return found
end

local function check_level(name, keys, depth, value, known, faults, where)
  if type(value) == "function" then return end
  if type(value) ~= "table" or keys[depth] == nil then
    faults[#faults + 1] = { code = "bad_option", states = {},
      message = ("%s%s: function%s expected, got %s"):format(name, where, keys[depth]
        and " or table" or "",
        type(value)) }
    return
  end
  local what = keys[depth]
  for key, inner in pairs(value) do
    local at = ("%s[%s]"):format(where, tostring(key))
    if key ~= "_" and not known[what][key] then
      faults[#faults + 1] = { code = "unknown_" .. what, states = {},
        message = ("%s: there is no %s `%s`"):format(name, what, tostring(key)) }
    elseif what == "event" and keys[1] == "state" and key ~= "_" and known.state_name
        and not known[what][key][known.state_name] then
      faults[#faults + 1] = { code = "unknown_event", states = {},
        message = ("%s: `%s` does not answer `%s`"):format(name, known.state_name, key) }
    else
      local deeper = known
      if what == "state" and key ~= "_" then
        deeper = setmetatable({ state_name = key }, { __index = known })
      end
      check_level(name, keys, depth + 1, inner, deeper, faults, at)
    end
  end
end

---@param name string
---@param value any
---@param known table  state and event: sets of names
---@param faults table[]
function M.check(name, value, known, faults)
  check_level(name, M.KEYS[name], 1, value, known, faults, "")
end

return M
