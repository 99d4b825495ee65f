-- SPDX-License-Identifier: MIT
--- A cluster of three is cut, the same names are started on both sides, and the cable is
--- mended: when does each name run once, and when are all views the same? Run by
--- heal.sh, in whose far namespace c is. Argument: the folder where c leaves word.
local finitomata = require "finitomata"
local infinitomata = require "infinitomata"
local now = require("infinitomata.core").hrtime
local report = require "report"
local witness = require "witness"

local folder = arg[1]
local NAMES <const>, PATIENCE_S <const> = 300, 20
local nodes = infinitomata.node.nodes

require "cluster_placement"

local function seconds_since(began) return (now() - began) / 1e9 end

local function until_true(what, holds)
  local began = now()
  while not holds() do
    assert(seconds_since(began) < PATIENCE_S, what)
    finitomata.sleep(5)
  end
end

local function started_over_there()
  local file = io.open(folder .. "/started")
  return file and file:close()
end

local function cable(state) assert(os.execute("ip -n far link set eth0 " .. state)) end

--- What each node believes and runs; nil when one does not answer.
local function testimonies()
  local believed, running = witness.look()
  local list = { { believed = believed, running = running } }
  for _, node in ipairs { "b", "c" } do
    local state, payload = infinitomata.call("witness@" .. node, "ask", nil, 1000)
    if not state then return end
    list[#list + 1] = payload
  end
  return list
end

--- How many names do not run once, and of how many the views differ.
local function faults()
  local twice, differ = NAMES, NAMES
  local list = testimonies()
  if not list then return twice, differ end
  for i = 1, NAMES do
    local name = "account-" .. i
    local runs, equal = 0, list[1].believed[name] ~= nil
    for _, one in ipairs(list) do
      runs = runs + (one.running[name] or 0)
      equal = equal and one.believed[name] == list[1].believed[name]
    end
    if runs == 1 then twice = twice - 1 end
    if equal then differ = differ - 1 end
  end
  return twice, differ
end

finitomata.run(function()
  until_true("three nodes", function()
    return infinitomata.alive "witness@b" and infinitomata.alive "witness@c"
  end)
  cable "down"
  until_true("a to see that c is away", function() return #nodes() == 1 end)
  for i = 1, NAMES do assert(infinitomata.start_fsm("account-" .. i, "account")) end
  until_true("c to start its own", started_over_there)
  cable "up"
  local mended = now()
  local twice, differ
  repeat
    finitomata.sleep(20)
    twice, differ = faults()
  until twice + differ == 0 or seconds_since(mended) > PATIENCE_S
  report.line("heal.time", seconds_since(mended), ("%d names, started on both sides"):format(NAMES))
  report.line("heal.twice", twice)
  report.line("heal.views", differ)
end)
os.exit(0)
