-- SPDX-License-Identifier: MIT

--- What a payload has to look like: the option `payload` of a definition. A shape is
--- the name of a type, with `?` behind it when the value may be absent; a table of
--- shapes by key; or `{ shape }`, a list of such values.
local order = require("finitomata.order")

local M = {}

local function is_type(name)
  return function(value) return type(value) == name end
end

local TYPES <const> = {
  any = function(value) return value ~= nil end,
  boolean = is_type("boolean"),
  integer = function(value) return math.type(value) == "integer" end,
  number = is_type("number"),
  string = is_type("string"),
  table = is_type("table"),
}

-- What a random payload takes its strings from.
local WORDS <const> = { "", "a", "word", "two words", "größer", "\0", ("long "):rep(20) }

local function split(name)
  local bare = name:match("^(.*)%?$")
  return bare or name, bare ~= nil
end

local function is_list(shape)
  return shape[1] ~= nil and next(shape, next(shape)) == nil
end

---What is wrong with a shape itself, if something is.
---@param shape any
---@param path? string
---@return string? fault
function M.fault(shape, path)
  path = path or "payload"
  if type(shape) == "string" then
    if TYPES[(split(shape))] then return nil end
    return ("%s: there is no type '%s'"):format(path, shape)
  elseif type(shape) ~= "table" then
    return ("%s: the name of a type or a table of shapes expected, got %s"):format(path,
      type(shape))
  end
  for _, key in ipairs(order.keys(shape)) do
    local fault = M.fault(shape[key], ("%s.%s"):format(path, tostring(key)))
    if fault then return fault end
  end
end

local function table_mismatch(shape, value, path)
  if type(value) ~= "table" then
    return ("%s: table expected, got %s"):format(path, type(value))
  end
  if is_list(shape) then
    for key in pairs(value) do
      if math.type(key) ~= "integer" or key < 1 or key > #value then
        return ("%s: a list expected, got the key '%s'"):format(path, tostring(key))
      end
    end
    for i, each in ipairs(value) do
      local why = M.mismatch(shape[1], each, ("%s[%d]"):format(path, i))
      if why then return why end
    end
    return nil
  end
  for _, key in ipairs(order.keys(shape)) do
    local why = M.mismatch(shape[key], value[key], ("%s.%s"):format(path, tostring(key)))
    if why then return why end
  end
  for _, key in ipairs(order.keys(value)) do
    if shape[key] == nil then
      return ("%s: unknown key '%s'"):format(path, tostring(key))
    end
  end
end

---What about a value does not fit a shape, if something does not.
---@param shape string|table
---@param value any
---@param path? string
---@return string? why not
function M.mismatch(shape, value, path)
  path = path or "payload"
  if type(shape) == "table" then return table_mismatch(shape, value, path) end
  local name, optional = split(shape)
  if value == nil and optional or TYPES[name](value) then return nil end
  return ("%s: %s expected, got %s"):format(path, name,
    name == "integer" and type(value) == "number" and "a float" or type(value))
end

---A value that fits a shape.
---@param shape string|table
---@param roll fun(from: integer, to: integer?): integer
---@return any
function M.random(shape, roll)
  if type(shape) == "table" then
    local value = {}
    if is_list(shape) then
      for i = 1, roll(4) - 1 do value[i] = M.random(shape[1], roll) end
    else
      for _, key in ipairs(order.keys(shape)) do value[key] = M.random(shape[key], roll) end
    end
    return value
  end
  local name, optional = split(shape)
  if optional and roll(3) == 1 then return nil end
  if name == "boolean" then return roll(2) == 1 end
  if name == "integer" then return roll(-100, 100) end
  if name == "number" then return roll(-1000, 1000) / 8 end
  if name == "table" then return {} end
  return WORDS[roll(#WORDS)]
end

return M
