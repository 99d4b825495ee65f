-- SPDX-License-Identifier: MIT
--- What does an FSM that waits cost? Everything counts: the growth of the
--- process over many of them, with their names and payloads.
local finitomata = require "finitomata"
local report = require "report"
local turnstile = require "turnstile"

local N = math.tointeger(arg[1] or "") or 100000

local function resident_bytes()
  for line in io.lines "/proc/self/status" do
    local kb = line:match "^VmRSS:%s+(%d+)"
    if kb then return tonumber(kb) * 1024 end
  end
  error "no VmRSS"
end

local function heap_bytes()
  collectgarbage()
  collectgarbage()
  return collectgarbage "count" * 1024
end

finitomata.run(function()
  finitomata.start_link()
  assert(finitomata.start_fsm("first", turnstile, { n = 0 }))
  local heap, resident = heap_bytes(), resident_bytes()
  for i = 1, N do
    assert(finitomata.start_fsm("turnstile-" .. i, turnstile, { n = i }))
    if i % 1000 == 0 then finitomata.sleep(0) end -- they enter their first state
  end
  finitomata.sleep(0)
  heap = (heap_bytes() - heap) / N
  resident = (resident_bytes() - resident) / N
  report.line("idle.heap", heap, ("one of %d, with its name and payload"):format(N))
  report.line("idle.resident", resident)
end)
