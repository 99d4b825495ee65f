-- SPDX-License-Identifier: MIT
local finitomata = require "finitomata"
local trace = require "finitomata.trace"

---A file of a user's, as far as its name says.
local function written(text)
  return assert(load(text, "@user.lua"))
end

---What raising in the chunk looks like.
local function traced(text)
  local _, said = xpcall(written(text), function(raised) return trace.add(tostring(raised)) end)
  local own = {}
  for line in said:gmatch "\t[^\n]*" do
    if line:find "user.lua" or line:find "^\t%[C%]" or line:find "more" then
      own[#own + 1] = line:sub(2)
    end
  end
  return own, said
end

describe("A traceback", function()
  it("shows the user's frames and none of the engine's", function()
    local lines, said = traced [[
      local function make() local d = require("finitomata").define { fsm = "a -> b" } return d end
      make()]]
    assert.same({ "user.lua:1: in local 'make'", "user.lua:2: in main chunk" },
      table.move(lines, 1, 2, 1, {}))
    assert.is_nil(said:find("definition.lua", 1, true))
    assert.matches("expected", said)
  end)

  it("shows what is in C between them", function()
    local lines = traced [[
      local function inner() error "no" end
      local function outer() local ok = string.gsub("a", "a", inner) return ok end
      outer()]]
    assert.same({ "user.lua:1: in function <user.lua:1>", "[C]: in field 'gsub'" },
      table.move(lines, 1, 2, 1, {}))
  end)

  it("is short however deep it is", function()
    for depth in pairs { [20] = true, [1000] = true } do
      local lines, said = traced(([[
        local function f(n) if n == 0 then error "deep" end f(n - 1) n = 1 end
        f(%d)]]):format(depth))
      assert.matches("^%.%.%. %d+ more$", lines[7])
      assert.equal(10, select(2, said:gsub("\n", "")))
    end
  end)

  it("is of another coroutine as well", function()
    local co = coroutine.create(written [[
      local function wait() coroutine.yield() end
      wait() ]])
    coroutine.resume(co)
    assert.same({ "\tuser.lua:1: in local 'wait'", "\tuser.lua:2: in main chunk" },
      trace.lines(co))
    assert.equal("here\nstack traceback:\n\tuser.lua:1: in local 'wait'\n"
      .. "\tuser.lua:2: in main chunk", trace.add("here", co))
  end)

  it("shows all where no code of the user's is", function()
    local co = coroutine.create(finitomata.define)
    coroutine.resume(co)
    assert.same({}, trace.lines(co))
    assert.matches("definition.lua", trace.add("oh", co))
    assert.matches("stack", trace.add("/some/where/lua/finitomata/engine.lua:1: oh", co))
    assert.equal("user.lua:7: oh", trace.add("user.lua:7: oh", co))
  end)

  it("knows the project's own files", function()
    assert.is_true(trace.is_own(debug.getinfo(finitomata.define, "S").source))
    assert.is_true(trace.is_own(debug.getinfo(require("infinitomata.nearest").word, "S").source))
    assert.is_false(trace.is_own "@finitomata_of_mine.lua")
    assert.is_false(trace.is_own(debug.getinfo(1, "S").source))
  end)
end)
