-- SPDX-License-Identifier: MIT
--- `infinitomata fsms`: the FSMs of a branch, wherever they live, as a running
--- node sees them.
local ask = require "infinitomata.cli.ask"

local M = {}

function M.describe(parser)
  parser:argument("pattern", "Only names like this: * is anything, ? one character."):args("?")
  ask.describe(parser, true)
  parser:flag("--count", "Only how many there are.")
  parser:flag("--names", "Only their names, each on a line.")
end

function M.run(options, terminal)
  local what = options.count and "count" or "fsms"
  local found, err = ask.node(options, what, options.id, options.pattern)
  if not found then return nil, err end
  if options.count then
    terminal:say(tostring(found))
    return nil
  end
  if options.json then return terminal:json((require "infinitomata.json").array(found)) end
  if options.names then
    for _, row in ipairs(found) do terminal:say(terminal.plain(row.name)) end
    return nil
  end
  local rows = { { "NAME", "IMPLEMENTATION", "NODE" } }
  for i, row in ipairs(found) do
    rows[i + 1] = { terminal.plain(row.name), row.implementation or "-", row.node or "-" }
  end
  terminal:columns(rows)
end

return M
