-- SPDX-License-Identifier: MIT
--- Makes docs/modules.md of the first sentence of every module: `make docs`.
local M = {}

local INTRO <const> = [[
# Modules

Every module in one line, made from the sources by `make docs`. How they work
together is in [ARCHITECTURE.md](../ARCHITECTURE.md).
]]

local FOLDERS <const> = {
  "runtime/base", "runtime/core", "runtime/host", "runtime/bind", "lua/finitomata",
  "lua/finitomata/parser", "lua/finitomata/persistency", "lua/infinitomata",
  "lua/infinitomata/cli", "lua/infinitomata/console", "lua/infinitomata/generator",
}

local function read(path)
  local file = io.open(path)
  if not file then return nil end
  local text = file:read "a"
  file:close()
  return text
end

---The first comment of a source after its licence.
local function head(path)
  local source = read(path)
  if not source then return nil end
  source = source:gsub("^[^\n]*SPDX[^\n]*\n%s*", "")
  if path:find "%.lua$" then
    local lines = {}
    for line in (source .. "\n"):gmatch "(.-)\n" do
      local text = line:match "^%-%-%-%s?(.*)$"
      if not text then break end
      lines[#lines + 1] = text
    end
    return #lines > 0 and table.concat(lines, "\n") or nil
  end
  local text = source:match "^/%*%s*(.-)%s*%*/"
  return text and (text:gsub("^[%w_]+%.[ch]: ", ""))
end

---The first sentence of a text, on one line.
---@param text string
---@return string
function M.sentence(text)
  text = text:gsub("\n%s*\n.*", ""):gsub("%s+", " ")
  local first = (text .. " "):match "^(.-[^.]%.) " or text
  first = first:gsub("[.:]$", "")
  return (first:gsub("^%l", string.upper):gsub("|", "\\|"))
end

---The modules of a folder: {name=, text=}; `text` is nil where a module says nothing.
---@param folder string
---@return { name: string, text: string? }[]
function M.of(folder)
  local names, seen = {}, {}
  local pipe <close> = assert(io.popen("ls " .. folder))
  for file in pipe:lines() do
    local name = file:match "^([%w_]+)%.[ch]$" or file:match "^([%w_]+%.lua)$"
    if name and not seen[name] then
      seen[name] = true
      names[#names + 1] = name
    end
  end
  local list = {}
  for i, name in ipairs(names) do
    local base = folder .. "/" .. name
    local text = name:find "%.lua$" and head(base) or head(base .. ".h") or head(base .. ".c")
    list[i] = { name = name:gsub("%.lua$", ""), text = text and M.sentence(text) }
  end
  return list
end

M.FOLDERS = FOLDERS

---The whole page.
---@return string
function M.page()
  local out = { INTRO }
  for _, folder in ipairs(FOLDERS) do
    out[#out + 1] = ("## %s\n\n| | |\n|---|---|"):format(folder)
    for _, module in ipairs(M.of(folder)) do
      out[#out + 1] = ("| `%s` | %s |"):format(module.name, module.text or "")
    end
    out[#out + 1] = ""
  end
  return (table.concat(out, "\n"):gsub("\n+$", "\n"))
end

if (...) ~= "tools.modules" then io.write(M.page()) end

return M
