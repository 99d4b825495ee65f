-- SPDX-License-Identifier: MIT
--- The definitions in a file, and everything that is wrong with them, at the
--- line and column where an editor would show it. A file is Lua, or a diagram by
--- itself (.mmd, .mermaid, .puml, .plantuml, .txt).
local Error = require "finitomata.error"
local definitions = require "finitomata.definition"
local parser = require "finitomata.parser"
local sandbox = require "infinitomata.sandbox"
local targets = require "infinitomata.targets"

local M = {}

---@class infinitomata.source.Fault
---@field line integer
---@field column integer
---@field message string   one line
---@field warning boolean

---@class infinitomata.source.Found
---@field definition finitomata.Definition
---@field name string
---@field line integer     of the call of `define`
---@field returned boolean  it is what the file returns

---@class infinitomata.Source
---@field path string
---@field definitions infinitomata.source.Found[]
---@field faults infinitomata.source.Fault[]  in the order of the file
---@field private _text string               with plain line ends
local Source = {}
Source.__index = Source

local CALLBACKS <const> = require("finitomata.callbacks").KEYS

-- ---- places ----------------------------------------------------------------------

---Byte offset of the start of a line.
local function offset_of(text, line)
  local at = 1
  for _ = 2, line do
    local stop = text:find("\n", at, true)
    if not stop then return at end
    at = stop + 1
  end
  return at
end

local function place_of(text, offset)
  local line, start = 1, 1
  while true do
    local stop = text:find("\n", start, true)
    if not stop or stop >= offset then return line, offset - start + 1 end
    line, start = line + 1, stop + 1
  end
end

---@param line integer
---@param column integer
---@param message string
---@param warning? boolean
function Source:_fault(line, column, message, warning)
  message = message:gsub("^line %d+[,:]%s*", ""):gsub("^column %d+:%s*", ""):gsub("%s*\n.*", "")
  table.insert(self.faults,
    { line = line, column = column, message = message, warning = warning or false })
end

---Where the text of a diagram stands in the file, at or after the call of `define` when it
---stands twice.
---@return integer? offset
function Source:_diagram_at(diagram, call_line)
  if type(diagram) ~= "string" or diagram == "" then return nil end
  diagram = diagram:gsub("\r\n?", "\n")
  return self._text:find(diagram, offset_of(self._text, call_line), true)
    or self._text:find(diagram, 1, true)
end

---The word that a fault begins with, as an option in the file: `timer: ...` is about `timer =`.
function Source:_option_at(message, call_line)
  local word = message:match("^unknown option '([%a_][%w_]*)'")
    or message:match("^([%a_][%w_]*)[:%[]")
  if not word then return nil end
  local start = offset_of(self._text, call_line)
  return self._text:find("%f[%w_]" .. word .. "%f[^%w_][^\n=]*=", start)
end

function Source:_place(fault, diagram, call_line)
  local at = fault.line and self:_diagram_at(diagram, call_line)
  if at then
    local line, column = place_of(self._text, at)
    local inner = fault.column or 1
    return line + fault.line - 1, fault.line == 1 and column + inner - 1 or inner
  end
  if not fault.line then
    local option = self:_option_at(fault.message, call_line)
    if option then return place_of(self._text, option) end
    at = self:_diagram_at(diagram, call_line)
    if at and fault.states and fault.states[1] then return place_of(self._text, at) end
  end
  return call_line, 1
end

-- ---- definitions -----------------------------------------------------------------

---What is wrong but allowed, at the edge that it is about.
function Source:_warnings(found, given)
  local edges = parser.read(given.fsm, given.syntax, given) or {}
  for _, message in ipairs(found.definition:check()) do
    local event, state = message:match("^`([^`]+)` in `([^`]+)`")
    state = state or message:match("`([^`]+)`")
    local edge
    for _, each in ipairs(edges) do
      if not edge and each.from == state and (not event or each.event == event) then edge = each end
    end
    local line, column = self:_place({ line = edge and edge.line, column = 1, message = "" },
      given.fsm, found.line)
    if edge and edge.line then
      local text = self._text:match("[^\n]*", offset_of(self._text, line))
      column = text:find(event or state, 1, true) or column
    end
    self:_fault(line, column, message, true)
  end
end

---What only shows when all callbacks are there.
function Source:_finish(found, given)
  local plan, err = definitions.plan(found.definition)
  if not plan then
    for _, fault in ipairs(err.faults or { err }) do
      local line, column = self:_place(fault, given.fsm, found.line)
      self:_fault(line, column, fault.message)
    end
  end
  self:_warnings(found, given)
  for _, remark in ipairs(targets.check(found.definition, self._text, self.path)) do
    self:_fault(remark.line, remark.column, remark.message, true)
  end
end

local function nothing() end

---A table in which functions stand for what is not known here.
local function filled(value, depth)
  if sandbox.is_void(value) then return nothing end
  if type(value) ~= "table" or getmetatable(value) or depth > 5 then return value end
  local copy = {}
  for key, inner in pairs(value) do copy[key] = filled(inner, depth + 1) end
  return copy
end

---The definition for the file to work with: callbacks that it refuses are faults.
function Source:_proxy(definition)
  local proxy = {}
  return setmetatable(proxy, {
    __name = "finitomata.Definition",
    __index = function(_, key)
      local value = definition[key]
      if type(value) ~= "function" or CALLBACKS[key] then return value end
      return function(this, ...)
        return value(rawequal(this, proxy) and definition or this, ...)
      end
    end,
    __newindex = function(_, key, value)
      if CALLBACKS[key] or not sandbox.is_void(value) then value = filled(value, 1) end
      local ok, err = pcall(function() definition[key] = value end)
      if ok then return end
      local info = debug.getinfo(2, "Sl")
      local line = info.source == "@" .. self.path and info.currentline or 1
      local faults = Error.is(err) and err.faults or { { message = Error.text(err) } }
      for _, fault in ipairs(faults) do
        self:_fault(line, 1, (fault.message:gsub("^[^\n]-:%d+: ", "")))
      end
    end,
  })
