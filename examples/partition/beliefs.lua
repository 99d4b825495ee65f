-- SPDX-License-Identifier: MIT
--- What this node believes: who is there, where the ledger is, what is in it.
local infinitomata = require "infinitomata"

local IMPATIENT <const> = { attempts = 2, rpc_timeout = 500 }

---@param name string of the ledger
---@return string
return function(name)
  local nodes = infinitomata.node.nodes()
  nodes[#nodes + 1] = infinitomata.node.self().name
  table.sort(nodes)
  local members = "sees " .. table.concat(nodes, " ")
  local row = infinitomata.all()[name]
  if not row then return ("%s; %s is nowhere"):format(members, name) end
  local payload, err = infinitomata.state(name, "payload", IMPATIENT)
  local lines = payload and table.concat(payload.lines, ", ") or tostring(err)
  return ("%s; %s is on %s: %s"):format(members, name, row.node, lines)
end
