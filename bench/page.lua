-- SPDX-License-Identifier: MIT
--- docs/performance.md, from rows that `make bench` kept: ROWS on standard input, the
--- page on standard output. Nothing is printed when the rows are not whole.
local sheet = require "sheet"

local HEAD <const> = [[
# Performance

What `make bench` measured, all of it on one machine, the nodes on its loopback. Figures
move by a third with the machine's mood; so where there is a limit to compare with (a bare
step in Lua, an echo over TCP), it is measured in the same run, and stands in the last
column. The targets were set before it was written; those of the cluster are
ten or twenty times what Finitomata 0.41 does on Erlang/OTP 25 on a machine of this kind.

%s.
%s.
]]

local FOOT <const> = [[

## Again

`make bench` measures all of it in two minutes, `make bench PART='local cluster'` a part,
and `make figures` writes this page from the last whole run. `bench/lines.lua` has the
lines and the targets, `bench/reasons.lua` why some are missed.
[The architecture](../ARCHITECTURE.md#what-a-step-costs) says what a transition costs.
]]

local function cells(...)
  return "| " .. table.concat({ ... }, " | ") .. " |\n"
end

---@param rows bench.Sheet
---@return string
local function page(rows)
  local out = { HEAD:format(table.concat(rows.notes, ". "), rows:sum()) }
  local missed = {}
  local section, parent
  for row in rows:each() do
    if row.line.section ~= section then
      section = row.line.section
      out[#out + 1] = ("\n## %s\n\n"):format(section) .. cells("", "measured", "target", "", "")
        .. cells("---", "--:", "---", "---", "---")
    end
    local part = row.line.what:match "^  (.*)"
    if not part then parent = row.line.what end
    local verdict = row.verdict == "missed" and "**missed**" or row.verdict
    out[#out + 1] = cells(part and "... " .. part or parent, row.measured, row.target, verdict,
      row.against)
    if row.reason then
      local name = part and ("%s, %s"):format(parent, part) or parent
      missed[#missed + 1] = ("- %s: %s\n"):format(name, row.reason)
    end
  end
  out[#out + 1] = "\n## Why some are missed\n\n" .. table.concat(missed)
  return table.concat(out) .. FOOT
end

local rows = sheet.new()
for text in io.lines() do rows:take(text) end
rows:complete()
assert(#rows.faults == 0, table.concat(rows.faults, "\n"))
io.write(page(rows))
