-- SPDX-License-Identifier: MIT
--- An FSM that lives on one node of the benchmark and does there what it is told:
---   watch  how long do rows take to get here? Names `seen-NS` say when their start
---          began, on the clock that all processes of a machine share
---   tell   the delays so far
---   place  where would it start each of so many names? See places.lua
---   race   starts all the names from a moment on
local finitomata = require "finitomata"
local infinitomata = require "infinitomata"
local now = require("infinitomata.core").hrtime
local places = require "places"

local probe = finitomata.define {
  name = "probe",
  fsm = [[
    ready --> |go!| watching
    watching --> |watch| watching
    watching --> |tell| watching
    watching --> |place| watching
    watching --> |race| watching
    watching --> |finish| finished
  ]],
}

local delays = {}

local function watch()
  infinitomata.monitor(function(kind, rows)
    local at = now()
    if kind ~= "join" then return end
    for name in pairs(rows) do
      local began = name:match "^seen%-(%d+)$"
      if began then delays[#delays + 1] = (at - math.tointeger(began)) // 1000 end
    end
  end)
end


--- How many of the starts were ours.
local function race(order)
  while now() < order.at do finitomata.sleep(0) end
  local won, left = 0, #order.names
  for _, name in ipairs(order.names) do
    finitomata.spawn(function()
      if infinitomata.start_fsm(name, "turnstile", {}) then won = won + 1 end
      left = left - 1
    end)
  end
  while left > 0 do finitomata.sleep(5) end
  return won
end

function probe.on_transition(_, event, order)
  if event == "watch" then
    watch()
    return "watching", {}
  end
  if event == "tell" then return "watching", { delays = delays } end
  if event == "place" then
    local owners = places(order)
    return "watching", { owners = owners }
  end
  if event == "race" then return "watching", { won = race(order) } end
end

return probe
