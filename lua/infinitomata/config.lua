-- SPDX-License-Identifier: MIT
--- What a node is configured with, and who said so. An option of the command
--- line is stronger than the environment (INFINITOMATA_*), that is stronger than
--- the configuration file, and all are stronger than the default.
---
--- The file is Lua that returns a table. It is text, and it sees nothing of the
--- world but os.getenv.
local Error = require "finitomata.error"
local nearest = require "infinitomata.nearest"

local M = {}

---@class infinitomata.config.Key
---@field name string
---@field kind string      a name of READ
---@field default any
---@field words string[]?  what the value may be
---@field secret boolean?  never shown
---@field policy boolean?  belongs to the retry policy
---@field fixed boolean?   a node that runs keeps what it started with
---@field about string

---Every key, in the order in which they are printed.
---@type infinitomata.config.Key[]
M.KEYS = {
  { name = "name", kind = "text", fixed = true, about = "of this node; nothing: the host's" },
  { name = "bind", kind = "address", fixed = true, default = "127.0.0.1:7946",
    about = "for the gossip" },
  { name = "advertise", kind = "address", fixed = true,
    about = "where others reach it; nothing: bind" },
  { name = "rpc", kind = "address", fixed = true,
    about = "for calls between nodes; nothing: any port of bind" },
  { name = "join", kind = "list", default = {}, about = "members to join" },
  { name = "key_file", kind = "text", about = "keys in base 64, the first one seals" },
  { name = "key", kind = "text", secret = true, about = "one key in base 64, without a file" },
  { name = "profile", kind = "text", fixed = true, default = "lan",
    words = { "lan", "wan", "local" }, about = "timing of failure detection" },
  { name = "membership", kind = "membership", fixed = true, default = {},
    about = "constants that differ from the profile's" },
  { name = "label", kind = "text", fixed = true,
    about = "mark of the cluster, the same on all its nodes" },
  { name = "tags", kind = "map", default = {}, about = "what the node tells of itself" },
  { name = "id", kind = "text", fixed = true, about = "a branch to start besides the default one" },
  { name = "console", kind = "address", fixed = true,
    about = "where consoles from afar may attach, with the key; nothing: nowhere" },
  { name = "attempts", kind = "count", default = 1000, policy = true, about = "sends of a call" },
  { name = "poll_interval", kind = "count", default = 1, policy = true,
    about = "ms between looks at an unknown name" },
  { name = "rpc_timeout", kind = "count", default = 5000, policy = true,
    about = "ms that one attempt waits" },
  { name = "backoff_base", kind = "count", default = 5, policy = true,
    about = "ms, the first pause after a failure" },
  { name = "backoff_max", kind = "count", default = 1000, policy = true,
    about = "ms, the longest pause" },
  { name = "log_level", kind = "text", default = "warning",
    words = { "debug", "info", "warning", "error", "off" }, about = "what is worth a line" },
  { name = "log_format", kind = "text", fixed = true, default = "text", words = { "text", "json" },
    about = "lines for people, or for programs" },
}

local BY_NAME, NAMES = {}, {}
for i, key in ipairs(M.KEYS) do
  BY_NAME[key.name] = key
  NAMES[i] = key.name
end

local MAX <const> = 0x7fffffff

-- ---- reading one value -----------------------------------------------------------

local READ = {} -- value as given -> value, or nil and what was expected

function READ.text(value)
  if type(value) == "string" and value ~= "" then return value end
  return nil, "a text"
end

function READ.address(value)
  if type(value) == "string" and value:find("^[^%s,]*:%d+$") then return value end
  if type(value) == "string" and value:find("^%d+$") then return value end
  return nil, "HOST:PORT"
end