end

---The options of a definition without what is not known here.
local function known(given)
  local options = {}
  for key, value in pairs(given) do
    if not sandbox.is_void(value) or CALLBACKS[key] then options[key] = filled(value, 1) end
  end
  return options
end

---@param given any what define was called with
---@param caller table who called it; a tail call (`return define { ... }`) hides that
function Source:_define(given, caller)
  local here = caller.source == "@" .. self.path or caller.what == "C"
  local line = math.max(1, caller.currentline)
  if type(given) ~= "table" or sandbox.is_void(given) then
    if here and type(given) ~= "table" then
      self:_fault(line, 1, ("a table expected by define, got %s"):format(type(given)))
    end
    return sandbox.void
  end
  if sandbox.is_void(given.fsm) then
    if here then self:_fault(line, 1, "the diagram is not known before the file runs", true) end
    return sandbox.void
  end
  local options = known(given)
  local ok, result = pcall(definitions.define, options, 1)
  if ok then
    local proxy = self:_proxy(result)
    if here then
      table.insert(self.definitions,
        { definition = result, line = line, given = options, proxy = proxy, returned = false })
    end
    return proxy
  end
  if here then
    local faults = Error.is(result) and result.faults or { { message = Error.text(result) } }
    for _, fault in ipairs(faults) do
      local fault_line, column = self:_place(fault, options.fsm, line)
      self:_fault(fault_line, column, fault.message)
    end
  end
  return sandbox.void
end

-- ---- files -----------------------------------------------------------------------

function Source:_modules()
  local finitomata = setmetatable({
    define = function(given) return (self:_define(given, debug.getinfo(2, "Sl"))) end,
    parse = parser.parse,
  }, { __index = function() return sandbox.void end })
  return { finitomata = finitomata }
end

local function search_path(path)
  local folder = path:match("^(.*)/[^/]*$") or "."
  return ("%s/?.lua;%s/?/init.lua;./?.lua;./?/init.lua;%s"):format(folder, folder, package.path)
end

function Source:_run()
  local ok, result, asked = sandbox.run(self.path,
    { path = search_path(self.path), modules = self:_modules() })
  local something = #self.definitions + #self.faults > 0
  if not ok and result == nil then
    self:_fault(1, 1, "the file does not come to an end without the world around it", true)
  elseif not ok and not (asked and something) then -- else it is the world that is missing
    local text = Error.text(result)
    local line, message = text:match("^[^\n]-:(%d+): (.*)$")
    self:_fault(math.tointeger(line) or 1, 1, message or text, asked)
  end
  for _, found in ipairs(self.definitions) do
    found.returned = ok and rawequal(found.proxy, result)
    self:_finish(found, found.given)
  end
end

function Source:_name_definitions()
  local stem = (self.path:match("([^/]*)$")):gsub("%.[^.]*$", "")
  for _, found in ipairs(self.definitions) do
    found.name = found.given.name or stem
    if found.definition.name == nil then found.definition.name = found.name end
    found.given, found.proxy = nil, nil
  end
end

local function sort_faults(faults)
  for i, fault in ipairs(faults) do fault.order = i end
  table.sort(faults, function(a, b)
    if a.line ~= b.line then return a.line < b.line end
    if a.column ~= b.column then return a.column < b.column end
    return a.order < b.order
  end)
  for _, fault in ipairs(faults) do fault.order = nil end
end

---The syntax of a diagram, from the name of its file or from what it says.
---@param text string
---@param path? string
---@return "flowchart"|"state_diagram"
function M.guess_syntax(text, path)
  if path and path:find("%.p[lu]") then return "state_diagram" end
  if text:find("stateDiagram", 1, true) or text:find("@startuml", 1, true) then
    return "state_diagram"
  end
  if text:find("|", 1, true) then return "flowchart" end
  return text:find("%-%->[^\n]-:") and "state_diagram" or "flowchart"
end

function Source:_read_diagram(syntax)
  local options = { fsm = self._text, syntax = syntax or M.guess_syntax(self._text, self.path) }
  local ok, result = pcall(definitions.define, options, 1)
  if ok then
    local found = { definition = result, line = 1, given = options, returned = true }
    table.insert(self.definitions, found)
    self:_finish(found, options)
    return
  end
  if not Error.is(result) then error(result, 0) end
  for _, fault in ipairs(result.faults) do
    self:_fault(fault.line or 1, fault.column or 1, fault.message)
  end
end

---@param path string
---@param options? { syntax: string? } of a diagram
---@return infinitomata.Source?
---@return finitomata.Error? err the file cannot be read
function M.read(path, options)
  local file <close>, problem = io.open(path, "rb")
  local text = file and file:read("a")
  if not text then
    return Error.fail("no_file", problem or ("%s: cannot be read"):format(path), { path = path })
  end
  local self = setmetatable({
    path = path, definitions = {}, faults = {}, _text = text:gsub("\r\n?", "\n"),
  }, Source)
  if path:find("%.lua$") or text:find("^#![^\n]*lua") then
    self:_run()
  else
    self:_read_diagram(options and options.syntax)
  end
  self:_name_definitions()
  sort_faults(self.faults)
  return self
end

---True when a fault is more than a warning.
---@return boolean
function Source:is_faulty()
  for _, fault in ipairs(self.faults) do
    if not fault.warning then return true end
  end
  return false
end

return M
