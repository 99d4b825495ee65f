-- SPDX-License-Identifier: MIT
--- What three nodes do in a second: starts, events to another node, and how long
--- a row takes to every view; and whether names are started once, and a death is
--- noticed. Arguments: the median of an echo over TCP in microseconds, which bounds
--- what one caller after another can do, and the pid of c.
local finitomata = require "finitomata"
local infinitomata = require "infinitomata"
local cluster_info = infinitomata.cluster_info
local now = require("infinitomata.core").hrtime
local report = require "report"

local echo_us, pid_c = tonumber(arg[1]), arg[2]
local CALLERS = 50

require "cluster_placement"

local function until_true(what, holds)
  local give_up = now() + 20 * 10 ^ 9
  while not holds() do
    assert(now() < give_up, what)
    finitomata.sleep(5)
  end
end

--- Has `callers` coroutines do `job(i)` for i = 1..n; the rate in a second.
local function rate(n, callers, job)
  local next_job, left = 0, callers
  local began = now()
  for _ = 1, callers do
    finitomata.spawn(function()
      while next_job < n do
        next_job = next_job + 1
        job(next_job)
      end
      left = left - 1
    end)
  end
  until_true("all calls to end", function() return left == 0 end)
  return n / ((now() - began) / 1e9)
end

local function compare(what, per_second, target)
  report.line(what, report.rate(per_second),
    ("%.2f of an echo's round trips"):format(per_second * echo_us / 1e6),
    per_second >= target, ("%s"):format(report.rate(target)))
end

local function percentile(sorted, part) return sorted[math.max(1, math.ceil(#sorted * part))] end

local function visibility()
  for _, node in ipairs { "b", "c" } do assert(infinitomata.call("probe@" .. node, "watch")) end
  for _ = 1, 300 do
    assert(infinitomata.start_fsm(("seen-%d"):format(now()), "turnstile", {}))
    finitomata.sleep(2)
  end
  local delays = {}
  for _, node in ipairs { "b", "c" } do
    until_true("all rows on " .. node, function()
      local _, payload = assert(infinitomata.call("probe@" .. node, "tell"))
      if #payload.delays < 300 then return false end
      for _, delay in ipairs(payload.delays) do delays[#delays + 1] = delay end
      return true
    end)
  end
  table.sort(delays)
  local median, late = percentile(delays, 0.5), percentile(delays, 0.99)
  report.line("row in the other views", ("%d us"):format(median),
    ("%.1f x an echo (p99 %d us)"):format(median / echo_us, late),
    median < 500 and late < 2000, "< 500 us, p99 < 2000 us")
end

local function names(what, count)
  local list = {}
  for i = 1, count do list[i] = ("%s-%d"):format(what, i) end
  return list
end

--- Does every node name the same owner?
local function agreement()
  local asked = names("place", 1000)
  local mine, equal = {}, #asked
  for i, name in ipairs(asked) do
    mine[i] = cluster_info.naive.whois("default", name)
  end
  for _, node in ipairs { "b", "c" } do
    local _, payload = assert(infinitomata.call("probe@" .. node, "place", asked))
    for i = 1, #asked do
      if payload.places[i] ~= mine[i] then equal = equal - 1 end
    end
  end
  report.line("owner agreed by all nodes", ("%.1f %%"):format(equal / #asked * 100),
    #asked .. " names", equal == #asked, "100 %")
end

--- Two nodes, and this one, start the same names at the same moment.
local function same_names()
  local order = { names = names("race", 500), at = now() + 200 * 10 ^ 6 }
  local won, left = 0, 2
  for _, node in ipairs { "b", "c" } do
    finitomata.spawn(function()
      local _, payload = assert(infinitomata.call("probe@" .. node, "race", order, 60000))
      won, left = won + payload.won, left - 1
    end)
  end
  while now() < order.at do finitomata.sleep(0) end
  for _, name in ipairs(order.names) do
    if infinitomata.start_fsm(name, "turnstile", {}) then won = won + 1 end
  end
  until_true("the others to have tried", function() return left == 0 end)
  report.line("started twice of 500 names", ("%d"):format(won - #order.names),
    "the same names on three nodes at once", won == #order.names, "0")
end

--- The process c is killed: who hears of it, and what does a call to its FSM say?
local function death()
  assert(infinitomata.start_fsm("lost@c", "turnstile", {}))
  local killed, noticed
  infinitomata.node.on_member(function(what, member)
    if what == "fail" and member.name == "c" then noticed = noticed or now() end
  end)
  killed = now()
  os.execute("kill -KILL " .. pid_c)
  local _, err = infinitomata.call("lost@c", "coin")
  local answered = now()
  until_true("the death of c to be known", function() return noticed end)
  report.line("kill -9 noticed", ("%.0f ms"):format((noticed - killed) / 1e6), "",
    noticed - killed < 100 * 10 ^ 6, "< 100 ms")
  report.line("call to an FSM that died with it", ("%.0f ms"):format((answered - killed) / 1e6),
    "answer: " .. tostring(err and err.code), answered - killed < 200 * 10 ^ 6, "< 200 ms")
end

finitomata.run(function()
  until_true("three nodes", function()
    return infinitomata.alive "probe@b" and infinitomata.alive "probe@c"
  end)
  compare("start_fsm, one caller", rate(2000, 1, function(i)
    assert(infinitomata.start_fsm("one-" .. i, "turnstile", { n = 0 }))
  end), 12000)
  compare(("start_fsm, %d callers"):format(CALLERS), rate(20000, CALLERS, function(i)
    assert(infinitomata.start_fsm("many-" .. i, "turnstile", { n = 0 }))
  end), 120000)
  assert(infinitomata.start_fsm("gate@b", "turnstile", { n = 0 }))
  local events = { "coin", "push" }
  compare("remote transition, one caller", rate(10000, 1, function(i)
    assert(infinitomata.transition("gate@b", events[i % 2 + 1]))
  end), 17400)
  compare(("remote transition, %d callers"):format(CALLERS), rate(100000, CALLERS, function(i)
    assert(infinitomata.transition("gate@b", events[i % 2 + 1]))
  end), 217000)
  assert(infinitomata.start_fsm("gate@a", "turnstile", { n = 0 }))
  compare("transition by the cluster, here", rate(200000, CALLERS, function(i)
    assert(infinitomata.transition("gate@a", events[i % 2 + 1]))
    if i % 500 == 0 then finitomata.sleep(0) end
  end), 1000000)
  visibility()
  agreement()
  same_names()
  death()
end)
os.exit(0)
