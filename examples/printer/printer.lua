-- SPDX-License-Identifier: MIT
--- The idea: a handler may wait, other FSMs go on meanwhile, and events that come
--- at the wrong time are put off until they can be taken.
local finitomata = require "finitomata"

local clock = finitomata.virtual_clock()
local branch = finitomata.start_link("printer", { clock = clock })

local printer = finitomata.define {
  name = "printer",
  fsm = [[
    [*] --> idle
    idle --> |print| printing
    printing --> |ready| idle
    idle --> |switch_off| off
  ]],
  postpone = { printing = { "print", "switch_off" } },
}

function printer.on_transition(state, event, job, payload)
  if state == "*" or event ~= "print" then return end
  return "printing", { job = job, done = payload.done }
end

printer.on_enter = {
  printing = function(_, fsm)
    local job = fsm.payload.job
    finitomata.sleep(job.pages * 1000) -- this printer waits, the others print
    print(("%s: %s after %d s"):format(fsm.name, job.title, clock:now() // 1000))
    branch:transition(fsm.name, "ready")
  end,
}

for _, name in ipairs { "left", "right" } do
  assert(branch:start_fsm(name, printer, { done = 0 }))
end
branch:transition("left", "print", { title = "a letter", pages = 2 })
branch:transition("left", "switch_off") -- when there is nothing left to print
branch:transition("right", "print", { title = "a novel", pages = 5 })
branch:transition("right", "print", { title = "a note", pages = 1 })
clock:advance(10000)
print("left", branch:state("left", "state"))
print("right", branch:state("right", "state"))
--> left: a letter after 2 s
--> right: a novel after 5 s
--> right: a note after 6 s
--> left	off
--> right	idle
