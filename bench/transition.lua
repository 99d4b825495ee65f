-- SPDX-License-Identifier: MIT
--- How many transitions a second does one core process, and how far is that
--- from the least that Lua could do: look the target up, call on_transition,
--- check its answer, call on_exit and on_enter, each under pcall?
local finitomata = require "finitomata"
local bare_step = require "bare"
local report = require "report"
local turnstile = require "turnstile"

local N = math.tointeger(arg[1] or "") or 400000
local SPREAD = 10000

--- The same events to bare tables, found by name like the FSMs.
local function bare_seconds(names)
  local step = bare_step(names)
  local rounds = N // (2 * #names)
  return report.least(3, function()
    for _ = 1, rounds do
      for i = 1, #names do
        step(names[i], "coin")
        step(names[i], "push")
      end
    end
  end), rounds * #names * 2
end

--- Sends `N` events over the named FSMs, and waits until the last of each has
--- been processed.
local function local_seconds(names)
  local transition, count = finitomata.transition, #names
  local rounds = N // (2 * count)
  return report.least(3, function()
    for round = 1, rounds do
      for i = 1, count do
        transition(names[i], "coin")
        transition(names[i], "push")
      end
      if round % 50 == 0 or count > 50 then finitomata.sleep(0) end
    end
    for i = 1, count do
      assert(finitomata.call(names[i], "coin"))
      assert(finitomata.call(names[i], "push"))
    end
  end), rounds * count * 2
end

local function start(count, definition)
  local names = {}
  for i = 1, count do
    names[i] = ("%s-%d-of-%d"):format(definition.name, i, count)
    assert(finitomata.start_fsm(names[i], definition, { n = 0 }))
  end
  return names
end

--- The same with a timer, which every transition starts again.
local timed = finitomata.define {
  name = "timed turnstile", fsm = turnstile.dsl, timer = 60000,
  on_transition = turnstile.on_transition, on_exit = turnstile.on_exit,
  on_enter = turnstile.on_enter, on_timer = function() end,
}

---@type { count: integer, definition: finitomata.Definition, rate?: string, share?: string }[]
local CASES <const> = {
  { count = 1, definition = turnstile, rate = "step.one", share = "step.one.share" },
  { count = 1, definition = timed, share = "step.timed.share" },
  { count = SPREAD, definition = turnstile, rate = "step.spread" },
}

finitomata.run(function()
  finitomata.start_link()
  for _, case in ipairs(CASES) do
    local names = start(case.count, case.definition)
    local seconds, done = bare_seconds(names)
    local bare = done / seconds
    seconds, done = local_seconds(names)
    local rate = done / seconds
    local share = 100 * rate / bare
    if case.rate then
      report.line(case.rate, rate, ("%.0f %% of bare Lua (%s)"):format(share, report.rate(bare)))
    end
    if case.share then
      report.line(case.share, share, ("%s of %s"):format(report.rate(rate), report.rate(bare)))
    end
  end
end)
