-- SPDX-License-Identifier: MIT
--- A million FSMs in one process: what does one cost that waits, and how many
--- transitions a second do random ones make, against a bare Lua step through a
--- table of as many?
local finitomata = require "finitomata"
local bare_step = require "bare"
local report = require "report"
local turnstile = require "turnstile"

local N = math.tointeger(arg[1] or "") or 1000000
local EVENTS <const> = 400000

local function heap_bytes()
  collectgarbage()
  collectgarbage()
  return collectgarbage "count" * 1024
end

local chance = 12345
local function random_name(names)
  chance = chance * 6364136223846793005 + 1442695040888963407
  return names[(chance >> 33) % #names + 1]
end

local function bare_seconds(names)
  local step = bare_step(names)
  return report.least(3, function()
    for _ = 1, EVENTS / 2 do
      local name = random_name(names)
      step(name, "coin")
      step(name, "push")
    end
  end)
end

local function our_seconds(names)
  local transition = finitomata.transition
  return report.least(3, function()
    for i = 1, EVENTS / 2 do
      local name = random_name(names)
      transition(name, "coin")
      transition(name, "push")
      if i % 100 == 0 then finitomata.sleep(0) end
    end
    finitomata.sleep(0)
  end)
end

finitomata.run(function()
  finitomata.start_link()
  local names = {}
  for i = 1, N do names[i] = "turnstile-" .. i end
  local bare = bare_seconds(names)
  collectgarbage()
  local before = heap_bytes()
  for i = 1, N do
    assert(finitomata.start_fsm(names[i], turnstile, { n = i }))
    if i % 1000 == 0 then finitomata.sleep(0) end
  end
  local bytes = (heap_bytes() - before) / N
  report.line("million.heap", bytes, "with its payload")
  local ours = our_seconds(names)
  report.line("million.share", 100 * bare / ours,
    ("%s of %s"):format(report.rate(EVENTS / ours), report.rate(EVENTS / bare)))
end)
