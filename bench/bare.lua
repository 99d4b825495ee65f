-- SPDX-License-Identifier: MIT
--- The limit that transitions are held against: the same machine as plain tables,
--- found by name, with a look at what is allowed and three protected callbacks.
local turnstile = require "turnstile"

---@param names string[] an instance each
---@return fun(name: string, event: string) step
return function(names)
  local targets = {
    closed = { coin = { opened = true }, retire = { retired = true } },
    opened = { push = { closed = true } },
  }
  local on_transition, on_exit, on_enter =
    turnstile.on_transition, turnstile.on_exit, turnstile.on_enter
  local instances = {}
  for _, name in ipairs(names) do instances[name] = { state = "closed", payload = { n = 0 } } end
  return function(name, event)
    local instance = instances[name]
    local state = instance.state
    local allowed = targets[state][event]
    local ok, to, payload = pcall(on_transition, state, event, nil, instance.payload)
    if not ok or not allowed[to] then error "refused" end
    pcall(on_exit, state, instance)
    instance.state, instance.payload = to, payload
    pcall(on_enter, to, instance)
  end
end
