-- SPDX-License-Identifier: MIT
--- How long does it take to read the state of an FSM on another node, one
--- question at a time, and how far is that from an echo over TCP?
--- Arguments: median and 99th percentile of the echo, in microseconds.
local finitomata = require "finitomata"
local infinitomata = require "infinitomata"
local report = require "report"
local uv_hrtime = require "infinitomata.core".hrtime

local echo_median, echo_late = tonumber(arg[1]), tonumber(arg[2])
local N, WARM_UP = 20000, 1000

local function ask(what, ...)
  local times = {}
  for i = 1, WARM_UP + N do
    local started = uv_hrtime()
    local answer, err = infinitomata[what]("there", ...)
    local took = uv_hrtime() - started
    assert(answer, err)
    if i > WARM_UP then times[i - WARM_UP] = took / 1000 end
  end
  table.sort(times)
  return times[N // 2], times[N * 99 // 100]
end

local function compare(median, late)
  report.line("state.remote", median, ("p99 %.0f us"):format(late))
  report.line("state.remote.echo", median / echo_median,
    ("an echo takes %.0f us, p99 %.0f"):format(echo_median, echo_late))
end

finitomata.run(function()
  local give_up = uv_hrtime() + 20 * 10 ^ 9
  while not infinitomata.alive "there" do
    assert(uv_hrtime() < give_up, "the other node's FSM did not appear")
    finitomata.sleep(20)
  end
  assert(infinitomata.all().there.node ~= infinitomata.node.self().name, "it lives here")
  compare(ask("state", "state"))
end)
os.exit(0)
