-- SPDX-License-Identifier: MIT

--- Errors as values: a short code for programs, a sentence for people, and the
--- fields that belong to the case. A function that may fail at run time returns
--- `nil, err` with one of these.
---@class finitomata.Error
---@field code string    a short word, the same in every release: "no_such_fsm", "timeout", ...
---@field message string a sentence; `tostring(err)` gives it
---@field name? any      the FSM that it is about
---@field node? string   the node that it is about
---@field reason? any    of a refusal: what the callback, the guard or the storage gave
---@field stage? string  of a refusal, where it happened: "on_start", "not_responding", "guard",
---  "on_transition", "not_allowed", "persistency", "on_exit", "on_enter", "listener", "timer",
---  "fork" or "runaway"
---@field state? string  of a refusal: the state that was kept
---@field event? string  of a refusal: the event
---@field event_payload? any of a refusal: what came with the event
---@field faults? table[] of a diagram: all that is wrong in it, each with `line`, `column`,
---  `message`
---@field attempts? integer of a call: how often it was tried
---@field elapsed_ms? integer of a call: how long
---@field uncertain? boolean of a call: it had left this node, and may have been carried out
---@field cause? string   of a call: the code of the last attempt's failure
local Error = {}
Error.__index = Error
Error.__name = "finitomata.Error"

function Error:__tostring()
  return self.message
end

local M = {}

---@param code string
---@param message? string  the code itself when absent
---@param fields? table    further fields of the error; taken over, not copied
---@return finitomata.Error
function M.new(code, message, fields)
  local err = fields or {}
  err.code = code
  err.message = message or code
  return setmetatable(err, Error)
end

---`nil, err` in one go, for a return statement.
---@param code string
---@param message? string
---@param fields? table
---@return nil
---@return finitomata.Error
function M.fail(code, message, fields)
  return nil, M.new(code, message, fields)
end

---@param value any
---@return boolean
function M.is(value)
  return getmetatable(value) == Error
end

---A plain table with the same fields, which can travel between nodes.
---@param err finitomata.Error
---@return table
function M.to_table(err)
  local plain = {}
  for key, value in pairs(err) do
    plain[key] = value
  end
  return plain
end

---The error that `to_table` made plain; the table itself becomes the error.
---@param plain table
---@return finitomata.Error
function M.from_table(plain)
  return setmetatable(plain, Error)
end

---What a raised value says: texts and errors as they are, anything else by its type.
---@param value any
---@return string
function M.text(value)
  if type(value) == "string" then return value end
  if M.is(value) then return value.message end
  local meta = getmetatable(value)
  if type(meta) == "table" and meta.__tostring then
    local ok, text = pcall(tostring, value)
    if ok and type(text) == "string" then return text end
  end
  if type(value) == "number" or type(value) == "boolean"
      or value == nil then return tostring(value) end
  return "a " .. type(value) .. " value"
end

return M
