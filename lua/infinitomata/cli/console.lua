-- SPDX-License-Identifier: MIT
--- `infinitomata console`: a node of the cluster with a prompt.
local cli = require "infinitomata.cli"
local exit = require "infinitomata.cli.exit"
local options = require "infinitomata.cli.options"
local program = require "infinitomata.program"
local settings = require "infinitomata.cli.settings"

local M = {}

M.usage = ([[
starts a node with a prompt; lines from a pipe are evaluated as they come

  infinitomata console [options]

%s
Without --bind it listens on 127.0.0.1:7946, or on any free port when that is taken.

At the prompt: help() and .help say what there is, TAB completes, Ctrl-C gives a
line or an evaluation up, Ctrl-D leaves.

exit status: 0, 1 it failed, 2 wrong usage]]):format(settings.USAGE)

local DEFAULT_BIND <const> = "127.0.0.1:7946"

---The current folder first, so that an application is a folder of modules.
local function use_folder()
  package.path = "./?.lua;./?/init.lua;" .. package.path
end

---A second console of one machine finds the usual port taken: any other will do,
---and its name must not be the first one's.
local function start_elsewhere(node, given, terminal)
  local again = {}
  for key, value in pairs(given) do again[key] = value end
  again.bind = "127.0.0.1:0"
  again.name = given.name or ("console-%04x"):format(math.random(0, 0xffff))
  local started, err = node.start(again)
  if started and terminal:is_interactive() and not given.join then
    terminal:show(("%s is taken: this node listens on %s. To join the one there, leave and type\n"
      .. "  infinitomata console --join %s\n"):format(DEFAULT_BIND, started.address, DEFAULT_BIND))
  end
  return started, err
end

---@return table? node
---@return string? problem
local function start_node(given, terminal)
  local infinitomata = require "infinitomata"
  local node = infinitomata.node
  local ok, started, err = pcall(node.start, given.node)
  if ok and not started and type(err) == "table" and err.code == "address_in_use"
    and not given.node.bind then
    ok, started, err = pcall(start_elsewhere, node, given.node, terminal)
  end
  if not ok or not started then return nil, tostring(ok and err or started) end
  if given.id then infinitomata.start_link(given.id) end
  return started
end

local function banner(terminal, self)
  if not terminal:is_interactive() then return end
  local text = "infinitomata %s, node %s at %s; help() and .help help, Ctrl-D leaves\n"
  terminal:show(text:format(program.versions.infinitomata, self.name, self.address))
end

---The session of this process as what a terminal wants.
local function backend_of(session)
  local task = require "finitomata.task"
  local backend = {}
  function backend.prompt() return session:prompt() end
  function backend.feed(_, line, done) session:feed(line, done) end
  function backend.interrupt() return session:interrupt() end
  function backend.finish() session:finish() end
  -- Asking the cluster may wait: a task can.
  function backend.complete(_, before, found)
    task.spawn(function() found(session:complete(before)) end)
  end
  return backend
end

local function converse(terminal, given)
  local Session = require "infinitomata.console.session"
  local interrupts = require "infinitomata.console.interrupts"
  local notices = require "infinitomata.console.notices"
  local server = require "infinitomata.console.server"
  local colour, unicode = terminal:style()
  local session = Session.new {
    colour = colour,
    unicode = unicode,
    write = function(text) terminal:show(text) end,
    complain = function(text) terminal:complain(text) end,
    width = function() return terminal:width() end,
  }
  interrupts.listen(program, {
    asks = function() return terminal:asks() end,
    took = function() terminal:took() end,
    evaluation = function() return session:evaluation() end,
  })
  session.branch_id = given.id
  local told = notices.listen(function(text) terminal:complain(text .. "\n") end,
    { instead = true, members = terminal:is_interactive() })
  local door = server.open(program)
  if door and given.console then
    local ok, problem = door:listen(given.console, given.node.keys)
    if not ok then terminal:complain(problem .. "\n") end
  end
  for _, name in ipairs { "SIGTERM", "SIGHUP" } do
    program.signal(name, function() terminal:close() end)
  end
  terminal:run(backend_of(session))
  session:close()
  told:cancel()
  if door then door:close() end
end

---@param args string[]
---@return integer status
function M.run(args)
  local given, at = options.parse(args, settings.OPTIONS)
  if not given then return cli.misused("console", at) end
  if args[at] then return cli.misused("console", ("unknown argument '%s'"):format(args[at])) end
  local read, problem, misused = settings.read(given)
  if not read then
    if misused then return cli.misused("console", problem) end
    cli.complain("%s", problem)
    return cli.FAILED
  end
  if given["print-config"] then
    print(read.text)
    return cli.OK
  end
  (require "finitomata.log").set_level(read.log)
  use_folder()
  local terminal = (require "infinitomata.console.terminal").open(program)
  terminal:take_output()
  local started, why = start_node(read, terminal)
  if not started then
    terminal:close()
    cli.complain("%s", why)
    return cli.FAILED
  end
  exit.install(require("infinitomata.node"))
  banner(terminal, started)
  converse(terminal, read)
  require("infinitomata.node").leave()
  return cli.OK
end

return M
