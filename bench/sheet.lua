-- SPDX-License-Identifier: MIT
--- The table of a benchmark. Whatever measures, in any language, prints a row a
--- figure, `KEY<tab>VALUE<tab>AGAINST`: a line of lines.lua, the value in that line's
--- unit, and what it may be held against. VALUE `-` is a figure that cannot be had
--- here, and AGAINST says why. Two keys are no figures: `note` is a line for the head
--- of the table, `failed` names a part that did not end well.
local lines = require "lines"
local reasons = require "reasons"

---@class bench.Row
---@field line bench.Line
---@field measured string
---@field target string empty when there is none
---@field verdict "met"|"missed"|"not measured"|""
---@field against string
---@field reason? string why it was missed

local by_key = {} ---@type table<string, bench.Line>
for _, line in ipairs(lines) do by_key[line.key] = line end

---@class bench.Sheet
---@field rows table<string, bench.Row> by key
---@field notes string[]
---@field faults string[] what went wrong; figures that miss are no faults
local Sheet = {}
Sheet.__index = Sheet

local NO_REASON <const> = "no reason is written down"

---@param value number
---@param digits? integer how many are enough; 3, or 2 below 1
local function figure(value, digits)
  digits = digits or math.abs(value) >= 0.995 and 3 or 2
  return (("%%.%dg"):format(digits):format(value):gsub("^[%d.]+e%+%d+$", function()
    return ("%.0f"):format(value)
  end))
end

---@param value number
---@param unit string
---@param digits? integer
---@return string
local function quantity(value, unit, digits)
  local prefix = ""
  if unit == "/s" and value >= 1e6 then
    value, prefix = value / 1e6, "M"
  elseif unit == "/s" and value >= 1e3 then
    value, prefix = value / 1e3, "k"
  end
  local text = figure(value, digits)
  return unit == "" and text or ("%s %s%s"):format(text, prefix, unit)
end

---@param line bench.Line
---@return string
local function target_of(line)
  if not line.relation then return "" end
  local text = quantity(line.target, line.unit)
  if line.relation == "=" then return text end
  if line.relation == "~" then return ("%s +- %s"):format(text, figure(line.within)) end
  return line.relation .. " " .. text
end

local MEETS <const> = {
  ["<"] = function(value, line) return value < line.target end,
  ["<="] = function(value, line) return value <= line.target end,
  [">="] = function(value, line) return value >= line.target end,
  ["="] = function(value, line) return value == line.target end,
  ["~"] = function(value, line) return math.abs(value - line.target) <= line.within end,
}

---@param line bench.Line
---@param value? number nil when it was not measured
---@return string
local function verdict_of(line, value)
  if not value then return "not measured" end
  if not line.relation then return "" end
  return MEETS[line.relation](value, line) and "met" or "missed"
end

--- What misses by a hair has as many digits as show it.
---@param line bench.Line
---@param value number
---@param missed boolean
---@return string
local function measured_of(line, value, missed)
  local text = quantity(value, line.unit)
  local digits = 3
  while missed and digits < 10 and text == quantity(line.target, line.unit) do
    digits = digits + 1
    text = quantity(value, line.unit, digits)
  end
  return text
end

---@return bench.Sheet
local function new() return setmetatable({ rows = {}, notes = {}, faults = {} }, Sheet) end

function Sheet:fault(text, ...) self.faults[#self.faults + 1] = text:format(...) end

---Takes what a part has printed.
---@param text string one line
---@return bench.Row? row nil when it was none, or a bad one, which is a fault
function Sheet:take(text)
  local key, value, against = text:match "^([^\t]+)\t([^\t]*)\t?([^\t]*)$"
  if not key then return self:fault("not a row: %s", text) end
  if key == "note" then
    self.notes[#self.notes + 1] = value
    return
  end
  if key == "failed" then return self:fault("%s failed: %s", value, against) end
  local line, number = by_key[key], tonumber(value)
  if not line then return self:fault("no line is called %s", key) end
  if not number and value ~= "-" then return self:fault("%s: not a number: %s", key, value) end
  local verdict = verdict_of(line, number)
  local row = {
    line = line, measured = number and measured_of(line, number, verdict == "missed") or "-",
    target = target_of(line), verdict = verdict, against = against,
    reason = verdict == "missed" and (reasons[key] or NO_REASON) or nil,
  }
  self.rows[key] = row
  return row
end

---Lines that nobody measured are faults.
function Sheet:complete()
  for _, line in ipairs(lines) do
    if not self.rows[line.key] then self:fault("%s: nobody measured it", line.key) end
  end
end

---The rows in the order of the lines.
---@return fun(): bench.Row?
function Sheet:each()
  local index = 0
  return function()
    while index < #lines do
      index = index + 1
      local row = self.rows[lines[index].key]
      if row then return row end
    end
  end
end

---@return string
function Sheet:sum()
  local count = { met = 0, missed = 0, ["not measured"] = 0, [""] = 0 }
  for row in self:each() do count[row.verdict] = count[row.verdict] + 1 end
  local text = ("%d targets met, %d missed"):format(count.met, count.missed)
  if count["not measured"] > 0 then
    text = ("%s, %d not measured"):format(text, count["not measured"])
  end
  return text
end

--- How wide each column is, known before anything is measured: rows can be printed
--- as they come.
local WIDTH <const> = { what = 0, measured = 10, target = 0, verdict = #"not measured" }
for _, line in ipairs(lines) do
  WIDTH.what = math.max(WIDTH.what, #line.what)
  WIDTH.target = math.max(WIDTH.target, #target_of(line))
end

local function columns(what, measured, target, verdict, against)
  local text = ("%-" .. WIDTH.what .. "s  %" .. WIDTH.measured .. "s  %-" .. WIDTH.target .. "s  %-"
    .. WIDTH.verdict .. "s  %s"):format(what, measured, target, verdict, against)
  return (text:gsub("%s+$", ""))
end

---@param row bench.Row
---@return string text one line, or two with the reason
local function text_of(row)
  local text = columns(row.line.what, row.measured, row.target, row.verdict, row.against)
  return row.reason and ("%s\n    why: %s"):format(text, row.reason) or text
end

local function head() return columns("what", "measured", "target", "verdict", "against") end

return { new = new, text_of = text_of, head = head, lines = lines, target_of = target_of }
