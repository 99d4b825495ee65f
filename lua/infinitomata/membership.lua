-- SPDX-License-Identifier: MIT
--- The constants of membership by their names: what a node may be started with
--- beside a profile.
local cluster = require "infinitomata.cluster"
local nearest = require "infinitomata.nearest"

local M = {}

---@class infinitomata.membership.Setting
---@field name string
---@field about string           a few words
---@field range string           what it takes
---@field value integer|boolean  what it is in the profile

---@param profile? "lan"|"wan"|"local"
---@return infinitomata.membership.Setting[]
function M.settings(profile)
  return cluster.membership_settings(profile)
end

---@param values table<string, integer|boolean>
---@param profile? "lan"|"wan"|"local"
---@return string? problem nothing: a node can be started with them
function M.fault(values, profile)
  local name, text = cluster.membership_fault(values, profile)
  if not name then return nil end
  if text then return name == "" and text or ("'%s': %s"):format(name, text) end
  local names = {}
  for i, setting in ipairs(M.settings()) do names[i] = setting.name end
  return ("unknown setting '%s'%s"):format(name, nearest.suggestion(name, names))
end

---Settings from a text, "probe_interval=500,crc=false"; values that are no settings
---stay texts, for `fault` to refuse.
---@param text string
---@return table<string, integer|boolean|string>? values nil: it is not of this form
function M.read(text)
  local values, words = {}, { ["true"] = true, ["false"] = false }
  for item in text:gmatch "[^,]+" do
    local name, value = item:match "^%s*([^=%s]+)=(.-)%s*$"
    if not name then return nil end
    if words[value] ~= nil then
      values[name] = words[value]
    else
      values[name] = math.tointeger(tonumber(value)) or value
    end
  end
  return values
end

return M
