-- SPDX-License-Identifier: MIT
--- Lua values as a person wants to read them: tables laid out within the width
--- of the screen, keys in order, cycles and depths cut short, errors as their
--- sentence.
local columns_of = (require "infinitomata.console.columns").of

local M = {}

---@class infinitomata.console.PrintOptions
---@field width? integer columns of the screen, default 80
---@field depth? integer tables within tables that are opened, default 6
---@field items? integer entries shown of one table, default 100
---@field text? integer bytes shown of a string inside a table, default 400
local DEFAULTS = { width = 80, depth = 6, items = 100, text = 400 }
local INDENT <const> = "  "

local KEYWORDS = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat
  return then true until while]]):gmatch "%a+" do
  KEYWORDS[word] = true
end

local ESCAPES = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\\"] = "\\\\", ['"'] = '\\"' }

local function escape_byte(byte)
  return ESCAPES[byte] or ("\\x%02x"):format(byte:byte())
end

---A string as Lua source on one line; bytes that are no UTF-8 as escapes.
---@param text string
---@return string
function M.quote(text)
  local bad = utf8.len(text) and '[%c\\"]' or '[%c\\"\x80-\xff]'
  return '"' .. text:gsub(bad, escape_byte) .. '"'
end

---A text whose control characters are seen, and do nothing to the terminal: names
---of FSMs and nodes are anybody's to choose.
---@param text string
---@return string
function M.visible(text)
  local shown = text:gsub(utf8.len(text) and "%c" or "[%c\x80-\xff]", escape_byte)
  return (shown:gsub("\xc2([\x80-\x9f])", function(byte)
    return ("\\u{%x}"):format(byte:byte())
  end))
end

