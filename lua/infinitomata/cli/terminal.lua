-- SPDX-License-Identifier: MIT
--- Where a subcommand writes: data to standard output, remarks to standard
--- error; in colour when a person reads it and NO_COLOR does not forbid it.
---@class infinitomata.cli.Terminal
---@field colour boolean
---@field private _out file*
---@field private _err file*
local Terminal = {}
Terminal.__index = Terminal

local Error = require "finitomata.error"
local columns_of = (require "infinitomata.console.columns").of
local json = require "infinitomata.json"
local printer = require "infinitomata.console.printer"

local CODES <const> = {
  bold = "1", dim = "2", red = "31", green = "32", yellow = "33", cyan = "36",
}

---Whether standard output is a terminal. Lua cannot ask; the program can.
local function is_terminal()
  local ok, program = pcall(require, "infinitomata.program")
  return ok and program.is_terminal ~= nil and program.is_terminal() or false
end

---@param options? { out: file*?, err: file*?, colour: boolean? } for the tests
---@return infinitomata.cli.Terminal
function Terminal.new(options)
  options = options or {}
  local colour = options.colour
  if colour == nil then
    local refused = os.getenv("NO_COLOR")
    colour = (refused == nil or refused == "") and os.getenv("TERM") ~= "dumb" and is_terminal()
  end
  return setmetatable({
    colour = colour,
    _out = options.out or io.stdout,
    _err = options.err or io.stderr,
  }, Terminal)
end

---One line of data.
---@param text string
function Terminal:say(text)
  self._out:write(text, "\n")
end

---One line for people.
---@param text string
function Terminal:warn(text)
  self._err:write(text, "\n")
end

---One line of JSON.
---@param value any
---@return true?
---@return finitomata.Error? err
function Terminal:json(value)
  local text, err = json.encode(value)
  if not text then return nil, err end
  self:say(text)
  return true
end

---@param style string a name of CODES
---@param text string
---@return string
function Terminal:paint(style, text)
  if not self.colour then return text end
  return ("\27[%sm%s\27[0m"):format(CODES[style], text)
end

---How many columns a text takes, colours apart.
local function width(text)
  return columns_of((text:gsub("\27%[[%d;]*m", "")))
end

---Rows in columns two blanks apart; the first row is the heading.
---@param rows string[][]
function Terminal:columns(rows)
  local widths = {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do widths[i] = math.max(widths[i] or 0, width(cell)) end
  end
  for number, row in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(row) do
      local padding = i < #row and (" "):rep(widths[i] - width(cell)) or ""
      cells[i] = (number == 1 and self:paint("bold", cell) or cell) .. padding
    end
    self:say((table.concat(cells, "  "):gsub(" +$", "")))
  end
end

---Control characters made visible, so that a name cannot play with the terminal.
---@param text any
---@return string
function Terminal.plain(text)
  return printer.visible(Error.text(text))
end

return Terminal
