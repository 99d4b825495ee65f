-- SPDX-License-Identifier: MIT
--- `infinitomata run`: a node of the cluster with a script on it. It serves until
--- SIGINT or SIGTERM, or until the script leaves the cluster.
local cli = require "infinitomata.cli"
local exit = require "infinitomata.cli.exit"
local options = require "infinitomata.cli.options"
local program = require "infinitomata.program"
local settings = require "infinitomata.cli.settings"

local M = {}

M.usage = ([[
starts a node, runs a script on it, and serves until SIGINT or SIGTERM

  infinitomata run [options] script.lua [arguments]

%s

The script's folder is put on package.path, and what follows the script is its
`arg`; its os.exit leaves the cluster first. A second SIGINT or SIGTERM ends the
program at once; SIGHUP reads the configuration and the definitions again, SIGUSR1
writes down how the node is.

exit status: 0, 1 it failed, 2 wrong usage]]):format(settings.USAGE)

---The script's folder first, so that an application is a folder of modules.
local function use_folder(script)
  local folder = script:match("^(.*)/[^/]*$") or "."
  if folder == "" then folder = "/" end
  package.path = ("%s/?.lua;%s/?/init.lua;%s"):format(folder, folder, package.path)
end

---As lua does it: the script at 0, what came before it below.
local function set_arg(args, at)
  local arg = {}
  for i = 1, #args do arg[i - at] = args[i] end
  _G.arg = arg
end

---A script that leaves the cluster ends the program: the loop it runs on stops.
local function quit_after_leaving(node)
  local leave = node.leave
  node.leave = function()
    local left = leave()
    program.quit()
    return left
  end
end

---The first signal leaves the cluster in good order, wherever the script is.
---@param node table infinitomata.node
---@param service infinitomata.Service
---@return fun() served says that only the loop runs now: leaving is enough
local function watch_signals(node, service)
  local task = require "finitomata.task"
  local in_script, leaving = true, false
  local function leave()
    if leaving then return end
    leaving = true
    service:stopping()
    task.spawn(function()
      node.leave()
      if in_script then os.exit(cli.OK) end
    end)
  end
  for _, name in ipairs { "SIGINT", "SIGTERM" } do program.signal(name, leave) end
  program.second_signal_ends()
  return function() in_script = false end
end

local function with_traceback(problem)
  return (require "finitomata.trace").add(tostring(problem))
end

---Consoles of this user may attach; a node without them is a node all the same.
---@param finish table[] gets what is to be closed at the end
---@return boolean? ok
---@return string? problem the address for consoles from afar cannot be had
local function open_door(given, finish)
  local opened, problem = (require "infinitomata.console.server").open(program)
  finish[#finish + 1] = opened
  if opened and given.console then return opened:listen(given.console, given.node.keys) end
  if not opened then (require "finitomata.log").warning("no console can attach: %s", problem) end
  return true
end

---Log lines name the node as soon as it has a name.
local function open_log(given, node)
  return (require "infinitomata.logger").install {
    level = given.log,
    format = given.format,
    node = function()
      local self = node.self()
      return self and self.name
    end,
  }
end

---Takes the keys as they are now; a sealed node does not open, nor an open one seal.
---@param given infinitomata.cli.Settings
---@param keys string[]?
---@return string? problem
local function take_keys(node, given, keys)
  if not keys and not given.node.keys then return nil end
  local ok, err = node.set_keys(keys or {})
  if not ok then return "the keys: " .. tostring(err) end
end

---Shows the others the tags as they are now.
---@return string? problem
local function take_tags(node, before, after)
  for key in pairs(before) do
    if after[key] == nil then node.set_tag(key, nil) end
  end
  for key, value in pairs(after) do
    local ok, err = node.set_tag(key, value)
    if not ok then return ("the tag '%s': %s"):format(key, tostring(err)) end
  end
end

---Reads the configuration again: what a running node can change, it changes, and of
---the rest it says that it needs a restart.
---@param given infinitomata.cli.Settings as it was at the start
---@param flags table what the command line says
---@return fun(): string?
local function configuring(infinitomata, given, flags)
  return function()
    local read, problem = settings.read(flags)
    if not read then return problem end
    local log = require "finitomata.log"
    log.set_level(read.log)
    infinitomata.configure(read.node.config)
    local tags = given.values.tags
    given.values.tags = read.values.tags
    local fixed = (require "infinitomata.config").restarting(given.values, read.values)
    if #fixed > 0 then log.warning("this needs a restart: %s", table.concat(fixed, ", ")) end
    return take_keys(infinitomata.node, given, read.node.keys)
      or take_tags(infinitomata.node, tags, read.values.tags)
  end
end

---@param given infinitomata.cli.Settings
---@param finish table[] gets what is to be closed at the end
---@return boolean? ok
---@return string? problem
local function start(infinitomata, given, finish)
  local logger, wrong = open_log(given, infinitomata.node)
  if not logger then return nil, tostring(wrong) end
  finish[1] = logger
  local ok, started, err = pcall(infinitomata.node.start, given.node)
  if not ok then return nil, tostring(started) end
  if not started then return nil, tostring(err) end
  if given.id then infinitomata.start_link(given.id) end
  return open_door(given, finish)
end

---Sockets are removed, and the log tells what it has held back.
---@param finish table[]
local function close_all(finish)
  while finish[1] do table.remove(finish):close() end
end

---@param chunk fun(...) the script
---@param given infinitomata.cli.Settings
---@param flags table what the command line says
---@param args string[]
---@param at integer the script's place among them
---@return integer status
local function host(chunk, given, flags, args, at)
  local infinitomata = require "infinitomata"
  local node = infinitomata.node
  local service = (require "infinitomata.service").new(program,
    { configure = configuring(infinitomata, given, flags) })
  local finish <close> = setmetatable({}, { __close = close_all })
  quit_after_leaving(node)
  exit.install(node, function() service:stopping() end, function() close_all(finish) end)
  local served = watch_signals(node, service)
  local started, problem = start(infinitomata, given, finish)
  if not started then
    cli.complain("%s", problem)
    return cli.FAILED
  end
  service:start()
  local ok, trace = xpcall(chunk, with_traceback, table.unpack(args, at + 1))
  if not ok then
    cli.complain("%s", trace)
    node.leave()
    return cli.FAILED
  end
  served()
  while node.self() and program.serve() do end
  service:stopping()
  return cli.OK
end

---Reads the script before anything is started.
---@return fun(...)? chunk
---@return integer? status
local function load_script(path)
  local file, problem = io.open(path, "r")
  if not file then return nil, cli.misused("run", "cannot open " .. problem) end
  file:close()
  local chunk, fault = loadfile(path)
  if chunk then return chunk end
  cli.complain("%s", fault)
  return nil, cli.FAILED
end

---@param args string[]
---@return integer status
function M.run(args)
  local given, at = options.parse(args, settings.OPTIONS)
  if not given then return cli.misused("run", at) end
  local read, problem, misused = settings.read(given)
  if not read then
    if misused then return cli.misused("run", problem) end
    cli.complain("%s", problem)
    return cli.FAILED
  end
  if given["print-config"] then
    print(read.text)
    return cli.OK
  end
  if not args[at] then return cli.misused("run", "a script is missing") end
  local chunk, status = load_script(args[at])
  if not chunk then return status end
  use_folder(args[at])
  set_arg(args, at)
  return host(chunk, read, given, args, at)
end

return M
