-- SPDX-License-Identifier: MIT
--- Why a target is missed: a sentence for each line of lines.lua, by its key, from a
--- profile (instructions: `valgrind --tool=callgrind`). It is printed only in a run that
--- misses.
local step = "of 401 ns a step, the payload's copy and check take 121 and the callbacks 54; the "
  .. "rest, C that reaches Lua's values through its API, takes 226, where the bare step takes 165"

local function stall(ms)
  return ("%s ms when less ran on the machine: a loop that waits for a core stands still, too")
    :format(ms)
end

return {
  ["step.one"] = step,
  ["step.one.share"] = step,
  ["step.spread"] = "each event waits for 20,000 others: what it needs has left the cache",
  ["million.share"] = step .. "; and both wait for memory",
  ["step.timed.share"] = "a timer, set anew by each transition, adds 4,700 instructions to the "
    .. "6,100 of a step, nearly all of them Lua's",
  ["start"] = "of 29,100 instructions a start, 8,500 are the step into the first state, 3,500 the "
    .. "text of the ref, 3,000 the FSM's tables, 2,250 the ready queue, 1,400 the payload's copy",
  ["state.full"] = "of 16,200 instructions, 3,300 make the history's tables, 2,600 the payload's "
    .. "copy, 2,400 find the FSM, the rest makes and collects a table of twelve fields",
  ["tick"] = "of 9,300 instructions, 1,600 are the timer in C, 1,800 its job's way into the "
    .. "ready queue, the rest Lua's: a turn, a guarded callback, the timer started anew",
  ["idle.resident"] = "357 B are its own, 30 B the allocator's rounding, 60 B garbage of the "
    .. "starts, collected since; with a collection every 2,000 starts it is 386 B",
  ["idle.cpu"] = "a node wakes ten times a second, five of them for gossip, and each time finds a "
    .. "core that slept: some 70 us a time",
  ["arm.stall"] = stall(13.7),
  ["fire.stall"] = stall(4.7),
  ["stall.1M"] = stall(7.1),
  ["stall.heard"] = stall(14.4),
  ["start.one"] = "two starts of three are a round trip, which waits for a core of the other "
    .. "node's: 64 us when it sleeps, longer when others have it, 14 us when it is the caller's",
  ["start.many"] = "a start takes 6.1 us of CPU on the caller and 3.4 us on each other node, "
    .. "most of it Lua's, and three nodes share two cores: idle ones bear 155 k/s",
  ["remote.one"] = "a message has to wake a core that sleeps: between two cores a bare echo over "
    .. "TCP does 15.6 k/s as well, on one core a transition does 42 k/s",
  ["remote.many"] = "a transition takes 2.5 us of CPU on the caller and 1.9 us on the owner: it "
    .. "needs both cores, and this run had less",
  ["seen.late"] = "279 us when less ran on the machine: a node that waits for a core learns late",
}
