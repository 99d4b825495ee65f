-- SPDX-License-Identifier: MIT
--- What else is asked of FSMs of this process: how many are started, read and
--- ticked a second, and what a step costs that also sets a timer anew?
local finitomata = require "finitomata"
local report = require "report"
local turnstile = require "turnstile"

local N = math.tointeger(arg[1] or "") or 100000
local TICKING <const> = 10000

local function line(key, count, seconds)
  report.line(key, count / seconds, ("%.2f us each"):format(seconds / count * 1e6))
end

local function starts()
  local serial = 0
  line("start", N, report.least(3, function()
    for i = 1, N do
      assert(finitomata.start_fsm(serial + i, turnstile, { n = 0 }))
      if i % 1000 == 0 then finitomata.sleep(0) end
    end
    finitomata.sleep(0)
    serial = serial + N
  end))
end

local function reads()
  for _, what in ipairs { "full", "state", "cached" } do
    line("state." .. what, N, report.least(3, function()
      for i = 1, N do finitomata.state(i, what) end
    end))
  end
end

local function calls()
  line("call", N, report.least(3, function()
    for _ = 1, N / 2 do
      finitomata.call(1, "coin")
      finitomata.call(1, "push")
    end
  end))
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
  report.line("tick", us, "every 100 ms")
end

finitomata.run(function()
  finitomata.start_link()
  starts()
  reads()
  calls()
  ticks()
end)
