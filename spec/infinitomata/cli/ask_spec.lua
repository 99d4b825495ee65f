-- SPDX-License-Identifier: MIT
local ask = require "infinitomata.cli.ask"

describe("ask.node", function()
  local evaluate, asked = ask.evaluate, nil
  local function answers(said, err)
    ask.evaluate = function(target, chunk, seconds)
      asked = { target = target, chunk = chunk, seconds = seconds }
      return said, err
    end
  end
  after_each(function() ask.evaluate = evaluate end)

  it("quotes whatever it sends, so that nothing of it is run", function()
    answers '{"value":1}\n'
    ask.node({ timeout = 1 }, "send", nil, 'a") os.exit("\n\0', "x", true, "\xFF")
    local seen
    local module = { answer = function(...) seen = table.pack(...) end }
    assert(load(asked.chunk, "=chunk", "t", { require = function() return module end,
      print = function() end }))()
    assert.same({ "send", nil, 'a") os.exit("\n\0', "x", true, "\xFF", n = 6 }, seen)
  end)
  it("asks the node that is named, for as long as it is told", function()
    answers '{"value":1}'
    assert.equal(1, ask.node({ at = "a", timeout = 3 }, "members"))
    assert.equal("a", asked.target)
    assert.equal(3, asked.seconds)
  end)
  it("gives the node's error", function()
    answers '{"error":{"code":"refused","message":"no","reason":"locked"}}'
    local value, err = ask.node({ timeout = 1 }, "members")
    assert.is_nil(value)
    assert.same({ "refused", "no", "locked" }, { err.code, err.message, err.reason })
  end)
  it("gives the error of the way there", function()
    answers(nil, { code = "unreachable" })
    assert.equal("unreachable", select(2, ask.node({ timeout = 1 }, "members")).code)
    answers "not JSON"
    assert.equal("bad_json", select(2, ask.node({ timeout = 1 }, "members")).code)
  end)
end)
