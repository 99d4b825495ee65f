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
---@param ended? fun() called when it has left, or has had its time
function M.install(node, stopping, ended)
  local exit, leaving = os.exit, false
  local function leave(finish)
    leaving = true
    if stopping then stopping() end
    clocks.real():start(M.LEAVE_MS, finish)
    pcall(node.leave)
  end
  rawset(os, "exit", function(...)
    local arguments = table.pack(...)
    local function finish()
      if ended then ended() end
      exit(table.unpack(arguments, 1, arguments.n))
    end
    local _, main = coroutine.running()
    if not leaving and node.self() and (main or coroutine.isyieldable()) then leave(finish) end
    finish()
  end)
end

return M
