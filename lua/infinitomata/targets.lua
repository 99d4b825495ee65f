-- SPDX-License-Identifier: MIT
--- Looks into the functions of `on_transition` for `return "state"` where the
--- diagram has no such way. Only what is certain is said: a function that has
--- others inside is left alone.
local M = {}

---@class infinitomata.targets.Remark
---@field line integer
---@field column integer
---@field message string

---Which states a function may return, over all its places in the callback.
---@return table<function, { states: table<string, true>, where: string? }>
local function allowed_of(definition)
  local allowed = {}
  local function note(fn, targets, where)
    if type(fn) ~= "function" then return end
    local entry = allowed[fn]
    if entry then entry.where = nil end
    entry = entry or { states = {}, where = where }
    for _, target in ipairs(targets) do entry.states[target] = true end
    allowed[fn] = entry
  end
  local function targets_of(state, event)
    local targets = {}
    for _, t in ipairs(definition.transitions) do
      if (state == nil or t.from == state) and (event == nil or t.event == event) then
        targets[#targets + 1] = t.to
      end
    end
    return targets
  end
  local function known(name) return name ~= "_" and name or nil end
  local callback = definition.on_transition
  note(callback, targets_of())
  for state, events in pairs(type(callback) == "table" and callback or {}) do
    note(events, targets_of(known(state)), "from `" .. state .. "`")
    for event, fn in pairs(type(events) == "table" and events or {}) do
      note(fn, targets_of(known(state), known(event)), ("from `%s` by `%s`"):format(state, event))
    end
  end
  return allowed
end

---The lines of a file that a function stands on; nothing when others are inside.
local function own_lines(fn, lines)
  local info, own = debug.getinfo(fn, "S"), {}
  for number = info.linedefined, info.lastlinedefined do
    local line = (lines[number] or ""):gsub("%-%-.*", "")
    if number == info.linedefined then
      line = line:gsub("%f[%w_]function%f[^%w_]", "        ", 1) -- its own
    end
    if line:find("%f[%w_]function%f[^%w_]") then return {} end
    own[number] = line
  end
  return own
end

local function remark(entry, states, word)
  if not states[word] then return ("there is no state `%s`"):format(word) end
  local list = {}
  for state in pairs(entry.states) do list[#list + 1] = state end
  table.sort(list)
  return ("no way leads %sto `%s`, only to %s"):format(entry.where and entry.where .. " " or "",
    word, table.concat(list, ", "))
end

---@param definition finitomata.Definition
---@param text string of the file
---@param path string of the file
---@return infinitomata.targets.Remark[]
function M.check(definition, text, path)
  local lines, remarks, states = {}, {}, { ["*"] = true }
  for line in (text .. "\n"):gmatch("(.-)\n") do lines[#lines + 1] = line end
  for _, state in ipairs(definition.states) do states[state] = true end
  for fn, entry in pairs(allowed_of(definition)) do
    if debug.getinfo(fn, "S").source == "@" .. path then
      for number, line in pairs(own_lines(fn, lines)) do
        for column, word in line:gmatch("%f[%w_]return%s+()[\"']([%w_*]+)[\"']") do
          if not entry.states[word] then
            remarks[#remarks + 1] = { line = number, column = column,
              message = remark(entry, states, word) }
          end
        end
      end
    end
  end
  return remarks
end

return M
