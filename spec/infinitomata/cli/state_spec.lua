-- SPDX-License-Identifier: MIT
local ask = require "infinitomata.cli.ask"
local json = require "infinitomata.json"
local run = require("spec.support.cli").run

describe("infinitomata state", function()
  local evaluate = ask.evaluate
  before_each(function()
    ask.evaluate = function()
      return json.encode { value = {
        name = "order-1", current = "paid", payload = { price = 10 }, node = "a",
        lifecycle = "loaded", history = { { state = "created", n = 2 }, { state = "*", n = 1 } },
        last_error = { message = "too\nlittle" }, timer = 500,
      } }
    end
  end)
  after_each(function() ask.evaluate = evaluate end)

  it("shows what there is", function()
    local status, out = run("state", "order-1")
    assert.equal(0, status)
    for _, line in ipairs { "name      order-1", "state     paid", "payload   { price = 10 }",
      "history   created (2 times), *", "node      a", "lifecycle loaded", "timer     500 ms",
      "error     too\\nlittle" } do
      assert.truthy((out .. "\n"):find(line .. "\n", 1, true), line .. " in\n" .. out)
    end
  end)
  it("shows the state or the payload alone", function()
    assert.equal("paid\n", select(2, run("state", "order-1", "--what", "state")))
    assert.equal("{ price = 10 }\n", select(2, run("state", "order-1", "--what", "payload")))
    assert.equal('{"price":10}\n', select(2, run("state", "order-1", "--what", "payload",
      "--json")))
  end)
  it("prints JSON", function()
    assert.equal("paid", json.decode(select(2, run("state", "order-1", "--json"))).current)
  end)
  it("wants a name", function()
    assert.equal(2, (run("state")))
  end)
end)
