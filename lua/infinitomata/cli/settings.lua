-- SPDX-License-Identifier: MIT
--- The settings of a node as options of `run` and `console`: each key of
--- infinitomata.config but the secret ones, in dashes.
local config = require "infinitomata.config"

local M = {}

---What cli.options is to parse.
---@type table<string, "value"|"flag">
M.OPTIONS = { config = "value", log = "value", ["print-config"] = "flag" }
for _, key in ipairs(config.KEYS) do
  if not key.secret then M.OPTIONS[(key.name:gsub("_", "-"))] = "value" end
end

---The options, for --help.
M.USAGE = [[
  --name NAME            of this node; default: the host's
  --bind HOST:PORT       for the cluster's gossip; default 127.0.0.1:7946, port 0: any
  --advertise HOST:PORT  where others reach it, when that is not --bind
  --rpc HOST:PORT        for calls between nodes; default: the host of --bind, any port
  --join HOST:PORT,...   members to join; it is an error when none of them answers
  --key-file FILE        keys in base 64, one a line; the first one seals
  --profile NAME         lan (default), wan or local: timing of failure detection
  --membership NAME=N,...
                         constants that differ from the profile's: docs/membership.md
  --label NAME           mark of the cluster: who has another one is not heard
  --tags KEY=VALUE,...   what the node tells the others of itself
  --id NAME              a branch to start besides the default one
  --console HOST:PORT    where consoles from afar may attach; needs a key
  --attempts N, --poll-interval MS, --rpc-timeout MS, --backoff-base MS, --backoff-max MS
                         how often and how long a call is tried
  --log-level LEVEL      debug, info, warning (default), error or off; also --log
  --log-format FORMAT    text (default), or json: one object a line
  --config FILE          a Lua file that returns a table of these, as in --print-config
  --print-config         prints every setting and where it comes from, and leaves

Each may also come from the environment (INFINITOMATA_NAME and so on) or from the
file; the command line is strongest, then the environment.]]

---@class infinitomata.cli.Settings
---@field node table        what node.start takes
---@field id string?        a branch to start
---@field console string?   where consoles from afar may attach
---@field log string        a level
---@field format string     of log lines
---@field values table<string, any> by the names of infinitomata.config
---@field text string       the configuration, as --print-config shows it

---@param given table<string, string|true> what cli.options has parsed
---@return infinitomata.cli.Settings?
---@return string? problem
---@return boolean? misused the command line is to blame
function M.read(given)
  local flags = {}
  for option, value in pairs(given) do
    if option ~= "print-config" then flags[(option:gsub("-", "_"))] = value end
  end
  flags.log_level, flags.log = flags.log_level or flags.log, nil
  local settings, origins = config.resolve(flags)
  if not settings then
    local problem = tostring(origins)
    return nil, problem, problem:find("^%-%-") ~= nil
  end
  local node, err = config.node_options(settings)
  if not node then return nil, tostring(err) end
  -- A node that was told no address may take another when the usual one is taken.
  if origins.bind == "default" then node.bind = nil end
  if settings.console and not node.keys then
    return nil, "console: consoles from afar need a key (key_file)"
  end
  return {
    node = node,
    id = settings.id,
    console = settings.console,
    log = settings.log_level,
    format = settings.log_format,
    values = settings,
    text = config.print(settings, origins),
  }
end

return M
