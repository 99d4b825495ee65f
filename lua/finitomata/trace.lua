-- SPDX-License-Identifier: MIT

--- Tracebacks for people: where their own code was, and nothing of what lies
--- between: the frames of the engine, and of what it was called by.
local M = {}

local LINES_MAX <const> = 8
local LEVELS_MAX <const> = 250

local getinfo = debug.getinfo

---The folder that has the folders of the engine and of the cluster.
local HOME <const> = getinfo(1, "S").source:gsub("[^/]*/[^/]*$", "")
local ENGINE <const>, CLUSTER <const> = HOME .. "finitomata/", HOME .. "infinitomata/"

---@param source string as debug.getinfo has it
---@return boolean own it is a file of the engine or of the cluster
function M.is_own(source)
  return source:sub(1, #ENGINE) == ENGINE or source:sub(1, #CLUSTER) == CLUSTER
end

local function line_of(info)
  local place = info.short_src .. ":"
  if info.currentline > 0 then place = place .. info.currentline .. ":" end
  local what = "?"
  if info.what == "main" then
    what = "main chunk"
  elseif info.namewhat ~= "" then
    local kind = info.namewhat == "global" and "function" or info.namewhat
    what = ("%s '%s'"):format(kind, info.name)
  elseif info.what ~= "C" then
    what = ("function <%s:%d>"):format(info.short_src, info.linedefined)
  end
  return ("\t%s in %s"):format(place, what)
end

---The frames of the user's own code, the innermost first, with what is in C between
---them.
---@param co? thread the one that runs when absent
---@return string[] lines no more than a few
function M.lines(co)
  local lines, between = {}, {}
  for level = co and 0 or 2, LEVELS_MAX do
    local info
    if co then info = getinfo(co, level, "Sln") else info = getinfo(level, "Sln") end
    if not info then break end
    if info.what == "C" then
      if #lines > 0 then between[#between + 1] = line_of(info) end
    else
      if not M.is_own(info.source) then
        table.move(between, 1, #between, #lines + 1, lines)
        lines[#lines + 1] = line_of(info)
      end
      between = {}
    end
  end
  local left = #lines - LINES_MAX
  if left <= 0 then return lines end
  table.move(lines, #lines - 1, #lines, LINES_MAX)
  lines[LINES_MAX - 1] = ("\t... %d more"):format(left + 1)
  return table.move(lines, 1, LINES_MAX + 1, 1, {})
end

---Whether a message begins with a place outside of the project's own files.
local function is_placed(text)
  local file = text:match "^([^\n:]+):%d+:"
  return file ~= nil and not file:find "finitomata/[%w_/]*%.lua$"
end

---A message with a traceback below it. When no code of the user's is there, and the
---message names none, the fault is the engine's: then with all there is.
---@param text string
---@param co? thread
---@return string
function M.add(text, co)
  local lines = M.lines(co)
  if #lines > 0 then return text .. "\nstack traceback:\n" .. table.concat(lines, "\n") end
  if is_placed(text) then return text end
  if co then return debug.traceback(co, text) end
  return debug.traceback(text, 2)
end

return M
