-- SPDX-License-Identifier: MIT
--- Runs a subcommand in this process and gives what it printed.
local M = {}

local function collector()
  return {
    parts = {},
    write = function(self, ...)
      for _, part in ipairs { ... } do self.parts[#self.parts + 1] = tostring(part) end
      return self
    end,
    flush = function(self) return self end,
  }
end

---@param name string
---@param ... string
---@return integer status
---@return string out
---@return string err
function M.run(name, ...)
  local cli = require "infinitomata.cli"
  local stdout, stderr = io.stdout, io.stderr
  local out, err = collector(), collector()
  io.stdout, io.stderr = out, err -- luacheck: ignore
  local ok, status = pcall(cli.command, name, { ... })
  io.stdout, io.stderr = stdout, stderr -- luacheck: ignore
  if not ok then error(status, 0) end
  return status, table.concat(out.parts), table.concat(err.parts)
end

---A fresh folder, and what belongs to it.
---@return { path: string, write: function, read: function, remove: function }
function M.folder()
  local path = os.tmpname()
  os.remove(path)
  assert(os.execute("mkdir " .. path))
  local folder = { path = path }
  function folder.write(name, text)
    local inner = name:match("^(.*)/")
    if inner then os.execute(("mkdir -p %s/%s"):format(path, inner)) end
    local file <close> = assert(io.open(path .. "/" .. name, "wb"))
    file:write(text)
    return path .. "/" .. name
  end
  function folder.read(name)
    local file <close> = io.open(path .. "/" .. name, "rb")
    return file and file:read("a")
  end
  function folder.remove() os.execute("rm -rf " .. path) end
  return folder
end

return M
