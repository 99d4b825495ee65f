-- SPDX-License-Identifier: MIT

--- The defaults of all definitions, and the way an application changes them.
local M = {}

---The interval of `timer = true`, milliseconds.
M.TIMER_MS = 5000

---How a listed state is tried again when nothing more is said: ten retries, the
---first after 100 ms, each twice as late as the one before.
M.ENSURE = { max = 10, delay = 100, factor = 2 }

---However late a retry is, it is not later than this, milliseconds.
M.ENSURE_MAX_DELAY_MS = 3600000

---How long a synchronous call waits when it does not say, milliseconds.
M.CALL_TIMEOUT_MS = 5000

---How many automatic events may follow one event before it is called a loop.
M.FOLLOW_UPS = 1000

local DEFAULTS <const> = {
  timer = false,
  auto_terminate = false,
  ensure_entry = false,
  hibernate = false,
  cache_state = true,
  strict = false,
  endless = false,
  shutdown = 5000,
  payload_mode = "copy",
  history = 5,
  mailbox = 100000,
  max_handler_ms = false,
}

local current = {}
for name, value in pairs(DEFAULTS) do current[name] = value end

---The default of an option of `define`.
---@param option string
---@return any
function M.default(option)
  return current[option]
end

---Changes defaults for definitions made from now on.
---@param values table<string, any> `nil` values are impossible; `reset` goes back
function M.set(values)
  for name, value in pairs(values) do
    if DEFAULTS[name] == nil then
      error(("unknown option '%s'"):format(tostring(name)), 2)
    end
    if type(value) ~= type(DEFAULTS[name]) and type(DEFAULTS[name]) ~= "boolean" then
      error(("option '%s': %s expected, got %s"):format(name, type(DEFAULTS[name]), type(value)), 2)
    end
    current[name] = value
  end
end

---Back to the built-in defaults.
function M.reset()
  for name, value in pairs(DEFAULTS) do current[name] = value end
end

return M
