-- SPDX-License-Identifier: MIT
local core = require "infinitomata.core"
local protocol = require "infinitomata.console.protocol"

describe("the console's protocol", function()
  local function encode(message) return protocol.encode(core, message) end

  it("brings messages back, however the bytes are cut", function()
    local bytes = encode { op = "line", text = "a" } .. encode { op = "interrupt" }
    for size = 1, #bytes do
      local decoder, got = protocol.decoder(core), {}
      for at = 1, #bytes, size do
        for _, message in ipairs(decoder:feed(bytes:sub(at, at + size - 1))) do
          got[#got + 1] = message
        end
      end
      assert.same({ { op = "line", text = "a" }, { op = "interrupt" } }, got)
    end
  end)

  it("refuses what is no message, and says what it is", function()
    local cases = {
      ["a message that is too long"] = "\xff\xff\xff\xff",
      ["a message that is no MessagePack"] = "\0\0\0\1\xc1",
      ["an unknown message"] = encode { op = "bogus" },
      ["a message 'line' without its field 'text'"] = encode { op = "line", text = 1 },
      ["a message 'width' without its field 'width'"] = encode { op = "width", width = 1.5 },
      ["a completion that is no text"] = encode { op = "words", id = 1, start = 1, words = { 1 } },
    }
    for problem, bytes in pairs(cases) do
      local messages, said = protocol.decoder(core):feed(bytes)
      assert.equal(problem, said)
      assert.same({}, messages)
    end
    assert.equal("an unknown message", select(2, protocol.decoder(core):feed "\0\0\0\1\7"))
  end)

  it("gives what came before the fault", function()
    local bytes = encode { op = "interrupt" } .. "\xff\xff\xff\xff"
    local messages, problem = protocol.decoder(core):feed(bytes)
    assert.same({ { op = "interrupt" } }, messages)
    assert.is_string(problem)
  end)

  it("survives any bytes", function()
    math.randomseed(4)
    for _ = 1, 2000 do
      local bytes = {}
      for i = 1, math.random(1, 40) do bytes[i] = string.char(math.random(0, 255)) end
      protocol.decoder(core):feed("\0\0\0" .. string.char(#bytes) .. table.concat(bytes))
    end
  end)

  it("cuts long texts into pieces that fit", function()
    local text = ("x"):rep(protocol.TEXT_MAX * 2 + 1)
    local pieces = {}
    for piece in protocol.pieces(text) do
      assert.is_true(#encode { op = "text", text = piece, error = false } <= protocol.MESSAGE_MAX)
      pieces[#pieces + 1] = piece
    end
    assert.equal(3, #pieces)
    assert.equal(text, table.concat(pieces))
  end)
end)
