-- SPDX-License-Identifier: MIT
local ask = require "infinitomata.cli.ask"
local run = require("spec.support.cli").run

describe("infinitomata send", function()
  local evaluate, chunk, answer = ask.evaluate, nil, nil
  before_each(function()
    chunk, answer = nil, '{"value":{"state":"paid","payload":{"price":10}}}'
    ask.evaluate = function(_, given)
      chunk = given
      return answer
    end
  end)
  after_each(function() ask.evaluate = evaluate end)

  it("prints where the event led", function()
    local status, out = run("send", "order-1", "pay", '{"amount":10}')
    assert.same({ 0, "paid  { price = 10 }\n" }, { status, out })
    assert.truthy(chunk:find([["send", nil, "order-1", "pay", true, "{\"amount\":10}"]], 1, true))
  end)
  it("prints JSON", function()
    assert.matches('"state":"paid"', select(2, run("send", "order-1", "pay", "--json")))
  end)
  it("is silent when it does not wait", function()
    answer = '{"value":{"accepted":true}}'
    local status, out = run("send", "order-1", "pay", "--no-wait")
    assert.same({ 0, "" }, { status, out })
    assert.truthy(chunk:find('"pay", false, nil)', 1, true))
  end)
  it("fails with the reason of a refusal", function()
    answer = '{"error":{"code":"refused","message":"`pay` in `created`: declined"}}'
    local status, _, err = run("send", "order-1", "pay")
    assert.same({ 1, "infinitomata: `pay` in `created`: declined\n" }, { status, err })
  end)
  it("does not send what is not JSON", function()
    local status, _, err = run("send", "order-1", "pay", "{amount")
    assert.equal(2, status)
    assert.matches("the payload is not JSON", err)
    assert.is_nil(chunk)
  end)
end)
