-- SPDX-License-Identifier: MIT
--- An FSM for the cluster's specs: it adds, refuses, fails, waits and tells.
local finitomata = require "finitomata"

local counter = finitomata.define {
  name = "counter",
  fsm = [[
    ready --> |go!| counting
    counting --> |add| counting
    counting --> |echo| counting
    counting --> |look| counting
    counting --> |boom| counting
    counting --> |nap| counting
    counting --> |myself| counting
    counting --> |launch| counting
    counting --> |listen| counting
    counting --> |keys| counting
    counting --> |finish| finished
  ]],
  auto_terminate = true,
}

function counter.on_start(payload)
  if payload == "refuse" then return nil, "not today" end
end

local on = {}

function on.add(number, payload)
  if number < 0 then return nil, "negative" end
  payload.sum = (payload.sum or 0) + number
  return "counting", payload
end

function on.echo(value, payload)
  payload.echo = value
  return "counting", payload
end

function on.look(_, payload)
  payload.count = require("infinitomata").count()
  return "counting", payload
end

function on.boom() error "boom" end

function on.nap(ms, payload)
  finitomata.sleep(ms)
  return "counting", payload
end

function on.myself(_, payload, fsm)
  local _, err = require("infinitomata").call(fsm.name, "add", 1)
  payload.code = err and err.code
  return "counting", payload
end

--- What this node knows of the tags of the member `name`, and what it heard.
local heard

function on.listen(name, payload)
  local node = require("infinitomata").node
  if not heard then
    heard = {}
    node.on_event(function(event, text) heard[event] = text end)
  end
  for _, member in ipairs(node.members()) do
    if member.name == name then payload.tags = member.tags end
  end
  payload.heard = heard
  return "counting", payload
end

function on.keys(_, payload)
  payload.keys = require("infinitomata").node.keys()
  return "counting", payload
end

--- Starts `names` at once, and counts what became of them.
function on.launch(names, payload)
  local infinitomata = require "infinitomata"
  local left = #names
  payload.outcome = {}
  for _, name in ipairs(names) do
    finitomata.spawn(function()
      local ref, err = infinitomata.start_fsm(name, "counter", {})
      local outcome = ref and "started" or err.code
      payload.outcome[outcome] = (payload.outcome[outcome] or 0) + 1
      left = left - 1
    end)
  end
  while left > 0 do finitomata.sleep(5) end
  return "counting", payload
end

function counter.on_transition(_, event, event_payload, payload, fsm)
  if on[event] then return on[event](event_payload, payload, fsm) end
end

return counter
