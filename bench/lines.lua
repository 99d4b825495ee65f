-- SPDX-License-Identifier: MIT
--- The lines of the table that `make bench` prints: every figure there is, in the
--- order of the parts that measure them, and the target of those that have one.

---@class bench.Line
---@field key string how the part that measures it calls it
---@field what string
---@field section string
---@field unit string of the value and of the target; rates ("/s") are written in k and M
---@field relation? "<"|"<="|">="|"="|"~" how the value has to be to the target; "~": near it
---@field target? number
---@field within? number of "~": how far away it may be

local lines = {} ---@type bench.Line[]
local section = ""

local function line(key, what, unit, relation, target, within)
  lines[#lines + 1] = {
    key = key, what = what, section = section, unit = unit,
    relation = relation, target = target, within = within,
  }
end

section = "The program"
line("version", "infinitomata version", "ms", "<", 10)
line("console", "the console's first answer", "ms", "<", 50)

section = "FSMs on their node"
line("step.one", "transitions of one FSM", "/s", ">=", 2e6)
line("step.one.share", "  of the bare step in Lua", "%", ">=", 50)
line("step.timed.share", "  the same with a timer", "%", ">=", 50)
line("step.spread", "transitions over 10,000 FSMs", "/s", ">=", 2e6)
line("start", "start_fsm", "/s", ">=", 5e5)
line("state.full", "state, full", "/s", ">=", 2e6)
line("state.state", "state, state", "/s", ">=", 2e6)
line("state.cached", "state, cached", "/s", ">=", 2e6)
line("call", "call, one after the other", "/s")
line("tick", "timer tick, 10,000 FSMs, CPU", "us", "<", 0.6)
line("idle.heap", "an idle FSM, heap", "B", "<", 400)
line("idle.resident", "an idle FSM, resident memory", "B", "<", 400)
line("million.heap", "an idle FSM of 1,000,000, heap", "B", "<", 400)
line("million.share", "transitions over 1,000,000, of bare Lua", "%", ">=", 50)
line("arm.stall", "arming 1,000,000 timers, longest stall", "ms", "<", 20)
line("fire.stall", "firing them, longest stall", "ms", "<", 20)
line("crash.lost", "FSMs lost by 4 crashes of a callback", "", "=", 0)

section = "Calls between nodes"
line("state.remote", "state of a remote FSM, median", "us", "<", 60)
line("state.remote.echo", "  in echoes over TCP", "x", "<=", 1.5)
line("start.one", "start_fsm on three nodes, one caller", "/s", ">=", 20000)
line("start.many", "start_fsm on three nodes, 50 callers", "/s", ">=", 120000)
line("seen.caller", "  in the caller's view when it returns", "%", "=", 100)
line("seen.median", "  in the views of the others, median", "us", "<", 500)
line("seen.late", "  in the views of the others, p99", "us", "<", 2000)
line("remote.one", "transitions of a remote FSM, one caller", "/s", ">=", 17400)
line("remote.many", "transitions of a remote FSM, 50 callers", "/s", ">=", 217000)
line("here", "transitions by the cluster, FSM is here", "/s", ">=", 1e6)
line("race.twice", "names running twice, of 500 raced for", "", "=", 0)
line("death.noticed", "kill -9 of a node noticed", "ms", "<", 100)
line("death.waiting", "  call that waits then, answered", "ms", "<", 200)
line("death.after", "  call after that, answered", "ms", "<", 5)

section = "Placement and partitions"
line("place.agreed", "owner agreed by all nodes", "%", "=", 100)
line("place.moved", "names that move when a fourth node joins", "%", "~", 25, 2)
line("place.ring", "  the same on the managed ring", "%", "~", 25, 5)
line("heal.time", "healed partition, all right after", "s", "<", 5)
line("heal.twice", "  names that still run twice", "", "=", 0)
line("heal.views", "  names that the views disagree on", "", "=", 0)

section = "The registry"
line("row.claim", "a row claimed", "ns")
line("row.find", "a row looked up, at random", "ns")
line("row.learn", "a row carried to another registry", "ns")
line("row.changed", "10 changed rows carried", "us")
line("row.memory", "a row without its name", "B", "<", 96)
line("row.down", "1M rows withdrawn: their owner died", "ms")
line("ring", "look-ups on a ring of 1,000 nodes", "/s")
for _, rows in ipairs { "1k", "10k", "100k", "1M" } do
  if rows == "10k" then
    line("learn.10k", "a new node learns 10k rows", "ms", "<", 200)
  else
    line("learn." .. rows, ("a new node learns %s rows"):format(rows), "ms")
  end
  line("stall." .. rows, "  longest stall of its Lua meanwhile", "ms", "<", 20)
  line("wrong." .. rows, "  rows wrong in its view", "", "=", 0)
  line("synch." .. rows, ("synch in sync, %s rows"):format(rows), "ms", "<", 5)
  line("behind." .. rows, "  with 10 rows missing", "ms")
end
line("resident.1M", "memory of a row without its name", "B", "<", 96)
line("heard.1M", "a new node learns 1M rows, monitored", "ms")
line("stall.heard", "  longest stall of its Lua meanwhile", "ms", "<", 20)

section = "Membership"
line("packet.ping", "pings decoded", "/s", ">=", 1e6)
line("packet.sealed", "  sealed", "/s")
line("packet.alive", "  messages, 12 a datagram", "/s")
line("packet.packed", "  messages, 12 a datagram, compressed", "/s")
line("idle.cpu", "CPU of an idle node among 10", "ms/s", "<=", 0.75)

return lines
