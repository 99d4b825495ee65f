-- SPDX-License-Identifier: MIT
--- Lets consoles attach to this node: a UNIX socket that only its user can open,
--- a session for each connection.
local cluster = require "infinitomata.cluster"
local door = require "infinitomata.console.door"
local interrupts = require "infinitomata.console.interrupts"
local log = require "finitomata.log"
local node = require "infinitomata.node"
local Sealed = require "infinitomata.console.sealed"
local protocol = require "infinitomata.console.protocol"
local task = require "finitomata.task"

local M = {}

local SESSIONS_MAX <const> = 32
local UNREAD_MAX <const> = 1 << 20 -- bytes; then whoever shows more waits
local UNPROVED_MAX <const> = 32
local PROOF_MS <const> = 5000
local WIDTH_MIN <const>, WIDTH_MAX <const> = 20, 1000

---@class infinitomata.console.Server
---@field paths string[]
---@field private _program table
---@field private _doors table[]
---@field private _guests table<table, true>
---@field private _count integer
---@field private _unproved integer   connections from afar that may be anybody's
---@field private _keys? table what they must know one of
---@field private _list? string[]     the same, in base 64, as the node has them
---@field private _rotation? { cancel: fun(self) }
---@field network? string   where consoles from afar may attach
local Server = {}
Server.__index = Server

---@class infinitomata.console.Guest one connection
---@field private _server infinitomata.console.Server
---@field private _pipe table
---@field private _decoder infinitomata.console.Decoder
---@field private _session? infinitomata.console.Session
---@field private _told? { cancel: fun(self) }
---@field private _stop? { cancel: fun(self) }
---@field private _width integer
local Guest = {}
Guest.__index = Guest

---A guest that cannot be written to any more, or does not read what it asked for,
---leaves.
function Guest:send(message)
  if not self._server._guests[self] then return end
  local ok = self._pipe:write(protocol.encode(self._server._program, message))
  if not ok then self:leave() end
end

---Waits until the guest has read what it was sent, as far as the caller may wait:
---whoever prints without an end does not fill the memory of the node.
---@private
function Guest:_give_way()
  if self._pipe:unsent() < UNREAD_MAX or not self._session:may_wait() then return end
  local waiter = task.waiter()
  if self._pipe:on_drained(function() task.wake(waiter) end) then task.wait(waiter) end
end

function Guest:text(text, is_error)
  for piece in protocol.pieces(text) do
    self:_give_way()
    self:send { op = "text", text = piece, error = is_error }
  end
end

---Ends the session and lets the connection go once all is written.
function Guest:leave()
  local server = self._server
  if not server._guests[self] then return end
  server._guests[self] = nil
  server._count = server._count - 1
  if self._told then self._told:cancel() end
  if self._session then self._session:close() end
  if self._stop then self._stop:cancel() end
  self._pipe:finish()
end

---Code that computes keeps the loop from reading. When something comes, it is
---looked at nevertheless.
---@private
function Guest:_listen()
  local pipe, session = self._pipe, self._session
  local frame = protocol.encode(self._server._program, { op = "interrupt" })
  self._stop = interrupts.listen(self._server._program, {
    asks = function()
      local bytes = pipe:peek()
      if bytes then return bytes:find(frame, 1, true) ~= nil end
      -- Who is gone asks for nothing but that their own evaluation ends.
      local evaluation = session:evaluation()
      return evaluation ~= nil and evaluation:is_here()
    end,
    took = function() end,
    evaluation = function() return session:evaluation() end,
  })
  pipe:alert(true)
end

local function clamped(width)
  return math.max(WIDTH_MIN, math.min(WIDTH_MAX, width))
end

---What a guest may say.
local ANSWERS = {}

function ANSWERS.hello(self, message)
  if message.version ~= protocol.VERSION then
    local text = "this node speaks version %d of the console's protocol"
    self:send { op = "refused", why = text:format(protocol.VERSION) }
    return self:leave()
  end
  self._width = clamped(message.width)
  self._session = (require "infinitomata.console.session").new {
    write = function(text) self:text(text, false) end,
    complain = function(text) self:text(text, true) end,
    width = function() return self._width end,
    colour = message.colour == true,
    unicode = message.unicode == true,
    remote = true,
  }
  self:_listen()
  if message.interactive then
    self._told = (require "infinitomata.console.notices").listen(function(text)
      self:text(text .. "\n", true)
    end, { members = true })
  end
  local me = node.self()
  self:send {
    op = "welcome",
    node = me and me.name or "",
    version = (require "infinitomata")._VERSION or "",
    prompt = self._session:prompt(),
  }
end

function ANSWERS.line(self, message)
  local session = self._session
  session:feed(message.text, function(status)
    self:send { op = "done", status = status, prompt = session:prompt() }
    if status == "quit" then self:leave() end
  end)
end

function ANSWERS.run(self, message)
  self._session:run(message.text, function(ok) self:send { op = "result", ok = ok } end)
end

function ANSWERS.complete(self, message)
  task.spawn(function()
    local start, words = self._session:complete(message.before)
    self:send { op = "words", id = message.id, start = start, words = words }
  end)
end

function ANSWERS.interrupt(self)
  self._session:interrupt()
end

function ANSWERS.width(self, message)
  self._width = clamped(message.width)
end

