-- SPDX-License-Identifier: MIT
--- Takes changes over into definitions that are in use: the file of each module
--- that is a definition is run again, and FSMs that run use its functions from
--- their next event on. When the diagram has changed, it and the options change
--- too, for all FSMs but those in a state that is gone.
local Error = require "finitomata.error"
local callbacks = require "finitomata.callbacks"
local definitions = require "finitomata.definition"
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

---@param name string
---@param old finitomata.Definition
---@return any[]? staying
---@return string? problem
local function reload(name, old)
  local new, problem = fresh(name)
  if not new then return nil, problem end
  if new.hash ~= old.hash then return succession.succeed(old, new) end
  for key in pairs(callbacks.KEYS) do old[key] = new[key] end
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
