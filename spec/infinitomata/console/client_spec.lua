-- SPDX-License-Identifier: MIT
local Client = require "infinitomata.console.client"
local finitomata = require "finitomata"
local core = require "infinitomata.core"
local protocol = require "infinitomata.console.protocol"

describe("a client of a node", function()
  ---A client on a pipe whose other end is the spec.
  local function stage()
    local pipe = { sent = {} }
    function pipe.on_bytes(_, fn) pipe.deliver = fn end
    function pipe.write(_, bytes)
      for _, message in ipairs(protocol.decoder(core):feed(bytes)) do
        pipe.sent[#pipe.sent + 1] = message
      end
    end
    function pipe.finish() pipe.finished = true end
    local told = { shown = "", clock = finitomata.virtual_clock() }
    local program = {
      pack = core.pack,
      unpack = core.unpack,
      pipe_connect = function(_, connected)
        pipe.connected = connected
        return pipe
      end,
    }
    local client = Client.connect(program, "/x.sock", {
      width = 70,
      interactive = true,
      show = function(text) told.shown = told.shown .. text end,
      complain = function(text) told.shown = told.shown .. "!" .. text end,
      ready = function() told.ready = true end,
      ended = function(problem) told.ended = problem or "well" end,
      clock = told.clock,
    })
    local function say(message) pipe.deliver(protocol.encode(core, message)) end
    return client, pipe, told, say
  end

  it("greets, and is ready when it is welcome", function()
    local client, pipe, told, say = stage()
    pipe.connected(true)
    assert.same({ { op = "hello", version = 1, width = 70, interactive = true,
      colour = false, unicode = false } }, pipe.sent)
    assert.is_nil(told.ready)
    say { op = "welcome", node = "n", version = "1", prompt = "n> " }
    assert.is_true(told.ready)
    assert.equal("n> ", client:prompt())
  end)

  it("does not wait for ever for a node that is stopped", function()
    local _, pipe, told = stage()
    pipe.connected(true)
    told.clock:advance(4999)
    assert.is_nil(told.ended)
    told.clock:advance(1)
    assert.matches("does not answer within 5 s", told.ended)
    assert.is_true(pipe.finished)
  end)

  it("lets one go whom the node does not heed", function()
    local client, pipe, told, say = stage()
    pipe.connected(true)
    say { op = "welcome", node = "n", version = "1", prompt = "> " }
    told.clock:advance(10000)
    assert.is_nil(told.ended)
    client:feed("1", function() end)
    told.clock:advance(100000)
    assert.equal("", told.shown)
    client:interrupt()
    told.clock:advance(1999)
    assert.equal("", told.shown)
    told.clock:advance(1)
    assert.matches("Ctrl%-C again", told.shown)
    client:interrupt()
    assert.equal("the node does not answer", told.ended)
  end)

  it("is patient again once the node has answered", function()
    local client, pipe, told, say = stage()
    pipe.connected(true)
    say { op = "welcome", node = "n", version = "1", prompt = "> " }
    client:feed("1", function() end)
    client:interrupt()
    told.clock:advance(2000)
    local shown = told.shown
    say { op = "done", status = "error", prompt = "> " }
    told.clock:advance(10000)
    assert.equal(shown, told.shown)
    client:feed("2", function() end)
    assert.is_true(client:interrupt())
    assert.is_nil(told.ended)
  end)

  it("says who does not listen", function()
    local _, pipe, told = stage()
    pipe.connected(false)
    assert.equal("nobody listens at /x.sock", told.ended)
  end)

  it("gives each line its answer, and the new prompt", function()
    local client, pipe, told, say = stage()
    pipe.connected(true)
    local status
    client:feed("1", function(result) status = result end)
    assert.is_true(client:interrupt())
    say { op = "text", text = "one", error = false }
    say { op = "text", text = "two", error = true }
    say { op = "done", status = "ok", prompt = ">> " }
    assert.equal("one!two", told.shown)
    assert.equal("ok", status)
    assert.equal(">> ", client:prompt())
    assert.is_false(client:interrupt())
  end)

  it("takes only the completions that were asked for last", function()
    local client, pipe, _, say = stage()
    pipe.connected(true)
    local found
    client:complete("a", function() found = "first" end)
    client:complete("ab", function(_, words) found = words end)
    say { op = "words", id = 1, start = 1, words = { "a" } }
    assert.is_nil(found)
    say { op = "words", id = 2, start = 1, words = { "abc" } }
    assert.same({ "abc" }, found)
  end)

  it("ends once, and says why", function()
    for _, case in ipairs {
      { bytes = nil, why = "closed", said = "the node has ended the session" },
      { bytes = nil, why = "broken pipe", said = "broken pipe" },
      { bytes = "\xff\xff\xff\xff",
        said = "not understood: the node sent a message that is too long" },
      { bytes = protocol.encode(core, { op = "refused", why = "full" }), said = "full" },
    } do
      local client, pipe, told = stage()
      pipe.connected(true)
      pipe.deliver(case.bytes, case.why)
      assert.equal(case.said, told.ended)
      assert.is_true(pipe.finished)
      told.ended = nil
      client:finish()
      assert.is_nil(told.ended)
    end
  end)
end)
