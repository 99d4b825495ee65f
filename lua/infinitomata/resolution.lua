-- SPDX-License-Identifier: MIT
--- Which of two FSMs of one name stays, when both sides of a cut have started
--- it: the last writer, the oldest, or what the user's function says. The
--- function is asked on both nodes, each about the same two rows in the same
--- order, and must say the same there: it may look at nothing but the rows.
local check = require "finitomata.check"
local errors = require "finitomata.error"
local hook = require "infinitomata.hook"
local log = require "finitomata.log"

---@class infinitomata.Contender
---@field implementation string
---@field ref string
---@field node string
---@field at integer when it started, ms of its node's wall clock

---The user's function: name, `a`, `b` to "a", "b" or one of the two rows.
---@alias infinitomata.Resolve fun(name: string, ...: infinitomata.Contender): any

---@class infinitomata.Resolution
---@field way "last"|"oldest"|"ask" how the runtime decides
---@field private _ask? infinitomata.Resolve
local Resolution = {}
Resolution.__index = Resolution

local M = {}

---@param wanted nil|"last"|"oldest"|infinitomata.Resolve
---@return infinitomata.Resolution
function M.new(wanted)
  if type(wanted) == "function" then
    return setmetatable({ way = "ask", _ask = wanted }, Resolution)
  end
  if wanted == nil or wanted == "last" or wanted == "oldest" then
    return setmetatable({ way = wanted or "last" }, Resolution)
  end
  local text = "bad option 'resolve' to 'start_link' "
    .. "(\"last\", \"oldest\" or a function expected, got %s)"
  check.blame(text:format(tostring(wanted)))
end

local function ask(fn, name, a, b)
  local ok, answer = hook.ask(fn, name, a, b)
  if not ok then return nil, answer end
  if answer == "a" or answer == a then return "last" end
  if answer == "b" or answer == b then return "older" end
  return nil, ("it answered neither \"a\" nor \"b\", nor one of the rows, but %s"):format(
    type(answer) == "string" and ("%q"):format(answer) or errors.text(answer))
end

local function copy(row)
  local own = {}
  for key, value in pairs(row) do own[key] = value end
  return own
end

---@param name string
---@param last infinitomata.Contender the last writer, `a` for the function
---@param older infinitomata.Contender `b`
---@return "last"|"older" who stays; the last writer when the function has no answer
function Resolution:judge(name, last, older)
  if not self._ask then return "last" end
  local who, problem = ask(self._ask, name, copy(last), copy(older))
  if who then return who end
  log.error("resolve of %q: %s; the last writer stays", name, problem)
  return "last"
end

return M
