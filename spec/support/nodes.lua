-- SPDX-License-Identifier: MIT
--- Real nodes for the specs: processes of the program, started, awaited,
--- killed by their process id.
local finitomata = require "finitomata"

local M = {}

local PROGRAM = os.getenv "INFINITOMATA" or "build/bin/infinitomata"
local APP = "spec/support/app"
package.path = package.path .. ";" .. APP .. "/?.lua"

---@class spec.Node
---@field name string
---@field pid string
---@field address string
---@field log string
local Node = {}
Node.__index = Node

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

---Waits, with the loop running, until `holds()` gives something true.
---@param what string
---@param holds fun(): any
---@param ms? integer
function M.eventually(what, holds, ms)
  local waited = 0
  repeat
    local result = holds()
    if result then return result end
    finitomata.sleep(10)
    waited = waited + 10
  until waited > (ms or 15000)
  error("waited in vain for: " .. what, 2)
end

local function alive(pid)
  return os.execute("kill -0 " .. pid .. " 2>/dev/null") == true
end

---Starts a node and waits until it serves.
---@param name string
---@param seed? string the address to join
---@param options? string more of `run`'s options
---@param app? string a script of support/app, and its arguments
---@return spec.Node
function M.start(name, seed, options, app)
  local log = os.tmpname()
  local join = seed and ("--join " .. seed) or ""
  local command = ("%s run --name %s --bind 127.0.0.1:0 %s %s %s/%s >%s 2>&1 & echo $!")
    :format(PROGRAM, name, join, options or "", APP, app or "member.lua", log)
  local pipe = assert(io.popen(command))
  local node = setmetatable({ name = name, pid = pipe:read "l", log = log }, Node)
  pipe:close()
  M.eventually("node " .. name .. " to serve", function()
    node.address = read(log):match "READY (%S+)"
    if not node.address and not alive(node.pid) then error(read(log), 0) end
    return node.address
  end)
  return node
end

---@param signal string "KILL", "TERM", ...
function Node:kill(signal)
  os.execute(("kill -%s %s 2>/dev/null"):format(signal, self.pid))
end

---What the node has printed and logged, from where the pattern matches.
---@param pattern string
---@return string?
function Node:says(pattern)
  return read(self.log):match(pattern)
end

function Node:gone()
  return not alive(self.pid)
end

---What it has written so far.
---@return string
function Node:text()
  return read(self.log)
end

---Ends the node whatever it does, and forgets its log.
function Node:stop()
  self:kill "KILL"
  os.remove(self.log)
end

return M
