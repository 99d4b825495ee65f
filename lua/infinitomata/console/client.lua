-- SPDX-License-Identifier: MIT
--- The console's end of a connection to a node: what is typed goes there, what
--- comes from there is shown. A terminal takes it for a session.
local Sealed = require "infinitomata.console.sealed"
local clock = require "finitomata.clock"
local protocol = require "infinitomata.console.protocol"

local WELCOME_MS <const> = 5000 -- for the node to answer
local HEED_MS <const> = 2000 -- for it to heed an interruption

---@class infinitomata.console.Client
---@field problem? string   why the connection ended before its time
---@field node? string      the name of the node
---@field private _program table
---@field private _pipe table
---@field private _on table<string, fun(message: table)>
---@field private _prompt string
---@field private _waiting? fun(...)   who gets the answer to `line` or `run`
---@field private _found? fun(start: integer, words: string[])
---@field private _id integer   of the completion asked for last
---@field private _over boolean
---@field private _clock finitomata.Clock
---@field private _timer? any      until the node has to have answered
---@field private _ignored boolean  it has not, and the one who waits knows
local Client = {}
Client.__index = Client

---@class infinitomata.console.ClientOptions
---@field width integer
---@field interactive boolean
---@field colour? boolean   the screen has colours
---@field unicode? boolean  and all characters
---@field show fun(text: string)
---@field complain fun(text: string)
---@field ready fun(client: infinitomata.console.Client)  the node has answered
---@field ended fun(problem?: string)  once, at the end
---@field clock? finitomata.Clock

---@private
function Client:_send(message)
  if not self._over then self._pipe:write(protocol.encode(self._program, message)) end
end

---Calls `fn` unless the node answers in time.
---@private
function Client:_expect(ms, fn)
  self:_relax()
  self._timer = self._clock:start(ms, function()
    self._timer = nil
    fn()
  end)
end

---@private
function Client:_relax()
  if self._timer then self._clock:stop(self._timer) end
  self._timer = nil
end

---@private
function Client:_end(problem)
  if self._over then return end
  self._over = true
  self:_relax()
  self.problem = problem
  if self._pipe then self._pipe:finish() end
  self._options.ended(problem)
end

local function answered(self, ...)
  local waiting = self._waiting
  self._waiting, self._ignored = nil, false
  self:_relax()
  if waiting then waiting(...) end
end

local ANSWERS = {}

function ANSWERS.welcome(self, message)
  self:_relax()
  self.node = message.node
  self._prompt = message.prompt
  self._options.ready(self)
end

function ANSWERS.refused(self, message) self:_end(message.why) end

function ANSWERS.text(self, message)
  local show = message.error and self._options.complain or self._options.show
  show(message.text)
end

function ANSWERS.done(self, message)
  self._prompt = message.prompt
  answered(self, message.status)
end

function ANSWERS.result(self, message) answered(self, message.ok) end

function ANSWERS.words(self, message)
  local found = self._found
  if found and message.id == self._id then
    self._found = nil
    found(message.start, message.words)
  end
end

---@private
function Client:_take(bytes, why)
  if not bytes then
    return self:_end(why == "closed" and "the node has ended the session" or why)
  end
  local messages, problem = self._decoder:feed(bytes)
  for _, message in ipairs(messages) do
    local answer = ANSWERS[message.op]
    if answer and not self._over then answer(self, message) end
  end
  if problem then self:_end("not understood: the node sent " .. problem) end
end

---@param program table what only the program offers
---@param place string|{ address: string, keys: string[] } the path of a node's socket,
---  or where it listens for consoles from afar
---@param options infinitomata.console.ClientOptions
---@return infinitomata.console.Client
function Client.connect(program, place, options)
  local self = setmetatable({
    _program = program,
    _options = options,
    _decoder = protocol.decoder(program),
    _prompt = "> ",
    _id = 0,
    _over = false,
    _ignored = false,
    _clock = options.clock or clock.real(),
  }, Client)
  self:_expect(WELCOME_MS, function()
    local text = "the node does not answer within %d s: it is busy, or stopped"
    self:_end(text:format(WELCOME_MS // 1000))
  end)
  if type(place) == "table" then return self:_dial(place) end
  self._pipe = program.pipe_connect(place, function(ok)
    if not ok then return self:_end(("nobody listens at %s"):format(place)) end
    self:_greet()
  end)
  return self
end

---@private
function Client:_greet()
  self._pipe:on_bytes(function(bytes, why) self:_take(bytes, why) end)
  self:_send {
    op = "hello",
    version = protocol.VERSION,
    width = self._options.width,
    interactive = self._options.interactive,
    colour = self._options.colour or false,
    unicode = self._options.unicode or false,
  }
end

---@private
function Client:_dial(place)
  local program = self._program
  local keys, code = program.seal_keys(place.keys)
  if not keys then
    self:_end(("the key is no good (%s)"):format(code))
    return self
  end
  local pipe, name, why
  pipe, name, why = program.tcp_connect(place.address, function(ok)
    if not ok then return self:_end(("nobody listens at %s"):format(place.address)) end
    self._pipe = Sealed.wrap(pipe, keys:open(true), function() self:_greet() end)
    self._pipe:on_bytes(function(bytes, problem) self:_take(bytes, problem) end)
  end)
  self._pipe = pipe
  if not pipe then self:_end(why or name) end
  return self
end

---@return string
function Client:prompt()
  return self._prompt
end

---@param line string
---@param done fun(status: string)
function Client:feed(line, done)
  self._waiting = function(status)
    if status == "quit" then self:_end() end
    done(status)
  end
  self:_send { op = "line", text = line }
end

---@param text string a whole chunk
---@param done fun(ok: boolean)
function Client:run(text, done)
  self._waiting = done
  self:_send { op = "run", text = text }
end

---@param before string
---@param found fun(start: integer, words: string[])
function Client:complete(before, found)
  self._id = self._id + 1
  self._found = found
  self:_send { op = "complete", id = self._id, before = before }
end

---Asks the node to end what it evaluates. When it does not heed that, the next time
---ends the session.
---@return boolean running an answer is still to come
function Client:interrupt()
  if self._ignored then
    self:_end "the node does not answer"
    return false
  end
  self:_send { op = "interrupt" }
  if not self._waiting then return false end
  self:_expect(HEED_MS, function()
    self._ignored = true
    self._options.complain "the node does not answer; Ctrl-C again leaves it\n"
  end)
  return true
end

---@param width integer of the screen, from now on
function Client:resize(width)
  self:_send { op = "width", width = width }
end

function Client:finish()
  self:_end()
end

return Client
