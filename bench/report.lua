-- SPDX-License-Identifier: MIT
--- One line a benchmark: what was measured, against what, and the target.
local report = {}

---@param what string
---@param value string what was measured, with its unit
---@param against string the same thing in terms of a limit measured in this run
---@param holds boolean whether the target is met
---@param target string
function report.line(what, value, against, holds, target)
  print(("%-30s %14s   %-36s %s %s"):format(what, value, against,
    holds and "meets" or "MISSES", target))
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
