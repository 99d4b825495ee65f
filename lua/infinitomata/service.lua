-- SPDX-License-Identifier: MIT
--- A node as a service of the operating system. It tells the service manager
--- when it is ready, alive, reloading and stopping (sd_notify(3)); SIGHUP reads
--- the configuration and the definitions again, SIGUSR1 writes down how it is.
local branches = require "infinitomata.branches"
local clocks = require "finitomata.clock"
local log = require "finitomata.log"
local node = require "infinitomata.node"
local reload = require "infinitomata.reload"
local task = require "finitomata.task"
local trace = require "finitomata.trace"

local M = {}

local HANDLERS_MAX <const> = 20 -- shown with their tracebacks
local NAMES_MAX <const> = 10 -- of FSMs, in one line

---@class infinitomata.Service
---@field private _program table    what only the program offers
---@field private _socket string?   of the service manager
---@field private _every integer?   ms between signs of life
---@field private _timer any
---@field private _configure (fun(): string?)?
---@field private _watches table[]
---@field private _over boolean
local Service = {}
Service.__index = Service

---@param text string lines of KEY=value
function Service:notify(text)
  if not self._socket then return end
  local ok, why = self._program.sd_notify(self._socket, text)
  if not ok then log.warning("the service manager cannot be told: %s", why) end
end

---The id of this process, as far as Linux says.
local function own_pid()
  local file <close> = io.open("/proc/self/stat", "r")
  return file and file:read("n")
end

---Half of what the service manager allows, in ms, when it watches this process.
local function watchdog_interval(getenv)
  local usec = math.tointeger(tonumber(getenv "WATCHDOG_USEC" or ""))
  local pid = tonumber(getenv "WATCHDOG_PID" or "")
  if not usec or usec <= 0 or pid and pid ~= own_pid() then return nil end
  return math.max(1, usec // 2000)
end

---A sign of life from the loop: a loop that is stuck gives none.
function Service:_beat()
  if self._over or not self._every then return end
  self:notify "WATCHDOG=1"
  self._timer = clocks.real():start(self._every, function() self:_beat() end)
end

local function status()
  local me, live = node.self(), 0
  for _, member in ipairs(node.members()) do
    if member.state == "alive" then live = live + 1 end
  end
  return ("node %s at %s, %d members alive"):format(me and me.name or "?",
    me and me.address or "?", live)
end

---FSMs that could not follow their definition, a few of them by name.
local function warn_of_staying(outcome)
  local staying, names = outcome.staying or {}, {}
  for i = 1, math.min(#staying, NAMES_MAX) do names[i] = tostring(staying[i]) end
  if #staying > #names then names[#names + 1] = "..." end
  if #staying > 0 then
    log.warning("%s: %d FSMs stay with the old diagram, the new one has no such state: %s",
      outcome.name, #staying, table.concat(names, ", "))
  end
end

---Reads the configuration and the definitions again.
function Service:reload()
  self:notify(("RELOADING=1\nMONOTONIC_USEC=%d"):format(clocks.nanoseconds() // 1000))
  local problem = self._configure and self._configure()
  if problem then log.error("the configuration stays as it was: %s", problem) end
  local taken = {}
  for _, outcome in ipairs(reload.all()) do
    if outcome.problem then
      log.error("%s stays as it was: %s", outcome.name, outcome.problem)
    else
      taken[#taken + 1] = outcome.name
      warn_of_staying(outcome)
    end
  end
  log.info("reloaded: %s", #taken > 0 and table.concat(taken, ", ") or "no definition")
  self:notify("READY=1\nSTATUS=" .. status())
end

---Counts of something, sorted: "alive 2, dead 1".
local function counts(map)
  local parts = {}
  for key, count in pairs(map) do parts[#parts + 1] = ("%s %d"):format(key, count) end
  table.sort(parts)
  return #parts > 0 and table.concat(parts, ", ") or "none"
end

---The handlers that wait for something, with what they were doing; a few of them.
---@param lines string[]
local function add_handlers(lines)
  local waiting = {}
  for co, fsm in pairs(task.parked()) do
    if fsm then
      waiting[#waiting + 1] = { co = co, name = tostring(fsm.name), state = fsm.current }
    end
  end
  table.sort(waiting, function(a, b) return a.name < b.name end)
  lines[#lines + 1] = ("handlers that wait: %d"):format(#waiting)
  for i = 1, math.min(#waiting, HANDLERS_MAX) do
    local each = waiting[i]
    lines[#lines + 1] = ("  %s in `%s`"):format(each.name, each.state)
    for _, line in ipairs(trace.lines(each.co)) do lines[#lines + 1] = "  " .. line end
  end
end

---How the node is, for people, one thing a line.
---@return string
function M.report()
  local me, members = node.self(), {}
  for _, member in ipairs(node.members()) do
    members[member.state] = (members[member.state] or 0) + 1
  end
  local lines = {
    ("node %s at %s"):format(me and me.name or "none", me and me.address or "-"),
    "members: " .. counts(members),
    ("memory of Lua: %d kB"):format(collectgarbage("count") // 1),
  }
  for _, id in ipairs(branches.ids()) do
    local here, all, kinds = 0, 0, {}
    for _, row in pairs(branches.get(id):all()) do
      all = all + 1
      if not me or row.node == me.name then
        here = here + 1
        local kind = row.implementation or "?"
        kinds[kind] = (kinds[kind] or 0) + 1
      end
    end
    lines[#lines + 1] = ("branch %s: %d FSMs, here %d: %s"):format(id, all, here, counts(kinds))
  end
  add_handlers(lines)
  return table.concat(lines, "\n")
end

---Says that the node is ready, and listens to the operator.
function Service:start()
  local signal = self._program.signal
  self._watches = {
    signal("SIGHUP", function() task.spawn(function() self:reload() end) end),
    signal("SIGUSR1", function() log.write("error", "%s", M.report()) end),
  }
  self:notify("READY=1\nSTATUS=" .. status())
  self:_beat()
end

---The node is about to leave.
function Service:stopping()
  if self._over then return end
  self._over = true
  if self._timer then clocks.real():stop(self._timer) end
  self:notify "STOPPING=1"
end

---@param program table what only the program offers: sd_notify, signal
---@param options? { configure: fun(): string?, getenv: fun(name: string): string? } how the
---  configuration is read again; it returns what is wrong
---@return infinitomata.Service
function M.new(program, options)
  local getenv = options and options.getenv or os.getenv
  local socket = getenv "NOTIFY_SOCKET"
  return setmetatable({
    _program = program,
    _socket = socket ~= "" and socket or nil,
    _every = socket and watchdog_interval(getenv),
    _configure = options and options.configure,
    _over = false,
  }, Service)
end

return M
