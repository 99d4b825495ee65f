-- SPDX-License-Identifier: MIT
--- How often and how long a call is tried. One set of five knobs, from weakest
--- to strongest: the defaults, INFINITOMATA_* of the environment, configure,
--- the branch, the call.
local check = require "finitomata.check"

---How hard a call tries. Any key may be left out: the call's own value is stronger
---than the branch's, that than the one of `configure`, that than `INFINITOMATA_ATTEMPTS`
---and so on in the environment, and that than the default.
---@class infinitomata.Policy
---@field attempts integer       sends of a call, and looks at an unknown name; default 1000
---@field poll_interval integer  ms between looks at an unknown name; default 1
---@field rpc_timeout integer    ms that one attempt waits for its answer; default 5000
---@field backoff_base integer   ms, the first pause after a failure; default 5
---@field backoff_max integer    ms, the longest pause; default 1000
---@field private timeout? integer ms in all; nil: no other bound

local M = {}

local DEFAULTS = {
  attempts = 1000,
  poll_interval = 1,
  rpc_timeout = 5000,
  backoff_base = 5,
  backoff_max = 1000,
}

local KNOBS = {}
for key in pairs(DEFAULTS) do KNOBS[key] = "number" end

local MAX = 0x7fffffff -- fits the runtime's 32 bits, some 24 days

---What the user configured for this process; nil until first asked.
---@type infinitomata.Policy?
local process

local function valid(value)
  return math.type(value) == "integer" and value >= 1 and value <= MAX
end

---@param options table?
---@param name string the public function
local function checked(options, name)
  check.options(options, KNOBS, 1, name)
  for key, value in pairs(options or {}) do
    if not valid(value) then
      local text = "bad option '%s' to '%s' (an integer from 1 to %d expected, got %s)"
      check.blame(text:format(key, name, MAX, value))
    end
  end
  return options
end

---@param base infinitomata.Policy
---@param options table?
---@return infinitomata.Policy
local function merged(base, options)
  local policy = {}
  for key, value in pairs(base) do policy[key] = value end
  for key, value in pairs(options or {}) do policy[key] = value end
  return policy
end

local function from_environment()
  local found = {}
  for key in pairs(DEFAULTS) do
    local variable = "INFINITOMATA_" .. key:upper()
    local text = os.getenv(variable)
    if text then
      local value = math.tointeger(tonumber(text))
      if not valid(value) then
        error(("%s must be an integer from 1 to %d, got %q"):format(variable, MAX, text), 0)
      end
      found[key] = value
    end
  end
  return found
end

---The process-wide policy.
---@return infinitomata.Policy
function M.current()
  if not process then process = merged(DEFAULTS, from_environment()) end
  return process
end

---Changes the process-wide policy; keys left out keep their value.
---@param options table
function M.configure(options)
  process = merged(M.current(), checked(options, "configure"))
end

---@param base? infinitomata.Policy nil: the process-wide one
---@param options? table
---@param name? string the public function that was given them
---@return infinitomata.Policy
function M.with(base, options, name)
  base = base or M.current()
  if options == nil then return base end
  return merged(base, checked(options, name or "policy"))
end

---The keys that `with` takes and their types, beside others, for check.options.
---@param others table<string, string|boolean>
---@return table<string, string|boolean>
function M.with_knobs(others)
  for key, kind in pairs(KNOBS) do others[key] = kind end
  return others
end

---True for the keys that `with` takes, so that others can sort their options.
---@param key any
---@return boolean
function M.has(key)
  return DEFAULTS[key] ~= nil
end

return M
