-- SPDX-License-Identifier: MIT
--- What else is asked of FSMs of this process: how many are started, read and
--- ticked a second, and what a step costs that also sets a timer anew?
local finitomata = require "finitomata"
local report = require "report"
local turnstile = require "turnstile"

local N = math.tointeger(arg[1] or "") or 100000
local TICKING <const> = 10000
local TICK_TARGET_US <const> = 0.6

local function line(what, count, seconds, target)
  report.line(what, report.rate(count / seconds), ("%.2f us each"):format(seconds / count * 1e6),
    count / seconds >= target, report.rate(target))
end

local function starts()
  local serial = 0
  line("start_fsm", N, report.least(3, function()
    for i = 1, N do
      assert(finitomata.start_fsm(serial + i, turnstile, { n = 0 }))
      if i % 1000 == 0 then finitomata.sleep(0) end
    end
    finitomata.sleep(0)
    serial = serial + N
  end), 500000)
end

local function reads()
  for _, what in ipairs { "full", "state", "cached" } do
    line("state, " .. what, N, report.least(3, function()
      for i = 1, N do finitomata.state(i, what) end
    end), 2000000)
  end
end

local function calls()
  line("call, one after the other", N, report.least(3, function()
    for _ = 1, N / 2 do
      finitomata.call(1, "coin")
      finitomata.call(1, "push")
    end
  end), 500000)
end

local function ticks()
  local ticked = 0
  local clock = finitomata.define {
    name = "clock", fsm = "off --> |wind| on", timer = 100,
    on_timer = function() ticked = ticked + 1 end,
  }
  for i = 1, TICKING do assert(finitomata.start_fsm("clock-" .. i, clock, { n = 0 })) end
  finitomata.sleep(500)
  local before, began = ticked, os.clock()
  finitomata.sleep(2000)
  local us = (os.clock() - began) / (ticked - before) * 1e6
  report.line(("timer tick, %d FSMs"):format(TICKING), ("%.2f us"):format(us), "CPU, every 100 ms",
    us < TICK_TARGET_US, ("< %.1f us"):format(TICK_TARGET_US))
end

finitomata.run(function()
  finitomata.start_link()
  starts()
  reads()
  calls()
  ticks()
end)
