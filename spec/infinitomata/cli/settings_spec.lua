-- SPDX-License-Identifier: MIT
local config = require "infinitomata.config"
local settings = require "infinitomata.cli.settings"

describe("settings", function()
  it("offers every key of the configuration as an option, but no secret", function()
    for _, key in ipairs(config.KEYS) do
      local option = key.name:gsub("_", "-")
      assert.equal(not key.secret and "value" or nil, settings.OPTIONS[option])
      if not key.secret then
        assert.truthy(settings.USAGE:find("--" .. option .. " ", 1, true), option)
      end
    end
  end)
  it("reads what a node is started with", function()
    local read = settings.read { name = "a", ["rpc-timeout"] = "7", join = "x:1,y:2", id = "shop" }
    assert.equal("a", read.node.name)
    assert.equal(7, read.node.config.rpc_timeout)
    assert.same({ "x:1", "y:2" }, read.node.join)
    assert.equal("shop", read.id)
    assert.equal("warning", read.log)
    assert.matches('name = "a", +%-%- flag %-%-name', read.text)
  end)
  it("tells an address that was given from the usual one", function()
    assert.is_nil(settings.read({}).node.bind)
    assert.equal("127.0.0.1:7946", settings.read({ bind = "127.0.0.1:7946" }).node.bind)
    assert.is_nil(settings.read({}).node.join)
  end)
  it("takes --log for --log-level", function()
    assert.equal("debug", settings.read({ log = "debug" }).log)
    assert.equal("error", settings.read({ log = "debug", ["log-level"] = "error" }).log)
  end)
  it("tells whether the command line is to blame", function()
    local read, problem, misused = settings.read { attempts = "many" }
    assert.is_nil(read)
    assert.matches("^%-%-attempts: ", problem)
    assert.is_true(misused)
    read, problem, misused = settings.read { config = "/nowhere.lua" }
    assert.is_nil(read)
    assert.matches("No such file", problem)
    assert.is_false(misused)
    assert.is_nil((settings.read { ["key-file"] = "/nowhere.key" }))
  end)
end)
