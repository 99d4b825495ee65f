-- SPDX-License-Identifier: MIT
--- `infinitomata send`: an event to an FSM, wherever it lives.
local ask = require "infinitomata.cli.ask"
local cli = require "infinitomata.cli"
local json = require "infinitomata.json"

local M = {}

function M.describe(parser)
  parser:epilog("Waits until the transition is done and prints the state that it led to; a\n"
    .. "refusal is exit status 1 with the reason on standard error. Numbers in JSON stay\n"
    .. "what they are: 1 is an integer, 1.0 a float.")
  parser:argument("name", "Of the FSM.")
  parser:argument("event", "What to send.")
  parser:argument("payload", "The event's payload, JSON."):args("?"):argname("<json>")
  parser:flag("--no-wait", "Only until the event is accepted.")
  ask.describe(parser, true)
end

function M.run(options, terminal)
  if options.payload then
    local _, err = json.decode(options.payload)
    if err then return cli.usage_error("the payload is %s", err.message) end
  end
  local result, err = ask.node(options, "send", options.id, options.name, options.event,
    not options.no_wait, options.payload)
  if not result then return nil, err end
  if options.json then return terminal:json(result) end
  if result.accepted then return nil end
  local printer = require "infinitomata.console.printer"
  terminal:say(("%s  %s"):format(terminal:paint("bold", result.state),
    printer.format(result.payload, { width = 70 })))
end

return M
