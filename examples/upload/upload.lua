-- SPDX-License-Identifier: MIT
--- The idea: an event that must succeed is tried again, later and later.
local finitomata = require "finitomata"

local answers = { "busy", "busy", "stored" } -- what the server says, one after the other

local upload = finitomata.define {
  name = "upload",
  fsm = [[
    waiting --> |send!| stored
    stored --> |forget| forgotten
  ]],
  ensure_entry = { stored = { max = 5, delay = 100, factor = 2 } },
}

local clock = finitomata.virtual_clock()

function upload.on_transition(state, _, _, _, fsm)
  if state ~= "waiting" then return end
  local answer = table.remove(answers, 1)
  print(("attempt %d at %d ms: %s"):format(fsm.attempt, clock:now(), answer))
  if answer ~= "stored" then return nil, answer end
end

local branch = finitomata.start_link("upload", { clock = clock })
assert(branch:start_fsm("file", upload))
clock:advance(150)
print(branch:state("file", "state"), branch:state("file").last_error.reason)
clock:advance(1000)
print(branch:state("file", "state"), branch:state("file").last_error)
--> attempt 1 at 0 ms: busy
--> attempt 2 at 100 ms: busy
--> waiting	busy
--> attempt 3 at 300 ms: stored
--> stored	nil
