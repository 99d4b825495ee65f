-- SPDX-License-Identifier: MIT
--- `infinitomata version`.
local cli = require "infinitomata.cli"
local program = require "infinitomata.program"

local M = {}

M.usage = [[
prints the versions of infinitomata and of what it stands on

  infinitomata version]]

---@param args string[]
---@return integer status
function M.run(args)
  if args[1] then return cli.misused("version", ("unknown argument '%s'"):format(args[1])) end
  local versions = program.versions
  local text = "infinitomata %s (%s, libuv %s)"
  print(text:format(versions.infinitomata, versions.lua, versions.libuv))
  return cli.OK
end

return M
