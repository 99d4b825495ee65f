-- SPDX-License-Identifier: MIT
--- What `help(x)` says: of a function the comment above it in its source, of a
--- definition its diagram's description, of a module or an object its functions.
local printer = require "infinitomata.console.printer"

local M = {}

local SUMMARY <const> = 70

local function lines_of(path)
  local lines = {}
  local file <close> = io.open(path, "r")
  if not file then return lines end
  for line in file:lines() do lines[#lines + 1] = line end
  return lines
end

---The comment above a line, and the line.
local function above(lines, number)
  local comment, at = {}, number - 1
  while lines[at] and lines[at]:find "^%s*%-%-" do
    table.insert(comment, 1, (lines[at]:gsub("^%s*%-+%s?", "")))
    at = at - 1
  end
  return comment, lines[number]
end

---The calls of a branch are passed on by functions without a word of their own.
local function name_of_call(fn)
  for _, module in ipairs { "infinitomata", "infinitomata.branch" } do
    for name, held in next, require(module) do
      if held == fn then return name end
    end
  end
end

local function source_of_call(name)
  local lines = lines_of(package.searchpath("infinitomata.branch", package.path) or "")
  for number, line in ipairs(lines) do
    if line:find(("^function Branch:%s%%("):format(name)) then return above(lines, number) end
  end
end

---The comment of a function and how it begins, as its source has them.
---@return string[] comment
---@return string? head
local function source_of(fn)
  local info = debug.getinfo(fn, "S")
  local path = info.source:match "^@(.*)$"
  local comment, head = above(path and lines_of(path) or {}, info.linedefined)
  if #comment > 0 then return comment, head end
  local name = name_of_call(fn)
  if not name then return comment, head end
  local better, first = source_of_call(name)
  return better or comment, first or head
end

local function of_function(fn)
  local info = debug.getinfo(fn, "S")
  if info.what == "C" then return "a function in C" end
  local comment, head = source_of(fn)
  local parts = {}
  for _, line in ipairs(comment) do
    if not line:find "^@private" and not line:find "^@async" then parts[#parts + 1] = line end
  end
  local name = head and (head:match "function%s+([%w_.:]*%b())" or head:match "function%s*%b()")
  table.insert(parts, 1, name or "function")
  parts[#parts + 1] = ("%s:%d"):format(info.short_src, info.linedefined)
  return table.concat(parts, "\n")
end

---The first sentence of what is said of a function.
local function summary_of(fn)
  local comment = source_of(fn)
  local words = {}
  for _, line in ipairs(comment) do
    if line:find "^@" then break end
    words[#words + 1] = line
  end
  local text = table.concat(words, " ")
  local sentence = text:match "^(.-)[.:;]%s" or text:gsub("%.$", "")
  if (utf8.len(sentence) or #sentence) <= SUMMARY then return sentence end
  return sentence:sub(1, (utf8.offset(sentence, SUMMARY - 3) or SUMMARY - 2) - 1) .. "..."
end

---The public functions of a table and of what it inherits from.
local function functions_of(value)
  local found, seen = {}, {}
  while type(value) == "table" and not seen[value] do
    seen[value] = true
    for name, held in next, value do
      local public = type(name) == "string" and name:sub(1, 1) ~= "_"
      if public and type(held) == "function" and found[name] == nil then found[name] = held end
    end
    local meta = debug.getmetatable(value)
    value = type(meta) == "table" and rawget(meta, "__index") or nil
  end
  return found
end

local function of_table(value)
  local found, names, rows = functions_of(value), {}, {}
  for name in pairs(found) do names[#names + 1] = name end
  table.sort(names)
  for index, name in ipairs(names) do rows[index] = { name, summary_of(found[name]) } end
  if #rows == 0 then return printer.format(value) end
  return printer.columns(rows)
end

---@param value any
---@return string
function M.of(value)
  if type(value) == "function" then return of_function(value) end
  if value == nil then return "nil: there is no such thing" end
  if type(value) ~= "table" then return printer.format(value) .. ", a " .. type(value) end
  local ok, describe = pcall(function() return value.describe end)
  if ok and type(describe) == "function" and type(value.transitions) == "table" then
    return describe(value)
  end
  return of_table(value)
end

return M
