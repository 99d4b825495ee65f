-- SPDX-License-Identifier: MIT
--- One person at one prompt: an environment of their own, the lines typed so
--- far, the evaluation under way. Where the lines come from and where the text
--- goes is for others: the terminal of this process, or a connection.
local branches = require "infinitomata.branches"
local commands = require "infinitomata.console.commands"
local completion = require "infinitomata.console.completion"
local evaluator = require "infinitomata.console.evaluator"
local help = require "infinitomata.console.help"
local printer = require "infinitomata.console.printer"

---@class infinitomata.console.Session
---@field env table                globals of what is typed; the rest is _G's
---@field branch_id? string        the branch that commands speak of
---@field quitting boolean         `.quit` was typed
---@field watches table<string, infinitomata.console.Watch>
---@field private _options infinitomata.console.SessionOptions
---@field private _text? string    lines of a chunk that is not complete
---@field private _running? infinitomata.console.Evaluation
---@field private _showing? thread  shows what came of the last one
local Session = {}
Session.__index = Session

---@class infinitomata.console.SessionOptions
---@field write fun(text: string)     shows results and whatever is printed
---@field complain fun(text: string)  shows what went wrong
---@field width? fun(): integer       of the screen
---@field unicode? boolean            it shows all characters
---@field colour? boolean             and colours
---@field remote? boolean             the prompt is not in this process

local HELP <const> = [[
A line is Lua: an expression prints its value, several lines make one chunk when
the first is not complete. Names you set stay with this session; a `local` ends
with its line. A call that waits does not stop the node. Ctrl-C gives a line or
an evaluation up, Ctrl-D leaves, TAB completes.

  infinitomata    the FSMs of the cluster: start_fsm, transition, call, state, ...
  finitomata      FSMs of this node alone; define
  branch          the branch that commands speak of
  node            this process's place in the cluster: start, leave, members, ...
  help(x)         what is known of a function, a module, an object, a definition
  help()          this text

Commands:
]]

local NAMES = { "branch", "finitomata", "help", "infinitomata", "node", "print" }

---What is typed runs in a coroutine, but it is nobody's to yield.
local function coroutines(session)
  local function yield(...)
    if session._running and session._running:is_own(coroutine.running()) then
      error("attempt to yield from outside a coroutine", 0)
    end
    return coroutine.yield(...)
  end
  return setmetatable({ yield = yield }, { __index = coroutine })
end

---What a session offers besides the globals of Lua.
local function offers(session, write)
  local function say(...)
    local texts = table.pack(...)
    for index = 1, texts.n do texts[index] = tostring(texts[index]) end
    write(table.concat(texts, "\t") .. "\n")
  end
  local values = {
    print = say,
    coroutine = coroutines(session),
    help = function(...)
      if select("#", ...) == 0 then
        return write(HELP .. commands.run(session, ".help") .. "\n")
      end
      local name = type((...)) == "string" and (...):match "^%.(%a+)$"
      local text = name and assert(commands.run(session, ".help " .. name)) or help.of((...))
      write(text .. "\n")
    end,
  }
  local modules = {
    infinitomata = "infinitomata",
    finitomata = "finitomata",
    node = "infinitomata.node",
  }
  return function(_, name)
    if name == "branch" then return session:branch() end
    if values[name] ~= nil then return values[name] end
    if modules[name] and _G[name] == nil then return (require(modules[name])) end
    return _G[name]
  end, values
end

---A session from afar must not write to the node's own output, nor end it.
local function keep_apart(session, values, write)
  local function say(...)
    for _, value in ipairs { ... } do write(tostring(value)) end
    return io.stdout
  end
  values.io = setmetatable({ write = say }, { __index = io })
  values.os = setmetatable({
    exit = function() error("os.exit would end the node; .quit leaves this session", 0) end,
  }, { __index = os })
  session.remote = true
end

---@param options infinitomata.console.SessionOptions
---@return infinitomata.console.Session
function Session.new(options)
  local self = setmetatable({ _options = options, quitting = false, watches = {} }, Session)
  local index, values = offers(self, options.write)
  if options.remote then keep_apart(self, values, options.write) end
  self.env = setmetatable({}, { __index = index, names = NAMES })
  return self
end

---@return infinitomata.Branch
function Session:branch()
  return self.branch_id and branches.get(self.branch_id) or branches.default()
end

---@return integer columns of the screen
function Session:width()
  return self._options.width and self._options.width() or 80
end

