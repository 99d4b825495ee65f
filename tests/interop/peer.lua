-- SPDX-License-Identifier: MIT
-- A node of ours for the interoperability test. It takes commands from lines
-- appended to DIR/commands and keeps what it sees in DIR/members (now) and
-- DIR/events (all).
--
--   peer.lua DIR NAME BIND [KEY]
--
-- Commands: join HOST:PORT | tag KEY VALUE | event NAME PAYLOAD | compute MS |
-- block SECONDS | leave | stop

local core = require("infinitomata.core")

local dir, name, bind, key = arg[1], arg[2], arg[3], arg[4]
local node
local running = true

local function append(file, ...)
  local out = assert(io.open(dir .. "/" .. file, "a"))
  out:write(table.concat({ ... }, " "), "\n")
  out:close()
end

local function on_event(kind, ...)
  if kind == "member" then
    local member, what = ...
    append("events", "member", member.name, what)
    append("times", core.wall(), member.name, what)
  elseif kind == "user" then
    append("events", "user", ...)
  elseif kind == "log" then
    append("log", tostring((...)), tostring((select(2, ...))))
  end
end

local function tag_text(tags)
  local list = {}
  for tag, value in pairs(tags) do
    list[#list + 1] = tag .. "=" .. value
  end
  table.sort(list)
  return table.concat(list, ",")
end

local function show_members()
  local out = assert(io.open(dir .. "/members.new", "w"))
  for _, member in ipairs(node:members()) do
    out:write(("%s %s %s %s\n"):format(member.name, member.state, member.address,
      tag_text(member.tags)))
  end
  out:close()
  os.rename(dir .. "/members.new", dir .. "/members")
end

local commands = {
  join = function(address) node:join("join", { address }) end,
  tag = function(tag, value) node:set_tag(tag, value) end,
  event = function(event, payload) node:user_event(event, payload) end,
  compute = function(ms) -- a handler that does not come to an end
    local finish = core.now() + tonumber(ms)
    while core.now() < finish do
    end
    append("events", "computed")
  end,
  block = function(seconds) -- one that waits within C
    os.execute("sleep " .. seconds)
    append("events", "blocked")
  end,
  leave = function() node:leave("leave") end,
  stop = function() running = false end,
}

local commands_read = 0

local function obey()
  local file = io.open(dir .. "/commands")
  if not file then return end
  file:seek("set", commands_read)
  for line in file:lines() do
    local words = {}
    for word in line:gmatch("%S+") do
      words[#words + 1] = word
    end
    commands[words[1]](words[2], words[3])
  end
  commands_read = file:seek()
  file:close()
end

local function look()
  obey()
  if not running then return end
  show_members()
  core.timer_start(50, look)
end

core.on_wake(function(waiter, ...) append("events", "done", waiter, tostring((...))) end)
core.on_error(function(message) append("events", "error", message) end)
node = assert(core.node_start({
  name = name,
  bind = bind,
  key = key,
  profile = "local",
  tags = { role = "interop" },
  on_event = on_event,
  on_request = function() end,
}))
look()
while running do
  core.step("once")
end
node:close()
os.exit(0, true)
