-- SPDX-License-Identifier: MIT
--- What three nodes do in a second: starts, events to another node, and how long
--- a row takes to every view; whether names are started once; and when a death is
--- noticed. Arguments: the median of an echo over TCP in microseconds, which bounds
--- what one caller after another can do, and the pids of b and c.
local finitomata = require "finitomata"
local cluster = require "infinitomata.cluster"
local infinitomata = require "infinitomata"
local now = require("infinitomata.core").hrtime
local report = require "report"

local echo_us, pid_b, pid_c = tonumber(arg[1]), arg[2], arg[3]
local CALLERS <const>, TICK_MS <const> = 50, 10

local function until_true(what, holds)
  local give_up = now() + 20 * 10 ^ 9
  while not holds() do
    assert(now() < give_up, what)
    finitomata.sleep(5)
  end
end

--- Has `callers` coroutines do `job(i)` for i = 1..n.
local function all(n, callers, job)
  local next_job, left = 0, callers
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
end

--- Milliseconds of the processor that a process has taken, its threads together.
local function cpu_ms(pid)
  local file <close> = assert(io.open(("/proc/%s/stat"):format(pid)))
  local user, system = file:read("a"):match("%) %S" .. (" %S+"):rep(10) .. " (%d+) (%d+)")
  return (user + system) * TICK_MS
end

--- The rate of doing all of it, and the processor's time on a, b and c for each.
local function rate(key, n, callers, job)
  local before = { cpu_ms "self", cpu_ms(pid_b), cpu_ms(pid_c) }
  local began = now()
  all(n, callers, job)
  local per_second = n / ((now() - began) / 1e9)
  local function us(i, pid) return (cpu_ms(pid) - before[i]) * 1000 / n end
  report.line(key, per_second, ("%.2f of an echo's; CPU on a, b, c: %.1f, %.1f, %.1f us"):format(
    per_second * echo_us / 1e6, us(1, "self"), us(2, pid_b), us(3, pid_c)))
end

local function starts(key, n, callers)
  rate(key, n, callers, function(i)
    assert(infinitomata.start_fsm(("%s-%d"):format(key, i), "turnstile", { n = 0 }))
  end)
end

--- Sends the i-th of `n` events; the last is a call, so all are carried out when it
--- returns.
local function send(gate, i, n)
  local how = infinitomata[i < n and "transition" or "call"]
  assert(how(gate, i % 2 == 1 and "coin" or "push"))
end

local function events(key, gate, n, callers)
  rate(key, n, callers, function(i) send(gate, i, n) end)
end

--- Events to an FSM of this node, in turns of the loop with 500 of them.
local function events_here(gate, n)
  local seconds = report.least(3, function()
    all(n, CALLERS, function(i)
      send(gate, i, n)
      if i % 500 == 0 then finitomata.sleep(0) end
    end)
  end)
  report.line("here", n / seconds, ("%.2f us of CPU each, %d callers"):format(
    seconds / n * 1e6, CALLERS))
end

--- Is a row in the view of who started it, at once?
local function caller_sees(n)
  local seen = 0
  all(n, CALLERS, function(i)
    local name = "own-" .. i
    assert(infinitomata.start_fsm(name, "turnstile", {}))
    if cluster.node():whereis("default", name) then seen = seen + 1 end
  end)
  report.line("seen.caller", seen / n * 100, ("of %d, %d callers"):format(n, CALLERS))
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
  report.line("seen.median", median, ("%.1f x an echo"):format(median / echo_us))
  report.line("seen.late", late)
end

--- Two nodes, and this one, start the same names at the same moment.
local function same_names()
  local order = { names = {}, at = now() + 200 * 10 ^ 6 }
  for i = 1, 500 do order.names[i] = "race-" .. i end
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
  report.line("race.twice", won - #order.names, "started on three nodes at once")
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
  local function answer(key, began, ended, what)
    report.line(key, (ended - began) / 1e6, "answer: " .. tostring(what and what.code))
  end
  report.line("death.noticed", (noticed - killed) / 1e6)
  answer("death.waiting", killed, answered, err)
  local asked = now()
  _, err = infinitomata.call("lost@c", "coin")
  answer("death.after", asked, now(), err)
end

finitomata.run(function()
  until_true("three nodes", function()
    return infinitomata.alive "probe@b" and infinitomata.alive "probe@c"
  end)
  starts("start.one", 2000, 1)
  starts("start.many", 20000, CALLERS)
  require "cluster_placement" -- after the starts, which are those of the built-in placement
  caller_sees(5000)
  visibility()
  assert(infinitomata.start_fsm("gate@b", "turnstile", { n = 0 }))
  events("remote.one", "gate@b", 10000, 1)
  events("remote.many", "gate@b", 100000, CALLERS)
  assert(infinitomata.start_fsm("gate@a", "turnstile", { n = 0 }))
  events_here("gate@a", 200000)
  same_names()
  death()
end)
os.exit(0)
