-- SPDX-License-Identifier: MIT
--- JSON for people and for other programs, through lua-cjson. Its older
--- releases turn every integer into a float and keep fourteen digits, its newer
--- ones turn 1.0 into 1: here numbers travel past it as marked texts, so that
--- an integer is an integer, all 64 bits of it, and a float is the same float.
---
--- A mark begins with the byte 0xFF, which no valid UTF-8 contains: texts that
--- are not UTF-8 are repaired before encoding and refused when decoding, so no
--- text can be taken for a mark.
local Error = require "finitomata.error"

local M = {}

local MARK <const> = "\xFF"
local DEPTH <const> = 100
local REPLACEMENT <const> = "\u{FFFD}"

local Array = { __name = "infinitomata.json.array" }

---Marks a table as a list, so that an empty one is written `[]`, not `{}`.
---@param list table
---@return table list the same
function M.array(list)
  return setmetatable(list, Array)
end

---@type table? the codec, with settings of its own
local codec

---@return table? codec
---@return finitomata.Error? err "no_json"
local function load_codec()
  if codec then return codec end
  local ok, cjson = pcall(require, "cjson")
  if not ok then
    return Error.fail("no_json",
      "the Lua module 'cjson' is missing (luarocks install lua-cjson, or"
        .. " apt-get install lua-cjson)")
  end
  codec = cjson.new()
  codec.encode_max_depth(DEPTH + 1)
  codec.decode_max_depth(DEPTH)
  codec.decode_invalid_numbers(false)
  return codec
end

---What is UTF-8 stays; each byte that is not becomes U+FFFD.
local function repaired(text)
  if utf8.len(text) then return text end
  local parts, at = {}, 1
  while at <= #text do
    local _, bad = utf8.len(text, at)
    if not bad then
      parts[#parts + 1] = text:sub(at)
      break
    end
    parts[#parts + 1] = text:sub(at, bad - 1)
    parts[#parts + 1] = REPLACEMENT
    at = bad + 1
  end
  return table.concat(parts)
end

---The shortest of the texts that read back as the same float.
local function float_text(value)
  if value ~= value or value == math.huge or value == -math.huge then return "null" end
  for digits = 14, 17 do
    local text = ("%." .. digits .. "g"):format(value)
    if tonumber(text) == value then
      return text:find("[.e]") and text or text .. ".0"
    end
  end
end

local prepare -- the marked copy of any value

local function list_length(value)
  local count, highest = 0, 0
  for key in next, value do
    if math.type(key) ~= "integer" or key < 1 then return nil end
    count = count + 1
    if key > highest then highest = key end
  end
  return count == highest and count or nil
end

local function prepare_list(value, length, depth, path)
  if length == 0 then return MARK .. "[]" end
  local copy = {}
  for i = 1, length do copy[i] = prepare(value[i], depth + 1, path .. "[" .. i .. "]") end
  return copy
end

local function prepare_map(value, depth, path)
  if next(value) == nil then return MARK .. "{}" end
  local copy = {}
  for key, inner in next, value do
    local kind = type(key)
    if kind ~= "string" and kind ~= "number" then
      error(Error.new("not_serializable", ("the value%s has a %s as a key"):format(path, kind)), 0)
    end
    local name = repaired(tostring(key))
    if copy[name] ~= nil then
      local text = ("the value%s has the key %s twice"):format(path, name)
      error(Error.new("not_serializable", text), 0)
    end
    copy[name] = prepare(inner, depth + 1, path .. "." .. name)
  end
  return copy
end

function prepare(value, depth, path)
  local kind = type(value)
  if kind == "string" then return repaired(value) end
  if kind == "boolean" then return value end
  if kind == "nil" then return MARK .. "null" end
  if kind == "number" then
    return MARK .. (math.type(value) == "integer" and ("%d"):format(value) or float_text(value))
  end
  if kind ~= "table" then
    error(Error.new("not_serializable", ("the value%s is a %s"):format(path, kind)), 0)
  end
  if depth > DEPTH then
    error(Error.new("not_serializable", "the value is too deep, or has a cycle"), 0)
  end
  local length = list_length(value)
  if length and (length > 0 or getmetatable(value) == Array) then
    return prepare_list(value, length, depth, path)
  end
  return prepare_map(value, depth, path)
end

---The JSON text of plain data. NaN and the infinities, which JSON does not
---have, become null; bytes that are not UTF-8 become U+FFFD.
---@param value any
---@return string? text on one line
---@return finitomata.Error? err "not_serializable", "no_json"
function M.encode(value)
  local cjson, err = load_codec()
  if not cjson then return nil, err end
  local ok, marked = pcall(prepare, value, 1, "")
  if not ok then
    if Error.is(marked) then return nil, marked end
    error(marked, 0)
  end
  -- A list around it: older releases encode nothing but tables.
  local text = cjson.encode { marked }:sub(2, -2)
  text = text:gsub("\\(.)", { ["/"] = "/" }) -- allowed, but nobody needs it
  return (text:gsub('"' .. MARK .. '([^"]*)"', "%1"))
end

---Marks the integers of a JSON text. A backslash hides the quote after it.
local function mark_integers(text)
  local parts, at = {}, 1
  while true do
    local quote = text:find('"', at, true)
    local outside = text:sub(at, quote and quote - 1)
    parts[#parts + 1] = outside:gsub("(-?%d+)(%.?%d*[eE]?[+-]?%d*)", function(integer, rest)
      if rest ~= "" or integer:find("^-?0%d") then return nil end
      return '"' .. MARK .. integer .. '"'
    end)
    if not quote then break end
    local stop = quote + 1
    while true do
      stop = text:find('["\\]', stop)
      if not stop then
        parts[#parts + 1] = text:sub(quote)
        return table.concat(parts)
      end
      if text:sub(stop, stop) == '"' then break end
      stop = stop + 2
    end
    parts[#parts + 1] = text:sub(quote, stop)
    at = stop + 1
  end
  return table.concat(parts)
end

local function restore(value, null)
  if value == null then return nil end
  if type(value) == "string" and value:sub(1, 1) == MARK then
    local digits = value:sub(2)
    return math.tointeger(digits) or tonumber(digits .. ".0")
  end
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, inner in next, value do
    if type(key) == "string" and key:sub(1, 1) == MARK then
      error(Error.new("bad_json", "not JSON: a number as a key"), 0)
    end
    copy[key] = restore(inner, null)
  end
  return copy
end

---The value of a JSON text. null is nil: a field without a value, a hole in a
---list. An integer beyond 64 bits becomes a float.
---@param text string
---@return any value
---@return finitomata.Error? err "bad_json", "no_json"
function M.decode(text)
  local cjson, err = load_codec()
  if not cjson then return nil, err end
  if not utf8.len(text) then return Error.fail("bad_json", "not JSON: the text is not UTF-8") end
  -- As part of a list: older releases decode nothing but tables.
  local ok, list = pcall(cjson.decode, "[" .. mark_integers(text) .. "]")
  if not ok or #list ~= 1 then
    local why = not ok and tostring(list):match("^(Expected .-) at character")
      or "one value expected"
    return Error.fail("bad_json", ("not JSON: %s"):format(why))
  end
  local restored, value = pcall(restore, list[1], cjson.null)
  if not restored then return nil, value end
  return value
end

return M
