-- SPDX-License-Identifier: MIT
local Terminal = require "infinitomata.console.terminal"

---A terminal on a console that only writes down what it is told; the real one
---is tried on a pseudo-terminal in tests/console.
local function stage(mode)
  local console = { log = {}, mode_name = mode or "edit" }
  for _, name in ipairs { "ask", "show", "replace", "remember", "refresh", "drop", "close" } do
    console[name] = function(_, ...) console.log[#console.log + 1] = { name, ... } end
  end
  function console.mode() return console.mode_name end
  function console.columns() return 40 end
  function console.typed() return console.text end
  local signals = {}
  local program = {
    console_open = function(on_line, on_tab)
      console.on_line, console.on_tab = on_line, on_tab
      return console
    end,
    interrupts = function() return console.interrupts or 0 end,
    signal = function(name, fn) signals[name] = fn end,
    private_folder = function() return nil end,
    quit = function() end,
  }
  local backend = {
    prompt = function() return "> " end,
    feed = function(_, line, done)
      console.line, console.done = line, done
    end,
    complete = function(_, before, found) console.asked, console.found = before, found end,
    interrupt = function() console.interrupted = (console.interrupted or 0) + 1 return false end,
    finish = function() console.finished = true end,
  }
  return console, program, backend, signals
end

describe("a terminal", function()
  ---Plays `script` while the terminal waits for its loop.
  local function play(mode, script)
    local console, program, backend, signals = stage(mode)
    local terminal = Terminal.open(program)
    program.serve = function()
      script(console, terminal, signals)
      terminal:close()
    end
    terminal:run(backend)
    return console
  end

  local function last(console) return console.log[#console.log] end

  it("asks, hands the line on, and asks again when it is done", function()
    play("edit", function(console)
      assert.same({ "ask", "> " }, last(console))
      console.on_line "1 + 1"
      assert.equal("1 + 1", console.line)
      assert.same({ "remember", "1 + 1" }, last(console))
      console.done "ok"
      assert.same({ "ask", "> " }, last(console))
    end)
  end)

  it("ends at the end of the input, and after quit", function()
    local console = play("plain", function(console)
      console.on_line(nil)
      assert.is_true(console.finished)
    end)
    assert.same({ "close" }, last(console))
    play("edit", function(played)
      played.on_line ".quit"
      played.done "quit"
      assert.same({ "close" }, last(played))
    end)
  end)

  it("shows only whole lines above a line that is typed", function()
    play("edit", function(console, terminal)
      terminal:show "half"
      assert.same({ "ask", "> " }, last(console))
      terminal:show " and\nmore"
      assert.same({ "show", "half and\n" }, last(console))
      console.on_line "x"
      console.done "ok"
      assert.same({ "show", "more\n" }, console.log[#console.log - 1])
    end)
  end)

  it("shows text as it is while nothing is typed", function()
    play("edit", function(console, terminal)
      console.on_line "x"
      terminal:show "half"
      assert.same({ "show", "half" }, last(console))
    end)
  end)

  it("puts in what all completions begin with", function()
    play("edit", function(console)
      console.text = "string.fo"
      console.on_tab "string.fo"
      console.found(8, { "format" })
      assert.same({ "replace", 2, "format" }, last(console))
    end)
  end)

  it("counts characters, not bytes, when it replaces", function()
    play("edit", function(console)
      console.text = 'state("né'
      console.on_tab(console.text)
      console.found(8, { 'nénu"' })
      assert.same({ "replace", 2, 'nénu"' }, last(console))
    end)
  end)

  it("lists completions that differ at once", function()
    play("edit", function(console)
      console.text = "x."
      console.on_tab "x."
      console.found(3, { "a", "b" })
      assert.same({ "show", "a  b\n" }, last(console))
    end)
  end)

  it("ignores a completion that comes late", function()
    play("edit", function(console)
      console.text = "string.fo"
      console.on_tab "string.fo"
      console.text = "string.fou"
      console.found(8, { "format" })
      assert.same({ "ask", "> " }, last(console))
    end)
  end)

  it("drops the line at Ctrl-C, and asks for another", function()
    play("edit", function(console, _, signals)
      console.interrupts = 1
      signals.SIGINT()
      assert.same({ "drop", "^C" }, console.log[#console.log - 1])
      assert.same({ "ask", "> " }, last(console))
      assert.equal(1, console.interrupted)
    end)
  end)

  it("gives Ctrl-C to what is evaluated", function()
    play("edit", function(console, _, signals)
      console.on_line "x"
      console.interrupts = 1
      signals.SIGINT()
      assert.equal(1, console.interrupted)
      assert.same({ "remember", "x" }, last(console))
    end)
  end)

  it("does not take one Ctrl-C twice", function()
    play("edit", function(console, terminal, signals)
      assert.is_false(terminal:asks())
      console.interrupts = 1
      assert.is_true(terminal:asks())
      terminal:took()
      assert.is_false(terminal:asks())
      signals.SIGINT()
      assert.is_nil(console.interrupted)
    end)
  end)
end)
