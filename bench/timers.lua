-- SPDX-License-Identifier: MIT
--- A million FSMs, each with an armed timer: how long does the loop stand still
--- while they are armed, and while they go off?
local core = require "infinitomata.core"
local finitomata = require "finitomata"
local report = require "report"

local N = math.tointeger(arg[1] or "") or 1000000
local SPREAD_MS <const> = 4000

local fired = 0
local sleeper = finitomata.define {
  name = "sleeper",
  fsm = "[*] --> asleep\nasleep --> |wake| awake\nawake --> |leave| gone",
  payload_mode = "share",
}
sleeper.on_enter = { awake = function() fired = fired + 1 end }

---Watches the loop: the longest time between two looks.
local longest, looking = 0, true
local function watch()
  local last = core.hrtime()
  while looking do
    finitomata.sleep(1)
    local now = core.hrtime()
    longest = math.max(longest, (now - last) / 1e6 - 1)
    last = now
  end
end

finitomata.run(function()
  finitomata.start_link()
  for i = 1, N do
    assert(finitomata.start_fsm(i, sleeper))
    if i % 500 == 0 then finitomata.sleep(0) end
  end
  collectgarbage()
  finitomata.spawn(watch)
  for i = 1, N do
    finitomata.transition(i, "wake", nil, SPREAD_MS + i % SPREAD_MS)
    if i % 500 == 0 then finitomata.sleep(0) end
  end
  local armed = longest
  longest = 0
  while fired < N do finitomata.sleep(50) end
  looking = false
  report.line("arm.stall", armed)
  report.line("fire.stall", longest)
end)
