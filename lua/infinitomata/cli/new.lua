-- SPDX-License-Identifier: MIT
--- `infinitomata new fsm` and `infinitomata new spec`: files to begin with. What
--- they write runs as it is.
local Error = require "finitomata.error"
local cli = require "infinitomata.cli"
local finitomata = require "finitomata"
local fsm = require "infinitomata.generator.fsm"
local source = require "infinitomata.source"
local spec = require "infinitomata.generator.spec"

local M = {}

local BEGINNING <const> = [[
idle --> |start| running
running --> |finish| finished
running --> |fail| failed
]]

local function describe_fsm(parser)
  local command = parser:command("fsm", "Writes a module with a function for every event.")
  command:argument("name", "Of the module; dots make folders.")
  command:option("--from", "A file with the diagram, - for standard input."):argname("<diagram>")
  command:option("--syntax", "Of the diagram; default: as it looks.")
    :choices { "flowchart", "state_diagram" }
  command:option("--out", "The folder to write it in.", "."):argname("<folder>")
  command:flag("--auto-terminate", "It ends by itself where only the end is left.")
  command:option("--timer", "Milliseconds between calls of on_timer."):argname("<ms>")
    :convert(function(text)
      local ms = math.tointeger(tonumber(text))
      if ms and ms > 0 then return ms end
      return nil, ("--timer: milliseconds over 0 expected, got '%s'"):format(text)
    end)
  command:option("--callback", "Another callback to begin with; may be repeated.")
    :choices(fsm.CALLBACKS):count("*"):argname("<name>")
  command:flag("--force", "Overwrites a file that exists.")
end

local function describe_spec(parser)
  local command = parser:command("spec", "Writes a busted spec that covers every edge.")
  command:argument("module", "That returns the definition.")
  command:option("--out", "The folder to write it in.", "spec"):argname("<folder>")
  command:flag("--force", "Overwrites a file that exists.")
end

function M.describe(parser)
  parser:command_target("what")
  describe_fsm(parser)
  describe_spec(parser)
end

-- ---- writing ---------------------------------------------------------------------

local function exists(path)
  local file <close> = io.open(path, "r")
  return file ~= nil
end

---@param path string
---@param text string
---@param force boolean?
---@return true?
---@return string? problem
local function write(path, text, force)
  if exists(path) and not force then
    return nil, ("%s exists already (--force overwrites it)"):format(path)
  end
  local folder = path:match("^(.*)/[^/]*$")
  if folder and folder ~= "" then
    os.execute("mkdir -p -- '" .. folder:gsub("'", "'\\''") .. "' 2>/dev/null")
  end
  local file, problem = io.open(path, "w")
  if not file then return nil, problem end
  local ok, wrong = file:write(text)
  if ok then ok, wrong = file:close() end
  if not ok then return nil, ("%s: %s"):format(path, wrong) end
  return true
end

---A file of a module, in a folder.
local function path_of(folder, module, ending)
  local path = module:gsub("%.", "/") .. ending
  if folder == "." or folder == "" then return path end
  return folder:gsub("/*$", "") .. "/" .. path
end

local function is_module(name)
  return ("." .. name):gsub("%.[%w_-]+", "") == ""
end

---Modules of Lua and of this library: `require` would find those.
local function is_taken(name)
  local first = name:match("^[^.]+")
  return first == "finitomata" or first == "infinitomata"
    or type(_G[name]) == "table" and rawequal(_G[name], package.loaded[name])
end

-- ---- new fsm ---------------------------------------------------------------------

---@return string? text
---@return string? problem
local function read_diagram(from)
  if not from then return BEGINNING end
  if from == "-" then return io.read("a") end
  local file <close>, problem = io.open(from, "rb")
  local text = file and file:read("a")
  if not text then return nil, problem or ("%s: cannot be read"):format(from) end
  return text
end

---What is wrong with a diagram, one line a fault.
local function faults_text(from, err)
  local lines = {}
  for i, fault in ipairs(err.faults or { err }) do
    local message = fault.message:gsub("^line %d+[,:]%s*", ""):gsub("^column %d+:%s*", "")
    lines[i] = ("%s:%d:%d: %s"):format(from or "diagram", fault.line or 1, fault.column or 1,
      message:gsub("\n.*", ""))
  end
  return table.concat(lines, "\ninfinitomata: ")
end

local function new_fsm(options, terminal)
  local name = options.name
  if not is_module(name) then
    return cli.usage_error("'%s' cannot be the name of a module", name)
  end
  if is_taken(name) then
    return cli.usage_error("'%s' is the name of a module that Lua or this library has", name)
  end
  local text, problem = read_diagram(options.from)
  if not text then return nil, problem end
  local syntax = options.syntax or source.guess_syntax(text, options.from)
  local ok, definition = pcall(finitomata.define, {
    fsm = text, syntax = syntax, auto_terminate = options.auto_terminate,
  })
  if not ok then
    if not Error.is(definition) then error(definition, 0) end
    return nil, faults_text(options.from, definition)
  end
  local callbacks = options.callback or {}
  if options.timer then
    local listed = false
    for _, callback in ipairs(callbacks) do listed = listed or callback == "on_timer" end
    if not listed then table.insert(callbacks, "on_timer") end
  end
  local path = path_of(options.out, name, ".lua")
  ok, problem = write(path, fsm.text(name, definition, {
    auto_terminate = options.auto_terminate, timer = options.timer, callbacks = callbacks,
  }), options.force)
  if not ok then return nil, problem end
  terminal:say(path)
end

-- ---- new spec --------------------------------------------------------------------

---@return finitomata.Definition?
---@return string|finitomata.Error? problem
local function definition_of(module)
  local path = package.searchpath(module, "./?.lua;./?/init.lua;" .. package.path)
  if not path then return nil, ("there is no module '%s' here"):format(module) end
  local read, err = source.read(path)
  if not read then return nil, err end
  for _, found in ipairs(read.definitions) do
    if found.returned then return found.definition end
  end
  local fault = read.faults[1]
  if fault then
    return nil, ("%s:%d:%d: %s"):format(path, fault.line, fault.column, fault.message)
  end
  return nil, ("%s does not return a definition"):format(path)
end

local function new_spec(options, terminal)
  local module = options.module:gsub("%.lua$", ""):gsub("^%./", ""):gsub("/", ".")
  if not is_module(module) then
    return cli.usage_error("'%s' cannot be the name of a module", options.module)
  end
  local definition, problem = definition_of(module)
  if not definition then return nil, problem end
  local text, missed = spec.text(module, definition)
  local path = path_of(options.out, module, "_spec.lua")
  local ok
  ok, problem = write(path, text, options.force)
  if not ok then return nil, problem end
  if missed > 0 then
    terminal:warn(("%d edges are pending: there the FSM goes round by itself"):format(missed))
  end
  terminal:say(path)
end

function M.run(options, terminal)
  if options.what == "fsm" then return new_fsm(options, terminal) end
  return new_spec(options, terminal)
end

return M
