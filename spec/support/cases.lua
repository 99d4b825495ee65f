-- SPDX-License-Identifier: MIT

--- The case file: what is expected of us, and comparing values with it.
local M = {}

local here = debug.getinfo(1, "S").source:match("^@(.*)support/cases%.lua$")

local FILES = { "fsm_cases.lua", "own_cases.lua" }

---@param kind string
---@return table[] cases of that kind, in the order of the files
function M.of_kind(kind)
  local found = {}
  for _, file in ipairs(FILES) do
    for _, case in ipairs(dofile(here .. "cases/" .. file).cases) do
      if case.kind == kind then found[#found + 1] = case end
    end
  end
  return found
end

---What a better implementation does, when the case says so in fields.
---@param case table
---@return table? better without its note
function M.better(case)
  local fields = {}
  for key, value in pairs(case.better or {}) do
    if key ~= "note" then fields[key] = value end
  end
  return next(fields) ~= nil and fields or nil
end

---Whether the reference's behaviour here is no target and nothing better is given.
---@param case table
---@return boolean
function M.no_target(case)
  return case.tag ~= nil and M.better(case) == nil
end

local function sorted_keys(value)
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    if type(a) == type(b) and type(a) ~= "boolean" then return a < b end
    return tostring(a) < tostring(b)
  end)
  return keys
end

---A text for a value, the same for equal values.
---@param value any
---@return string
function M.show(value)
  if type(value) == "string" then return ("%q"):format(value) end
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for _, key in ipairs(sorted_keys(value)) do
    if math.type(key) == "integer" and key >= 1 and key <= #value then
      parts[#parts + 1] = M.show(value[key])
    else
      parts[#parts + 1] = tostring(key) .. "=" .. M.show(value[key])
    end
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

---The same list in an order of its own, for comparing sets.
---@param list any[]
---@return string
function M.show_set(list)
  local texts = {}
  for i, value in ipairs(list) do texts[i] = M.show(value) end
  table.sort(texts)
  return "{" .. table.concat(texts, ",") .. "}"
end

return M
