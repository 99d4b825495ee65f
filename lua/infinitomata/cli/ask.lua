-- SPDX-License-Identifier: MIT
--- Asks a running node, as a console would: one of this user on this machine, or
--- with the cluster's key one that listens for consoles from afar. Not a
--- subcommand: members, fsms, state and send use it.
local Error = require "finitomata.error"
local json = require "infinitomata.json"

local M = {}

local DEFAULT_AT <const> = "127.0.0.1:7946"
local TIMEOUT_S <const> = 10

---The options that all of them have.
---@param parser table
---@param branch? boolean whether it asks about a branch
function M.describe(parser, branch)
  parser:option("--at", "The node to ask: its HOST:PORT or its name; default: INFINITOMATA_AT, or "
    .. DEFAULT_AT .. "."):argname("<node>")
  parser:option("--key-file", "The cluster's keys, for a node on any machine: --at is its"
    .. " --console."):argname("<file>")
  if branch then
    parser:option("--id", "The branch; default: the default one."):argname("<branch>")
  end
  parser:option("--timeout", "Seconds to wait for an answer.", tostring(TIMEOUT_S))
    :argname("<seconds>"):convert(function(text)
      local seconds = tonumber(text)
      if seconds and seconds > 0 and seconds < math.huge then return seconds end
      return nil, ("--timeout: seconds over 0 expected, got '%s'"):format(text)
    end)
  parser:flag("--json", "One line of JSON.")
end

---@param target string
---@param key_file? string
---@return string|table? place where the node listens, as the console's client wants it
---@return finitomata.Error? err
local function place_of(program, target, key_file)
  if key_file then
    local keys, err = (require "infinitomata.config").read_keys(key_file)
    if not keys then return nil, err end
    return { address = target, keys = keys }
  end
  if target:find("/", 1, true) then return target end
  local door = require "infinitomata.console.door"
  return door.path(door.folder(program), target)
end

---The names under which nodes of this user may be reached.
---@param folder string
---@return string[]
local function names_in(folder)
  local names = {}
  local pipe <close> = io.popen("ls -- '" .. folder:gsub("'", "'\\''") .. "' 2>/dev/null")
  for line in pipe and pipe:lines() or function() end do
    local name = line:match("^(.+)%.sock$")
    if name and not name:find(":", 1, true) then names[#names + 1] = name end
  end
  return names
end

local function nobody(program, target)
  local folder = (require "infinitomata.console.door").folder(program)
  program.pipe_sweep(folder) -- to name those that answer
  local names = names_in(folder)
  local hint = #names > 0 and "; try --at " .. table.concat(names, " or --at ")
    or "; name one with --at HOST:PORT or --at NAME"
  return Error.new("unreachable", ("no node of this user is reached as '%s' on this machine%s")
    :format(target, hint))
end

---Evaluates a chunk there; gives what it printed.
---@param target string
---@param chunk string
---@param seconds number
---@param key_file? string
---@return string? said
---@return finitomata.Error? err
local function evaluate(target, chunk, seconds, key_file)
  local program = require "infinitomata.program"
  local Client = require "infinitomata.console.client"
  local place, wrong = place_of(program, target, key_file)
  if not place then return nil, wrong end
  local said, complained, over, err = {}, {}, false, nil
  local client
  client = Client.connect(program, place, {
    width = 80,
    interactive = false,
    show = function(text) said[#said + 1] = text end,
    complain = function(text) complained[#complained + 1] = text end,
    ready = function()
      client:run(chunk, function(ok)
        if not ok then err = Error.new("failed", (table.concat(complained):gsub("%s+$", ""))) end
        client:finish()
      end)
    end,
    ended = function(problem)
      over = true
      if problem then
        err = err or problem:find("^nobody listens at /") and nobody(program, target)
          or Error.new("unreachable", problem)
      end
      program.quit()
    end,
  })
  local clock = (require "finitomata.clock").real()
  local timer = clock:start(seconds * 1000, function()
    err = Error.new("timeout", ("%s gave no answer within %g s"):format(target, seconds))
    client:finish()
  end)
  while not over do program.serve() end
  clock:stop(timer)
  if err then return nil, err end
  return table.concat(said)
end

---How a chunk is evaluated; the tests put their own in its place.
M.evaluate = evaluate

---@param options table what the parser gave
---@param what string a question of infinitomata.query
---@param ... any texts, booleans and nils
---@return any value
---@return finitomata.Error? err
function M.node(options, what, ...)
  local arguments = table.pack(what, ...)
  for i = 1, arguments.n do
    arguments[i] = type(arguments[i]) == "string" and ("%q"):format(arguments[i])
      or tostring(arguments[i])
  end
  local chunk = ('print((require "infinitomata.query").answer(%s))'):format(
    table.concat(arguments, ", "))
  local target = options.at or os.getenv("INFINITOMATA_AT") or DEFAULT_AT
  local said, err = M.evaluate(target, chunk, options.timeout, options.key_file)
  if not said then return nil, err end
  local answer
  answer, err = json.decode(said)
  if err then return nil, err end
  if answer.error then
    return nil, Error.new(answer.error.code, answer.error.message, answer.error)
  end
  return answer.value
end

return M
