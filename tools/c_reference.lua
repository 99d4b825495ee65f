-- SPDX-License-Identifier: MIT
--- Makes docs/c-api.md of the comments in the public header: `make docs`.
local M = {}

local HEADER <const> = "runtime/include/infinitomata.h"

local INTRO <const> = [[
# The C API

Made from the comments in `infinitomata.h` by `make docs`. Compile and link with
`pkg-config --cflags --libs infinitomata`; [examples/embed.c](../examples/embed.c)
is a program that runs a node and an FSM.
]]

---The text of a comment without its stars; `@return` as a sentence.
local function plain(comment)
  local lines = {}
  for line in (comment .. "\n"):gmatch "(.-)\n" do
    lines[#lines + 1] = line:gsub("^%s*%*? ?", ""):gsub("^%s+", ""):gsub("%s+$", "")
  end
  local text = table.concat(lines, "\n"):gsub("^\n+", ""):gsub("\n+$", "")
  return (text:gsub("@return ", "Returns "))
end

---The declaration that begins at a position: to the `;` outside of braces, or to
---the end of a macro's line.
local function declaration(source, at)
  if source:sub(at, at) == "#" then return source:match("^[^\n]+", at) end
  local depth, stop = 0, at
  while true do
    local comment = source:match("^/%*.-%*/", stop)
    local c = source:sub(stop, stop)
    if comment then stop = stop + #comment - 1 end
    if c == "{" then depth = depth + 1 end
    if c == "}" then depth = depth - 1 end
    if c == ";" and depth == 0 then return source:sub(at, stop) end
    stop = stop + 1
  end
end

---What a declaration declares.
local function name_of(text)
  return text:match "^#define ([%w_]+)" or text:match "}%s*([%w_]+);$"
    or text:match "([%w_]+)%s*%b();$" or text:match "([%w_]+);$"
end

---Everything that the header documents, in its order: sections and declarations.
---@param path? string the public header when absent
---@return { section: string?, name: string?, comment: string?, text: string? }[]
---@return string head what the header says of itself
function M.read(path)
  local file <close> = assert(io.open(path or HEADER))
  local source = file:read "a"
  local list, at = {}, 1
  while true do
    local first, last, star, body = source:find("/%*(%*?)(.-)%*/%s*", at)
    if not first then break end
    at = last + 1
    local section = body:match "^ %-%-%-%- (.-) %-"
    if section then
      list[#list + 1] = { section = section }
    elseif star == "*" then
      local text = declaration(source, at)
      at = at + #text
      text = text:gsub("^INF_EXPORT ", "")
      list[#list + 1] = { name = name_of(text), comment = plain(body), text = text }
    end
  end
  return list, plain(source:match "/%* infinitomata%.h: (.-)%*/" or "")
end

---The names that the header exports.
---@param path? string
---@return string[]
function M.exported(path)
  local names = {}
  local file <close> = assert(io.open(path or HEADER))
  for text in file:read("a"):gmatch "\nINF_EXPORT ([^;]+;)" do
    names[#names + 1] = text:match "([%w_]+)%s*%("
  end
  return names
end

---The whole page.
---@return string
function M.page()
  local list, head = M.read()
  local out = { INTRO, (head:gsub("^%l", string.upper)), "" }
  local opened
  for _, entry in ipairs(list) do
    if entry.section then
      opened = true
      out[#out + 1] = ("## %s\n"):format(entry.section:gsub("^%l", string.upper))
    else
      if not opened then out[#out + 1] = "## Basics\n" end
      opened = true
      out[#out + 1] = ("### `%s`\n\n%s\n\n```c\n%s\n```\n"):format(entry.name, entry.comment,
        entry.text)
    end
  end
  return (table.concat(out, "\n"):gsub("\n+$", "\n"))
end

if (...) ~= "tools.c_reference" then io.write(M.page()) end

return M
