-- SPDX-License-Identifier: MIT
--- `infinitomata attach`: a console on a running node.
local cli = require "infinitomata.cli"
local program = require "infinitomata.program"

local M = {}

M.usage = [[
opens a prompt on a running node, or evaluates a chunk there

  infinitomata attach NODE [-e CHUNK]

  NODE         the node's name, its HOST:PORT, or the path of its socket
  -e CHUNK     evaluates the text, prints what it returns, and leaves

The node must run on this machine and belong to this user. Each console has
globals of its own. What -e complains about goes to standard error.

exit status: 0, 1 it failed, 2 wrong usage]]

---@return string? target
---@return string? chunk or what is wrong
local function read(args)
  local target, chunk
  local at = 1
  while at <= #args do
    local argument = args[at]
    if argument == "-e" then
      at = at + 1
      chunk = args[at]
      if not chunk then return nil, "option '-e' needs a value" end
    elseif argument:sub(1, 1) == "-" then
      return nil, ("unknown option '%s'"):format(argument)
    elseif target then
      return nil, ("unknown argument '%s'"):format(argument)
    else
      target = argument
    end
    at = at + 1
  end
  if not target then return nil, "the node is missing" end
  return target, chunk
end

local function path_of(target)
  if target:find("/", 1, true) then return target end
  local door = require "infinitomata.console.door"
  return door.path(door.folder(program), target)
end

---What went wrong, for people.
local function explain(target, problem)
  if not problem:find "^nobody listens" then return problem end
  if target:find ":%d+$" then
    return ("no node of this user has the address %s on this machine; a node elsewhere is"
      .. " attached to from there"):format(target)
  end
  return ("no node of this user is called '%s' on this machine (%s)"):format(target, problem)
end

local function evaluate(target, chunk)
  local Client = require "infinitomata.console.client"
  local status, over = cli.FAILED, false
  local client
  client = Client.connect(program, path_of(target), {
    width = 80,
    interactive = false,
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

local function converse(target)
  local Client = require "infinitomata.console.client"
  local terminal = (require "infinitomata.console.terminal").open(program)
  local status, over, ready = cli.OK, false, false
  local client = Client.connect(program, path_of(target), {
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
  greet(terminal, client)
  program.signal("SIGWINCH", function() client:resize(terminal:width()) end)
  terminal:run(client)
  client:finish()
  return status
end

---@param args string[]
---@return integer status
function M.run(args)
  local target, chunk = read(args)
  if not target then return cli.misused("attach", chunk) end
  if chunk then return evaluate(target, chunk) end
  return converse(target)
end

return M
