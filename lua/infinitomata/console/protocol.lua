-- SPDX-License-Identifier: MIT
--- What a console and a node say to each other: tables in MessagePack, each
--- behind its length in four bytes, the most significant first.
---
---   to the node    hello{version, width, interactive}   first of all; also whether
---                  the screen has colour and unicode
---                  line{text}         one line; answered by done
---                  run{text}          a chunk; answered by result
---                  complete{id, before}                 answered by words
---                  interrupt          gives up what is typed or evaluated
---                  width{width}       the screen has another size
---   to the console welcome{node, version, prompt}  or  refused{why}
---                  text{text, error}  to be shown, at any time
---                  done{status, prompt}     status: more, ok, error, quit
---                  result{ok}
---                  words{id, start, words}
local M = {}

M.VERSION = 1

---The longest message that is read; a text to show is cut into pieces.
M.MESSAGE_MAX = 1 << 20
M.TEXT_MAX = 1 << 18

local HEAD <const> = 4

local FIELDS = {
  hello = { version = "integer", width = "integer", interactive = "boolean" },
  line = { text = "string" },
  run = { text = "string" },
  complete = { id = "integer", before = "string" },
  interrupt = {},
  width = { width = "integer" },
  welcome = { node = "string", version = "string", prompt = "string" },
  refused = { why = "string" },
  text = { text = "string", error = "boolean" },
  done = { status = "string", prompt = "string" },
  result = { ok = "boolean" },
  words = { id = "integer", start = "integer", words = "table" },
}

---@param codec { pack: fun(value: any): string?, string?, string? }
---@param message table
---@return string frame
function M.encode(codec, message)
  return (">s4"):pack((assert(codec.pack(message))))
end

local function fits(value, kind)
  if kind == "integer" then return math.type(value) == "integer" end
  return type(value) == kind
end

---@return table? message
---@return string? problem
local function checked(message)
  local fields = type(message) == "table" and FIELDS[message.op]
  if not fields then return nil, "an unknown message" end
  for name, kind in pairs(fields) do
    if not fits(message[name], kind) then
      return nil, ("a message '%s' without its field '%s'"):format(message.op, name)
    end
  end
  for _, word in ipairs(message.words or {}) do
    if type(word) ~= "string" then return nil, "a completion that is no text" end
  end
  return message
end

---@class infinitomata.console.Decoder
---@field private _codec table
---@field private _rest string[]  pieces of a message that is not complete
---@field private _held integer   bytes in them
local Decoder = {}
Decoder.__index = Decoder

---@param codec { unpack: fun(bytes: string): boolean?, any }
---@return infinitomata.console.Decoder
function M.decoder(codec)
  return setmetatable({ _codec = codec, _rest = {}, _held = 0 }, Decoder)
end

---The messages that the bytes complete. After a problem nothing more is to be
---read from the connection.
---@param bytes string
---@return table[] messages
---@return string? problem
function Decoder:feed(bytes)
  self._rest[#self._rest + 1] = bytes
  self._held = self._held + #bytes
  local messages = {}
  if self._held < HEAD then return messages end
  local all, at = table.concat(self._rest), 1
  while #all - at + 1 >= HEAD do
    local length = (">I4"):unpack(all, at)
    if length > M.MESSAGE_MAX then return messages, "a message that is too long" end
    if #all - at + 1 < HEAD + length then break end
    local ok, value = self._codec.unpack(all:sub(at + HEAD, at + HEAD + length - 1))
    if not ok then return messages, "a message that is no MessagePack" end
    local message, problem = checked(value)
    if not message then return messages, problem end
    messages[#messages + 1] = message
    at = at + HEAD + length
  end
  self._rest = { all:sub(at) }
  self._held = #all - at + 1
  return messages
end

---A text in pieces that fit into messages.
---@param text string
---@return fun(): string?
function M.pieces(text)
  local at = 1
  return function()
    if at > #text then return nil end
    local piece = text:sub(at, at + M.TEXT_MAX - 1)
    at = at + #piece
    return piece
  end
end

return M
