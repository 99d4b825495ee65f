-- SPDX-License-Identifier: MIT
--- `os.exit` for the scripts of a node: it says goodbye to the cluster first, so
--- that the others need not find out that the node is gone.
local clocks = require "finitomata.clock"

local M = {}

---How long leaving may take, milliseconds.
M.LEAVE_MS = 10000

---Puts it in the place of the one that scripts have.
---@param node table infinitomata.node
---@param stopping? fun() called once, before the node leaves
function M.install(node, stopping)
  local exit, leaving = os.exit, false
  rawset(os, "exit", function(...)
    local _, main = coroutine.running()
    if not leaving and node.self() and (main or coroutine.isyieldable()) then
      leaving = true
      if stopping then stopping() end
      local arguments = table.pack(...)
      clocks.real():start(M.LEAVE_MS, function()
        exit(table.unpack(arguments, 1, arguments.n))
      end)
      pcall(node.leave)
    end
    exit(...)
  end)
end

return M
