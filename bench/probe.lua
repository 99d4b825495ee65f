-- SPDX-License-Identifier: MIT
--- An FSM that lives on one node of the benchmark and tells how long rows took
--- to get there: names `seen-NS` say when their start began, on the clock that
--- all processes of a machine share.
local finitomata = require "finitomata"
local infinitomata = require "infinitomata"
local now = require("infinitomata.core").hrtime

local probe = finitomata.define {
  name = "probe",
  fsm = [[
    ready --> |go!| watching
    watching --> |tell| watching
    watching --> |finish| finished
  ]],
}

local delays = {}

function probe.on_start(payload)
  infinitomata.monitor(function(kind, rows)
    local at = now()
    if kind ~= "join" then return end
    for name in pairs(rows) do
      local began = name:match "^seen%-(%d+)$"
      if began then delays[#delays + 1] = (at - math.tointeger(began)) // 1000 end
    end
  end)
  return payload
end

function probe.on_transition(_, event)
  if event == "tell" then return "watching", { delays = delays } end
end

return probe