function READ.list(value)
  local list = {}
  if type(value) == "string" then
    for item in value:gmatch("[^,%s]+") do list[#list + 1] = item end
    return list
  end
  if type(value) ~= "table" then return nil, "HOST:PORT,... or a list of them" end
  for _, item in ipairs(value) do
    if type(item) ~= "string" then return nil, "a list of texts" end
    list[#list + 1] = item
  end
  return list
end

function READ.map(value)
  local map = {}
  if type(value) == "string" then
    for item in value:gmatch("[^,]+") do
      local key, text = item:match("^%s*([^=%s]+)=(.-)%s*$")
      if not key then return nil, "KEY=VALUE,..." end
      map[key] = text
    end
    return map
  end
  if type(value) ~= "table" then return nil, "a table of texts" end
  for key, text in pairs(value) do
    if type(key) ~= "string" or type(text) ~= "string" then return nil, "a table of texts" end
    map[key] = text
  end
  return map
end

---The names and ranges are checked once the profile is known.
function READ.membership(value)
  if type(value) == "string" then value = require("infinitomata.membership").read(value) end
  if type(value) ~= "table" then return nil, "NAME=NUMBER,... or a table of them" end
  return value
end

function READ.count(value)
  local number = value
  if type(value) == "string" then number = tonumber(value) end
  number = type(number) == "number" and math.tointeger(number)
  if number and number >= 1 and number <= MAX then return number end
  return nil, ("an integer from 1 to %d"):format(MAX)
end

local function read(key, value, origin)
  local result, expected = READ[key.kind](value)
  if result ~= nil and key.words then
    local known = false
    for _, word in ipairs(key.words) do known = known or word == result end
    if not known then
      return Error.fail("config", ("%s: one of %s expected, got '%s'%s"):format(origin,
        table.concat(key.words, ", "), result, nearest.suggestion(result, key.words)))
    end
  end
  if result ~= nil then return result end
  local shown = key.secret and "something else"
    or type(value) == "table" and "a table" or "'" .. tostring(value) .. "'"
  return Error.fail("config", ("%s: %s expected, got %s"):format(origin, expected, shown))
end

-- ---- the file --------------------------------------------------------------------

---@param path string
---@param getenv fun(name: string): string?
---@return table? values
---@return finitomata.Error? err
local function load_file(path, getenv)
  local file <close>, problem = io.open(path, "rb")
  if not file then return Error.fail("config", problem) end
  local text = file:read("a")
  if not text then return Error.fail("config", ("%s: cannot be read"):format(path)) end
  local chunk, wrong = load(text, "@" .. path, "t", { os = { getenv = getenv } })
  if not chunk then
    local named = wrong:sub(1, #path) == path
    return Error.fail("config", named and wrong or path .. ": " .. wrong)
  end
  local ok, values = pcall(chunk)
  if not ok then return Error.fail("config", Error.text(values)) end
  if type(values) ~= "table" then
    return Error.fail("config", ("%s: a configuration returns a table, not a %s"):format(path,
      type(values)))
  end
  for key in pairs(values) do
    if not BY_NAME[key] then
      return Error.fail("config", ("%s: unknown key '%s'%s"):format(path, tostring(key),
        nearest.suggestion(tostring(key), NAMES)), { key = key })
    end
  end
  return values
end

-- ---- putting it together ---------------------------------------------------------

---The name of a key as an option of the command line.
---@param name string
---@return string
function M.flag(name)
  return "--" .. name:gsub("_", "-")
end

---The name of a key in the environment.
---@param name string
---@return string
function M.variable(name)
  return "INFINITOMATA_" .. name:upper()
end

---@param value any
local function copied(value)
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, each in pairs(value) do copy[key] = each end
  return copy
end

local function check_flags(flags)
  for name in pairs(flags) do
    if name ~= "config" and not BY_NAME[name] then
      error(("bad argument #1 to 'resolve' (unknown key '%s'%s)"):format(tostring(name),
        nearest.suggestion(tostring(name), NAMES)), 3)
    end
  end
end

---An origin as errors name it.
---@param origin string
local function said(origin)
  local path = origin:match "^file (.*)"
  return path and path .. ": 'membership'" or origin:match " (.*)$"
end

---The settings of this process.
---@param flags table<string, any> what the command line says, by key; `config` names the file
---@param options? { getenv: fun(name: string): string? } for the tests
---@return table<string, any>? settings
---@return table<string, string>|finitomata.Error origins where each came from; or the error
function M.resolve(flags, options)
  check_flags(flags)
  local getenv = options and options.getenv or os.getenv
  local path, from_file = flags.config or getenv("INFINITOMATA_CONFIG"), {}
  if path then
    local values, err = load_file(path, getenv)
    if not values then return nil, err end
    from_file = values
  end
  local settings, origins = {}, {}
  for _, key in ipairs(M.KEYS) do
    local name, variable = key.name, M.variable(key.name)
    local value, origin = flags[name], M.flag(key.name)
    if value == nil then value, origin = getenv(variable), variable end
    if value == nil and from_file[name] ~= nil then
      value, origin = from_file[name], ("%s: '%s'"):format(path, name)
    end
    if value == nil then
      settings[name], origins[name] = copied(key.default), "default"
    else
      local err
      settings[name], err = read(key, value, origin)
      if err then return nil, err end
      origins[name] = origin:find("^%-%-") and "flag " .. origin
        or origin == variable and "environment " .. variable or "file " .. path
    end
  end
  local problem = next(settings.membership) ~= nil
    and require("infinitomata.membership").fault(settings.membership, settings.profile)
  if problem then
    return Error.fail("config", ("%s: %s"):format(said(origins.membership), problem))
  end
  return settings, origins
end

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in pairs(a) do
    if value ~= b[key] then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

---What has changed and needs a restart.
---@param before table<string, any> settings
---@param after table<string, any>
---@return string[] names
function M.restarting(before, after)
  local names = {}
  for _, key in ipairs(M.KEYS) do
    if key.fixed and not same(before[key.name], after[key.name]) then
      names[#names + 1] = key.name
    end
  end
  return names
end

-- ---- showing it ------------------------------------------------------------------

---@param value any
---@return string
local function literal(value)
  if value == nil then return "nil" end
  if type(value) == "string" then return ("%q"):format(value) end
  if type(value) ~= "table" then return tostring(value) end
  local parts, names = {}, {}
  for i, each in ipairs(value) do parts[i] = literal(each) end
  for key in pairs(value) do
    if type(key) == "string" then names[#names + 1] = key end
  end
  table.sort(names)
  for _, key in ipairs(names) do
    parts[#parts + 1] = ("[%q] = %s"):format(key, literal(value[key]))
  end
  return #parts == 0 and "{}" or "{ " .. table.concat(parts, ", ") .. " }"
end

---The settings as a configuration file, with a remark on where each came from.
---@param settings table<string, any>
---@param origins table<string, string>
---@return string
function M.print(settings, origins)
  local lines, widest = { "return {" }, 0
  local shown = {}
  for i, key in ipairs(M.KEYS) do
    local value = settings[key.name]
    shown[i] = key.secret and value ~= nil and ("-- %s is not shown,"):format(key.name)
      or ("%s%s = %s,"):format(value == nil and "-- " or "", key.name, literal(value))
    widest = math.max(widest, math.min(#shown[i], 44))
  end
  for i, key in ipairs(M.KEYS) do
    lines[#lines + 1] = ("  %-" .. widest .. "s -- %s"):format(shown[i], origins[key.name])
  end
  lines[#lines + 1] = "}"
  return table.concat(lines, "\n")
end

-- ---- what it means for a node ----------------------------------------------------

---@param text string
---@return boolean
local function is_key(text)
  if not text:find("^[A-Za-z0-9+/]+=?=?$") or #text % 4 ~= 0 then return false end
  local bytes = #text // 4 * 3 - #text:match("=*$")
  return bytes == 16 or bytes == 24 or bytes == 32
end

---The keys of a key file: one a line in base 64, `#` begins a remark; or a JSON
---list of them, which is how serf keeps its keyring.
---@param path string
---@return string[]? keys the first one seals
---@return finitomata.Error? err
function M.read_keys(path)
  local file <close>, problem = io.open(path, "r")
  if not file then return Error.fail("config", problem) end
  local text = file:read("a")
  if not text then return Error.fail("config", ("%s: cannot be read"):format(path)) end
  if text:find("^%s*%[") then text = text:gsub('[%[%]",]', " ") end
  local keys, number = {}, 0
  for line in (text .. "\n"):gmatch("(.-)\r?\n") do
    number = number + 1
    for word in line:gsub("#.*", ""):gmatch("%S+") do
      if not is_key(word) then
        return Error.fail("config", ("%s:%d: a key of 16, 24 or 32 bytes in base 64 expected")
          :format(path, number))
      end
      keys[#keys + 1] = word
    end
  end
  if #keys == 0 then return Error.fail("config", ("%s: there is no key in it"):format(path)) end
  return keys
end

---What infinitomata.node.start takes.
---@param settings table<string, any>
---@return table? options
---@return finitomata.Error? err
function M.node_options(settings)
  local options = { config = {} }
  for _, key in ipairs(M.KEYS) do
    if key.policy then options.config[key.name] = settings[key.name] end
  end
  for _, name in ipairs { "name", "bind", "advertise", "rpc", "join", "profile", "membership",
    "label", "tags" } do
    local value = settings[name]
    if type(value) ~= "table" or next(value) ~= nil then options[name] = value end
  end
  if settings.key_file then
    local keys, err = M.read_keys(settings.key_file)
    if not keys then return nil, err end
    options.keys = keys
  elseif settings.key then
    if not is_key(settings.key) then
      return Error.fail("config", "key: 16, 24 or 32 bytes in base 64 expected")
    end
    options.keys = { settings.key }
  end
  return options
end

return M
