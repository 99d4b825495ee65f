-- SPDX-License-Identifier: MIT
local core = require "infinitomata.core"
local history = require "infinitomata.console.history"

describe("history", function()
  local home

  before_each(function()
    home = os.tmpname()
    os.remove(home)
    assert(core.private_folder(home))
  end)
  after_each(function() os.execute("rm -r '" .. home .. "'") end)

  local function environment(name)
    return ({ HOME = home })[name]
  end

  local function mode(path)
    local pipe <close> = assert(io.popen("stat -c %a '" .. path .. "'"))
    return pipe:read "l"
  end

  it("is a state of the program, where the user keeps such things", function()
    local folders, path = history.place(environment)
    assert.same({
      home .. "/.local", home .. "/.local/state", home .. "/.local/state/infinitomata",
    }, folders)
    assert.equal(home .. "/.local/state/infinitomata/history", path)
    assert.equal("/state/infinitomata/history",
      select(2, history.place(function(name) return name == "XDG_STATE_HOME" and "/state" end)))
    assert.is_nil(history.place(function() end))
  end)

  it("comes back, and nobody else can read it", function()
    local first = history.open(core, environment)
    assert.is_true(first:add "one")
    assert.is_true(first:add "two")
    local path = home .. "/.local/state/infinitomata/history"
    assert.equal("600", mode(path))
    assert.equal("700", mode(home .. "/.local/state/infinitomata"))
    assert.same({ "one", "two" }, history.open(core, environment).lines)
  end)

  it("forgets repetitions, empty lines and those that begin with a blank", function()
    local lines = history.open(core, environment)
    assert.is_true(lines:add "x")
    assert.is_false(lines:add "x")
    assert.is_false(lines:add "")
    assert.is_false(lines:add " key = 'secret'")
    assert.same({ "x" }, history.open(core, environment).lines)
  end)

  it("keeps the newest lines of a long file", function()
    local lines = history.open(core, environment)
    for i = 1, 2500 do lines:add("line " .. i) end
    local again = history.open(core, environment)
    assert.equal(1000, #again.lines)
    assert.equal("line 2500", again.lines[1000])
    assert.equal(1000, #history.open(core, environment).lines)
  end)

  it("keeps nothing in a folder that others may look into", function()
    local folder = home .. "/.local/state/infinitomata"
    assert(os.execute(("mkdir -p '%s' && chmod 755 '%s'"):format(folder, folder)))
    history.open(core, environment):add "x"
    assert.is_nil(io.open(folder .. "/history"))
  end)
end)
