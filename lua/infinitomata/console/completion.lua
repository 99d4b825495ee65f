-- SPDX-License-Identifier: MIT
--- What may come next at the cursor: names of Lua, and inside the right argument
--- of a call the names of FSMs, their events and their states.
local cursors = require "infinitomata.console.cursor"

local M = {}

local MATCHES_MAX <const> = 500
local CHAIN_MAX <const> = 16

local KEYWORDS = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat
  return then true until while]]):gmatch "%a+" do
  KEYWORDS[#KEYWORDS + 1] = word
end

---What the arguments of a call name, by the call's last name.
local ARGUMENTS = {
  alive = { "fsm" },
  allowed = { "fsm", "state" },
  call = { "fsm", "event" },
  can = { "fsm", "event" },
  require = { "module" },
  reset_timer = { "fsm" },
  responds = { "fsm", "event" },
  start_fsm = { "fsm", "definition" },
  state = { "fsm", "view" },
  stop_fsm = { "fsm" },
  timer_tick = { "fsm" },
  transition = { "fsm", "event" },
}

---@class infinitomata.console.Known what a session knows that Lua does not
---@field env table
---@field branch fun(): infinitomata.Branch
---@field branches fun(): string[]
---@field commands table<string, { arguments: string[]? }>

local function starts_with(text, prefix)
  return text:sub(1, #prefix) == prefix
end

---The candidates that begin with `prefix`, sorted, each once.
local function matching(candidates, prefix)
  local found, seen = {}, {}
  for _, word in ipairs(candidates) do
    if not seen[word] and starts_with(word, prefix) then
      seen[word] = true
      found[#found + 1] = word
    end
  end
  table.sort(found)
  return table.move(found, 1, math.min(#found, MATCHES_MAX), 1, {})
end

-- ---- what lives in this process ------------------------------------------------

local function definition_of(known, name)
  local row = name and known.branch():row(name)
  if not row then return nil end
  local ok, definition = pcall(require, row.implementation)
  return ok and type(definition) == "table" and definition or nil
end

local function listed(definition, field)
  local list = definition and definition[field]
  return type(list) == "table" and list or {}
end

---Lists of candidates by kind; `first` is the call's first argument.
local KINDS = {
  fsm = function(known, _, prefix)
    local names = {}
    for name in pairs(known.branch():all()) do
      if type(name) == "string" and starts_with(name, prefix) then names[#names + 1] = name end
    end
    return names
  end,
  event = function(known, first) return listed(definition_of(known, first), "events") end,
  state = function(known, first) return listed(definition_of(known, first), "states") end,
  view = function() return { "full", "state", "payload", "cached" } end,
  level = function() return { "debug", "info", "warning", "error", "off" } end,
  branch = function(known) return known.branches() end,
  module = function()
    local names = {}
    for name in pairs(package.loaded) do names[#names + 1] = name end
    return names
  end,
  definition = function()
    local names = {}
    for name, module in pairs(package.loaded) do
      local meta = type(module) == "table" and getmetatable(module)
      if type(meta) == "table" and meta.__name == "finitomata.Definition" then
        names[#names + 1] = name
      end
    end
    return names
  end,
}

function KINDS.drawing(known, first, prefix)
  local names = KINDS.fsm(known, first, prefix)
  return table.move(KINDS.definition(), 1, #KINDS.definition(), #names + 1, names)
end

local function of_kind(known, kind, first, prefix)
  local list = KINDS[kind]
  if not list then return {} end
  local ok, candidates = pcall(list, known, first, prefix)
  return ok and matching(candidates, prefix) or {}
end

-- ---- inside a string ------------------------------------------------------------

local function escape(word, quote)
  return (word:gsub("[\\" .. quote .. "]", "\\%0"):gsub("\n", "\\n"))
end

local function in_string(before, cursor, known)
  local call = cursor.call
  local kinds = call and ARGUMENTS[call.name]
  local kind = kinds and kinds[call.index]
  local start = #before - #escape(cursor.string, cursor.quote) + 1
  if not kind then return start, {} end
  local words = of_kind(known, kind, call.strings[1], cursor.string)
  for index, word in ipairs(words) do words[index] = escape(word, cursor.quote) end
  if #words == 1 then words[1] = words[1] .. cursor.quote end
  return start, words
end

-- ---- names ----------------------------------------------------------------------

---Reads a field without ever raising.
local function field(value, key)
  local ok, found = pcall(function() return value[key] end)
  return ok and found or nil
end

local function metatable_of(value)
  local meta = debug.getmetatable(value)
  return type(meta) == "table" and meta or nil
end

---Every name by which a value can be indexed, as far as it can be told.
---@param wanted? "function" only names of functions
local function names_of(value, wanted)
  local names = {}
  for _ = 1, CHAIN_MAX do
    if type(value) == "table" then
      for key, held in next, value do
        local fits = wanted == nil or type(held) == wanted
        if fits and type(key) == "string" and key:find "^[%a_][%w_]*$" then
          names[#names + 1] = key
        end
      end
    end
    local meta = metatable_of(value)
    local index = meta and rawget(meta, "__index")
    if type(index) ~= "table" or rawequal(index, value) then break end
    value = index
  end
  return names
end

---Private names are offered to those who ask for them.
local function public(names, prefix)
  if prefix:sub(1, 1) == "_" then return names end
  local list = {}
  for _, name in ipairs(names) do
    if name:sub(1, 1) ~= "_" then list[#list + 1] = name end
  end
  return list
end

---The value of `a.b.c`, read field by field.
local function resolve(path, env)
  local value = env
  for name in path:gmatch "[%a_][%w_]*" do
    value = field(value, name)
    if value == nil then return nil end
  end
  return value
end

local function globals(env, wanted)
  local names = names_of(env, wanted)
  local shared = names_of(_G, wanted)
  table.move(shared, 1, #shared, #names + 1, names)
  local session = metatable_of(env)
  local own = session and rawget(session, "names") or {}
  return table.move(own, 1, #own, #names + 1, names)
end

---The text with blanks for all up to the last `..`: behind it nothing is a field of
---what stands before it.
local function last_operand(text)
  local at = text:match "^.*%.%.()"
  return at and (" "):rep(at - 1) .. text:sub(at) or text
end

local function of_names(before, known)
  before = last_operand(before)
  local from, path, separator, word =
    before:match "()([%a_][%w_.]*)%s*([.:])%s*([%a_]?[%w_]*)$"
  if path then
    local unknown = before:sub(1, from - 1):find "[.:]%s*$" -- a field of what is not a name
    local value = not unknown and resolve(path, known.env) or nil
    local start = #before - #word + 1
    if value == nil then return start, {} end
    local wanted = separator == ":" and "function" or nil
    return start, matching(public(names_of(value, wanted), word), word)
  end
  word = before:match "[\"']%s*%)?%s*:%s*([%a_]?[%w_]*)$"
  if word then return #before - #word + 1, matching(names_of(string, "function"), word) end
  word = before:match "[%a_][%w_]*$"
  local start = #before - #(word or "") + 1
  if not word or before:sub(1, start - 1):find "[%w_.:)%]\"']%s*[.:]%s*$" then return start, {} end
  local names = public(globals(known.env), word)
  table.move(KEYWORDS, 1, #KEYWORDS, #names + 1, names)
  return start, matching(names, word)
end

-- ---- commands with a dot ---------------------------------------------------------

---The arguments typed so far, the last one not complete and perhaps behind a
---quotation mark.
---@return string[] given
---@return string? quote
local function arguments_of(rest)
  local given, at = {}, 1
  while true do
    at = rest:find("%S", at)
    if not at then
      given[#given + 1] = ""
      return given
    end
    local quote = rest:match("^[\"']", at)
    local word, after
    if quote then
      word, after = cursors.quoted(rest, at)
    else
      word, after = rest:match("^(%S+)()", at)
    end
    if not word then
      given[#given + 1] = rest:sub(at + 1)
      return given, quote
    end
    given[#given + 1] = word
    if after > #rest and not quote then return given end
    at = after
  end
end

---Puts words behind a quotation mark, where there is one already or all need one.
local function quoted(words, quote)
  local needed = true
  for _, word in ipairs(words) do needed = needed and word:find "[%s\"']" ~= nil end
  if not (quote or needed) then return end
  quote = quote or '"'
  for index, word in ipairs(words) do words[index] = quote .. escape(word, quote) end
  if #words == 1 then words[1] = words[1] .. quote end
end

local function of_commands(before, known)
  local word = before:match "^%s*%.(%a*)$"
  if word then
    local names = {}
    for name in pairs(known.commands) do names[#names + 1] = name end
    local words = matching(names, word)
    if #words == 1 then words[1] = words[1] .. " " end
    return #before - #word + 1, words
  end
  local name, rest = before:match "^%s*%.(%a+)%s+(.*)$"
  local command = name and known.commands[name]
  if not command then return nil end
  local given, quote = arguments_of(rest)
  local typed = given[#given]
  local kind = command.arguments and command.arguments[#given]
  local meant = quote and cursors.unescape(typed) or typed
  local words = kind and of_kind(known, kind, given[1], meant) or {}
  quoted(words, quote)
  return #before - #typed - (quote and 1 or 0) + 1, words
end

---@param before string the text up to the cursor; for a chunk of several lines
---  all of them
---@param known infinitomata.console.Known
---@return integer start where in `before` the word begins that the words replace
---@return string[] words sorted
function M.complete(before, known)
  local start, words = of_commands(before, known)
  if start then return start, words end
  local cursor = cursors.locate(before)
  if cursor.comment then return #before + 1, {} end
  if cursor.string then return in_string(before, cursor, known) end
  return of_names(before, known)
end

---What all words begin with; never ends inside a character.
---@param words string[]
---@return string
function M.common(words)
  local first, last = words[1], words[#words]
  if not first then return "" end
  local length = math.min(#first, #last)
  for index = 1, length do
    if first:byte(index) ~= last:byte(index) then
      length = index - 1
      break
    end
  end
  while length > 0 and (first:byte(length + 1) or 0) >= 0x80
    and (first:byte(length + 1) or 0) < 0xc0 do
    length = length - 1
  end
  return first:sub(1, length)
end

return M
