-- SPDX-License-Identifier: MIT
--- The idea: a callback decides where an event leads, or refuses it with a reason.
local finitomata = require "finitomata"

local turnstile = finitomata.define {
  name = "turnstile",
  fsm = [[
    ready --> |on!| closed
    opened --> |walk_in| closed
    closed --> |coin_in| opened
    closed --> |switch_off| switched_off
  ]],
  auto_terminate = true, -- `switched_off` is the end
}

function turnstile.on_transition(_, event, event_payload, payload)
  if event == "walk_in" then
    payload.passengers = payload.passengers + 1
    return "closed", payload
  end
  if event == "coin_in" then
    if event_payload < 1 then return nil, "too little" end -- stays `closed`
    return "opened"
  end
end -- nothing returned: the diagram decides

local branch = finitomata.start_link("turnstile", { clock = finitomata.virtual_clock() })
assert(branch:start_fsm("gate", turnstile, { passengers = 0 }))
print("at first", branch:state("gate", "state")) --> at first	closed

local state, err = branch:call("gate", "coin_in", 0.5)
print(state, err.reason) --> nil	too little

print((branch:call("gate", "coin_in", 1))) --> opened
print(branch:call("gate", "walk_in")) --> closed	table
print("passengers", branch:state("gate", "payload").passengers) --> passengers	1

print(select(2, branch:call("gate", "walk_in")).code) --> not_responding
print((branch:call("gate", "switch_off"))) --> *
print("alive", branch:alive("gate")) --> alive	false
