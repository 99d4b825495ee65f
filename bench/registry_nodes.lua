-- SPDX-License-Identifier: MIT
--- A third node comes to two that own many rows: how long until it knows them, what
--- they weigh, how long its Lua stands still meanwhile, and what synch costs after.
--- Arguments: rows of the other two together, their pids, an address of one, and
--- whether to listen to all the rows ("monitored").
local cluster = require "infinitomata.cluster"
local finitomata = require "finitomata"
local infinitomata = require "infinitomata"
local now = require("infinitomata.core").hrtime
local report = require "report"

local rows, pid_b, seed = math.tointeger(arg[1]), arg[2], arg[4]
local monitored = arg[5] == "monitored"
local ROUNDS <const>, MISSING <const> = 21, 10
local NAME_BYTES <const> = 21
local size = rows >= 1000000 and rows // 1000000 .. "M" or rows // 1000 .. "k"

local function ms(ns) return ns / 1e6 end

local function resident_bytes()
  for line in io.lines "/proc/self/status" do
    local kilobytes = line:match "^VmRSS:%s+(%d+)"
    if kilobytes then return kilobytes * 1024 end
  end
end

local longest, looking = 0, true

--- Looks at the clock, and into the registry, each millisecond.
local function watch()
  local last = now()
  while looking do
    infinitomata.sleep(1)
    if cluster.node() then cluster.node():whereis("default", "nobody") end
    local time = now()
    longest = math.max(longest, ms(time - last) - 1)
    last = time
  end
end

local function until_all(total)
  local give_up = now() + 120 * 10 ^ 9
  while infinitomata.count() < total do
    assert(now() < give_up, "rows are missing")
    infinitomata.sleep(1)
  end
end

local function learn()
  local before = resident_bytes()
  local seen = 0
  if monitored then infinitomata.monitor(function() seen = seen + 1 end) end
  finitomata.spawn(watch)
  local began = now()
  assert(infinitomata.node.start { name = "learner", bind = "127.0.0.1:0", join = seed })
  until_all(rows)
  local took = ms(now() - began)
  looking = false
  local received = cluster.node():traffic().streams_in
  report.line((monitored and "heard." or "learn.") .. size, took,
    ("%.2f MB, %.1f B a row"):format(received / 1e6, received / rows))
  report.line("stall." .. (monitored and "heard" or size), longest,
    "with a look at the registry a ms")
  if size == "1M" and not monitored then
    report.line("resident.1M", (resident_bytes() - before) / rows - NAME_BYTES,
      ("growth of the process; a name has %d"):format(NAME_BYTES))
  end
end

local function bytes_moved()
  local traffic = cluster.node():traffic()
  return traffic.streams_in + traffic.streams_out
end

--- Rows that are not where registry_member.lua claimed them.
local function wrong()
  local count, node = 0, cluster.node()
  for _, owner in ipairs { "b", "c" } do
    for i = 1, rows // 2 do
      if node:whereis("default", ("%s-%019d"):format(owner, i)) ~= owner then count = count + 1 end
    end
  end
  report.line("wrong." .. size, count, "each looked up, after synch")
end

local function synch_in_sync()
  local times, before = {}, bytes_moved()
  for i = 1, ROUNDS do
    local began = now()
    assert(infinitomata.synch())
    times[i] = ms(now() - began)
  end
  table.sort(times)
  report.line("synch." .. size, times[ROUNDS // 2 + 1],
    ("%.0f B with both nodes"):format((bytes_moved() - before) / ROUNDS))
end

--- Rows that the stopped node has not heard of.
local function synch_behind()
  os.execute("kill -STOP " .. pid_b)
  local before = bytes_moved()
  for i = 1, MISSING do assert(cluster.node():claim("default", "late-" .. i, "order")) end
  infinitomata.sleep(20)
  os.execute("kill -CONT " .. pid_b)
  local began = now()
  assert(infinitomata.synch())
  local took = ms(now() - began)
  report.line("behind." .. size, took, ("%.0f B with both nodes"):format(bytes_moved() - before))
end

infinitomata.run(function()
  learn()
  if monitored then return end
  synch_in_sync()
  wrong()
  synch_behind()
end)
os.exit(0)
