-- SPDX-License-Identifier: MIT
--- `infinitomata --help` and `infinitomata help SUBCOMMAND`.
local cli = require "infinitomata.cli"

local M = {}

M.usage = [=[
explains a subcommand, or all of the program

  infinitomata help [SUBCOMMAND]]=]

local HEAD <const> = [=[
infinitomata: finite state machines in Lua that run transparently in a cluster

  infinitomata SUBCOMMAND [arguments]
  infinitomata [options] [script [arguments]]     as lua does; alone on a
                                                  terminal: the console

subcommands (infinitomata SUBCOMMAND --help explains each):
]=]

local TAIL <const> = [[

options, as lua's:
  -e CHUNK      runs the text
  -l NAME       requires the module into the global NAME (or -l GLOBAL=NAME)
  -i            goes on at the prompt
  -v            prints the version
  -E            ignores LUA_INIT, LUA_PATH and LUA_CPATH
  -W            turns warnings on
  --            ends the options
  -             runs standard input

exit status: 0, 1 it failed, 2 wrong usage
]]

---@return string
local function everything()
  local lines = {}
  for i, command in ipairs(cli.COMMANDS) do
    lines[i] = ("  %-9s %s\n"):format(command[1], command[2])
  end
  return HEAD .. table.concat(lines) .. TAIL
end

---@param args string[]
---@return integer status
function M.run(args)
  if args[2] then return cli.misused("help", ("unknown argument '%s'"):format(args[2])) end
  if args[1] then
    if not cli.summary(args[1]) then return cli.unknown(args[1], "help") end
    return cli.command(args[1], { "--help" })
  end
  io.stdout:write(everything())
  return cli.OK
end

return M
