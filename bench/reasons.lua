-- SPDX-License-Identifier: MIT
--- Why a target is missed: a sentence for each line of lines.lua, by its key, from a
--- profile. It is printed only in a run that misses.
local step = "of some 8,900 instructions a step, 1,200 are the callbacks, 1,800 the payload's copy "
  .. "and check, 1,600 the ready queue, 3,900 look-ups, mail, state and history"

return {
  ["step.one"] = step,
  ["step.one.share"] = step .. "; half of the bare step would be 6,200",
  ["step.spread"] = step .. "; and each FSM's tables come from memory, not the cache",
  ["million.share"] = step,
  ["step.timed.share"] = "a timer, set anew by each transition, adds 8,500 instructions to the "
    .. "8,900 of a step, nearly all of them Lua's",
  ["start.many"] = "a start takes 11.5 us of CPU on the caller and 8.7 us on each other node, "
    .. "most of it Lua's turns, and three nodes share two cores",
}
