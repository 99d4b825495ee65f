-- SPDX-License-Identifier: MIT
--- `infinitomata state`: where an FSM is, and what it has.
local ask = require "infinitomata.cli.ask"

local M = {}

local WHAT <const> = { "full", "state", "payload" }

function M.describe(parser)
  parser:argument("name", "Of the FSM.")
  parser:option("--what", "How much of it.", "full"):choices(WHAT)
  ask.describe(parser, true)
end

---The states that it has left, the newest first.
local function history_text(history)
  local words = {}
  for i, entry in ipairs(history) do
    words[i] = entry.state .. (entry.n > 1 and (" (%d times)"):format(entry.n) or "")
  end
  return table.concat(words, ", ")
end

local function show(terminal, full, shown)
  local rows = { { "name", full.name }, { "state", terminal:paint("bold", full.current) },
    { "payload", shown(full.payload) }, { "history", history_text(full.history or {}) },
    { "node", full.node } }
  if full.lifecycle ~= "created" then rows[#rows + 1] = { "lifecycle", full.lifecycle } end
  if full.timer then rows[#rows + 1] = { "timer", ("%s ms"):format(full.timer) } end
  if full.last_error then
    rows[#rows + 1] = { "error", terminal:paint("red", terminal.plain(full.last_error.message)) }
  end
  for _, row in ipairs(rows) do
    terminal:say(("%-10s%s"):format(row[1], tostring(row[2]):gsub("\n", "\n" .. (" "):rep(10))))
  end
end

function M.run(options, terminal)
  local full, err = ask.node(options, "state", options.id, options.name)
  if not full then return nil, err end
  local value = full
  if options.what == "state" then value = full.current end
  if options.what == "payload" then value = full.payload end
  if options.json then return terminal:json(value) end
  local printer = require "infinitomata.console.printer"
  local function shown(payload) return printer.format(payload, { width = 70 }) end
  if options.what == "state" then
    terminal:say(value)
  elseif options.what == "payload" then
    terminal:say(shown(value))
  else
    show(terminal, full, shown)
  end
end

return M
