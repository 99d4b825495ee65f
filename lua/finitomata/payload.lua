-- SPDX-License-Identifier: MIT

--- Payloads are plain data: nil, booleans, numbers, strings, and tables of them
--- without cycles. An FSM owns its payload; whoever is shown it sees a copy.
local Error = require("finitomata.error")

local M = {}

local DEPTH <const> = 100

local next, type = next, type

local SCALAR <const> = { ["nil"] = true, boolean = true, number = true, string = true }

local copy_table

---@return table? copy
---@return string? why
---@return string? path
local function copy_deep(source, depth)
  if depth > DEPTH then return nil, "a cycle, or too deep", "" end
  local target = {}
  for key, value in next, source do
    local kind = type(key)
    if not SCALAR[kind] then return nil, "a " .. kind .. " as a key", "" end
    kind = type(value)
    if kind == "table" then
      local inner, why, path = copy_deep(value, depth + 1)
      if not inner then
        local step = type(key) == "string" and "." .. key or "[" .. tostring(key) .. "]"
        return nil, why, #path < 200 and step .. path or path
      end
      value = inner
    elseif not SCALAR[kind] then
      local step = type(key) == "string" and "." .. key or "[" .. tostring(key) .. "]"
      return nil, "a " .. kind, step
    end
    target[key] = value
  end
  return target
end
copy_table = copy_deep

---A deep copy of plain data. Scalars are their own copies.
---@param value any
---@return any copy nil (with an error) when the value is not plain data
---@return finitomata.Error? err "not_serializable", with `path` and `why`
function M.copy(value)
  local kind = type(value)
  if kind == "table" then
    local copy, why, path = copy_table(value, 1)
    if copy then return copy end
    return Error.fail("not_serializable", ("the payload%s is %s"):format(path, why), { path = path, why = why })
  elseif SCALAR[kind] then
    return value
  end
  return Error.fail("not_serializable", ("the payload is a %s"):format(kind), { path = "", why = "a " .. kind })
end

local function plain(source, depth)
  if depth > DEPTH then return false end
  for key, value in next, source do
    if not SCALAR[type(key)] then return false end
    local kind = type(value)
    if kind == "table" then
      if not plain(value, depth + 1) then return false end
    elseif not SCALAR[kind] then
      return false
    end
  end
  return true
end

---Whether `copy` would succeed.
---@param value any
---@return boolean
function M.is_plain(value)
  if type(value) == "table" then return plain(value, 1) end
  return SCALAR[type(value)] == true
end

return M
