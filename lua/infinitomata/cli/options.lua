-- SPDX-License-Identifier: MIT
--- Reads the options of a subcommand: `--name VALUE`, `--name=VALUE`, and flags.
--- They end at the first argument that is none, or at `--`.
local nearest = require "infinitomata.nearest"

local M = {}

---What was probably meant, as a remark.
local function suggestion(name, known)
  local names = {}
  for each in pairs(known) do names[#names + 1] = each end
  local best = nearest.word(name, names)
  return best and (" (did you mean --%s?)"):format(best) or ""
end

---@param args string[]
---@param known table<string, "value"|"flag"> by long name, without the dashes
---@return table<string, string|true>? options
---@return integer|string rest index of the first argument after them, or what is wrong
function M.parse(args, known)
  local options, at = {}, 1
  while at <= #args do
    local argument = args[at]
    if argument == "--" then return options, at + 1 end
    if argument:sub(1, 1) ~= "-" or argument == "-" then break end
    local name, value = argument:match("^%-%-([^=]+)=?(.*)$")
    local kind = name and known[name]
    if not kind then
      local text = name and suggestion(name, known) or ""
      return nil, ("unknown option '%s'%s"):format(argument:match("^[^=]+"), text)
    end
    local given = argument:find("=", 1, true) ~= nil
    if kind == "flag" then
      if given then return nil, ("option '--%s' takes no value"):format(name) end
      value = true
    elseif not given then
      at = at + 1
      value = args[at]
      if not value then return nil, ("option '--%s' needs a value"):format(name) end
    end
    options[name] = value
    at = at + 1
  end
  return options, at
end

return M
