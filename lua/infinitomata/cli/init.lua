-- SPDX-License-Identifier: MIT
--- The subcommands of the program. Each is a module infinitomata.cli.<name> with
---
---   describe(parser)          adds its arguments and options (lua-argparse), and
---   run(options, terminal)    does it; returns nothing, an exit status, or
---                             nil, err (with err.code "usage" for a misuse);
---
--- or, where options end at a script's name and the rest is the script's, with
---
---   usage                     what --help prints
---   run(args)                 returns the exit status.
local Error = require "finitomata.error"

local M = {}

---Exit statuses.
M.OK, M.FAILED, M.MISUSED = 0, 1, 2

---Name and summary of every subcommand, in the order in which people read them.
M.COMMANDS = {
  { "run", "starts a node and runs a script on it" },
  { "console", "starts a node with a prompt" },
  { "attach", "opens a prompt on a running node" },
  { "members", "lists the members of the cluster" },
  { "fsms", "lists the FSMs of the cluster" },
  { "state", "shows the state and payload of an FSM" },
  { "send", "sends an event to an FSM" },
  { "lint", "checks the definitions in files" },
  { "draw", "draws the diagram of a definition" },
  { "new", "writes the beginning of an FSM, or of its spec" },
  { "keygen", "makes a key for a cluster" },
  { "version", "says what this is, and what it stands on" },
  { "help", "explains a subcommand" },
}

-- `lua file.lua` without a name; not for people.
local HIDDEN <const> = { prompt = true }

---@param name string?
---@return string? summary
function M.summary(name)
  for _, command in ipairs(M.COMMANDS) do
    if command[1] == name then return command[2] end
  end
end

---One line on standard error.
---@param format string
---@param ... any
function M.complain(format, ...)
  local text = select("#", ...) > 0 and format:format(...) or format
  io.stderr:write("infinitomata: ", text, "\n")
end

---Wrong usage: says what is wrong and where to look it up.
---@param name string? the subcommand; nil: the program itself
---@param message string
---@return integer status
function M.misused(name, message)
  local where = name and name .. " " or ""
  M.complain("%s; try 'infinitomata %s--help'", message:gsub("%s*\n%s*", " "), where)
  return M.MISUSED
end

---An error whose answer is the exit status of wrong usage.
---@param format string
---@param ... any
---@return nil
---@return finitomata.Error
function M.usage_error(format, ...)
  return Error.fail("usage", format:format(...))
end

---The parser of a subcommand; `--help` is in every one of them.
---@param name string
---@param command table
---@param asked? table gets the parser whose --help was given as `asked.help`
---@return table parser
function M.parser(name, command, asked)
  local argparse = require "argparse"
  local parser = argparse("infinitomata " .. name, M.summary(name)):add_help(false)
  parser:usage_max_width(90):help_max_width(90):help_description_margin(26)
  local function add_help(to)
    to:flag("-h --help", "Prints this text."):action(function()
      asked.help = to
      error("the help was asked for")
    end)
    for _, each in ipairs(to._commands) do add_help(each:add_help(false)) end
  end
  command.describe(parser)
  add_help(parser)
  return parser
end

local function parse(name, command, args)
  local asked = {}
  local parser = M.parser(name, command, asked)
  local ok, parsed, options = pcall(parser.pparse, parser, args)
  if asked.help then
    io.stdout:write(asked.help:get_help(), "\n")
    return nil, M.OK
  end
  if not ok then error(parsed, 0) end
  if not parsed then return nil, M.misused(name, options) end
  return options
end

local function run_parsed(name, command, args)
  if not pcall(require, "argparse") then
    M.complain("the Lua module 'argparse' is missing (luarocks install argparse, or"
      .. " apt-get install lua-argparse)")
    return M.FAILED
  end
  local options, status = parse(name, command, args)
  if not options then return status end
  local result, err = command.run(options, (require "infinitomata.cli.terminal").new())
  if err then
    if type(err) == "table" and err.code == "usage" then return M.misused(name, err.message) end
    M.complain("%s", Error.text(err))
    return M.FAILED
  end
  return math.type(result) == "integer" and result or M.OK
end

---Says that there is no such subcommand, and which one may be meant.
---@param name string
---@param where? string the subcommand that was asked about it
---@return integer status
function M.unknown(name, where)
  local names = {}
  for i, command in ipairs(M.COMMANDS) do names[i] = command[1] end
  local suggestion = (require "infinitomata.nearest").suggestion(name, names)
  return M.misused(where, ("unknown subcommand '%s'%s"):format(name, suggestion))
end

---Runs a subcommand.
---@param name string
---@param args string[]
---@return integer status what the program exits with
function M.command(name, args)
  if not M.summary(name) and not HIDDEN[name] then
    return M.unknown(name)
  end
  local command = (require("infinitomata.cli." .. name))
  if command.describe then return run_parsed(name, command, args) end
  if args[1] == "--help" or args[1] == "-h" then
    io.stdout:write(command.usage, "\n")
    return M.OK
  end
  return command.run(args)
end

return M
