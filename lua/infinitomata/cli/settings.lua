-- SPDX-License-Identifier: MIT
--- What a node is to be started with, from where people say it: an option of the
--- command line is stronger than the environment, and that is stronger than the
--- configuration file.
local options = require "infinitomata.cli.options"

local M = {}

---What the file and the command line may name; "number" and "table" are for the
---file alone.
local KEYS = {
  name = "string",
  bind = "string",
  advertise = "string",
  rpc = "string",
  join = "list",
  key = "string",
  keys = "list",
  ["key-file"] = "string",
  profile = "string",
  id = "string",
  log = "string",
  tags = "table",
  attempts = "number",
  poll_interval = "number",
  rpc_timeout = "number",
  backoff_base = "number",
  backoff_max = "number",
}

---The retry policy: node.start takes it as one table.
local POLICY = {
  attempts = true,
  poll_interval = true,
  rpc_timeout = true,
  backoff_base = true,
  backoff_max = true,
}

---The options of the command line that say what a node is started with.
M.OPTIONS = {
  name = "value",
  bind = "value",
  advertise = "value",
  rpc = "value",
  join = "value",
  profile = "value",
  id = "value",
  log = "value",
  config = "value",
  ["key-file"] = "value",
}

---@param text string "HOST:PORT,HOST:PORT"
local function split(text)
  local list = {}
  for item in text:gmatch("[^,%s]+") do list[#list + 1] = item end
  return list
end

local function fits(value, kind)
  if kind == "list" then return type(value) == "string" or type(value) == "table" end
  return type(value) == kind
end

---Runs the file with nothing but os.getenv in reach.
local function load_file(path)
  local chunk, problem = loadfile(path, "t", { os = { getenv = os.getenv } })
  if not chunk then return nil, problem end
  local ok, values = pcall(chunk)
  if not ok then return nil, tostring(values) end
  if type(values) ~= "table" then return nil, path .. ": a configuration returns a table" end
  return values
end

local function checked_file(path)
  local values, problem = load_file(path)
  if not values then return nil, problem end
  local settings = {}
  for key, value in pairs(values) do
    local name = type(key) == "string" and key:gsub("^key_file$", "key-file") or tostring(key)
    local kind = KEYS[name]
    if not kind then
      return nil, ("%s: unknown key '%s'%s"):format(path, name, options.suggestion(name, KEYS))
    end
    if not fits(value, kind) then
      return nil, ("%s: '%s' must be a %s, not a %s"):format(path, name, kind, type(value))
    end
    settings[name] = value
  end
  return settings
end

---The keys of a key file: one a line in base 64, the first one seals.
local function read_keys(path)
  local file, problem = io.open(path, "r")
  if not file then return nil, problem end
  local keys = {}
  for line in file:lines() do
    local key = line:match("^%s*([^#%s]+)")
    if key then keys[#keys + 1] = key end
  end
  file:close()
  if #keys == 0 then return nil, path .. ": no key in it" end
  return keys
end

---What node.start takes, from the merged settings.
local function arranged(settings)
  local node = { config = {} }
  for key, value in pairs(settings) do
    if POLICY[key] then
      node.config[key] = value
    elseif KEYS[key] == "list" and type(value) == "string" then
      node[key] = split(value)
    else
      node[key] = value
    end
  end
  local path = node["key-file"]
  node["key-file"], node.id, node.log = nil, nil, nil
  if path then
    local keys, problem = read_keys(path)
    if not keys then return nil, problem end
    node.keys = keys
  end
  return node
end

---@param given table<string, string> options of the command line
---@return { node: table, id: string?, log: string? }?
---@return string? problem
function M.read(given)
  local settings = {}
  local path = given.config or os.getenv("INFINITOMATA_CONFIG")
  if path then
    local from_file, problem = checked_file(path)
    if not from_file then return nil, problem end
    settings = from_file
  end
  for name in pairs(M.OPTIONS) do
    local variable = "INFINITOMATA_" .. name:upper():gsub("-", "_")
    settings[name] = given[name] or os.getenv(variable) or settings[name]
  end
  settings.config = nil
  local id, log = settings.id, settings.log
  local node, problem = arranged(settings)
  if not node then return nil, problem end
  return { node = node, id = id, log = log }
end

return M
