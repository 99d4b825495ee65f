-- SPDX-License-Identifier: MIT

--- Argument checks. A wrong type is the caller's bug: it raises, and the message
--- points to the line that called the public function. Every function here is
--- called directly from a public function, hence level 3.
local M = {}

local LEVEL <const> = 3

local function bad(position, name, message)
  error(("bad argument #%d to '%s' (%s)"):format(position, name, message), LEVEL + 1)
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
