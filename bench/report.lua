-- SPDX-License-Identifier: MIT
--- What the benchmarks print: rows for sheet.lua, which knows the units and targets.
local report = {}

---@param key string of a line in lines.lua
---@param value number in the unit of that line
---@param against? string the same thing in terms of a limit measured in this run
function report.line(key, value, against)
  print(("%s\t%s\t%s"):format(key, value, against or ""))
  io.stdout:flush()
end

---@param rate number per second
---@return string
function report.rate(rate)
  if rate >= 1e6 then return ("%.2f M/s"):format(rate / 1e6) end
  return ("%.0f k/s"):format(rate / 1e3)
end

--- The CPU seconds that `fn` takes: the least of a few runs, because whatever
--- disturbs a run makes it longer.
---@param runs integer
---@param fn fun()
---@return number seconds
function report.least(runs, fn)
  local best = math.huge
  for _ = 1, runs do
    collectgarbage()
    local started = os.clock()
    fn()
    best = math.min(best, os.clock() - started)
  end
  return best
end

return report
