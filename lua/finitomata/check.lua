-- SPDX-License-Identifier: MIT

--- Argument checks. A wrong type is the caller's bug: it raises, and the message
--- points to the line of the user's that called the public function, however
--- many calls of our own lie between.
local M = {}

local OURS <const> = debug.getinfo(1, "S").source:match("^(.*)finitomata/check%.lua$")

---True for a chunk of finitomata or infinitomata.
---@param source string as `debug.getinfo` has it
---@return boolean
local function is_ours(source)
  if not OURS or source:sub(1, #OURS) ~= OURS then return false end
  local rest = source:sub(#OURS + 1)
  return rest:find("^finitomata/") ~= nil or rest:find("^infinitomata/") ~= nil
end

M.is_ours = is_ours

---Raises with the place of the nearest Lua function on the stack that is not ours.
---@param message string
function M.blame(message)
  local level = 2
  local info = debug.getinfo(level, "S")
  while info and (info.what == "C" or is_ours(info.source)) do
    level = level + 1
    info = debug.getinfo(level, "S")
  end
  error(message, info and level or 0)
end

local function bad(position, name, message)
  M.blame(("bad argument #%d to '%s' (%s)"):format(position, name, message))
end

---@param value any
---@param expected string a type name
---@param position integer
---@param name string the public function
function M.type(value, expected, position, name)
  if type(value) ~= expected then
    bad(position, name, ("%s expected, got %s"):format(expected, type(value)))
  end
end

---@param value any
---@param expected string
---@param position integer
---@param name string
function M.optional(value, expected, position, name)
  if value ~= nil and type(value) ~= expected then
    bad(position, name, ("%s expected, got %s"):format(expected, type(value)))
  end
end

---True for a function and for a value that can be called like one.
---@param value any
---@return boolean
function M.is_callable(value)
  local meta = getmetatable(value)
  return type(value) == "function" or type(meta) == "table" and meta.__call ~= nil
end

---A function, or a value that can be called like one.
---@param value any
---@param position integer
---@param name string
function M.callable(value, position, name)
  if not M.is_callable(value) then
    bad(position, name, ("function expected, got %s"):format(type(value)))
  end
end

---A number of milliseconds: zero or more, no NaN.
---@param value any
---@param position integer
---@param name string
function M.duration(value, position, name)
  if value == nil then return end
  if type(value) ~= "number" then
    bad(position, name, ("milliseconds expected, got %s"):format(type(value)))
  end
  if value ~= value or value < 0 or value == math.huge then
    bad(position, name, ("milliseconds expected, got %s"):format(tostring(value)))
  end
end

---Anything that can name an FSM: every Lua value but nil and NaN.
---@param value any
---@param position integer
---@param name string
function M.name(value, position, name)
  if value == nil or value ~= value then
    bad(position, name, ("name expected, got %s"):format(tostring(value)))
  end
end

---What a table has in it that no list of strings has; metatables are not asked.
---@param list table
---@return string? fault nil: it is one
function M.list_fault(list)
  local count, last = 0, 0
  for key, value in next, list do
    if math.type(key) ~= "integer" or key < 1 then return ("a field %q"):format(tostring(key)) end
    if type(value) ~= "string" then return "a " .. type(value) end
    count, last = count + 1, math.max(last, key)
  end
  return last > count and "a hole" or nil
end

---A list of strings, or nothing.
---@param list any
---@param position integer
---@param name string
function M.strings(list, position, name)
  M.optional(list, "table", position, name)
  local fault = list and M.list_fault(list)
  if fault then bad(position, name, "a list of strings expected, got one with " .. fault) end
end

---@param value any
---@param expected table a set of the words allowed
---@param position integer
---@param name string
function M.one_of(value, expected, position, name)
  if not expected[value] then
    local words = {}
    for word in pairs(expected) do words[#words + 1] = word end
    table.sort(words)
    bad(position, name, ("one of %s expected, got '%s'"):format(table.concat(words, ", "),
      tostring(value)))
  end
end

---Refuses keys that are not in `known` (name -> expected type, or true for any).
---@param options? table
---@param known table<string, string|boolean>
---@param position integer
---@param name string
function M.options(options, known, position, name)
  if options == nil then return end
  if type(options) ~= "table" then
    bad(position, name, ("table expected, got %s"):format(type(options)))
  end
  for key, value in pairs(options) do
    local expected = known[key]
    if expected == nil then
      bad(position, name, ("unknown option '%s'"):format(tostring(key)))
    elseif type(expected) == "string" and type(value) ~= expected then
      bad(position, name, ("option '%s': %s expected, got %s"):format(tostring(key), expected,
        type(value)))
    end
  end
end

return M
