-- SPDX-License-Identifier: MIT

--- A branch on a virtual clock, and a log that is kept instead of printed.
local clock = require "finitomata.clock"
local finitomata = require "finitomata"

-- In the program the engine has its C functions, under a stock Lua it mostly does
-- without them. The same specs hold.
if package.preload["infinitomata.core"] then clock.real() end

local M = {}

local serial = 0

---@class spec.World
---@field clock finitomata.Clock
---@field branch finitomata.Branch
---@field lines string[] what was logged
local World = {}
World.__index = World

---@param options? table for start_link
---@return spec.World
function M.new(options)
  serial = serial + 1
  local self = setmetatable({ clock = finitomata.virtual_clock(), lines = {} }, World)
  local own = { clock = self.clock }
  for key, value in pairs(options or {}) do own[key] = value end
  self.branch = finitomata.start_link(("world-%d"):format(serial), own)
  self._sink = finitomata.log.set_sink(function(level, message)
    self.lines[#self.lines + 1] = level .. ": " .. message
  end)
  return self
end

---Ends the branch and gives the log back.
function World:close()
  self.branch:stop()
  finitomata.log.set_sink(self._sink)
end

---Starts an FSM of a definition made from options, and lets its entry happen.
---@param options table for define
---@param payload? any
---@param name? string
---@return finitomata.Definition
function World:start(options, payload, name)
  return self:start_definition(finitomata.define(options), payload, name)
end

---@param definition finitomata.Definition
---@param payload? any
---@param name? string
---@return finitomata.Definition
function World:start_definition(definition, payload, name)
  assert(self.branch:start_fsm(name or "fsm", definition, payload))
  self.clock:advance(0)
  return definition
end

---@return string what was logged, in one text
function World:log()
  return table.concat(self.lines, "\n")
end

return M
