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
local NAME_BYTES <const>, ROW_TARGET <const> = 21, 96
local of_rows = (" %s rows"):format(rows >= 1e6 and rows // 1e6 .. "M" or rows // 1000 .. "k")

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
  report.line("a new node learns" .. of_rows, ("%.0f ms"):format(took),
    ("%.1f MB, %.1f B a row"):format(cluster.node():traffic().streams_in / 1e6,
      cluster.node():traffic().streams_in / rows),
    rows > 10000 or took < 200, rows > 10000 and "no target" or "< 200 ms")
  report.line((monitored and "  stall, monitored," or "  longest stall of Lua,") .. of_rows,
    ("%.1f ms"):format(longest), "with a look at the registry a ms", longest < 20, "< 20 ms")
  if rows >= 100000 then
    local bytes = (resident_bytes() - before) / rows
    report.line("  memory, a row of" .. of_rows, ("%.0f B"):format(bytes),
      ("with its name of %d bytes"):format(NAME_BYTES), bytes < ROW_TARGET + NAME_BYTES,
      ("< %d B + name"):format(ROW_TARGET))
  end
end

local function bytes_moved()
  local traffic = cluster.node():traffic()
  return traffic.streams_in + traffic.streams_out
end

local function synch_in_sync()
  local times, before = {}, bytes_moved()
  for i = 1, ROUNDS do
    local began = now()
    assert(infinitomata.synch())
    times[i] = ms(now() - began)
  end
  table.sort(times)
  report.line("synch in sync," .. of_rows, ("%.2f ms"):format(times[ROUNDS // 2 + 1]),
    ("%.0f B with both nodes"):format((bytes_moved() - before) / ROUNDS),
    times[ROUNDS // 2 + 1] < 5, "< 5 ms")
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
  report.line(("synch, %d rows missing,"):format(MISSING) .. of_rows, ("%.2f ms"):format(took),
    ("%.0f B with both nodes"):format(bytes_moved() - before), took < 50, "< 50 ms")
end

infinitomata.run(function()
  learn()
  if monitored then return end
  synch_in_sync()
  synch_behind()
end)
os.exit(0)
