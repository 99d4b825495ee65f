-- SPDX-License-Identifier: MIT
--- Reads the options of a subcommand: `--name VALUE`, `--name=VALUE`, and flags.
--- They end at the first argument that is none, or at `--`.
local M = {}

---How far two words are from each other: insertions, deletions, replacements.
local function distance(a, b)
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      local best = math.min(row[j] + 1, row[j - 1] + 1, diagonal + cost)
      diagonal, row[j] = row[j], best
    end
  end
  return row[#b]
end

---The known word that was probably meant, or nil.
---@param word string
---@param known table<string, any>
---@return string?
function M.nearest(word, known)
  local best, least = nil, 3
  for candidate in pairs(known) do
    local far = distance(word, candidate)
    if far < least or far == least and best and candidate < best then
      best, least = candidate, far
    end
  end
  return best
end

---@param word string
---@param known table<string, any>
---@param prefix? string shown before the suggestion
---@return string text "" or " (did you mean ...?)"
function M.suggestion(word, known, prefix)
  local best = M.nearest(word, known)
  return best and (" (did you mean %s%s?)"):format(prefix or "", best) or ""
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
      local text = name and M.suggestion(name, known, "--") or ""
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
