-- SPDX-License-Identifier: MIT

--- Orders that do not depend on where tables lie in memory.
local M = {}

local function before(a, b)
  local kind = type(a)
  if kind ~= type(b) then return kind < type(b) end
  if kind == "string" or kind == "number" then return a < b end
  return tostring(a) < tostring(b)
end

---The keys of a table, by type and then by value.
---@param values table
---@return any[]
function M.keys(values)
  local keys = {}
  for key in pairs(values) do keys[#keys + 1] = key end
  table.sort(keys, before)
  return keys
end

return M
