-- SPDX-License-Identifier: MIT
--- What the program's subcommands ask a running node, and its answers: one line
--- of JSON each, {"value": ...} or {"error": {"code": ..., "message": ...}}.
local Error = require "finitomata.error"
local branches = require "infinitomata.branches"
local json = require "infinitomata.json"
local nearest = require "infinitomata.nearest"
local node = require "infinitomata.node"

local M = {}

---@param id? string the default one when absent
---@return infinitomata.Branch?
---@return finitomata.Error? err "no_branch"
local function branch_of(id)
  if not id then return branches.default() end
  local branch = branches.get(id)
  if branch then return branch end
  return Error.fail("no_branch", ("no branch '%s' runs on this node%s"):format(id,
    nearest.suggestion(id, branches.ids())))
end

local function by_name(a, b)
  return a.name < b.name
end

---A text as a pattern: `*` is any run of bytes, `?` any byte.
local function matcher(pattern)
  if not pattern then return function() return true end end
  local lua = pattern:gsub("[%^%$%(%)%%%.%[%]%+%-]", "%%%0"):gsub("%*", ".*"):gsub("%?", ".")
  return function(name) return name:find("^" .. lua .. "$") ~= nil end
end

---A member's tags, and apart from them the branches that it runs: those are tags
---with a plus before the name.
local function told_by(member)
  local tags, ids = {}, json.array {}
  for key, value in pairs(member.tags or {}) do
    local id = key:match("^%+(.+)$")
    if id then ids[#ids + 1] = id else tags[key] = value end
  end
  table.sort(ids)
  return tags, ids
end

---What can be asked, by name.
---@type table<string, fun(...: any): any, finitomata.Error?>
local ASK = {}

function ASK.members()
  local me, rows = node.self(), json.array {}
  if not me then return Error.fail("no_node", "this process runs no node") end
  for _, member in ipairs(node.members()) do
    local tags, ids = told_by(member)
    rows[#rows + 1] = {
      name = member.name,
      state = member.state,
      address = member.address,
      rpc = member.rpc,
      incarnation = member.incarnation,
      health = member.health,
      path = member.path,
      tags = tags,
      branches = ids,
      self = member.name == me.name,
    }
  end
  table.sort(rows, by_name)
  return rows
end

function ASK.fsms(id, pattern)
  local branch, err = branch_of(id)
  if not branch then return nil, err end
  local fits, names, known = matcher(pattern), {}, branch:all()
  for name in pairs(known) do
    if fits(name) then names[#names + 1] = name end
  end
  table.sort(names)
  local rows = json.array {}
  for i, name in ipairs(names) do
    local row = known[name]
    rows[i] = { name = name, implementation = row.implementation, node = row.node, ref = row.ref }
  end
  return rows
end

function ASK.count(id, pattern)
  local branch, err = branch_of(id)
  if not branch then return nil, err end
  if not pattern then return branch:count() end
  local fits, count = matcher(pattern), 0
  for name in pairs(branch:all()) do
    if fits(name) then count = count + 1 end
  end
  return count
end

function ASK.state(id, name)
  local branch, err = branch_of(id)
  if not branch then return nil, err end
  local full
  full, err = branch:state(name)
  if full == nil then return nil, err end
  full.history = json.array(full.history or {})
  return full
end

---@param wait boolean until the transition is done, not only accepted
---@param payload? string JSON
function ASK.send(id, name, event, wait, payload)
  local branch, err = branch_of(id)
  if not branch then return nil, err end
  local value
  if payload then
    value, err = json.decode(payload)
    if err then return nil, err end
  end
  if not wait then
    local ok
    ok, err = branch:transition(name, event, value)
    if not ok then return nil, err end
    return { accepted = true }
  end
  local state, after = branch:call(name, event, value)
  if state == nil then return nil, after end
  return { state = state, payload = after }
end

---@param err any
local function failure(err)
  local plain = { code = "failed", message = Error.text(err) }
  if type(err) == "table" then
    for _, field in ipairs { "code", "stage", "reason", "state", "event", "node" } do
      plain[field] = err[field] ~= nil and err[field] or plain[field]
    end
  end
  if not json.encode(plain.reason) then plain.reason = Error.text(plain.reason) end
  return { error = plain }
end

---@async
---@param what string a name of ASK
---@param ... any
---@return string text one line of JSON
function M.answer(what, ...)
  local ask = ASK[what]
  if not ask then
    return json.encode(failure(Error.new("unknown", ("this node cannot answer '%s'"):format(what))))
  end
  local value, err = ask(...)
  if value == nil then return (json.encode(failure(err))) end
  local text, problem = json.encode { value = value }
  if text then return text end
  return (json.encode(failure(problem)))
end

return M
