-- SPDX-License-Identifier: MIT
--- Writes a busted spec that covers every edge of an FSM, each step of it naming
--- all states that are passed.
local walks = require "infinitomata.generator.walks"

local M = {}

local WIDTH <const> = 96

local function quoted(words)
  local list = {}
  for i, word in ipairs(words) do list[i] = ("%q"):format(word) end
  return table.concat(list, ", ")
end

---The states as a table, on one line or on several.
local function states(before, words, after)
  local line = before .. "{ " .. quoted(words) .. " }" .. after
  if #line <= WIDTH then return { line } end
  local lines, row = { before .. "{" }, "     "
  for _, word in ipairs(words) do
    local item = (" %q,"):format(word)
    if #row + #item > WIDTH then
      lines[#lines + 1] = row
      row = "     "
    end
    row = row .. item
  end
  lines[#lines + 1] = row
  lines[#lines + 1] = "    }" .. after
  return lines
end

---The states of a walk in one line, its middle left out when it is long.
local function title(walk)
  local all = table.move(walk.passed, 1, #walk.passed, 1, {})
  for _, step in ipairs(walk.steps) do table.move(step.passed, 1, #step.passed, #all + 1, all) end
  for i, state in ipairs(all) do
    if state == "*" then all[i] = "the end" end
  end
  local text = table.concat(all, ", ")
  if #text <= 70 then return text end
  local head, tail = all[1], all[#all]
  local from, to = 2, #all - 1
  while from < to and #head + #tail + #all[from] + #all[to] < 60 do
    head, tail = head .. ", " .. all[from], all[to] .. ", " .. tail
    from, to = from + 1, to - 1
  end
  return head .. " ... " .. tail
end

local function payload_of(walk)
  local names = {}
  for state in pairs(walk.choices) do names[#names + 1] = state end
  if #names == 0 then return "{}" end
  table.sort(names)
  local fields = {}
  for i, state in ipairs(names) do fields[i] = ("[%q] = %q"):format(state, walk.choices[state]) end
  return "{ " .. table.concat(fields, ", ") .. " }"
end

local function add_walk(lines, module, walk, taken)
  local function add(line) lines[#lines + 1] = line end
  local name = title(walk)
  taken[name] = (taken[name] or 0) + 1
  if taken[name] > 1 then name = ("%s (%d)"):format(name, taken[name]) end
  add("")
  add(("  it(%q, function()"):format(name))
  add(("    local t <close> = spec.start(%q, %s)"):format(module, payload_of(walk)))
  for _, line in ipairs(states("    t:expect ", walk.passed, "")) do add(line) end
  for _, step in ipairs(walk.steps) do
    local payload = step.choice and (", %q"):format(step.to) or ""
    local before = ("    t:send(%q%s):expect "):format(step.event, payload)
    for _, line in ipairs(states(before, step.passed, "")) do add(line) end
  end
  add("  end)")
end

---@param module string what the spec requires
---@param definition finitomata.Definition
---@return string text of a Lua file
---@return integer missed how many edges the walks do not cover
function M.text(module, definition)
  local found, missed = walks.of(definition)
  local lines = {
    ("--- Walks over every edge of %s."):format(module),
    'local spec = require "finitomata.spec"',
    "",
    ("describe(%q, function()"):format(module),
  }
  local taken = {}
  for _, walk in ipairs(found) do add_walk(lines, module, walk, taken) end
  for _, edge in ipairs(missed) do
    table.move({
      "",
      ("  -- From `%s` to `%s` again and again by itself: only your own code can end that.")
        :format(edge.from, edge.to),
      ("  pending(%q)"):format(("%s goes to %s by %s"):format(edge.from, edge.to, edge.event)),
    }, 1, 3, #lines + 1, lines)
  end
  table.remove(lines, 5) -- no blank line at the beginning of a block
  lines[#lines + 1] = "end)"
  return table.concat(lines, "\n") .. "\n", #missed
end

return M
