-- SPDX-License-Identifier: MIT
-- Files under 600 lines, functions under 60, a licence line first, no name that
-- says nothing. Prints each fault as FILE:LINE and exits 1 when there is one.
-- Arguments: folders and files to look at instead of the usual ones.
local FILE_MAX, FUNCTION_MAX = 600, 60
local ROOTS = { "runtime", "lua", "spec", "tests", "bench", "examples", "tools", "Makefile", ".ci" }
local EMPTY_NAMES = { util = true, utils = true, common = true, helper = true, helpers = true,
  misc = true }
-- Data, not code: tables that are as long as they are.
local DATA = { "^spec/cases/", "^tests/golden/", "^tests/fuzz/corpus/" }

local faults = 0
local function fault(path, line, text)
  faults = faults + 1
  print(("%s:%d: %s"):format(path, line, text))
end

local function read_lines(path)
  local list = {}
  for line in io.lines(path) do list[#list + 1] = line end
  return list
end

local function check_name(path)
  for part in path:gmatch "[^/]+" do
    if EMPTY_NAMES[part:gsub("%..*$", ""):lower()] then
      fault(path, 1, "a name that says nothing: " .. part)
    end
  end
end

local function check_licence(path, lines)
  for i = 1, math.min(3, #lines) do
    if lines[i]:find("SPDX-License-Identifier: MIT", 1, true) then return end
  end
  fault(path, 1, "no SPDX line")
end

-- clang-format puts a function's brace at the end of a line that starts in the
-- first column or continues one that does, and its end alone in that column.
local function check_c(path, lines)
  local start
  for i, line in ipairs(lines) do
    if not start and line:match "^[%a_].*%(" and not line:match "^#" and not line:match "^typedef"
    then
      start = i
    end
    if start and line:match "^}" then
      if i - start + 1 > FUNCTION_MAX then
        fault(path, start, ("a function of %d lines"):format(i - start + 1))
      end
      start = nil
    elseif start and i >= start and line:match ";%s*$" and not line:match "^%s" then
      start = nil -- a declaration
    elseif start and line:match "^%s+.*%);%s*$" and not lines[i - 1]:match "{%s*$"
      and i - start < 6 and not table.concat(lines, "\n", start, i):find("{", 1, true) then
      start = nil -- a declaration over several lines
    end
  end
end

-- A Lua function ends at the `end` in the column of the line that opens it.
local function check_lua(path, lines)
  for i, line in ipairs(lines) do
    local indent = line:match "^(%s*)[%a_].*function[%s%w_.:]*%b()%s*$"
      or line:match "^(%s*)function[%s%w_.:]*%b()%s*$"
    local block = line:match "^%s*describe%(" or line:match "^%s*insulate%("
    if indent and not block then
      for j = i + 1, #lines do
        if lines[j]:match("^" .. indent .. "end") then
          if j - i + 1 > FUNCTION_MAX then
            fault(path, i, ("a function of %d lines"):format(j - i + 1))
          end
          break
        end
      end
    end
  end
end

local function check(path)
  for _, pattern in ipairs(DATA) do
    if path:find(pattern) then return end
  end
  check_name(path)
  local kind = path:match "%.(%w+)$" or ""
  if not (({ c = 1, h = 1, lua = 1, sh = 1, [""] = 1 })[kind]) then return end
  local lines = read_lines(path)
  check_licence(path, lines)
  if #lines > FILE_MAX then fault(path, 1, ("%d lines"):format(#lines)) end
  if kind == "c" or kind == "h" then check_c(path, lines) end
  if kind == "lua" then check_lua(path, lines) end
end

local roots = #arg > 0 and arg or ROOTS
local pipe = assert(io.popen("find " .. table.concat(roots, " ") .. " -type f 2>/dev/null | sort"))
for path in pipe:lines() do check(path) end
pipe:close()
os.exit(faults == 0)
