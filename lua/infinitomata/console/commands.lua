-- SPDX-License-Identifier: MIT
--- Commands with a dot, for people in a hurry. Each gets the session and the
--- words after its name, and returns a text to show, or nil and what is wrong.
local branches = require "infinitomata.branches"
local cluster = require "infinitomata.cluster"
local cluster_info = require "infinitomata.cluster_info"
local cursors = require "infinitomata.console.cursor"
local diagram = require "infinitomata.console.diagram"
local errors = require "finitomata.error"
local log = require "finitomata.log"
local nearest = require "infinitomata.nearest"
local node = require "infinitomata.node"
local printer = require "infinitomata.console.printer"
local ring = require "infinitomata.ring"
local watch = require "infinitomata.console.watch"

local M = {}

local ROWS_MAX <const> = 200
local COMPARED_MAX <const> = 2000
local COPIES <const> = 3

---@class infinitomata.console.Command
---@field usage string        its arguments, for people
---@field help string         one line
---@field arguments? string[] what they name, for completion
---@field needs integer       how many must be there
---@field run fun(session: infinitomata.console.Session, ...: string): string?, any

---@type table<string, infinitomata.console.Command>
M.list = {}

local function command(name, usage, help, needs, arguments, run)
  M.list[name] = { usage = usage, help = help, needs = needs, arguments = arguments, run = run }
end

