-- SPDX-License-Identifier: MIT
--- Runs the program in a process of its own.
local M = {}

M.PATH = os.getenv "INFINITOMATA" or "build/bin/infinitomata"

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function take(path)
  local file <close> = assert(io.open(path, "rb"))
  local text = file:read "a"
  os.remove(path)
  return text
end

---@param arguments string[]
---@param input? string its standard input; default: nothing
---@param environment? string "NAME=value ..."
---@return integer status
---@return string out
---@return string err
function M.run(arguments, input, environment)
  local words = {}
  for i, argument in ipairs(arguments) do words[i] = quote(argument) end
  local out, err, given = os.tmpname(), os.tmpname(), os.tmpname()
  local file = assert(io.open(given, "wb"))
  file:write(input or "")
  file:close()
  local _, _, status = os.execute(("%s timeout --foreground 30 %s %s <%s >%s 2>%s"):format(
    environment or "", quote(M.PATH), table.concat(words, " "), given, out, err))
  os.remove(given)
  return status, take(out), take(err)
end

---A file with that text; the caller removes it.
---@param text string
---@return string path
function M.file(text)
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "wb"))
  file:write(text)
  return path
end

return M