---What a drawing for the screen has to know of it.
---@return infinitomata.console.DiagramOptions
function Session:style()
  local options = self._options
  return { width = self:width(), unicode = options.unicode or false, colour = options.colour }
end

---Shows a line that nobody asked for now.
---@param text string
function Session:notify(text)
  self._options.write(text .. "\n")
end

---@return string text the prompt, as _PROMPT and _PROMPT2 have it
function Session:prompt()
  local name, default = "_PROMPT", "> "
  if self._text then name, default = "_PROMPT2", ">> " end
  local ok, text = pcall(function()
    local set = self.env[name]
    return set ~= nil and tostring(set) or default
  end)
  return ok and text or default
end

---@return infinitomata.console.Evaluation?
function Session:evaluation()
  return self._running
end

---@private
function Session:_show(ok, results)
  local options = self._options
  if not ok then
    options.complain(printer.problem(results[1]) .. "\n")
  elseif results.n > 0 then
    options.write(printer.results(results, { width = self:width() }) .. "\n")
  end
end

---Whether the caller is what was typed, or the showing of what came of it: that may
---wait until the screen has taken what there is to show.
---@return boolean
function Session:may_wait()
  local co = coroutine.running()
  return co == self._showing or self._running ~= nil and self._running:is_own(co)
end

---@private
function Session:_start(chunk, finish)
  self._running = evaluator.start(chunk, function(ok, results)
    self._running, self._showing = nil, coroutine.running()
    local shown, problem = pcall(finish, ok, results)
    self._showing = nil
    if not shown then self._options.complain(printer.problem(problem) .. "\n") end
  end)
end

---@private
function Session:_command(line, done)
  self:_start(function() return commands.run(self, line) end, function(ok, results)
    local text, problem = results[1], results[2]
    if ok and text == nil then ok, text = false, problem end
    if ok and text ~= "" then self._options.write(text .. "\n") end
    if not ok then self._options.complain(printer.problem(text) .. "\n") end
    done(self.quitting and "quit" or ok and "ok" or "error")
  end)
end

---Takes a line. `done` is called once: with "more" when the chunk is not
---complete, with "ok" or "error" after it has run, with "quit" after `.quit`.
---@param line string
---@param done fun(status: "more"|"ok"|"error"|"quit")
function Session:feed(line, done)
  if not self._text and line:find "^%s*%.%a" then return self:_command(line, done) end
  local text = self._text and self._text .. "\n" .. line or line
  self._text = nil
  if text:find "^%s*$" then return done "ok" end
  local chunk, problem = evaluator.compile(text, self.env)
  if problem == "incomplete" then
    self._text = text
    return done "more"
  end
  if not chunk then
    self._options.complain(problem .. "\n")
    return done "error"
  end
  self:_start(chunk, function(ok, results)
    self:_show(ok, results)
    done(self.quitting and "quit" or ok and "ok" or "error")
  end)
end

---Runs a whole chunk, or a command, as `-e` gives it.
---@param text string
---@param done fun(ok: boolean)
function Session:run(text, done)
  if text:find "^%s*%.%a[^\n]*$" then
    return self:_command(text, function(status) done(status ~= "error") end)
  end
  local chunk, problem = evaluator.compile(text, self.env)
  if not chunk then
    if problem == "incomplete" then problem = select(2, load(text, "=console", "t")) end
    self._options.complain(problem .. "\n")
    return done(false)
  end
  self:_start(chunk, function(ok, results)
    self:_show(ok, results)
    done(ok)
  end)
end

---The rest of a chunk that will never be complete: says what is missing.
---@return boolean pending there was one
function Session:finish()
  local text = self._text
  self._text = nil
  if not text then return false end
  self._options.complain(select(2, load(text, "=console", "t")) .. "\n")
  return true
end

---Gives up what is being typed or evaluated.
---@return boolean running an evaluation was; it ends soon
function Session:interrupt()
  self._text = nil
  if not self._running then return false end
  self._running:interrupt()
  return true
end

---@param before string the line up to the cursor
---@return integer start
---@return string[] words
function Session:complete(before)
  local earlier = self._text and self._text .. "\n" or ""
  local start, words = completion.complete(earlier .. before, {
    env = self.env,
    branch = function() return self:branch() end,
    branches = branches.ids,
    commands = commands.list,
  })
  return math.max(1, start - #earlier), words
end

---Ends what goes on for this session.
function Session:close()
  self:interrupt()
  for _, handle in pairs(self.watches) do handle:cancel() end
  self.watches = {}
end

return Session
