-- SPDX-License-Identifier: MIT

--- Payloads are plain data: nil, booleans, numbers, strings, and tables of them
--- without cycles. An FSM owns its payload; whoever is shown it sees a copy.
local Error = require("finitomata.error")

local M = {}

local DEPTH <const> = 100

local next, type = next, type

local SCALAR <const> = { ["nil"] = true, boolean = true, number = true, string = true }

-- Keys that were looked at before. Payloads use few different ones, and asking
-- this table is a fraction of asking for a type.
local KNOWN_MAX <const> = 1000
local known, known_count = {}, 0

local function key_is_plain(key)
  local kind = type(key)
  if not SCALAR[kind] then return false end
  if kind == "string" and known_count < KNOWN_MAX then
    known[key] = true
    known_count = known_count + 1
  end
  return true
end

local function step_to(key)
  return type(key) == "string" and "." .. key or "[" .. tostring(key) .. "]"
end

---@return table? copy
---@return string? why
---@return string? path
local function copy_table(source, depth)
  if depth > DEPTH then return nil, "a cycle, or too deep", "" end
  local target = {}
  for key, value in next, source do
    if not known[key] and not key_is_plain(key) then
      return nil, "a " .. type(key) .. " as a key", ""
    end
    local kind = type(value)
    if kind == "table" then
      local inner, why, path = copy_table(value, depth + 1)
      if not inner then return nil, why, #path < 200 and step_to(key) .. path or path end
      target[key] = inner
    elseif SCALAR[kind] then
      target[key] = value
    else
      return nil, "a " .. kind, step_to(key)
    end
  end
  return target
end

local native -- the same in C, once there is a loop

---Lets payloads be copied and checked by faster functions.
---@param copy fun(value: any): any, string?, string? the copy, or nil, path and why
---@param plain fun(value: any): boolean
function M.attach(copy, plain)
  native = copy
  M.duplicate, M.is_plain = copy, plain
end

local function refuse(path, why)
  return Error.fail("not_serializable", ("%s is %s"):format(path, why), { path = path, why = why })
end

---A deep copy of plain data. Scalars are their own copies; metatables are not
---copied.
---@param value any
---@return any copy nil, with an error, when the value is not plain data
---@return finitomata.Error? err "not_serializable", with `path` and `why`
function M.copy(value)
  if native then
    local copy, path, why = native(value)
    if path == nil then return copy end
    return refuse(path, why)
  end
  local kind = type(value)
  if kind == "table" then
    local copy, why, path = copy_table(value, 1)
    if copy then return copy end
    return refuse("payload" .. path, why)
  elseif SCALAR[kind] then
    return value
  end
  return refuse("payload", "a " .. kind)
end

local function table_is_plain(source, depth)
  if depth > DEPTH then return false end
  for key, value in next, source do
    if not known[key] and not key_is_plain(key) then return false end
    local kind = type(value)
    if kind == "table" then
      if not table_is_plain(value, depth + 1) then return false end
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
  local kind = type(value)
  if kind == "table" then return table_is_plain(value, 1) end
  return SCALAR[kind] == true
end

---A copy of what is known to be plain. May be replaced by `attach`: always call it
---as a field of this module, and `is_plain` as well.
M.duplicate = M.copy

return M
