-- SPDX-License-Identifier: MIT
--- Where a node's socket is on this machine: in a folder of the user's alone,
--- under the node's name and under its addresses.
local M = {}

local function escaped(name)
  return (name:gsub("[^%w_.:@-]", function(byte) return ("%%%02x"):format(byte:byte()) end))
end

---@param program { user_id: fun(): integer }
---@param getenv? fun(name: string): string?
---@return string
function M.folder(program, getenv)
  local runtime = (getenv or os.getenv) "XDG_RUNTIME_DIR"
  if runtime and runtime:sub(1, 1) == "/" then return runtime .. "/infinitomata" end
  return ("/tmp/infinitomata-%d"):format(program.user_id())
end

---@param folder string
---@param name string a node's name, or HOST:PORT
---@return string
function M.path(folder, name)
  local host, port = name:match "^(.*):(%d+)$"
  if host == "localhost" then name = "127.0.0.1:" .. port end
  -- "." and ".." are no files.
  return ("%s/%s.sock"):format(folder, escaped(name))
end

return M
