-- SPDX-License-Identifier: MIT
--- `infinitomata --help` and `infinitomata help SUBCOMMAND`.
local cli = require "infinitomata.cli"

local M = {}

M.usage = [=[
infinitomata: finite state machines in Lua that run transparently in a cluster

  infinitomata SUBCOMMAND [arguments]
  infinitomata [options] [script [arguments]]     as lua does

subcommands (infinitomata SUBCOMMAND --help explains each):
  run       starts a node and runs a script on it
  version   what this is, and what it stands on
  help      this text

options, as lua's:
  -e CHUNK      runs the text
  -l NAME       requires the module into the global NAME (or -l GLOBAL=NAME)
  -i            goes on at the prompt
  -v            prints the version
  -E            ignores LUA_INIT, LUA_PATH and LUA_CPATH
  -W            turns warnings on
  --            ends the options
  -             runs standard input

exit status: 0, 1 it failed, 2 wrong usage]=]

---@param args string[]
---@return integer status
function M.run(args)
  local name = args[1]
  if not name then
    io.stdout:write(M.usage, "\n")
    return cli.OK
  end
  local module = "infinitomata.cli." .. name
  if not name:find("^[a-z-]+$") or not package.searchpath(module, package.path) then
    return cli.misused("help", ("unknown subcommand '%s'"):format(name))
  end
  return cli.command(name, { "--help" })
end

return M
