-- SPDX-License-Identifier: MIT
local core = require "infinitomata.core"
local program = require "spec.support.program"

describe("a pipe", function()
  local folder, path

  before_each(function()
    folder = os.tmpname()
    os.remove(folder)
    assert(core.private_folder(folder))
    path = folder .. "/x.sock"
  end)
  after_each(function() os.execute("rm -rf '" .. folder .. "'") end)

  ---Turns the loop until the condition holds.
  local function wait_for(condition)
    local deadline = core.now() + 5000
    while not condition() do
      assert(core.now() < deadline, "it did not happen in time")
      core.timer_start(20, function() end)
      core.step "once"
    end
  end

  ---A server and two connected ends.
  local function connected()
    local near, far, ok
    local server = assert(core.pipe_listen(path, function(pipe) far = pipe end))
    near = core.pipe_connect(path, function(well) ok = well end)
    wait_for(function() return far and ok end)
    return server, near, far
  end

  it("carries any bytes both ways, in order", function()
    local server, near, far = connected()
    local got, back = {}, {}
    far:on_bytes(function(bytes)
      got[#got + 1] = bytes
      if bytes then far:write(bytes:reverse()) end
    end)
    near:on_bytes(function(bytes) back[#back + 1] = bytes end)
    near:write "a\0b"
    wait_for(function() return #back > 0 end)
    assert.equal("a\0b", got[1])
    assert.equal("b\0a", back[1])
    near:close()
    far:close()
    server:close()
  end)

  it("tells how much waits to be read, and when nothing does any more", function()
    local server, near, far = connected()
    assert.equal(0, near:unsent())
    assert.is_nil((near:on_drained(function() end)))
    near:write(("x"):rep(3000000))
    assert.is_true(near:unsent() > 1000000)
    local drained = 0
    assert.is_true(near:on_drained(function() drained = drained + 1 end))
    far:on_bytes(function() end)
    wait_for(function() return drained > 0 end)
    assert.equal(0, near:unsent())
    far:close()
    near:close()
    server:close()
    assert.equal(1, drained)
  end)

  it("tells who waits for a peer that has gone", function()
    local server, near, far = connected()
    near:write(("x"):rep(3000000))
    local drained = false
    assert.is_true(near:on_drained(function() drained = true end))
    near:on_bytes(function() end)
    far:close()
    wait_for(function() return drained end)
    near:close()
    server:close()
  end)

  it("tells the end once, after all that was written", function()
    local server, near, far = connected()
    local got, ends = {}, 0
    far:on_bytes(function(bytes)
      if bytes then got[#got + 1] = bytes else ends = ends + 1 end
    end)
    near:write(("x"):rep(300000))
    near:finish()
    wait_for(function() return ends > 0 end)
    assert.equal(300000, #table.concat(got))
    assert.equal(1, ends)
    assert.is_nil((far:write "late"))
    server:close()
  end)

  it("is the user's alone, and gone when the server is", function()
    local server = connected()
    local pipe = assert(io.popen("stat -c %a '" .. path .. "'"))
    assert.equal("600", pipe:read "l")
    pipe:close()
    server:close()
    wait_for(function() return not os.rename(path, path) end)
  end)

  it("takes the place of a server that died, not of one that lives", function()
    local server = connected()
    local none, code = core.pipe_listen(path, function() end)
    assert.is_nil(none)
    assert.equal("EADDRINUSE", code)
    server:close()
    wait_for(function() return not os.rename(path, path) end)
    local text = "require('infinitomata.core').pipe_listen(%q, print) os.exit(0, false)"
    program.run { "-e", text:format(path) }
    assert.is_truthy(os.rename(path, path), "the dead one has left its file")
    local again = assert(core.pipe_listen(path, function() end))
    again:close()
  end)

  it("does not remove what is no socket", function()
    local file <close> = assert(io.open(path, "w"))
    file:write "precious"
    assert.is_nil((core.pipe_listen(path, function() end)))
    assert.is_truthy(os.rename(path, path))
  end)

  it("says so when nobody listens", function()
    local ok
    core.pipe_connect(path, function(well) ok = well end)
    wait_for(function() return ok ~= nil end)
    assert.is_false(ok)
  end)

  it("refuses a path that is too long for a socket", function()
    local none, code = core.pipe_listen(("x"):rep(200), function() end)
    assert.is_nil(none)
    assert.equal("ENAMETOOLONG", code)
  end)

  it("drops a peer that does not read", function()
    local server, near, far = connected()
    local chunk, ok, code = ("x"):rep(1 << 20), nil, nil
    for _ = 1, 64 do
      ok, code = near:write(chunk)
      if not ok then break end
    end
    assert.is_nil(ok)
    assert.equal("ENOBUFS", code)
    far:close()
    server:close()
  end)

  it("shows what waits to be read, and leaves it there", function()
    local server, near, far = connected()
    assert.equal("", far:peek())
    near:write "abc"
    assert.equal("abc", far:peek())
    local got
    far:on_bytes(function(bytes) got = bytes end)
    wait_for(function() return got end)
    assert.equal("abc", got)
    near:close()
    wait_for(function() return far:peek() == nil end)
    server:close()
  end)

  it("alerts code that keeps the loop from turning", function()
    local server, near, far = connected()
    local co = coroutine.create(function()
      near:write "stop"
      while true do end -- luacheck: ignore 542
    end)
    core.on_interrupt(function()
      if coroutine.running() == co and far:peek() == "stop" then error("alerted", 0) end
      return coroutine.running() ~= co
    end)
    far:alert(true)
    local ok, why = coroutine.resume(co)
    far:alert(false)
    core.on_interrupt(function() return true end)
    assert.is_false(ok)
    assert.equal("alerted", why)
    near:close()
    far:close()
    server:close()
  end)
end)

describe("core.pipe_sweep", function()
  it("removes old sockets that nobody listens on, and nothing else", function()
    local folder = os.tmpname()
    os.remove(folder)
    assert(core.private_folder(folder))
    finally(function() os.execute("rm -rf " .. folder) end)
    local function there(name)
      return os.execute(("test -e %s/%s"):format(folder, name)) == true
    end
    local abandon = [[
      local listen = require "infinitomata.core".pipe_listen
      for _, name in ipairs { "old", "young" } do
        assert(listen(arg[1] .. "/" .. name, print))
      end
      os.exit(0)]]
    local path = program.file(abandon)
    assert.equal(0, (program.run { path, folder }))
    os.remove(path)
    local server = assert(core.pipe_listen(folder .. "/live", function() end))
    os.execute(("cd %s && touch file && touch -d '1 minute ago' old live file"):format(folder))
    assert.equal(1, core.pipe_sweep(folder))
    assert.same({ false, true, true, true },
      { there "old", there "young", there "live", there "file" })
    server:close()
    assert.equal(0, core.pipe_sweep(folder .. "/nowhere"))
  end)
end)

describe("core.private_folder", function()
  it("refuses a folder that others may look into, and what is no folder", function()
    local folder = os.tmpname()
    local ok, problem = core.private_folder(folder)
    assert.is_nil(ok)
    assert.equal(folder .. ": not a folder", problem)
    os.remove(folder)
    os.execute("mkdir -m 755 '" .. folder .. "'")
    ok, problem = core.private_folder(folder)
    assert.is_nil(ok)
    assert.matches("others may look into", problem)
    os.remove(folder)
  end)
end)
