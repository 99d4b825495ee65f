-- SPDX-License-Identifier: MIT
--- Where the cursor stands in a half-typed line of Lua: inside a string or not,
--- and which argument of which call it is in.
local M = {}

---@class infinitomata.console.Call
---@field name? string    the last name before the bracket, nil when there is none
---@field index integer   the argument the cursor is in, from 1
---@field strings table<integer, string>  arguments so far that are just a string

---@class infinitomata.console.Cursor
---@field call? infinitomata.console.Call
---@field string? string  what is typed of the string the cursor is in
---@field quote? string   the quotation mark that opened it
---@field comment boolean

local ESCAPES = { n = "\n", t = "\t", r = "\r", a = "\a", b = "\b", f = "\f", v = "\v" }

---@param text string what stands between quotation marks
---@return string
function M.unescape(text)
  return (text:gsub("\\(.)", function(letter) return ESCAPES[letter] or letter end))
end

local unescape = M.unescape

---A quoted string from its opening mark on; nil when the text ends inside it.
---@param text string
---@param at integer where the mark is
---@return string? value
---@return integer? after where it is over
function M.quoted(text, at)
  local quote, from = text:sub(at, at), at + 1
  while true do
    local stop = text:find("[\\" .. quote .. "]", from)
    if not stop then return nil end
    if text:sub(stop, stop) == quote then
      return unescape(text:sub(at + 1, stop - 1)), stop + 1
    end
    from = stop + 2
  end
end

local Scanner = {}
Scanner.__index = Scanner

function Scanner:open_bracket(bracket)
  local name = bracket == "(" and self.name or nil
  self.stack[#self.stack + 1] = { name = name, index = 1, strings = {} }
  self.name = nil
end

---A string is an argument of the bracket around it, or of the name before it.
function Scanner:take_string(value)
  local top = self.stack[#self.stack]
  if top and not self.name then top.strings[top.index] = value end
  self.name = nil
end

function Scanner:inside(at, quote)
  local call = self.stack[#self.stack]
  if self.name then call = { name = self.name, index = 1, strings = {} } end
  return { call = call, string = unescape(self.text:sub(at + 1)), quote = quote, comment = false }
end

---Skips a comment or a long string; nil when it does not end.
function Scanner:skip_long(at)
  local level = self.text:match("^%[(=*)%[", at)
  local _, stop = self.text:find("]" .. level .. "]", at, true)
  return stop and stop + 1
end

function Scanner:symbol(at)
  local symbol = self.text:sub(at, at)
  if symbol == "(" or symbol == "{" or symbol == "[" then
    self:open_bracket(symbol)
  elseif symbol == ")" or symbol == "}" or symbol == "]" then
    self.stack[#self.stack] = nil
    self.name = nil
  else
    local top = self.stack[#self.stack]
    if symbol == "," and top then top.index = top.index + 1 end
    if symbol ~= "." and symbol ~= ":" then self.name = nil end
  end
  return at + 1
end

local LOST = { comment = true }

---@return integer|table next or where the cursor is
function Scanner:step(at)
  local text = self.text
  local name, after = text:match("^([%a_][%w_]*)()", at)
  if name then
    self.name = name
    return after
  end
  local mark = text:match("^[\"']", at)
  if mark then
    local value, beyond = M.quoted(text, at)
    if not value then return self:inside(at, mark) end
    self:take_string(value)
    return beyond
  end
  local comment = text:match("^%-%-()", at)
  if comment then
    if not text:find("^%[=*%[", comment) then
      return text:match("\n()", comment) or LOST
    end
    return self:skip_long(comment) or LOST
  end
  if text:find("^%[=*%[", at) then return self:skip_long(at) or LOST end
  if text:find("^%s", at) then return at + 1 end
  return self:symbol(at)
end

---@param before string the text up to the cursor
---@return infinitomata.console.Cursor
function M.locate(before)
  local scanner = setmetatable({ text = before, stack = {} }, Scanner)
  local at = 1
  while at <= #before do
    local found = scanner:step(at)
    if type(found) == "table" then return found end
    at = found
  end
  return { call = scanner.stack[#scanner.stack], comment = false }
end

return M
