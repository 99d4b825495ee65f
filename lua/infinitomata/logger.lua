-- SPDX-License-Identifier: MIT
--- The program's log: lines for people, or one JSON object a line for programs,
--- with the time, the level, the node and the FSM in whose callback the line
--- arose. A line that comes again and again is written a few times in ten
--- seconds and counted after that.
local Error = require "finitomata.error"
local clocks = require "finitomata.clock"
local json = require "infinitomata.json"
local log = require "finitomata.log"
local task = require "finitomata.task"

local M = {}

local WINDOW_MS <const> = 10000
local BURST <const> = 5
local KEYS_MAX <const> = 1000

---@class infinitomata.Logger
---@field private _write fun(line: string)
---@field private _format "text"|"json"
---@field private _node fun(): string?
---@field private _now fun(): integer
---@field private _seen table<string, { count: integer, level: string, fsm: string?, text: string }>
---@field private _kept integer      how many keys there are
---@field private _clock finitomata.Clock
---@field private _timer any          for the end of the window, when something is held back
---@field private _since integer     when the window began, ms since 1970
---@field private _before function   the sink that was there before
---@field private _level_before string?
local Logger = {}
Logger.__index = Logger

---@param ms integer since 1970
---@return string
local function timestamp(ms)
  return ("%s.%03dZ"):format(os.date("!%Y-%m-%dT%H:%M:%S", ms // 1000), ms % 1000)
end

local function as_text(time, level, node, fsm, message)
  local who = fsm and fsm .. ": " or ""
  return ("%s %-7s %s%s%s"):format(time, level, node and node .. " " or "", who,
    (message:gsub("\n", "\n  ")))
end

local function as_json(time, level, node, fsm, message)
  local parts = {}
  local function add(key, value)
    if value ~= nil then parts[#parts + 1] = ('"%s":%s'):format(key, (json.encode(value))) end
  end
  add("time", time)
  add("level", level)
  add("node", node)
  add("fsm", fsm)
  add("message", message)
  return "{" .. table.concat(parts, ",") .. "}"
end

local FORMATS <const> = { text = as_text, json = as_json }

function Logger:_line(level, fsm, message)
  local line = FORMATS[self._format](timestamp(self._now()), level, self._node(), fsm, message)
  self._write(line .. "\n")
end

---Tells what was held back in the window that is over.
function Logger:flush()
  local seen = self._seen
  if self._timer then self._clock:stop(self._timer) end
  self._timer = nil
  self._seen, self._kept, self._since = {}, 0, self._now()
  local held = {}
  for _, each in pairs(seen) do
    if each.count > BURST then held[#held + 1] = each end
  end
  table.sort(held, function(a, b) return a.text < b.text end)
  for _, each in ipairs(held) do
    self:_line(each.level, each.fsm, ("%d more lines like this: %s"):format(each.count - BURST,
      each.text:match("^[^\n]*")))
  end
end

---Whether a line is to be written now; else it is counted.
function Logger:_passes(level, fsm, message)
  if self._now() - self._since >= WINDOW_MS or self._kept >= KEYS_MAX then self:flush() end
  local key = level .. "\0" .. message:match("^[^\n]*") -- a traceback may be there or not
  local seen = self._seen[key]
  if not seen then
    seen = { count = 0, level = level, fsm = fsm, text = message }
    self._seen[key] = seen
    self._kept = self._kept + 1
  end
  if seen.fsm ~= fsm then seen.fsm = nil end -- several FSMs say the same
  seen.count = seen.count + 1
  if seen.count <= BURST then return true end
  -- Nothing else may ever be said: what is held back is told in time all the same.
  self._timer = self._timer or self._clock:start(WINDOW_MS, function()
    self._timer = nil
    self:flush()
  end)
  return false
end

---The name of the FSM in whose callback we are.
local function current_fsm()
  local fsm = task.current()
  local name = fsm and fsm.name
  return name ~= nil and tostring(name) or nil
end

---@param level string
---@param message string
function Logger:take(level, message)
  local fsm = current_fsm()
  -- What is said in a callback begins with the name; the line has it already.
  if fsm and message:sub(1, #fsm + 2) == fsm .. ": " then message = message:sub(#fsm + 3) end
  if self:_passes(level, fsm, message) then self:_line(level, fsm, message) end
end

---Gives the log back to whoever had it.
function Logger:close()
  self:flush()
  log.set_sink(self._before)
  if self._level_before then log.set_level(self._level_before) end
end

local function to_stderr(line)
  io.stderr:write(line)
end

local function wall()
  local ok, ms = pcall(function() return clocks.real():wall() end)
  return ok and ms or os.time() * 1000
end

---Takes the log over.
---@param options? { level: string?, format: "text"|"json"?, node: string|fun(): string?,
---  write: fun(line: string)?, now: fun(): integer?, clock: finitomata.Clock? }
---@return infinitomata.Logger?
---@return finitomata.Error? err
function M.install(options)
  options = options or {}
  local format = options.format or "text"
  if not FORMATS[format] then
    return Error.fail("config", ("unknown log format '%s'"):format(tostring(format)))
  end
  if format == "json" then
    local text, err = json.encode("")
    if not text then return nil, err end
  end
  local node = options.node
  local self = setmetatable({
    _write = options.write or to_stderr,
    _format = format,
    _node = type(node) == "function" and node or function() return node end,
    _now = options.now or wall,
    _clock = options.clock or clocks.real(),
    _seen = {},
    _kept = 0,
  }, Logger)
  self._since = self._now()
  if options.level then self._level_before = log.set_level(options.level) end
  self._before = log.set_sink(function(level, message) self:take(level, message) end)
  return self
end

return M
