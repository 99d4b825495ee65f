-- SPDX-License-Identifier: MIT
local ask = require "infinitomata.cli.ask"
local json = require "infinitomata.json"
local run = require("spec.support.cli").run

describe("infinitomata fsms", function()
  local evaluate, chunk = ask.evaluate, nil
  before_each(function()
    ask.evaluate = function(_, given)
      chunk = given
      return json.encode { value = json.array {
        { name = "order-1", implementation = "order", node = "a", ref = "r1" },
        { name = "order-22", node = "b", ref = "r2" },
      } }
    end
  end)
  after_each(function() ask.evaluate = evaluate end)

  it("lists them", function()
    local status, out = run("fsms")
    assert.equal(0, status)
    assert.equal("NAME      IMPLEMENTATION  NODE\norder-1   order           a\norder-22  -"
      .. "               b\n", out)
  end)
  it("counts them", function()
    ask.evaluate = function(_, given)
      chunk = given
      return '{"value":2}'
    end
    assert.equal("2\n", select(2, run("fsms", "--count")))
    assert.matches('answer%("count", nil, nil%)', chunk)
  end)
  it("lists names for scripts", function()
    assert.same({ 0, "order-1\norder-22\n", "" }, { run("fsms", "--names") })
  end)
  it("prints JSON", function()
    local _, out = run("fsms", "--json")
    assert.equal("r2", json.decode(out)[2].ref)
  end)
  it("asks for a branch and a pattern", function()
    run("fsms", "order-*", "--id", "shop")
    assert.matches('answer%("fsms", "shop", "order%-%*"%)', chunk)
    run("fsms")
    assert.matches('answer%("fsms", nil, nil%)', chunk)
  end)
  it("fails with the node's reason", function()
    ask.evaluate = function() return '{"error":{"code":"no_branch","message":"no branch"}}' end
    local status, out, err = run("fsms")
    assert.same({ 1, "", "infinitomata: no branch\n" }, { status, out, err })
  end)
end)
