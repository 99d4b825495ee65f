-- SPDX-License-Identifier: MIT
--- `infinitomata attach`: a console on a running node.
local cli = require "infinitomata.cli"
local program = require "infinitomata.program"

local M = {}

M.usage = [[
opens a prompt on a running node, or evaluates a chunk there

  infinitomata attach NODE [--key-file FILE] [-e CHUNK]

  NODE             the node's name, its HOST:PORT, or the path of its socket
  -e CHUNK         evaluates the text, prints what it returns, and leaves;
                   a command as .fsms will do, too
  --key-file FILE  the cluster's keys: NODE is what a node on any machine was
                   given as --console HOST:PORT

Without a key file the node must run on this machine and belong to this user.
Each console has globals of its own. What -e complains about goes to standard
error.

exit status: 0, 1 it failed, 2 wrong usage]]

local VALUES = { ["-e"] = "chunk", ["--key-file"] = "key_file" }

---@return { target: string, chunk: string?, key_file: string? }?
---@return string? problem
local function read(args)
  local given, target = {}, nil
  local at = 1
  while at <= #args do
    local argument = args[at]
    local name, value = argument:match "^(%-%-key%-file)=(.*)$"
    if VALUES[name or argument] then
      if not name then
        at = at + 1
        value = args[at]
      end
      if not value then return nil, ("option '%s' needs a value"):format(argument) end
      given[VALUES[name or argument]] = value
    elseif argument:sub(1, 1) == "-" then
      return nil, ("unknown option '%s'"):format(argument)
    elseif target then
      return nil, ("unknown argument '%s'"):format(argument)
    else
      target = argument
    end
    at = at + 1
  end
  given.target = target
  if not target then return nil, "the node is missing" end
  return given
end

---Where to connect to, as the client wants it.
---@return string|table? place
---@return any? problem
local function place_of(given)
  local target = given.target
  if given.key_file then
    local keys, err = (require "infinitomata.config").read_keys(given.key_file)
    if not keys then return nil, err end
    return { address = target, keys = keys }
  end
  if target:find("/", 1, true) then return target end
  local door = require "infinitomata.console.door"
  return door.path(door.folder(program), target)
end

---What went wrong, for people.
local function explain(target, problem)
  if not problem:find "^nobody listens at /" then return problem end
  if target:find ":%d+$" then
    return ("no node of this user has the address %s on this machine; one elsewhere needs"
      .. " --console there and --key-file here"):format(target)
  end
  return ("no node of this user is called '%s' on this machine (%s)"):format(target, problem)
end

local function evaluate(target, place, chunk)
  local Client = require "infinitomata.console.client"
  local status, over = cli.FAILED, false
  local client
  client = Client.connect(program, place, {
    width = 80,
    interactive = false,
    unicode = (require "infinitomata.console.canvas").has_unicode(),
    show = function(text) io.stdout:write(text) end,
    complain = function(text) io.stderr:write(text) end,
    ready = function()
      client:run(chunk, function(ok)
        status = ok and cli.OK or cli.FAILED
        client:finish()
      end)
    end,
    ended = function(problem)
      over = true
      if problem then cli.complain("%s", explain(target, problem)) end
      program.quit()
    end,
  })
  program.signal("SIGINT", function() client:interrupt() end)
  while not over do program.serve() end
  return status
end

local function greet(terminal, client)
  if not terminal:is_interactive() then return end
  terminal:show(("attached to node %s; help() and .help help, Ctrl-D leaves\n"):format(client.node))
end

local function converse(target, place)
  local Client = require "infinitomata.console.client"
  local terminal = (require "infinitomata.console.terminal").open(program)
  local status, over, ready = cli.OK, false, false
  local colour, unicode = terminal:style()
  local client = Client.connect(program, place, {
    colour = colour,
    unicode = unicode,
    width = terminal:width(),
    interactive = terminal:is_interactive(),
    show = function(text) terminal:show(text) end,
    complain = function(text) terminal:complain(text) end,
    ready = function()
      ready = true
      program.quit()
    end,
    ended = function(problem)
      over = true
      if problem then
        status = cli.FAILED
        terminal:close()
        cli.complain("%s", explain(target, problem))
      end
      program.quit()
    end,
  })
  while not ready and not over do program.serve() end
  if over then return status end
  program.on_interrupt(function() return true end) -- nothing computes here
  greet(terminal, client)
  program.signal("SIGWINCH", function() client:resize(terminal:width()) end)
  terminal:run(client)
  client:finish()
  return status
end

---@param args string[]
---@return integer status
function M.run(args)
  local given, problem = read(args)
  if not given then return cli.misused("attach", problem) end
  local place, why = place_of(given)
  if not place then
    cli.complain("%s", tostring(why))
    return cli.FAILED
  end
  if given.chunk then return evaluate(given.target, place, given.chunk) end
  return converse(given.target, place)
end

return M