function Guest:hear(message)
  local answer = ANSWERS[message.op]
  local greeting = message.op == "hello"
  if not answer or greeting == (self._session ~= nil) then return false end
  local busy = self._session and self._session:evaluation()
  if busy and (message.op == "line" or message.op == "run") then return false end
  answer(self, message)
  return true
end

function Guest:take(bytes)
  if not bytes then return self:leave() end
  local messages, problem = self._decoder:feed(bytes)
  for _, message in ipairs(messages) do
    if not self._server._guests[self] then return end
    if not self:hear(message) then
      problem = ("a message '%s' out of place"):format(message.op)
      break
    end
  end
  if problem then
    log.warning("a console is turned away: it sent %s", problem)
    self:send { op = "refused", why = "not understood: " .. problem }
    self:leave()
  end
end

---@private
function Server:_welcome(pipe)
  local guest = setmetatable({
    _server = self,
    _pipe = pipe,
    _decoder = protocol.decoder(self._program),
    _width = 80,
  }, Guest)
  self._guests[guest] = true
  self._count = self._count + 1
  if self._count > SESSIONS_MAX then
    guest:send { op = "refused", why = ("%d consoles are attached already"):format(SESSIONS_MAX) }
    return guest:leave()
  end
  pipe:on_bytes(function(bytes) guest:take(bytes) end)
end

---A connection from afar: it counts for nothing until it has proved itself, and
---has not for ever to do so.
---@private
function Server:_challenge(pipe)
  local clock = (require "finitomata.clock").real()
  if self._unproved >= UNPROVED_MAX then return pipe:close() end
  self._unproved = self._unproved + 1
  local timer
  local function proved()
    if not timer then return end
    clock:stop(timer)
    timer = nil
    self._unproved = self._unproved - 1
  end
  timer = clock:start(PROOF_MS, function()
    proved()
    pipe:close()
  end)
  local sealed
  sealed = Sealed.wrap(pipe, self._keys:open(false), function()
    proved()
    self:_welcome(sealed)
  end)
  sealed:on_bytes(function(bytes)
    if not bytes then proved() end
  end)
end

---Whoever comes from afar from now on must know one of these; who is here stays.
---@private
---@param list string[] keys in base 64
---@return boolean? ok
---@return string? problem
function Server:_take_keys(list)
  local keys, code = self._program.seal_keys(list)
  if not keys then return nil, ("consoles from afar: the key is no good (%s)"):format(code) end
  self._keys, self._list = keys, list
  return true
end

---The node has taken a step of a rotation: so do we.
---@private
---@param step "add_key"|"use_key"|"remove_key"|"set_keys"
---@param given string|string[]
function Server:_follow(step, given)
  if step == "set_keys" then return self:_take_keys(table.move(given, 1, #given, 1, {})) end
  local key, list = given:gsub("%s", ""), {}
  for _, each in ipairs(self._list) do
    if each:gsub("%s", "") ~= key then list[#list + 1] = each end
  end
  if step == "add_key" then
    if #list < #self._list then return end -- it was there
    list[#list + 1] = key
  elseif step == "use_key" then
    table.insert(list, 1, key)
  end
  self:_take_keys(list)
end

---Lets consoles attach from other machines, those that know one of the keys.
---@param address string "HOST:PORT"
---@param list string[] keys in base 64
---@return boolean? ok
---@return string? problem
function Server:listen(address, list)
  local usable, problem = self:_take_keys(list)
  if not usable then return nil, problem end
  self._rotation = cluster.on("keys", function(step, given) self:_follow(step, given) end)
  local listening, name, why = self._program.tcp_listen(address, function(pipe)
    self:_challenge(pipe)
  end)
  if not listening then return nil, ("%s: %s"):format(address, why or name) end
  self._doors[#self._doors + 1] = listening
  self.network = listening:address()
  log.info("consoles may attach at %s", self.network)
  return true
end

---@private
function Server:_listen(path)
  local listening, code, why = self._program.pipe_listen(path, function(pipe)
    self:_welcome(pipe)
  end)
  if listening then
    self._doors[#self._doors + 1] = listening
    self.paths[#self.paths + 1] = path
    return true
  end
  return nil, ("%s: %s"):format(path, why or code)
end

---Opens the sockets of this process's node.
---@param program table what only the program offers
---@return infinitomata.console.Server?
---@return string? problem
function M.open(program)
  local me = node.self()
  if not me then return nil, "no node runs" end
  local folder = door.folder(program)
  local ours, problem = program.private_folder(folder)
  if not ours then return nil, problem end
  program.pipe_sweep(folder)
  local self = setmetatable({
    paths = {},
    _program = program,
    _doors = {},
    _guests = {},
    _count = 0,
    _unproved = 0,
  }, Server)
  for _, name in ipairs { me.name, me.address, me.rpc } do
    local opened, why = self:_listen(door.path(folder, name))
    if not opened then
      problem = why
      log.info("no console can attach at %s", why) -- another node has that name
    end
  end
  if #self._doors == 0 then return nil, problem end
  return self
end

---Ends all sessions and removes the sockets.
function Server:close()
  for guest in pairs(self._guests) do guest:leave() end
  for _, listening in ipairs(self._doors) do listening:close() end
  if self._rotation then self._rotation:cancel() end
  self._doors, self.paths = {}, {}
end

return M
