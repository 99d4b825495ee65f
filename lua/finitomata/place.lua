-- SPDX-License-Identifier: MIT

--- Where in the user's sources a definition stands, so that its faults name a real
--- file and line. `return define { ... }` is a tail call: the stack knows nothing of
--- the module any more, but what loaded it does, and so do the callbacks.
local check = require("finitomata.check")

local M = {}

---@class finitomata.Place
---@field file string
---@field line integer?   of the call
---@field first integer?  line on which the diagram begins, when it is found there
---@field indent integer? how far from that line's start

local function read(path)
  local handle = io.open(path, "rb")
  if not handle then return nil end
  local source = handle:read("a") -- nothing, for a folder
  handle:close()
  return source and (source:gsub("\r\n", "\n"))
end

---The line of a position in a source, and how far from the line's start it is.
local function line_at(source, at)
  local before = source:sub(1, at - 1)
  return select(2, before:gsub("\n", "\n")) + 1, #before:match("[^\n]*$")
end

---Completes a place by what its source shows.
---@param place finitomata.Place
---@param source string?
---@param text any the diagram
---@return finitomata.Place
local function look(place, source, text)
  if not source or type(text) ~= "string" or text == "" then return place end
  text = text:gsub("\r\n", "\n")
  local at = source:find(text, 1, true)
  if at and text:find("\n") then place.first, place.indent = line_at(source, at) end
  if not place.line then
    local call = source:find("define%s*[%({]") or at
    place.line = call and (line_at(source, call))
  end
  return place
end

---A source file that may be the one in which the call stood.
local function candidate(value, text)
  if type(value) == "function" then
    local info = debug.getinfo(value, "S")
    value = info.what ~= "C" and not check.is_ours(info.source) and info.source:match("^@(.*)")
  end
  if type(value) ~= "string" or #value > 1000 or value:find("[\0\n]") then return nil end
  local path = read(value) and value or package.searchpath(value, package.path)
  local source = path and read(path)
  if not source then return nil end
  local named = type(text) == "string" and source:find((text:gsub("\r\n", "\n")), 1, true)
  if named or source:find("define%s*[%({]") then
    return look({ file = path }, source, text)
  end
end

---The place of a function among the options, however deep.
local function in_options(value, depth)
  if type(value) == "function" then
    local info = debug.getinfo(value, "S")
    if info.what ~= "C" then return { file = info.short_src, line = info.linedefined } end
  elseif type(value) == "table" and depth < 4 and getmetatable(value) == nil then
    for _, inner in pairs(value) do
      local found = in_options(inner, depth + 1)
      if found then return found end
    end
  end
end

---What the C function that loaded the chunk has on its stack: the chunk, or its name.
local function loaded(text, level)
  for slot = 1, 20 do
    local name, value = debug.getlocal(level + 1, slot)
    if not name then return nil end
    local place = candidate(value, text)
    if place then return place end
  end
end

---@param given table the options of the definition
---@return finitomata.Place
function M.of(given)
  local level, lost = 1, false
  local info = debug.getinfo(level, "Slt")
  while info do
    if info.what == "C" then
      local place = lost and loaded(given.fsm, level)
      if place then return place end
    elseif check.is_ours(info.source) then
      lost = lost or info.istailcall
    else
      if lost then break end
      local path = info.source:match("^@(.*)")
      return look({ file = info.short_src, line = info.currentline }, path and read(path),
        given.fsm)
    end
    level = level + 1
    info = debug.getinfo(level, "Slt")
  end
  local place = in_options(given, 1)
  if place then return place end
  if info then return { file = info.short_src, line = info.currentline } end
  return candidate(type(arg) == "table" and arg[0] or nil, given.fsm) or { file = "?" }
end

return M