local function quoted(text, limit)
  if #text <= limit then return M.quote(text) end
  local cut = limit
  while cut > limit - 4 and text:byte(cut + 1) >= 0x80 and text:byte(cut + 1) < 0xc0 do
    cut = cut - 1
  end
  return ("%s... (%d bytes)"):format(M.quote(text:sub(1, cut)), #text)
end

local function describe_function(fn)
  local info = debug.getinfo(fn, "S")
  if info.what == "C" then return "<function in C>" end
  return ("<function %s:%d>"):format(info.short_src, info.linedefined)
end

---The text a value's metatable gives it, if it does; never raises.
local function own_text(value)
  local meta = debug.getmetatable(value)
  if type(meta) ~= "table" or rawget(meta, "__tostring") == nil then return nil end
  local ok, text = pcall(tostring, value)
  if ok and type(text) == "string" then return text end
  return "<its __tostring failed>"
end

local RANK = { number = 1, string = 2, boolean = 3 }

local function earlier(a, b)
  local type_a, type_b = type(a), type(b)
  if type_a ~= type_b then return (RANK[type_a] or 4) < (RANK[type_b] or 4) end
  if RANK[type_a] == 1 or RANK[type_a] == 2 then return a < b end
  return tostring(a) < tostring(b)
end

---The keys that are no list index, in order. An object's private fields, those
---that begin with an underscore, stay private.
local function sorted_keys(value, length, private)
  local keys = {}
  for key in next, value do
    local index = math.type(key) == "integer" and key >= 1 and key <= length
    if not index and not (private and type(key) == "string" and key:sub(1, 1) == "_") then
      keys[#keys + 1] = key
    end
  end
  table.sort(keys, earlier)
  return keys
end

local Printer = {}
Printer.__index = Printer

function Printer:key(key)
  if type(key) == "string" and key:find "^[%a_][%w_]*$" and not KEYWORDS[key] then return key end
  if type(key) == "string" then return "[" .. quoted(key, self.text) .. "]" end
  if type(key) == "table" then return "[" .. (own_text(key) or "table") .. "]" end
  return "[" .. self:value(key, self.depth + 1, 0) .. "]"
end

---The entries of a table, each as text; `level` is how deep the table is.
function Printer:entries(value, level, private)
  local entries, length = {}, rawlen(value)
  local keys = sorted_keys(value, length, private)
  local inner = level + 1
  for index = 1, math.min(length, self.items) do
    entries[#entries + 1] = self:value(rawget(value, index), inner, 0)
  end
  for _, key in ipairs(keys) do
    if #entries >= self.items then break end
    local name = self:key(key)
    entries[#entries + 1] = name .. " = " .. self:value(rawget(value, key), inner, #name + 3)
  end
  local left = length + #keys - #entries
  if left > 0 then entries[#entries + 1] = ("... %d more"):format(left) end
  return entries
end

---@param used integer columns taken on the line before the table begins
function Printer:table(value, level, used)
  local meta = debug.getmetatable(value)
  local name = type(meta) == "table" and rawget(meta, "__name")
  local prefix = type(name) == "string" and name .. " " or ""
  if next(value) == nil then return prefix .. "{}" end
  if self.open[value] then return "<cycle>" end
  if level >= self.depth then return prefix .. "{...}" end
  self.open[value] = true
  local entries = self:entries(value, level, prefix ~= "")
  self.open[value] = nil
  if #entries == 0 then return prefix .. "{}" end
  local line = prefix .. "{ " .. table.concat(entries, ", ") .. " }"
  local room = self.width - level * #INDENT - used - 1
  if not line:find "\n" and columns_of(line) <= room then return line end
  local pad = INDENT:rep(level + 1)
  return ("%s{\n%s%s,\n%s}"):format(prefix, pad, table.concat(entries, ",\n" .. pad),
    INDENT:rep(level))
end

function Printer:value(value, level, used)
  local kind = type(value)
  if kind == "string" then return quoted(value, self.text) end
  if kind == "number" or kind == "boolean" or kind == "nil" then return tostring(value) end
  local text = own_text(value)
  if text then return level == 0 and text or (text:gsub("\n.*", "...")) end
  if kind == "table" then return self:table(value, level, used) end
  if kind == "function" then return describe_function(value) end
  return "<" .. tostring(value):gsub(": 0x%x+$", "") .. ">"
end

---One value as text, of one line or more. A string on its own is shown as
---`print` would show it, inside a table as Lua source.
---@param value any
---@param options? infinitomata.console.PrintOptions
---@return string
function M.format(value, options)
  if type(value) == "string" then return value end
  local self = { open = {} }
  for key, default in pairs(DEFAULTS) do self[key] = options and options[key] or default end
  return setmetatable(self, Printer):value(value, 0, 0)
end

---The results of an expression: on one line with tabs, as `print` does, or each
---on lines of its own when one of them needs several.
---@param values table as table.pack makes them
---@param options? infinitomata.console.PrintOptions
---@return string
function M.results(values, options)
  local texts, separator = {}, "\t"
  for index = 1, values.n do
    texts[index] = M.format(values[index], options)
    if texts[index]:find "\n" and values.n > 1 then separator = "\n" end
  end
  return table.concat(texts, separator)
end

---Rows as columns two blanks apart.
---@param rows string[][]
---@return string
function M.columns(rows)
  local widths, lines = {}, {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do row[i] = M.visible(cell) end
    for i, cell in ipairs(row) do widths[i] = math.max(widths[i] or 0, columns_of(cell)) end
  end
  for number, row in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(row) do
      cells[i] = i < #row and cell .. (" "):rep(widths[i] - columns_of(cell)) or cell
    end
    lines[number] = table.concat(cells, "  "):gsub("%s+$", "")
  end
  return table.concat(lines, "\n")
end

---Words one after the other in as many columns as fit.
---@param words string[]
---@param width integer
---@return string
function M.grid(words, width)
  local widest = 1
  for _, word in ipairs(words) do widest = math.max(widest, columns_of(word)) end
  local across = math.max(1, (width + 1) // (widest + 2))
  local down = math.ceil(#words / across)
  local rows = {}
  for row = 1, down do
    rows[row] = {}
    for at = row, #words, down do rows[row][#rows[row] + 1] = words[at] end
  end
  return M.columns(rows)
end

---What was raised, as a sentence: never fails, whatever it is.
---@param raised any
---@return string
function M.problem(raised)
  if type(raised) == "string" then return raised end
  local text = own_text(raised)
  if text then return text end
  if type(raised) == "table" and type(rawget(raised, "message")) == "string" then
    return raised.message
  end
  return ("(error object is %s)"):format(M.format(raised))
end

return M
