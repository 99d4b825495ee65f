-- SPDX-License-Identifier: MIT
--- The prompt in this process: asks for lines, hands them to whoever evaluates
--- them, shows what comes of it. The same for a session in this process and for
--- one on another node.
local canvases = require "infinitomata.console.canvas"
local completion = require "infinitomata.console.completion"
local histories = require "infinitomata.console.history"
local printer = require "infinitomata.console.printer"

---@class infinitomata.console.Backend
---@field prompt fun(self): string
---@field feed fun(self, line: string, done: fun(status: string))
---@field complete fun(self, before: string, found: fun(start: integer, words: string[]))
---@field interrupt fun(self): boolean
---@field finish fun(self)    no more lines will come

---@class infinitomata.console.Terminal
---@field mode "edit"|"prompt"|"plain"
---@field status string        what became of the last line
---@field private _program table
---@field private _console table     of the C module
---@field private _backend? infinitomata.console.Backend
---@field private _history? infinitomata.console.History
---@field private _asking boolean
---@field private _over boolean
---@field private _partial string    printed without a line's end while one is typed
---@field private _heard integer     how many SIGINTs were heard of
---@field private _taken? integer    the last that an evaluation has taken
---@field private _echoed integer    how many "^C" of SIGINTs have a line's end behind them
local Terminal = {}
Terminal.__index = Terminal

local LIST_MAX <const> = 200

---@param program table the module infinitomata.program, or a stand-in
---@return infinitomata.console.Terminal
function Terminal.open(program)
  local self = setmetatable({
    status = "ok",
    _program = program,
    _asking = false,
    _over = false,
    _partial = "",
    _heard = program.interrupts(),
    _echoed = program.interrupts(),
  }, Terminal)
  self._console = program.console_open(function(line) self:_take(line) end, function(before)
    self:_complete(before)
  end)
  self.mode = self._console:mode()
  if self.mode == "edit" then
    self._history = histories.open(program)
    for _, line in ipairs(self._history.lines) do self._console:remember(line) end
  end
  return self
end

---@return integer
function Terminal:width()
  return self._console:columns() or 80
end

---Whether there are colours, and all characters.
---@param getenv? fun(name: string): string?
---@return boolean colour
---@return boolean unicode
function Terminal:style(getenv)
  local refused = (getenv or os.getenv) "NO_COLOR"
  local colour = self.mode == "edit" and (refused == nil or refused == "")
  return colour, canvases.has_unicode(getenv)
end

---@return boolean a person sits there
function Terminal:is_interactive()
  return self.mode ~= "plain"
end

---The terminal shows a "^C" where the next text would begin.
---@private
---@return string what has to be written first
function Terminal:_after_echo()
  local echoed = self._program.interrupts()
  if self._asking or self._echoed == echoed then return "" end
  self._echoed = echoed
  return self.mode == "edit" and "\n" or ""
end

---Shows a text; while a line is typed, above it and in whole lines.
---@param text string
function Terminal:show(text)
  if self._over then return io.stdout:write(text) end
  text = self:_after_echo() .. text
  if not (self._asking and self.mode == "edit") then return self._console:show(text) end
  local whole, rest = (self._partial .. text):match "^(.*\n)(.*)$"
  self._partial = rest or self._partial .. text
  if whole then self._console:show(whole) end
end

---Shows what went wrong: on standard error when nobody sits there.
---@param text string
function Terminal:complain(text)
  if self:is_interactive() then return self:show(text) end
  io.stderr:write(text)
end

---Makes what any code of this process prints or writes go above the prompt.
function Terminal:take_output()
  if not self:is_interactive() then return end
  local methods = getmetatable(io.stdout).__index
  local write = methods.write
  function methods.write(file, ...)
    local screen = file == io.stdout or file == io.stderr
    if not (screen and self._asking and self.mode == "edit") then return write(file, ...) end
    for index = 1, select("#", ...) do self:show(tostring((select(index, ...)))) end
    return file
  end
  _G.print = function(...) -- luacheck: ignore 122
    local texts = table.pack(...)
    for index = 1, texts.n do texts[index] = tostring(texts[index]) end
    self:show(table.concat(texts, "\t") .. "\n")
  end
  io.write = function(...) return io.output():write(...) end -- luacheck: ignore 122
end

---Shows the prompt and waits for a line.
---@private
function Terminal:_ask()
  if self._over then return end
  local before = self:_after_echo()
  if self._partial ~= "" then before = before .. self._partial .. "\n" end
  if before ~= "" then self._console:show(before) end
  self._partial = ""
  self._asking = true
  self._console:ask(self._backend:prompt())
end

---@private
function Terminal:_take(line)
  self._asking = false
  if not line then
    if self:is_interactive() then self._console:show "\n" end
    self._backend:finish()
    return self:close()
  end
  if self._history and self._history:add(line) then self._console:remember(line) end
  self._backend:feed(line, function(status)
    self.status = status
    if status == "quit" then return self:close() end
    self:_ask()
  end)
end

---@private
function Terminal:_complete(before)
  self._backend:complete(before, function(start, words)
    if not self._asking or self._console:typed() ~= before then return end
    local typed = before:sub(start)
    local common = completion.common(words)
    if #words > 0 and common ~= typed then
      self._console:replace(utf8.len(typed) or #typed, common)
    elseif #words > 1 then
      local shown = table.move(words, 1, math.min(#words, LIST_MAX), 1, {})
      local text = printer.grid(shown, self:width())
      if #words > #shown then text = ("%s\n... %d more"):format(text, #words - #shown) end
      self._console:show(text .. "\n")
    end
  end)
end

---Ctrl-C: gives up the evaluation, or the line.
---@private
function Terminal:_interrupt()
  self._heard = self._program.interrupts()
  if self._heard == self._taken then return end
  if not self._asking then
    self._backend:interrupt()
    return
  end
  self._backend:interrupt()
  self._asking = false
  self._console:drop "^C"
  self._echoed = self._heard
  self:_ask()
end

---@return boolean asked Ctrl-C was typed, and nobody has heard of it yet
function Terminal:asks()
  return self._heard ~= self._program.interrupts()
end

---An evaluation has heard of it.
function Terminal:took()
  self._heard = self._program.interrupts()
  self._taken = self._heard
end

---Asks for lines until there are no more, or until `.quit`.
---@param backend infinitomata.console.Backend
function Terminal:run(backend)
  local program = self._program
  self._backend = backend
  program.signal("SIGINT", function() self:_interrupt() end)
  for _, name in ipairs { "SIGWINCH", "SIGCONT" } do
    program.signal(name, function()
      if not self._over then self._console:refresh() end
    end)
  end
  self:_ask()
  while not self._over do
    program.serve()
    -- The loop has nothing left to wait for, and still no answer.
    if not self._over and not self._asking and not self._backend:interrupt() then self:_ask() end
  end
end

---Gives the terminal back; `run` returns.
function Terminal:close()
  if self._over then return end
  self._console:drop() -- what comes next begins a line
  self._over = true
  self._asking = false
  self._console:close()
  self._program.quit()
end

return Terminal
