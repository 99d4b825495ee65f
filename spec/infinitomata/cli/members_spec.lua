-- SPDX-License-Identifier: MIT
local ask = require "infinitomata.cli.ask"
local json = require "infinitomata.json"
local run = require("spec.support.cli").run

describe("infinitomata members", function()
  local evaluate = ask.evaluate
  before_each(function()
    ask.evaluate = function()
      return json.encode { value = {
        { name = "a", state = "alive", address = "127.0.0.1:1", rpc = "127.0.0.1:2", self = true,
          tags = { dc = "west", role = "web" }, branches = { "default", "shop" } },
        { name = "b\27", state = "dead", address = "127.0.0.1:3", tags = {} },
      } }
    end
  end)
  after_each(function() ask.evaluate = evaluate end)

  it("lists them, itself marked, control characters made visible", function()
    local status, out = run("members")
    assert.equal(0, status)
    assert.equal("NAME   STATE  ADDRESS      RPC          BRANCHES      TAGS\n"
      .. "a *    alive  127.0.0.1:1  127.0.0.1:2  default,shop  dc=west,role=web\n"
      .. "b\\x1b  dead   127.0.0.1:3  -\n", out)
  end)
  it("lists those in a state", function()
    local _, out = run("members", "--state", "dead", "--json")
    assert.equal("dead", json.decode(out)[1].state)
    assert.is_nil(json.decode(out)[2])
    assert.equal("[]\n", select(2, run("members", "--state", "left", "--json")))
  end)
  it("refuses a state that there is not, and no time at all", function()
    assert.equal(2, (run("members", "--state", "happy")))
    assert.equal(2, (run("members", "--timeout", "0")))
  end)
end)
