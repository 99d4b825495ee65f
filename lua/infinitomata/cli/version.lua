-- SPDX-License-Identifier: MIT
--- `infinitomata version`.
local cli = require "infinitomata.cli"
local program = require "infinitomata.program"

local M = {}

-- No parser here: this must be quick, and must work when nothing else does.
M.usage = [=[
prints the versions of infinitomata and of what it stands on

  infinitomata version [--json]]=]

---@param args string[]
---@return integer status
function M.run(args)
  local as_json = args[1] == "--json"
  local extra = args[as_json and 2 or 1]
  if extra then return cli.misused("version", ("unknown argument '%s'"):format(extra)) end
  local versions = program.versions
  if as_json then
    local ok, err = (require "infinitomata.cli.terminal").new():json(versions)
    if ok then return cli.OK end
    cli.complain("%s", tostring(err))
    return cli.FAILED
  end
  print(("infinitomata %s (%s, libuv %s)"):format(versions.infinitomata, versions.lua,
    versions.libuv))
  return cli.OK
end

return M
