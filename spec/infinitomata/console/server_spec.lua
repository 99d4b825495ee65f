-- SPDX-License-Identifier: MIT
local Client = require "infinitomata.console.client"
local core = require "infinitomata.core"
local finitomata = require "finitomata"
local log = require "finitomata.log"
local node = require "infinitomata.node"
local protocol = require "infinitomata.console.protocol"
local server = require "infinitomata.console.server"
local task = require "finitomata.task"

local PATIENCE_MS <const> = 20000 -- a sanitizer's build on a busy machine takes its time

-- What only the program offers: here the C module and a folder of the spec's own.
local folder = os.tmpname()
local program = setmetatable({}, { __index = core })

describe("a server of consoles", function()
  local doors, original

  setup(function()
    os.remove(folder)
    original = node.self
    node.self = function() -- luacheck: ignore 122
      return { name = "spec/node", address = "127.0.0.1:1", rpc = "127.0.0.1:2" }
    end
    local door = require "infinitomata.console.door"
    door.real_folder, door.folder = door.folder, function() return folder end
    doors = assert(server.open(program))
  end)
  teardown(function()
    doors:close()
    node.self = original -- luacheck: ignore 122
    local door = require "infinitomata.console.door"
    door.folder, door.real_folder = door.real_folder, nil
    finitomata.run(function() task.sleep(1) end)
    os.execute("rm -rf '" .. folder .. "'")
  end)

  ---A client, and what it was told; waits until it is greeted or turned away.
  local function attach(interactive)
    local told = { pieces = {}, complained = "" }
    local waiter = task.waiter()
    told.client = Client.connect(program, doors.paths[1], {
      width = 60,
      interactive = interactive or false,
      show = function(text) told.pieces[#told.pieces + 1] = text end,
      complain = function(text) told.complained = told.complained .. text end,
      ready = function() task.wake(waiter, true) end,
      ended = function(problem)
        told.ended = problem or "well"
        task.wake(waiter, false)
      end,
    })
    told.greeted = task.wait(waiter, PATIENCE_MS)
    return told
  end

  ---All that it was shown: joined here, since to join it piece by piece takes the
  ---square of its length.
  local function shown(told) return table.concat(told.pieces) end

  local function answer(ask, client, text)
    local waiter = task.waiter()
    ask(client, text, function(result) task.wake(waiter, result) end)
    return (task.wait(waiter, PATIENCE_MS))
  end

  it("listens under the node's name and addresses, inside its folder", function()
    assert.same({
      folder .. "/spec%2fnode.sock",
      folder .. "/127.0.0.1:1.sock",
      folder .. "/127.0.0.1:2.sock",
    }, doors.paths)
  end)

  it("greets, evaluates and prints", function()
    finitomata.run(function()
      local told = attach()
      assert.is_true(told.greeted)
      assert.equal("spec/node", told.client.node)
      assert.equal("ok", answer(Client.feed, told.client, "print 'x' return 1 + 1"))
      assert.equal("x\n2\n", shown(told))
      assert.equal("error", answer(Client.feed, told.client, "error 'no'"))
      assert.equal("console:1: no\n", told.complained)
      assert.equal("more", answer(Client.feed, told.client, "f("))
      assert.equal(">> ", told.client:prompt())
      told.client:finish()
      assert.equal("well", told.ended)
    end)
  end)

  it("runs a chunk and says how it went", function()
    finitomata.run(function()
      local told = attach()
      assert.is_true(answer(Client.run, told.client, "return 'a', nil"))
      assert.equal("a\tnil\n", shown(told))
      assert.is_false(answer(Client.run, told.client, "return {"))
      told.client:finish()
    end)
  end)

  it("completes", function()
    finitomata.run(function()
      local told = attach()
      local waiter = task.waiter()
      told.client:complete("string.form", function(...) task.wake(waiter, ...) end)
      local start, words = task.wait(waiter, PATIENCE_MS)
      assert.equal(8, start)
      assert.same({ "format" }, words)
      told.client:finish()
    end)
  end)

  it("stops what waits and what computes", function()
    finitomata.run(function()
      local told = attach()
      for _, text in ipairs { "finitomata.sleep(1e6)", "while true do pcall(error) end" } do
        local waiter = task.waiter()
        told.complained = ""
        told.client:feed(text, function(status) task.wake(waiter, status) end)
        told.client:interrupt()
        assert.equal("error", (task.wait(waiter, PATIENCE_MS)))
        assert.equal("interrupted!\n", told.complained)
      end
      told.client:finish()
    end)
  end)

  it("tells log lines to those who sit at a terminal", function()
    finitomata.run(function()
      local before = log.set_sink(function() end)
      local told, script = attach(true), attach(false)
      log.warning "it is late"
      local deadline = core.now() + PATIENCE_MS
      while told.complained == "" and core.now() < deadline do task.sleep(5) end
      assert.equal("warning: it is late\n", told.complained)
      assert.equal("", script.complained)
      told.client:finish()
      script.client:finish()
      task.sleep(20)
      log.set_sink(before)
    end)
  end)

  it("ends the session at .quit", function()
    finitomata.run(function()
      local told = attach()
      assert.equal("quit", answer(Client.feed, told.client, ".quit"))
      assert.equal("well", told.ended)
    end)
  end)

  it("turns away a line that comes while one is evaluated", function()
    finitomata.run(function()
      local told = attach()
      local before = log.set_sink(function() end)
      told.client:feed("finitomata.sleep(1e6)", function() end)
      told.client:feed("1", function() end)
      local deadline = core.now() + PATIENCE_MS
      while not told.ended and core.now() < deadline do task.sleep(5) end
      log.set_sink(before)
      assert.matches("'line' out of place", told.ended)
    end)
  end)

  it("lets only so many in, and others after one has left", function()
    finitomata.run(function()
      local guests = {}
      for i = 1, 32 do guests[i] = attach() end
      assert.is_true(guests[32].greeted)
      local late = attach()
      assert.is_false(late.greeted)
      assert.matches("attached already", late.ended)
      for _, guest in ipairs(guests) do guest.client:finish() end
      local again
      local deadline = core.now() + PATIENCE_MS
      repeat again = attach() until again.greeted or core.now() > deadline
      assert.is_true(again.greeted)
      again.client:finish()
    end)
  end)

  it("shows more than the connection holds", function()
    finitomata.run(function()
      local told = attach()
      assert.is_true(answer(Client.run, told.client, "return ('x'):rep(20000000)"))
      assert.equal(20000001, #shown(told))
      told.pieces = {}
      local endless = "for _ = 1, 100 do print(('y'):rep(200000)) end"
      assert.equal("ok", answer(Client.feed, told.client, endless))
      assert.equal(20000100, #shown(told))
      told.client:finish()
    end)
  end)

  it("waits for a guest that does not read, and stops what it had begun when it leaves", function()
    finitomata.run(function()
      local waiter = task.waiter()
      local pipe = core.pipe_connect(doors.paths[1], function(ok) task.wake(waiter, ok) end)
      assert.is_true(task.wait(waiter, PATIENCE_MS))
      pipe:write(protocol.encode(core, { op = "hello", version = 1, width = 80,
        interactive = false }))
      pipe:write(protocol.encode(core, { op = "line", text = [[
        _G.printed = 0
        while true do print(("x"):rep(1000000)) _G.printed = _G.printed + 1 end]] }))
      local told = attach()
      assert.equal("ok", answer(Client.feed, told.client, "1"))
      local deadline = core.now() + PATIENCE_MS
      while not _G.printed and core.now() < deadline do task.sleep(5) end
      task.sleep(50)
      assert.is_true(_G.printed > 0 and _G.printed < 10, _G.printed)
      assert.equal(2, doors._count)
      pipe:close()
      while doors._count > 1 and core.now() < deadline do task.sleep(5) end
      assert.equal(1, doors._count)
      local printed = _G.printed
      task.sleep(20)
      assert.equal(printed, _G.printed)
      _G.printed = nil -- luacheck: ignore 122
      told.client:finish()
    end)
  end)

  it("answers nobody who speaks another version", function()
    finitomata.run(function()
      local got, waiter = "", task.waiter()
      local pipe
      pipe = core.pipe_connect(doors.paths[1], function()
        pipe:on_bytes(function(bytes)
          if not bytes then return task.wake(waiter, true) end
          got = got .. bytes
        end)
        local hello = { op = "hello", version = 9, width = 1, interactive = true }
        pipe:write(protocol.encode(core, hello))
      end)
      assert.is_true(task.wait(waiter, PATIENCE_MS))
      assert.equal("refused", protocol.decoder(core):feed(got)[1].op)
    end)
  end)
end)
