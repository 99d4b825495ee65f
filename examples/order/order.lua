-- SPDX-License-Identifier: MIT
--- An order: created, paid, shipped, then delivered; or cancelled.
--- A payment may be refused, and an order that nobody pays is reminded by its
--- timer and, when no reminders are left, cancels itself.
local finitomata = require "finitomata"

local order = finitomata.define {
  name = "order",
  fsm = [[
    created --> |pay| paid
    created --> |cancel| cancelled
    paid --> |ship| shipped
    paid --> |cancel| cancelled
    shipped --> |deliver| delivered
  ]],
  auto_terminate = true, -- a delivered or cancelled order ends by itself
  timer = 500, -- ms
}

function order.on_start(payload)
  payload.paid = 0
  payload.reminders = payload.reminders or 30
  return payload
end

function order.on_transition(_, event, event_payload, payload)
  if event ~= "pay" then return end -- the diagram decides
  if event_payload < payload.price then return nil, "declined" end
  payload.paid = event_payload
  return "paid", payload
end

function order.on_timer(state, fsm)
  if state ~= "created" then return { stop = true } end -- paid: no more reminders
  local payload = fsm.payload
  payload.reminders = payload.reminders - 1
  if payload.reminders == 0 then return { payload = payload, send = "cancel" } end
  return { payload = payload }
end

return order
