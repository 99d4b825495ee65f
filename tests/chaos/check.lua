-- SPDX-License-Identifier: MIT
--- Reads what every node wrote down and says what does not fit together:
---
---     lua5.4 check.lua FOLDER NODE...     exit status 0: everything fits
local folder = arg[1]
local problems = {}

local function problem(text, ...) problems[#problems + 1] = text:format(...) end

--- { view = {name -> owner}, runs = {name -> times}, told = {what -> count} }
local function read(node)
  local file = io.open(("%s/%s.view"):format(folder, node))
  if not file then return problem("%s wrote nothing", node) end
  local seen = { node = node, view = {}, runs = {}, told = {} }
  for line in file:lines() do
    local kind, name, rest = line:match "^(%S+) (%S+) ?(.*)$"
    if kind == "view" then
      seen.view[name] = rest
    elseif kind == "runs" then
      seen.runs[name] = tonumber(rest)
    elseif kind == "told" then
      seen.told[name] = tonumber(rest)
    elseif kind == "twice" then
      problem("%s on %s: an event was applied twice", name, node)
    end
  end
  file:close()
  return seen
end

local all = {}
for i = 2, #arg do all[#all + 1] = read(arg[i]) end

local function compare_views(one, other)
  for name, row in pairs(one.view) do
    if other.view[name] ~= row then
      problem("%s: %s sees %s, %s sees %s", name, one.node, row, other.node,
        other.view[name] or "nothing")
    end
  end
end

for i = 2, #all do
  compare_views(all[1], all[i])
  compare_views(all[i], all[1])
end

local live = {}
for _, seen in ipairs(all) do
  for name, times in pairs(seen.runs) do
    if times ~= 1 then problem("%s runs %d times on %s", name, times, seen.node) end
    if live[name] then problem("%s runs on %s and on %s", name, live[name], seen.node) end
    live[name] = seen.node
    if not seen.view[name] then problem("%s runs on %s, which does not see it", name, seen.node) end
  end
end

for name, row in pairs(all[1] and all[1].view or {}) do
  local owner = row:match "^%S+"
  if live[name] ~= owner then
    problem("%s should run on %s, and runs on %s", name, owner, live[name] or "no node")
  end
end

local sum = { started = 0, credited = 0, closed = 0, conflicts = 0 }
for _, seen in ipairs(all) do
  for what in pairs(sum) do sum[what] = sum[what] + (seen.told[what] or 0) end
  if (seen.told.fewest or 99) >= #all then problem("no fault ever reached %s", seen.node) end
end
if sum.started == 0 or sum.credited == 0 then problem "nothing ever happened" end
if sum.conflicts == 0 then problem "no account was ever there twice: no fault was bad enough" end

for _, text in ipairs(problems) do print(text) end
if #problems == 0 then
  print(("%d starts, %d credits, %d ends, %d conflicts resolved"):format(
    sum.started, sum.credited, sum.closed, sum.conflicts))
end
os.exit(#problems == 0 and 0 or 1)
