-- SPDX-License-Identifier: MIT
--- `infinitomata members`: who is in the cluster, as a running node sees it.
local ask = require "infinitomata.cli.ask"

local M = {}

local COLOURS <const> = { alive = "green", suspect = "yellow", dead = "red", left = "dim" }

function M.describe(parser)
  parser:option("--state", "Only members in this state; may be repeated."):count("*")
    :choices { "alive", "suspect", "dead", "left" }:argname("<state>")
  ask.describe(parser)
end

local function tags_text(tags)
  local parts = {}
  for key, value in pairs(tags) do parts[#parts + 1] = ("%s=%s"):format(key, value) end
  table.sort(parts)
  return table.concat(parts, ",")
end

local function chosen(members, states)
  if #states == 0 then return members end
  local wanted, rows = {}, {}
  for _, state in ipairs(states) do wanted[state] = true end
  for _, member in ipairs(members) do
    if wanted[member.state] then rows[#rows + 1] = member end
  end
  return rows
end

function M.run(options, terminal)
  local members, err = ask.node(options, "members")
  if not members then return nil, err end
  members = chosen(members, options.state)
  if options.json then
    return terminal:json((require "infinitomata.json").array(members))
  end
  local rows = { { "NAME", "STATE", "ADDRESS", "RPC", "BRANCHES", "TAGS" } }
  for i, member in ipairs(members) do
    rows[i + 1] = {
      terminal.plain(member.name) .. (member.self and " *" or ""),
      terminal:paint(COLOURS[member.state] or "bold", member.state),
      member.address or "-",
      member.rpc or "-",
      terminal.plain(table.concat(member.branches or {}, ",")),
      terminal.plain(tags_text(member.tags or {})),
    }
  end
  terminal:columns(rows)
end

return M
