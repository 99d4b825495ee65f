-- SPDX-License-Identifier: MIT
--- Takes changes over into definitions that are in use: the file of each module
--- that is a definition is run again, and FSMs that run use its functions, its
--- options and its diagram from their next event on, but for those in a state that
--- is gone.
local Error = require "finitomata.error"
local callbacks = require "finitomata.callbacks"
local definitions = require "finitomata.definition"
local flow = require "finitomata.flow"
local succession = require "finitomata.succession"

local M = {}

---@class infinitomata.reload.Outcome
---@field name string      of the module
---@field problem string?  why it stays as it was; nothing: it is new
---@field staying any[]?   names of FSMs that go on with the old diagram

---@param name string
---@return finitomata.Definition? definition
---@return string? problem
local function fresh(name)
  local path, missing = package.searchpath(name, package.path)
  if not path then return nil, (missing:match("[^\n]*no file[^\n]*") or "no file"):match("no.*") end
  local chunk, fault = loadfile(path, "t")
  if not chunk then return nil, fault end
  local ok, result = pcall(chunk, name, path)
  if not ok then return nil, Error.text(result) end
  if not definitions.is(result) then
    return nil, path .. " does not return a definition any more"
  end
  return result
end

---Gives a definition the callbacks of another one.
local function take(definition, other)
  for key in pairs(callbacks.KEYS) do definition[key] = other[key] end
end

---@param name string
---@param old finitomata.Definition
---@return any[]? staying
---@return string? problem
local function reload(name, old)
  local new, problem = fresh(name)
  if not new then return nil, problem end
  local same = new.hash == old.hash
  if same and flow.is(old) then return take(old, new) end
  local staying
  staying, problem = succession.succeed(old, new)
  -- Now `new` is what the old one was, for events that were sent before.
  if staying and same then take(new, old) end
  return staying, problem
end

---@return infinitomata.reload.Outcome[] sorted by name
function M.all()
  local outcomes = {}
  for name, module in pairs(package.loaded) do
    if type(name) == "string" and definitions.is(module) then
      outcomes[#outcomes + 1] = { name = name, module = module }
    end
  end
  table.sort(outcomes, function(a, b) return a.name < b.name end)
  for _, outcome in ipairs(outcomes) do
    outcome.staying, outcome.problem = reload(outcome.name, outcome.module)
    outcome.module = nil
  end
  return outcomes
end

return M
