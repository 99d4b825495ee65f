-- SPDX-License-Identifier: MIT
--- The lines typed before, kept in a file of the user's alone. Every line is
--- appended as it is typed, so that consoles that run at once share them.
local M = {}

local KEEP <const> = 1000

---@class infinitomata.console.History
---@field lines string[]   oldest first, as the file had them
---@field private _path? string   nil: nothing is kept
---@field private _last? string
local History = {}
History.__index = History

---Where the history belongs (XDG Base Directory Specification): a state of the
---program, neither its data nor a cache.
---@param getenv fun(name: string): string?
---@return string[]? folders from the outermost on
---@return string? path
function M.place(getenv)
  local state = getenv "XDG_STATE_HOME"
  local folders = {}
  if not state or state:sub(1, 1) ~= "/" then
    local home = getenv "HOME"
    if not home or home:sub(1, 1) ~= "/" then return nil end
    folders[1] = home .. "/.local"
    state = home .. "/.local/state"
  end
  folders[#folders + 1] = state
  folders[#folders + 1] = state .. "/infinitomata"
  return folders, folders[#folders] .. "/history"
end

local function read(path)
  local lines = {}
  local file <close> = io.open(path, "r")
  if not file then return lines end
  for line in file:lines() do lines[#lines + 1] = line end
  return lines
end

---Only the newest lines stay in a file that has grown.
local function trimmed(path, lines)
  local kept = table.move(lines, math.max(1, #lines - KEEP + 1), #lines, 1, {})
  if #lines <= 2 * KEEP then return kept end
  local file <close> = io.open(path, "w")
  if file then file:write(table.concat(kept, "\n"), "\n") end
  return kept
end

---@param program table what only the program offers: private_folder, private_file
---@param getenv? fun(name: string): string?
---@return infinitomata.console.History
function M.open(program, getenv)
  local self = setmetatable({ lines = {} }, History)
  local folders, path = M.place(getenv or os.getenv)
  if not folders then return self end
  local ours
  for _, folder in ipairs(folders) do ours = program.private_folder(folder) end
  if not ours or not program.private_file(path) then return self end
  self._path = path
  self.lines = trimmed(path, read(path))
  self._last = self.lines[#self.lines]
  return self
end

---@param line string
---@return boolean worth it is to be remembered: no repetition, no leading blank
function History:add(line)
  if line:find "^%s" or line == "" or line == self._last then return false end
  self._last = line
  local file <close> = self._path and io.open(self._path, "a")
  if file then file:write(line, "\n") end
  return true
end

return M
