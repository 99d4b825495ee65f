-- SPDX-License-Identifier: MIT
--- The branches that this process runs, by id, and the default one.
local Branch = require "infinitomata.branch"
local cluster = require "infinitomata.cluster"
local errors = require "finitomata.error"

local M = { DEFAULT = "default" }

---@type table<string, infinitomata.Branch>
local running = {}

local function forget(id)
  running[id] = nil
end

---Told of the branches that run, by id, when another one has been started.
---@type fun(running: table<string, infinitomata.Branch>)?
M.on_start = nil

---The branch of that id, started if need be.
---@async
---@param id? string
---@param options? table used only when the branch is new
---@return infinitomata.Branch?, finitomata.Error? err
function M.start(id, options)
  id = id or M.DEFAULT
  if running[id] then return running[id] end
  local branch, node = Branch.new(id, options, forget), cluster.node()
  if node then
    local ok, err = branch:announce(node)
    if not ok then return nil, err end
  end
  running[id] = branch
  if M.on_start then M.on_start(running) end
  if node then branch:synch() end
  return branch
end

---@return infinitomata.Branch
function M.default()
  return running[M.DEFAULT] or M.start()
end

---@return string[] sorted
function M.ids()
  local ids = {}
  for id in pairs(running) do ids[#ids + 1] = id end
  table.sort(ids)
  return ids
end

---@param id string
---@return infinitomata.Branch?
function M.get(id)
  return running[id]
end

cluster.serve(function(id, op, name, a, b, c, d)
  local branch = running[id]
  if branch then return branch:serve(op, name, a, b, c, d) end
  local here = cluster.name()
  local text = ("node %q does not run branch %q"):format(here, id)
  return nil, errors.new("no_such_branch", text, { branch = id, node = here })
end)

cluster.on("lost", function(id, name, ref, winner)
  local branch = running[id]
  if branch then branch:lose(name, ref, winner) end
end)

cluster.on("contest", function(id, name, last, older)
  local branch = running[id]
  if branch then branch:judge(name, last, older) end
end)

return M
