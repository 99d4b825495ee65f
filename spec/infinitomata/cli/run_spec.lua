-- SPDX-License-Identifier: MIT
local core = require "infinitomata.core"
local program = require "spec.support.program"

---A name that no other node of this machine has.
local function name_after(path)
  return "run-" .. path:match "[^/]+$"
end

---Runs a script on a node of its own.
local function run(text, ...)
  local path = program.file(text)
  local arguments = { "run", "--bind", "127.0.0.1:0", "--name", name_after(path), ... }
  arguments[#arguments + 1] = path
  local status, out, err = program.run(arguments)
  os.remove(path)
  return status, out, err
end

---Starts `run` with a script, waits until it prints "ready", and gives its pid, a
---function that waits for its end, and what it has printed.
local function start(text)
  local path, out = program.file(text), os.tmpname()
  local form =
    "(%s run --bind 127.0.0.1:0 --name %s %s >%s 2>&1 & echo $!; wait $!; echo status=$? >>%s)"
  local command = form:format(program.PATH, name_after(path), path, out, out)
  local pipe = assert(io.popen(command))
  local pid = pipe:read "l"
  local function output()
    local file <close> = assert(io.open(out))
    return file:read "a"
  end
  local deadline = core.now() + 20000
  while not output():find("ready", 1, true) do
    assert(core.now() < deadline, output())
    assert(not output():find("status=", 1, true), output())
    os.execute "sleep 0.02"
  end
  return pid, function()
    pipe:close() -- waits
    local text_of = output()
    os.remove(path)
    os.remove(out)
    return tonumber(text_of:match "status=(%d+)"), text_of
  end, output()
end

describe("infinitomata run", function()
  it("starts a node, runs the script with its arguments, and ends when it leaves", function()
    local path = program.file [[
      local node = require "infinitomata".node
      print(node.self().name, arg[0] ~= nil, arg[1], ...)
      node.leave()]]
    local status, out, err =
      program.run { "run", "--name=alpha", "--bind", "127.0.0.1:0", path, "x", "--name" }
    os.remove(path)
    assert.equal("", err)
    assert.equal(0, status)
    assert.equal("alpha\ttrue\tx\tx\t--name\n", out)
  end)

  it("ends as the script says, and with what it printed", function()
    local status, out = run "io.write 'before the end'; os.exit(7, true)"
    assert.equal(7, status)
    assert.equal("before the end", out)
  end)

  it("serves after the script, until an FSM's handler leaves", function()
    local status, out, err = run [[
      local infinitomata = require "infinitomata"
      local finitomata = require "finitomata"
      package.loaded.fuse = finitomata.define {
        name = "fuse",
        fsm = "idle --> |on!| burning\nburning --> |out| gone",
        timer = 20,
        on_timer = function() print "bang" finitomata.sleep(1) infinitomata.node.leave() end,
      }
      assert(infinitomata.start_fsm("f", "fuse"))
      print "script done"]]
    assert.equal("", err)
    assert.equal(0, status)
    assert.equal("script done\nbang\n", out)
  end)

  it("puts the script's folder on package.path", function()
    local folder = os.tmpname()
    os.remove(folder)
    os.execute("mkdir " .. folder)
    local files = { main = "print(require 'beside') os.exit(0)", beside = "return 'found'" }
    for name, text in pairs(files) do
      local file <close> = assert(io.open(("%s/%s.lua"):format(folder, name), "w"))
      file:write(text)
    end
    local status, out = program.run { "run", "--bind", "127.0.0.1:0", folder .. "/main.lua" }
    os.execute("rm -r " .. folder)
    assert.equal(0, status)
    assert.matches("^found", out)
  end)

  it("ends 2 with one line for wrong usage", function()
    for _, arguments in ipairs {
      { "run" },
      { "run", "--bogus", "x.lua" },
      { "run", "--name" },
      { "run", "/nowhere/at/all.lua" },
    } do
      local status, out, err = program.run(arguments)
      assert.equal(2, status)
      assert.equal("", out)
      assert.matches("^[^\n]+\n$", err)
    end
  end)

  it("names the option that was probably meant", function()
    local _, _, err = program.run { "run", "--jion=x", "x.lua" }
    assert.matches("%-%-jion", err)
    assert.matches("%-%-join", err)
  end)

  it("ends 1 with a traceback when the script fails", function()
    local status, _, err = run "local function deep() error 'broken app' end deep()"
    assert.equal(1, status)
    assert.matches("broken app", err)
    assert.matches("stack traceback", err)
  end)

  it("ends 1 before anything is started when the script is no Lua", function()
    local status, out, err = run "this is not Lua"
    assert.equal(1, status)
    assert.equal("", out)
    assert.matches("syntax error", err)
  end)

  it("ends 1 when nobody answers a join, and names the address", function()
    local status, out, err = run("print 'must not run'", "--join", "127.0.0.1:1")
    assert.equal(1, status)
    assert.equal("", out)
    assert.matches("127%.0%.0%.1:1", err)
    assert.matches("^[^\n]+\n$", err)
  end)

  it("ends 1 when the port is in use, and names the address", function()
    local pid, wait, printed = start [[
      print(require "infinitomata".node.self().address, "ready") io.stdout:flush()]]
    local address = printed:match "(127%.0%.0%.1:%d+)\tready"
    local status, out, err = run("print 'must not run'", "--bind", address or "127.0.0.1:1")
    os.execute("kill -TERM " .. pid)
    wait()
    assert.is_string(address)
    assert.equal(1, status)
    assert.equal("", out)
    assert.is_truthy(err:find(address, 1, true), err)
    assert.matches("^[^\n]+\n$", err)
  end)

  for _, signal in ipairs { "INT", "TERM" } do
    it("leaves the cluster and ends 0 on SIG" .. signal, function()
      local pid, wait = start "print 'ready' io.stdout:flush()"
      os.execute(("kill -%s %s"):format(signal, pid))
      local status, out = wait()
      assert.equal(0, status, out)
    end)
  end

  it("leaves the cluster while the script waits", function()
    local pid, wait = start [[
      print "ready" io.stdout:flush()
      require "finitomata".sleep(60000)]]
    os.execute("kill -TERM " .. pid)
    assert.equal(0, (wait()))
  end)

  it("ends at once on the second signal, even when the script never waits", function()
    local pid, wait = start "print 'ready' io.stdout:flush() while true do end"
    -- Two signals that come before the first is seen are one: so send until it ends.
    local deadline = core.now() + 20000
    while os.execute("kill -TERM " .. pid .. " 2>/dev/null") and core.now() < deadline do
      os.execute "sleep 0.02"
    end
    os.execute("kill -KILL " .. pid .. " 2>/dev/null")
    assert.equal(128 + 15, (wait()))
  end)
end)
