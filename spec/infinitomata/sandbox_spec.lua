-- SPDX-License-Identifier: MIT
local sandbox = require "infinitomata.sandbox"
local cli = require "spec.support.cli"

describe("sandbox", function()
  local folder
  before_each(function() folder = cli.folder() end)
  after_each(function() folder.remove() end)

  local function run(text, modules)
    local path = folder.write("file.lua", text)
    return sandbox.run(path,
      { path = folder.path .. "/?.lua", modules = modules or {}, seconds = 0.2 })
  end

  local function seen(text)
    local value
    local ok, why = run(text, { report = function(given) value = given end })
    assert.is_true(ok, why)
    return value
  end

  it("runs a file", function()
    assert.equal(3, seen "local report = require 'report' report(1 + 2)")
  end)

  it("gives the file the modules beside it, run the same way", function()
    folder.write("door.lua", "os.execute('touch " .. folder.path .. "/side') return { hinges = 2 }")
    assert.equal(2, seen "require 'report' (require 'door'.hinges)")
    assert.equal(true, seen "require 'report' (require 'door' == require 'door')")
    assert.is_nil(folder.read("side"))
  end)

  it("has no effect on anything", function()
    folder.write("keep", "kept")
    local ok = run(([[
      local path = "%s/"
      print "noise"
      io.write "noise"
      for _, name in ipairs { "execute", "remove", "rename", "tmpname" } do
        os[name](path .. "keep")
      end
      for _, mode in ipairs { "w", "a", "w+" } do
        local file <close> = io.open(path .. "made", mode)
        file:write("x")
      end
      io.popen("touch " .. path .. "made"):close()
      require "infinitomata".start_fsm("x", "y")
      string.format = nil
      table.insert(package.loaded, "z")
    ]]):format(folder.path))
    assert.is_true(ok)
    assert.equal("kept", folder.read("keep"))
    assert.is_nil(folder.read("made"))
    assert.equal("1", string.format("%d", 1))
  end)

  it("stands for what is not there, whatever is done with it", function()
    assert.is_true(run [[
      local luv = require "luv"
      local timer = luv.new_timer():start(1, 2, function() end)
      for line in io.lines("x") do error(line) end
      for _, each in ipairs(luv) do error(each) end
      for _, each in pairs(luv) do error(each) end
      assert(luv.a.b.c(1) .. "x" == "" and luv + 1 == 0 and #luv == 0 and not (luv < luv))
      timer.field = 1
      local close <close> = timer
    ]])
  end)

  it("ends where the file would end the process", function()
    assert.is_true(run "os.exit(3) error 'not reached'")
  end)

  it("gives up a file that does not come to an end", function()
    local ok, why = run "while true do end"
    assert.is_false(ok)
    assert.is_nil(why)
  end)

  it("says why a file does not run", function()
    local function why(...) return (select(2, ...)) end
    assert.matches(":2: oh", why(run "\nerror 'oh'"))
    assert.matches(":1: ", why(run "local"))
    assert.matches("No such file", why(sandbox.run("/nowhere.lua", { path = "", modules = {} })))
  end)

  it("says whether the file asked for something that is not there", function()
    assert.is_false((select(3, run "return 1")))
    assert.is_true((select(3, run "return io.lines('x')")))
  end)

  it("survives modules that require each other, or fail", function()
    folder.write("a.lua", "return { b = require 'b' }")
    folder.write("b.lua", "return { a = require 'a' }")
    folder.write("c.lua", "error 'no'")
    assert.is_true(run "local a, c = require 'a', require 'c'; local x = a.b.a.c; x = c.d")
  end)
end)