local function sorted_keys(map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  return keys
end

local function usage_of(name)
  local usage = M.list[name].usage
  return "." .. name .. (usage ~= "" and " " .. usage or "")
end

command("help", "[COMMAND]", "this list, or what one of them does", 0, { "command" },
  function(_, wanted)
    local rows = {}
    local name = wanted and wanted:gsub("^%.", "")
    for _, each in ipairs(sorted_keys(M.list)) do
      if not name or each == name then rows[#rows + 1] = { usage_of(each), M.list[each].help } end
    end
    if #rows == 0 then return nil, ("there is no command .%s"):format(name) end
    return printer.columns(rows)
  end)

command("members", "", "the nodes of the cluster, as this one sees them", 0, nil, function()
  local me = node.self()
  if not me then return "this process runs no node" end
  local rows, members = { { "NAME", "STATE", "ADDRESS", "" } }, node.members()
  table.sort(members, function(a, b) return a.name < b.name end)
  for _, member in ipairs(members) do
    local here = member.name == me.name and "this node" or ""
    rows[#rows + 1] = { member.name, member.state, member.address, here }
  end
  return printer.columns(rows)
end)

---A text as a pattern: `*` is any run of bytes; without one a part is enough.
local function matcher(pattern)
  if not pattern then return function() return true end end
  if not pattern:find("*", 1, true) then
    return function(name) return name:find(pattern, 1, true) ~= nil end
  end
  local lua = "^" .. pattern:gsub("[%^%$%(%)%%%.%[%]%+%-%?]", "%%%0"):gsub("%*", ".*") .. "$"
  return function(name) return name:find(lua) ~= nil end
end

command("fsms", "[PATTERN]", "the FSMs of the branch; * stands for anything", 0, { "fsm" },
  function(session, pattern)
    local fits, all, names = matcher(pattern), session:branch():all(), {}
    for _, name in ipairs(sorted_keys(all)) do
      if fits(tostring(name)) then names[#names + 1] = name end
    end
    if #names == 0 then return pattern and "no FSM fits" or "no FSM runs in this branch" end
    local rows = { { "NAME", "IMPLEMENTATION", "NODE" } }
    for index = 1, math.min(#names, ROWS_MAX) do
      local row = all[names[index]]
      rows[#rows + 1] = { tostring(names[index]), row.implementation or "-", row.node or "-" }
    end
    local text = printer.columns(rows)
    if #names <= ROWS_MAX then return text end
    return ("%s\n... %d more"):format(text, #names - ROWS_MAX)
  end)

---Whether the branch has such an FSM, as far as this node knows: asking the cluster
---for one that is not there takes its time.
---@return boolean? ok
---@return string? problem
local function known(session, name)
  local branch, names = session:branch(), {}
  if branch:row(name) then return true end
  -- To list a million, and compare with them, takes its time.
  for each in pairs(branch:count() <= COMPARED_MAX and branch:all() or {}) do
    names[#names + 1] = tostring(each)
  end
  local suggestion = nearest.suggestion(name, names)
  return nil, ("no FSM is called %q%s"):format(name,
    suggestion ~= "" and suggestion or "; .fsms lists those that run")
end

command("state", "NAME", "the state, the payload and the past of an FSM", 1, { "fsm" },
  function(session, name)
    local ok, problem = known(session, name)
    if not ok then return nil, problem end
    local full, err = session:branch():state(name)
    if full == nil then return nil, err end
    return printer.format(full, { width = session:width() })
  end)

---The payload of `.send`: an expression of Lua.
local function payload_of(session, text)
  if text == "" then return true, nil end
  local chunk, problem = load("return " .. text, "=payload", "t", session.env)
  if not chunk then return false, problem end
  return pcall(chunk)
end

---The definition that an FSM runs, or that a module is.
local function definition_of(session, name)
  local row = session:branch():row(name)
  local module = row and row.implementation or name
  local ok, definition = pcall(require, module)
  if not ok then
    local missing = tostring(definition):find("module '" .. module .. "' not found", 1, true)
    local text = row and "its implementation `%s` cannot be loaded here%s"
      or missing and "no FSM and no module is called `%s`%s"
      or "the module `%s` cannot be loaded%s"
    local why = missing and "" or ": " .. errors.text(definition)
    return nil, errors.new("unknown_implementation", text:format(module, why))
  end
  if type(definition) ~= "table" or type(definition.transitions) ~= "table" then
    local text = "the module `%s` is no definition"
    return nil, errors.new("unknown_implementation", text:format(module))
  end
  return definition, row ~= nil
end

---What an FSM would answer now; nothing when its definition is not here.
local function answers(session, name)
  local definition, running = definition_of(session, name)
  local state = definition and running and session:branch():state(name, "state")
  local events, seen = {}, {}
  for _, edge in ipairs(state and definition.transitions or {}) do
    if edge.from == state and not edge.event:find "^__" and not seen[edge.event] then
      seen[edge.event] = true
      events[#events + 1] = edge.event
    end
  end
  if #events == 0 then return "" end
  return ("; `%s` answers %s"):format(state, table.concat(events, ", "))
end

command("send", "NAME EVENT [PAYLOAD]", "sends an event, shows where it led; the payload is Lua",
  1, { "fsm", "event" }, function(session, name, event, text)
    local there, problem = known(session, name)
    if not there then return nil, problem end
    if not event then return nil, "usage: " .. usage_of "send" .. answers(session, name) end
    local ok, payload = payload_of(session, text or "")
    if not ok then return nil, payload end
    local state, after = session:branch():call(name, event, payload)
    if state == nil then
      local unknown = type(after) == "table" and after.code == "not_responding"
      return nil, unknown and tostring(after) .. answers(session, name) or after
    end
    return ("%s  %s"):format(state, printer.format(after, { width = session:width() }))
  end)

command("draw", "NAME", "the diagram of an FSM, its state marked, or of a module", 1, { "drawing" },
  function(session, name)
    local definition, running = definition_of(session, name)
    if not definition then return nil, running end
    local current, err
    if running then
      current, err = session:branch():state(name, "state")
      if current == nil then return nil, err end
    end
    return diagram.draw(definition.transitions, current, session:style())
  end)

command("watch", "[NAME]", "shows transitions as they happen; the same again ends it", 0, { "fsm" },
  function(session, name)
    if not name then
      local names = sorted_keys(session.watches)
      return #names > 0 and "watching " .. table.concat(names, ", ") or "nothing is watched"
    end
    if session.watches[name] then
      session.watches[name]:cancel()
      session.watches[name] = nil
      return ("%s is not watched any more"):format(name)
    end
    local there, problem = known(session, name)
    if not there then return nil, problem end
    local handle, err = watch.start(session:branch(), name, function(text, over)
      session:notify(printer.visible(text))
      if over then session.watches[name] = nil end
    end)
    if not handle then return nil, err end
    session.watches[name] = handle
    return handle.text
  end)

command("ring", "NAME", "which nodes a name belongs to", 1, { "fsm" }, function(session, name)
  local branch = session:branch()
  local row = branch:row(name)
  local rows = { { "runs on", row and row.node or "no node" } }
  if not node.self() then return printer.columns(rows) .. "\nthis process runs no node" end
  local target, err = cluster_info.whois(branch.id, name)
  rows[#rows + 1] = { "starts on", target or tostring(err) }
  rows[#rows + 1] = { "home", cluster.node():place(branch.id, name) or "-" }
  local ok, nodes = pcall(function() return ring.managed():key_to_nodes(name, COPIES) end)
  if ok and nodes then rows[#rows + 1] = { "on the ring", table.concat(nodes, ", ") } end
  return printer.columns(rows)
end)

command("synch", "", "reconciles this node's view of the branch with the others'", 0, nil,
  function(session)
    local ok, err = session:branch():synch()
    if not ok then return nil, err end
    return ("in step: %d FSMs"):format(session:branch():count())
  end)

command("log", "[LEVEL]", "from which level on log lines are shown", 0, { "level" },
  function(_, level)
    if not level then
      local current = log.set_level("warning")
      log.set_level(current)
      return current
    end
    if pcall(log.set_level, level) then return "" end
    return nil, "a level is one of debug, info, warning, error, off"
  end)

command("branch", "[ID]", "the branch that commands speak of, or another one", 0, { "branch" },
  function(session, id)
    if id and not branches.get(id) then
      local suggestion = nearest.suggestion(id, branches.ids())
      return nil, ("no branch %q runs here%s"):format(id, suggestion)
    end
    session.branch_id = id or session.branch_id
    local lines = {}
    for _, each in ipairs(branches.ids()) do
      local mark = each == session:branch().id and "=> " or "   "
      lines[#lines + 1] = ("%s%s  %d FSMs"):format(mark, each, branches.get(each):count())
    end
    return table.concat(lines, "\n")
  end)

command("quit", "", "leaves", 0, nil, function(session)
  session.quitting = true
  return ""
end)

---The words of a line; quotation marks keep blanks together, as in Lua.
---@param line string
---@return string[] words
---@return integer[] ends where each of them is over
function M.words(line)
  local words, ends, at = {}, {}, 1
  while true do
    at = line:find("%S", at)
    if not at then return words, ends end
    local word, after
    if line:find("^[\"']", at) then word, after = cursors.quoted(line, at) end
    if not word then word, after = line:match("^(%S+)()", at) end
    words[#words + 1], ends[#ends + 1] = word, after
    at = after
  end
end

---Runs a line that begins with a dot.
---@async
---@param session infinitomata.console.Session
---@param line string
---@return string? text
---@return any? problem
function M.run(session, line)
  local name, rest = line:match "^%s*%.(%a+)%s*(.-)%s*$"
  local entry = M.list[name]
  if not entry then
    local names = sorted_keys(M.list)
    local suggestion = nearest.word(name, names)
    local text = suggestion and ("; did you mean .%s?"):format(suggestion) or "; .help lists them"
    return nil, ("there is no command .%s%s"):format(name, text)
  end
  -- A payload is Lua, with its quotation marks: it is the rest of the line.
  local words, ends = M.words(rest)
  if name == "send" and words[3] then
    words = { words[1], words[2], rest:sub(ends[2]):match "^%s*(.*)$" }
  end
  if #words < entry.needs then return nil, "usage: " .. usage_of(name) end
  return entry.run(session, table.unpack(words))
end

return M
