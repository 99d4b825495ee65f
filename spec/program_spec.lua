-- SPDX-License-Identifier: MIT
--- The program, where it is `lua`.
local program = require "spec.support.program"

local run = program.run

---Runs a script that is written for the occasion.
local function script(text, ...)
  local path = program.file(text)
  local status, out, err = run { path, ... }
  os.remove(path)
  return status, out, err, path
end

describe("infinitomata SCRIPT", function()
  it("runs it with its arguments, and tells it its name", function()
    local text = "print(arg[0], arg[1], arg[2], arg[-1] ~= nil, ...)"
    local status, out, err, path = script(text, "a", "b c")
    assert.equal("", err)
    assert.equal(0, status)
    assert.equal(path .. "\ta\tb c\ttrue\ta\tb c\n", out)
  end)

  it("finds its own Lua files and the C module from anywhere", function()
    local status, out, err = run { "-e", [[
      print(require "infinitomata.core".version, require "finitomata" ~= nil)]] }
    assert.equal("", err)
    assert.equal(0, status)
    assert.matches("^%d+%.%d+%.%d+\ttrue\n$", out)
  end)

  it("ends 1 and says where an error was raised", function()
    local status, out, err = script [[error "broken script"]]
    assert.equal(1, status)
    assert.equal("", out)
    assert.matches("broken script", err)
    assert.matches("stack traceback", err)
  end)

  it("ends 1 when the script is not there, or is no Lua", function()
    local status, _, err = run { "/nowhere/at/all.lua" }
    assert.equal(1, status)
    assert.matches("/nowhere/at/all.lua", err)
    status, _, err = script "this is not Lua"
    assert.equal(1, status)
    assert.matches("syntax error", err)
  end)

  it("ends as the script says", function()
    assert.equal(7, (script "os.exit(7)"))
    assert.equal(1, (script "os.exit(false, true)"))
  end)

  it("gives its commands a broken pipe to die of, and does not die of one", function()
    local status, out, err = script [[
      local broken, deadline = io.popen("true", "w"), os.time() + 10
      broken:setvbuf "no"
      while broken:write "anybody there?" and os.time() < deadline do end
      print(broken:write "nobody?" == nil)
      print(io.popen("yes 2>&1 | head -n 1"):read "a")]]
    assert.equal("", err)
    assert.equal(0, status)
    assert.equal("true\ny\n\n", out)
  end)

  it("ends clean with timers that never came to fire", function()
    local status, _, err = script [[
      local core = require "infinitomata.core"
      for i = 1, 10 do core.timer_start(1000000, print, i) end
      core.signal("SIGUSR1", print)
      core.step("nowait")]]
    assert.equal("", err)
    assert.equal(0, status)
  end)
end)

describe("lua's own options", function()
  it("-e runs text, in order with -l", function()
    local status, out = run {
      "-e", "x = 1", "-e", "print(x, s)", "-l", "s=string", "-e", "print(s.rep('ab', 2))",
    }
    assert.equal(0, status)
    assert.equal("1\tnil\nabab\n", out)
  end)

  it("take their value attached, too", function()
    local _, out = run { "-eprint(utf8 == u)", "-lu=utf8", "-eprint(utf8 == u)" }
    assert.equal("false\ntrue\n", out)
  end)

  it("-l fails when there is no such module", function()
    local status, _, err = run { "-l", "no.such.module" }
    assert.equal(1, status)
    assert.matches("no%.such%.module", err)
  end)

  it("- reads the script from standard input, and so does nothing at all", function()
    local status, out = run({ "-", "x" }, "print('from input', ...)")
    assert.equal(0, status)
    assert.equal("from input\tx\n", out)
    status, out = run({}, "print 'piped'")
    assert.equal(0, status)
    assert.equal("piped\n", out)
  end)

  it("-- ends them", function()
    local path = program.file "print(...)"
    local status, out = run { "--", path, "-e" }
    os.remove(path)
    assert.equal(0, status)
    assert.equal("-e\n", out)
  end)

  it("-v prints the version", function()
    local status, out = run { "-v" }
    assert.equal(0, status)
    assert.matches("^infinitomata %d+%.%d+%.%d+ .*Lua 5%.4", out)
  end)

  it("-i goes on at the prompt", function()
    local status, out = run({ "-i", "-e", "x = 41" }, "x + 1\nfor i = 1, 2 do\nprint(i)\nend\n")
    assert.equal(0, status)
    assert.matches("42", out)
    assert.matches("1\n2\n", out)
  end)

  it("-E turns LUA_INIT off", function()
    local _, out = run({ "-e", "" }, nil, [[LUA_INIT='print "init"']])
    assert.equal("init\n", out)
    _, out = run({ "-e", "" }, nil, [[LUA_INIT='print "init"' LUA_INIT_5_4='print "5.4"']])
    assert.equal("5.4\n", out)
    _, out = run({ "-E", "-e", "" }, nil, [[LUA_INIT='print "init"']])
    assert.equal("", out)
  end)

  it("-W turns warnings on", function()
    local _, _, err = run { "-W", "-e", "warn 'beware'" }
    assert.matches("beware", err)
    _, _, err = run { "-e", "warn 'beware'" }
    assert.equal("", err)
  end)

  it("that do not exist are wrong usage, in one line", function()
    for _, option in ipairs { "-x", "--bogus", "-ix", "-Ei" } do
      local status, out, err = run { option }
      assert.equal(2, status)
      assert.equal("", out)
      assert.matches("^[^\n]+\n$", err)
      assert.is_truthy(err:find(option, 1, true))
    end
    local status, _, err = run { "-e" }
    assert.equal(2, status)
    assert.matches("^[^\n]+'%-e'[^\n]+\n$", err)
  end)
end)

describe("a first word", function()
  it("that is no subcommand is wrong usage, in one line", function()
    local status, out, err = run { "bogus" }
    assert.equal(2, status)
    assert.equal("", out)
    assert.matches("^[^\n]*'bogus'[^\n]*\n$", err)
  end)

  it("prints help and version with the options people try", function()
    for _, option in ipairs { "--help", "-h", "help" } do
      local status, out = run { option }
      assert.equal(0, status)
      assert.matches("SUBCOMMAND", out)
    end
    local _, version = run { "version" }
    local _, option = run { "--version" }
    assert.equal(version, option)
    assert.matches("^infinitomata %d+%.%d+%.%d+ %(Lua 5%.4%.%d+, libuv %d+%.%d+%.%d+%)\n$", version)
  end)
end)
