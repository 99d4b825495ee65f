-- SPDX-License-Identifier: MIT
--- What happens while one types: members that come and go, lines of the log.
local log = require "finitomata.log"
local node = require "infinitomata.node"
local printer = require "infinitomata.console.printer"

local M = {}

---@type table<table, fun(text: string)> who wants log lines
local listeners = {}
local elsewhere -- where log lines went before
local instead = 0 -- listeners for whom standard error is not a place to write to

local function on_log(level, message)
  local text = ("%s: %s"):format(level, message):gsub("[^\n\t]+", printer.visible)
  for _, fn in pairs(listeners) do fn(text) end
  if instead == 0 and elsewhere then elsewhere(level, message) end
end

local WORDS = {
  join = "has joined",
  suspect = "is suspected",
  alive = "is back",
  fail = "has failed",
  leave = "has left",
  conflict = "is in conflict with another of its name",
}

local function on_member(fn)
  return node.on_member(function(what, member)
    local words = WORDS[what]
    local me = node.self()
    if words and not (me and me.name == member.name) then
      fn(printer.visible(("-- %s %s (%s)"):format(member.name, words, member.address)))
    end
  end)
end

---Calls `fn(text)` for each line until the handle is cancelled.
---@param fn fun(text: string)
---@param options { instead: boolean?, members: boolean? } instead: log lines go
---  nowhere else; members: news of the cluster's nodes as well
---@return { cancel: fun(self) }
function M.listen(fn, options)
  local key = {}
  if next(listeners) == nil then elsewhere = log.set_sink(on_log) end
  listeners[key] = fn
  if options.instead then instead = instead + 1 end
  local members = options.members and on_member(fn)
  return {
    cancel = function()
      if not listeners[key] then return end
      listeners[key] = nil
      if options.instead then instead = instead - 1 end
      if members then members:cancel() end
      if next(listeners) == nil then log.set_sink(elsewhere) end
    end,
  }
end

return M
