-- SPDX-License-Identifier: MIT
--- Prints the rows on standard input as a table, each when it comes. Ends with 1 when
--- a part failed or a row makes no sense, not when a target is missed.
---
---     build/bin/infinitomata bench/local.lua | lua5.4 bench/show.lua
---     lua5.4 bench/show.lua all       a line that nobody measured is a fault, too
local sheet = require "sheet"

local table_of = sheet.new()
local section

for text in io.lines() do
  local row = table_of:take(text)
  if row then
    if not section then print(sheet.head()) end
    if row.line.section ~= section then print("\n" .. row.line.section) end
    section = row.line.section
    print(sheet.text_of(row))
  elseif text:find "^note\t" then
    print(table_of.notes[#table_of.notes])
  end
  io.stdout:flush()
end
if arg[1] == "all" then table_of:complete() end
print("\n" .. table_of:sum())
for _, fault in ipairs(table_of.faults) do io.stderr:write("bench: ", fault, "\n") end
os.exit(#table_of.faults == 0)
