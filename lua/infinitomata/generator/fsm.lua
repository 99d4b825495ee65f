-- SPDX-License-Identifier: MIT
--- Writes the beginning of an FSM: its diagram, and a function for every event
--- that a state answers. As it is written it runs: every function returns the
--- first state that its event leads to.
local M = {}

local RESERVED <const> = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or
  repeat return then true until while]]):gmatch("%a+") do
  RESERVED[word] = true
end

local CALLBACKS <const> = {
  on_enter = "function %s.on_enter(_state, _fsm)\nend",
  on_exit = "function %s.on_exit(_state, _fsm)\nend",
  on_failure = "function %s.on_failure(_event, _event_payload, _fsm)\nend",
  on_rollback = "function %s.on_rollback(_event, _event_payload, _fsm)\nend",
  on_terminate = "function %s.on_terminate(_fsm, _reason)\nend",
  on_timer = "-- May return a table: { payload = ..., send = event, every = ms, stop = true }.\n"
    .. "function %s.on_timer(_state, _fsm)\nend",
}

---The callbacks that can be asked for, sorted.
---@type string[]
M.CALLBACKS = {}
for name in pairs(CALLBACKS) do table.insert(M.CALLBACKS, name) end
table.sort(M.CALLBACKS)

---A name of a module as the name of a variable.
---@param module string
---@return string
function M.variable(module)
  local word = module:match("[^.]+$"):gsub("[^%w_]", "_")
  if word:find("^%d") or RESERVED[word] or word == "finitomata" then word = word .. "_fsm" end
  return word:gsub("^(%d)", "_%1")
end

---A key of a table constructor.
local function key(name)
  if name:find("^[%a_][%w_]*$") and not RESERVED[name] then return name end
  return ("[%q]"):format(name)
end

---The diagram in long brackets, indented as the code around it.
local function diagram(text)
  local lines, margin = {}, nil
  for line in (text:gsub("\r\n?", "\n") .. "\n"):gmatch("(.-)\n") do
    lines[#lines + 1] = line:gsub("%s+$", "")
    local blanks = line:match("^([ \t]*)%S")
    if blanks and (not margin or #blanks < #margin) then margin = blanks end
  end
  while lines[1] == "" do table.remove(lines, 1) end
  while lines[#lines] == "" do lines[#lines] = nil end
  for i, line in ipairs(lines) do
    lines[i] = line == "" and "" or "    " .. line:sub(#margin + 1)
  end
  local level = ""
  while text:find("]" .. level .. "]", 1, true) do level = level .. "=" end
  return ("[%s[\n%s\n  ]%s]"):format(level, table.concat(lines, "\n"), level)
end

---The events of a state with their targets, in the order of the diagram.
local function events_of(definition, state)
  local order, targets = {}, {}
  for _, t in ipairs(definition.transitions) do
    if t.from == state then
      if not targets[t.event] then
        targets[t.event] = {}
        order[#order + 1] = t.event
      end
      table.insert(targets[t.event], t.to)
    end
  end
  return order, targets
end

local function add_stub(lines, event, targets, automatic)
  local function add(format, ...) lines[#lines + 1] = format:format(...) end
  if #targets == 1 then
    add("    %s = function(_state, _event, _event_payload, payload)", key(event))
    add("      return %q, payload", targets[1])
  else
    local words = {}
    for i, target in ipairs(targets) do words[i] = ("%q"):format(target) end
    if automatic then
      add("    -- Fires by itself; to %s: the payload says for now.", table.concat(words, " or "))
      add("    %s = function(state, _event, _event_payload, payload)", key(event))
    else
      add("    -- To %s: the event's payload says for now.", table.concat(words, " or "))
      add("    %s = function(_state, _event, event_payload, payload)", key(event))
    end
    local told = automatic and "payload[state]" or "event_payload"
    for i = 2, #targets do
      add("      if %s == %q then return %q, payload end", told, targets[i], targets[i])
    end
    add("      return %q, payload", targets[1])
  end
  add("    end,")
end

local function stubs(definition)
  local lines, automatic = {}, {}
  for _, each in ipairs(definition:automatic()) do automatic[each.state] = each.event end
  for _, state in ipairs(definition.states) do
    local order, targets = events_of(definition, state)
    local own = {}
    for _, event in ipairs(order) do
      local ends_by_itself = automatic[state] == event and targets[event][1] == "*"
        and event:sub(-1) ~= "!"
      if not ends_by_itself then add_stub(own, event, targets[event], automatic[state] == event) end
    end
    if #own > 0 then
      lines[#lines + 1] = ("  %s = {"):format(key(state))
      table.move(own, 1, #own, #lines + 1, lines)
      lines[#lines + 1] = "  },"
    end
  end
  return lines
end

---@param module string
---@param definition finitomata.Definition made with the same options
---@param options { auto_terminate: boolean?, timer: integer?, callbacks: string[]? }
---@return string text of a Lua file
function M.text(module, definition, options)
  local name = M.variable(module)
  local lines = {}
  local function add(format, ...)
    lines[#lines + 1] = select("#", ...) > 0 and format:format(...) or format
  end
  add("--- %s: begins as `%s`.", module, definition.entry)
  add('local finitomata = require "finitomata"')
  add("")
  add("local %s = finitomata.define {", name)
  add("  fsm = %s,", diagram(definition.dsl))
  if definition.syntax ~= "flowchart" then add("  syntax = %q,", definition.syntax) end
  if options.auto_terminate then add("  auto_terminate = true,") end
  if options.timer then add("  timer = %d, -- ms", options.timer) end
  add("}")
  add("")
  add("-- The payload as it is to begin with; or nil, reason.")
  add("function %s.on_start(payload)", name)
  add("  return payload or {}")
  add("end")
  local written = stubs(definition)
  if #written > 0 then
    add("")
    add("-- Each returns the next state and the payload; or nil, reason: refused.")
    add("%s.on_transition = {", name)
    table.move(written, 1, #written, #lines + 1, lines)
    add("}")
  end
  for _, callback in ipairs(options.callbacks or {}) do
    add("")
    add(CALLBACKS[callback], name)
  end
  add("")
  add("return %s", name)
  return table.concat(lines, "\n") .. "\n"
end

return M
