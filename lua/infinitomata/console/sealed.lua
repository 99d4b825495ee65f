-- SPDX-License-Identifier: MIT
--- A connection over which nothing is said before both ends have proved that they
--- know the cluster's key, and which nobody else can read: the TLS of the nodes'
--- links around a TCP connection. It is used as a pipe is.
local clock = require "finitomata.clock"

---@class infinitomata.console.Sealed
---@field private _pipe infinitomata.core.Pipe
---@field private _seal infinitomata.core.Seal
---@field private _ready? fun()         called once both ends have proved it
---@field private _queue string[]       to be sealed then
---@field private _held string          opened, not delivered yet
---@field private _on? fun(bytes: string?, why: string?)
---@field private _over boolean
---@field private _timer? integer  will deliver what is held
local Sealed = {}
Sealed.__index = Sealed

---@private
function Sealed:_flush()
  local bytes = self._seal:take()
  if bytes and bytes ~= "" then return self._pipe:write(bytes) end
  return true
end

---@private
function Sealed:_end(why)
  if self._over then return end
  self._over = true
  self._pipe:finish()
  if self._on then self._on(nil, why) end
end

---@private
function Sealed:_deliver()
  if self._over or not self._on or self._held == "" then return end
  local held = self._held
  self._held = ""
  self._on(held)
end

---@private
function Sealed:_proved()
  if not self._ready or not self._seal:ready() then return end
  local ready, queue = self._ready, self._queue
  self._ready, self._queue = nil, {}
  for _, bytes in ipairs(queue) do self._seal:seal(bytes) end
  self:_flush()
  ready()
end

---@private
function Sealed:_take(bytes, why)
  if not bytes then
    local unproved = self._ready ~= nil and why == "closed"
    return self:_end(unproved and "the other end does not know the key" or why)
  end
  local plain, code = self._seal:input(bytes)
  self:_flush()
  if not plain then
    return self:_end(code == "closed" and code or "the other end does not know the key")
  end
  self:_proved()
  self._held = self._held .. plain
  self:_deliver()
end

---@param pipe infinitomata.core.Pipe a TCP connection that is open
---@param seal infinitomata.core.Seal
---@param ready fun()
---@return infinitomata.console.Sealed
function Sealed.wrap(pipe, seal, ready)
  local self = setmetatable({
    _pipe = pipe,
    _seal = seal,
    _ready = ready,
    _queue = {},
    _held = "",
    _over = false,
  }, Sealed)
  pipe:on_bytes(function(bytes, why) self:_take(bytes, why) end)
  self:_flush() -- who dials speaks first
  return self
end

---@param fn fun(bytes: string?, why: string?)  nil once, at the end
function Sealed:on_bytes(fn)
  self._on = fn
  self:_deliver()
end

---@param bytes string
---@return boolean? ok
---@return string? code
function Sealed:write(bytes)
  if self._over then return nil, "ENOTCONN" end
  if self._ready then
    self._queue[#self._queue + 1] = bytes
    return true
  end
  local ok, code = self._seal:seal(bytes)
  if not ok then return nil, code end
  return self:_flush()
end

---@return integer
function Sealed:unsent()
  return self._pipe:unsent()
end

---@param fn fun()
---@return boolean? ok
function Sealed:on_drained(fn)
  return self._pipe:on_drained(fn)
end

function Sealed:finish()
  self._over = true
  self._pipe:finish()
end

---@param on boolean as of a pipe
function Sealed:alert(on)
  self._pipe:alert(on)
end

---What has come and is not delivered; it will be, from the loop. May be called
---anywhere, even by a hook: it does nothing but call functions of C.
---@return string? bytes nil: the other end is gone
function Sealed:peek()
  local bytes = self._pipe:grab()
  local plain = bytes and self._seal:input(bytes)
  if not plain then return nil end
  self._held = self._held .. plain
  if self._held ~= "" and not self._timer then
    self._timer = clock.real():start(0, function()
      self._timer = nil
      self:_deliver()
    end)
  end
  return self._held
end

return Sealed
