-- SPDX-License-Identifier: MIT

--- One line of a diagram under a cursor. The parsers of both syntaxes read
--- through it; it knows blanks, names and how to say where something went wrong.
---@class finitomata.parser.Line
---@field text string    the line without its end
---@field number integer 1-based
---@field offset integer byte offset of the line's start in the whole text
---@field at integer     1-based position of the next character
local Line = {}
Line.__index = Line

local BOM <const> = "\xEF\xBB\xBF"

---The lines of a text; LF, CRLF and CR end a line, in any mixture.
---@param text string
---@return finitomata.parser.Line[]
function Line.split(text)
  local lines, start = {}, 1
  if text:sub(1, 3) == BOM then start = 4 end
  while true do
    local stop, next_start = #text, nil
    local ending = text:find("[\r\n]", start)
    if ending then
      stop = ending - 1
      next_start = text:sub(ending, ending + 1) == "\r\n" and ending + 2 or ending + 1
    end
    lines[#lines + 1] = setmetatable(
      { text = text:sub(start, stop), number = #lines + 1, offset = start - 1, at = 1 }, Line)
    if not next_start then return lines end
    start = next_start
  end
end

---Moves over blanks.
---@return finitomata.parser.Line self
function Line:blanks()
  self.at = self.text:match("^[ \t\v\f]*()", self.at)
  return self
end

---Takes what matches the pattern here, after any blanks.
---@param pattern string without anchor or captures
---@return string? taken
function Line:take(pattern)
  self:blanks()
  local taken = self.text:match("^" .. pattern, self.at)
  if taken then self.at = self.at + #taken end
  return taken
end

---True when only blanks are left.
---@return boolean
function Line:finished()
  self:blanks()
  return self.at > #self.text
end

---The line without the blanks around it.
---@return string
function Line:trimmed()
  return (self.text:match("^[ \t\v\f]*(.-)[ \t\v\f]*$"))
end

---Takes a name: a lower-case letter, then letters, digits and underscores.
---@param suffix boolean whether one `!` or `?` may end it
---@return string?
function Line:name(suffix)
  local name = self:take("%l[%w_]*")
  if name and suffix then
    local mark = self.text:match("^[!?]", self.at)
    if mark then
      name, self.at = name .. mark, self.at + 1
    end
  end
  return name
end

---The 1-based column of a position, in characters.
---@param at? integer the cursor when absent
---@return integer
function Line:column(at)
  at = at or self.at
  return (utf8.len(self.text:sub(1, at - 1)) or at - 1) + 1
end

---The line with a caret under a position.
---@param at integer
---@return string
function Line:excerpt(at)
  local before = self.text:sub(1, at - 1)
  local margin = before:gsub(utf8.len(before) and utf8.charpattern or ".", function(character)
    return character == "\t" and "\t" or " "
  end)
  return ("    %s\n    %s^"):format(self.text, margin)
end

---An edge that is written here.
---@param from string
---@param to string
---@param event string
---@param at integer where its target is
---@return table
function Line:edge(from, to, event, at)
  return { from = from, to = to, event = event, line = self.number, column = self:column(at),
    source = self, at = at }
end

---The fault "something else was expected here".
---@param expected string
---@param at? integer a position in the line, the cursor when absent
---@return table fault
function Line:fault(expected, at)
  at = at or self.at
  local found = "the line ends"
  if at <= #self.text then
    local word = self.text:match("^[%w_]+", at)
      or self.text:match("^" .. utf8.charpattern, at)
    found = ("found '%s'"):format(word or self.text:sub(at, at))
    if word and word:find("^[%u%d_]") and expected:find("^the name of") then
      found = found .. "; names begin with a lower-case letter"
    end
  end
  local column = self:column(at)
  return {
    code = "malformed",
    line = self.number,
    column = column,
    offset = self.offset,
    text = self:trimmed(),
    states = {},
    message = ("line %d, column %d: %s expected, %s\n%s"):format(
      self.number, column, expected, found, self:excerpt(at)),
  }
end

return Line
