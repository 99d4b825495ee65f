-- SPDX-License-Identifier: MIT
local Sealed = require "infinitomata.console.sealed"
local core = require "infinitomata.core"

local KEY <const> = ("A"):rep(43) .. "="
local OTHER <const> = "B" .. ("A"):rep(42) .. "="

---Two pipes that are each other's ends; bytes wait until `move` brings them.
local function ends()
  local a, b = { sent = {} }, { sent = {} }
  local function make(pipe, other)
    function pipe.on_bytes(_, fn) pipe.hear = fn end
    function pipe.write(_, bytes)
      pipe.sent[#pipe.sent + 1] = bytes
      return true
    end
    function pipe.finish() pipe.finished = true end
    function pipe.grab()
      local bytes = table.concat(other.sent)
      other.sent = {}
      return bytes
    end
    function pipe.alert(_, on) pipe.alerted = on end
  end
  make(a, b)
  make(b, a)
  local function move()
    repeat
      local moved = false
      for _, way in ipairs { { a, b }, { b, a } } do
        local from, to = way[1], way[2]
        local bytes = table.concat(from.sent)
        from.sent = {}
        if bytes ~= "" and not to.finished then
          moved = true
          for at = 1, #bytes, 7 do -- TCP cuts where it likes
            if not to.finished then to.hear(bytes:sub(at, at + 6)) end
          end
        end
      end
    until not moved
  end
  return a, b, move
end

describe("a sealed connection", function()
  local a, b, move, near, far, proved

  local function connect(near_key, far_key)
    a, b, move = ends()
    proved = {}
    far = Sealed.wrap(b, assert(core.seal_keys { far_key }):open(false),
      function() proved.far = true end)
    near = Sealed.wrap(a, assert(core.seal_keys { near_key }):open(true),
      function() proved.near = true end)
  end

  it("carries bytes both ways once both ends have proved themselves", function()
    connect(KEY, KEY)
    local heard, back = "", ""
    far:on_bytes(function(bytes)
      heard = heard .. bytes
      far:write(bytes:reverse())
    end)
    near:on_bytes(function(bytes) back = back .. bytes end)
    near:write "early" -- before the other end has proved anything
    move()
    assert.same({ near = true, far = true }, proved)
    assert.equal("early", heard)
    assert.equal("ylrae", back)
  end)

  it("says nothing in the clear", function()
    connect(KEY, KEY)
    local wire = {}
    local write = a.write
    function a.write(pipe, bytes)
      wire[#wire + 1] = bytes
      return write(pipe, bytes)
    end
    far:on_bytes(function() end)
    move()
    near:write "secret words"
    assert.is_true(#wire > 0)
    assert.is_nil(table.concat(wire):find("secret", 1, true))
  end)

  it("ends when the other end has another key, and has said nothing", function()
    connect(OTHER, KEY)
    local heard, why
    far:on_bytes(function(bytes, problem) heard, why = bytes, problem end)
    near:write "secret"
    move()
    assert.same({}, proved)
    assert.is_nil(heard)
    assert.equal("the other end does not know the key", why)
    assert.is_true(b.finished)
  end)

  it("ends when bytes are changed on the way", function()
    connect(KEY, KEY)
    local heard, why = "", nil
    far:on_bytes(function(bytes, problem)
      if bytes then heard = heard .. bytes else why = problem end
    end)
    move()
    near:write "x"
    a.sent[1] = a.sent[1]:sub(1, -2) .. string.char(a.sent[1]:byte(-1) ~ 1)
    move()
    assert.equal("", heard)
    assert.is_string(why)
  end)

  it("shows what waits while the loop stands still, and delivers it later", function()
    connect(KEY, KEY)
    local heard = ""
    far:on_bytes(function(bytes) heard = heard .. bytes end)
    move()
    far:alert(true)
    assert.is_true(b.alerted)
    near:write "stop"
    assert.equal("stop", far:peek())
    assert.equal("stop", far:peek())
    assert.equal("", heard)
    near:write " now"
    move()
    assert.equal("stop now", heard)
    assert.equal("", far:peek())
  end)

  it("refuses keys that are none", function()
    assert.is_nil((core.seal_keys { "short" }))
    assert.is_nil((core.seal_keys {}))
  end)
end)
