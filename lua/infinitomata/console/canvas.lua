-- SPDX-License-Identifier: MIT
--- A sheet of character cells to draw on: lines that join where they meet, boxes
--- and texts over them, in box-drawing characters or in ASCII.
local columns = require "infinitomata.console.columns"

local M = {}

-- Where the lines of a cell go.
local UP <const>, RIGHT <const>, DOWN <const>, LEFT <const> = 1, 2, 4, 8

local LINES = {
  [UP] = "│", [DOWN] = "│", [UP | DOWN] = "│",
  [LEFT] = "─", [RIGHT] = "─", [LEFT | RIGHT] = "─",
  [DOWN | RIGHT] = "╭", [DOWN | LEFT] = "╮", [UP | RIGHT] = "╰", [UP | LEFT] = "╯",
  [UP | DOWN | RIGHT] = "├", [UP | DOWN | LEFT] = "┤",
  [DOWN | LEFT | RIGHT] = "┬", [UP | LEFT | RIGHT] = "┴", [UP | RIGHT | DOWN | LEFT] = "┼",
}

local ASCII = {
  ["│"] = "|", ["─"] = "-", ["║"] = "#", ["═"] = "=", ["▼"] = "v", ["▲"] = "^", ["▶"] = "=>",
}

-- Corners and sides of a box: plain, and one that is to be seen at once.
local FRAMES = {
  [false] = { "┌", "┐", "└", "┘", "─", "│", "┬", "┴" },
  [true] = { "╔", "╗", "╚", "╝", "═", "║", "╤", "╧" },
}

---@class infinitomata.console.Canvas
---@field private _unicode boolean
---@field private _lines table<integer, table<integer, integer>>  y, x: where lines go
---@field private _texts table<integer, table<integer, string>>   y, x: a character
---@field private _styles table<integer, table<integer, string>>  y, x: an SGR code
---@field private _height integer
local Canvas = {}
Canvas.__index = Canvas

---@param unicode boolean false: ASCII alone
---@return infinitomata.console.Canvas
function M.new(unicode)
  return setmetatable({ _unicode = unicode, _lines = {}, _texts = {}, _styles = {}, _height = 0 },
    Canvas)
end

local function set(self, field, x, y, value)
  self[field][y] = self[field][y] or {}
  self[field][y][x] = value
  self._height = math.max(self._height, y)
end

local function join(self, x, y, directions)
  local row = self._lines[y]
  set(self, "_lines", x, y, (row and row[x] or 0) | directions)
end

---A vertical line through whole cells.
function Canvas:down(x, from, to)
  for y = from, to do join(self, x, y, UP | DOWN) end
end

---A line that comes from above at `x1`, turns on row `y` and leaves downwards at `x2`.
function Canvas:step(x1, x2, y)
  if x1 == x2 then return join(self, x1, y, UP | DOWN) end
  local right = x2 > x1
  join(self, x1, y, UP | (right and RIGHT or LEFT))
  join(self, x2, y, DOWN | (right and LEFT or RIGHT))
  for x = math.min(x1, x2) + 1, math.max(x1, x2) - 1 do join(self, x, y, LEFT | RIGHT) end
end

---A text from `x` on; what was there before is covered.
---@param style? string an SGR code
function Canvas:text(x, y, text, style)
  for _, code in utf8.codes(text) do
    local width, row = columns.character(code), self._texts[y]
    if width == 0 and row and row[x - 1] then
      row[x - 1] = row[x - 1] .. utf8.char(code)
    else
      for at = x, x + math.max(1, width) - 1 do -- the rest of a wide one is empty
        set(self, "_texts", at, y, at == x and utf8.char(code) or "")
        if style then set(self, "_styles", at, y, style) end
      end
      x = x + math.max(1, width)
    end
  end
end

---@param lines string[] centred in it
---@param strong boolean  the one that is to be seen at once
---@param style? string   an SGR code of a strong one's lines
function Canvas:box(x, y, width, lines, strong, style)
  local frame = FRAMES[strong]
  local bottom = y + #lines + 1
  self:text(x, y, frame[1] .. frame[5]:rep(width - 2) .. frame[2])
  for index, line in ipairs(lines) do
    local left = (width - 2 - columns.of(line)) // 2
    local right = width - 2 - columns.of(line) - left
    self:text(x, y + index, frame[6])
    local padded = (" "):rep(left) .. line .. (" "):rep(right)
    self:text(x + 1, y + index, padded, strong and style or nil)
    self:text(x + width - 1, y + index, frame[6])
  end
  self:text(x, bottom, frame[3] .. frame[5]:rep(width - 2) .. frame[4])
end

---Where a line leaves a box, or comes to it, on its edge.
---@param side "top"|"bottom"
---@param head boolean the line ends here, in an arrow's head
function Canvas:port(x, y, side, head, strong)
  local frame = FRAMES[strong]
  if head then return self:text(x, y, side == "top" and "▼" or "▲") end
  self:text(x, y, side == "top" and frame[8] or frame[7])
end

---Whether the user's locale has box-drawing characters.
---@param getenv? fun(name: string): string?
---@return boolean
function M.has_unicode(getenv)
  for _, name in ipairs { "LC_ALL", "LC_CTYPE", "LANG" } do
    local value = (getenv or os.getenv)(name)
    if value and value ~= "" then return value:upper():find "UTF%-?8" ~= nil end
  end
  return false
end

local function character(self, x, y)
  local text = self._texts[y] and self._texts[y][x]
  if not text then
    local directions = self._lines[y] and self._lines[y][x]
    text = directions and LINES[directions] or " "
  end
  if self._unicode or #text <= 1 then return text end
  local code = utf8.codepoint(text)
  local is_line = code >= 0x2500 and code <= 0x25ff
  return ASCII[text] or is_line and "+" or text
end

local function last_column(self, y)
  local last = 0
  for _, field in ipairs { "_lines", "_texts" } do
    for x in pairs(self[field][y] or {}) do last = math.max(last, x) end
  end
  return last
end

---@return string[] lines without blanks at their ends
function Canvas:rows()
  local rows = {}
  for y = 1, self._height do
    local cells, style = {}, nil
    for x = 1, last_column(self, y) do
      local wanted = self._styles[y] and self._styles[y][x]
      if wanted ~= style then
        cells[#cells + 1] = (style and "\27[0m" or "") .. (wanted and "\27[" .. wanted .. "m" or "")
        style = wanted
      end
      cells[#cells + 1] = character(self, x, y)
    end
    if style then cells[#cells + 1] = "\27[0m" end
    rows[y] = table.concat(cells):gsub("%s+$", "")
  end
  return rows
end

return M
