-- SPDX-License-Identifier: MIT
local finitomata = require "finitomata"
local place = require "finitomata.place"

local WRONG = [[
-- a module
local finitomata = require "finitomata"

%sfinitomata.define {
  fsm = %s,
  timr = 5,
}%s
]]
local DIAGRAM = "[[\n    a --> |x| b\n    b -> |y| c\n  ]]"

describe("A wrong definition names its place", function()
  local path, name, search
  before_each(function()
    path, search = os.tmpname(), package.path
    os.rename(path, path .. ".lua")
    path = path .. ".lua"
    name = path:match("([^/]+)%.lua$")
    package.path = path:match("^(.*)/") .. "/?.lua;" .. package.path
  end)
  after_each(function()
    package.path, package.loaded[name] = search, nil
    os.remove(path)
  end)

  local function write(before, diagram, after)
    local handle = assert(io.open(path, "wb"))
    handle:write(WRONG:format(before, diagram, after))
    handle:close()
  end

  local function failure(fn, ...)
    local ok, err = pcall(fn, ...)
    assert.is_false(ok)
    return err
  end

  it("when its module returns it from a local variable", function()
    write("local fsm = ", DIAGRAM, "\nreturn fsm")
    local err = failure(require, name)
    assert.same({ path, 7, 7 }, { err.file, err.file_line, err.file_column })
    assert.same({ 2, 7 }, { err.line, err.column })
    assert.equal(4, err.faults[2].file_line)
    assert.matches(path .. ":7:7: '-->' expected, found '-'\n        b -> |y| c\n          ^\n"
      .. path .. ":4: unknown option 'timr'", tostring(err), 1, true)
  end)

  it("when its module returns the call itself, however it is loaded", function()
    write("return ", DIAGRAM, "")
    local function protected()
      error(select(2, xpcall(assert(loadfile(path)), function(err) return err end)))
    end
    for _, load in ipairs { { require, name }, { dofile, path }, { protected } } do
      local err = failure(load[1], load[2])
      assert.same({ path, 7, 7 }, { err.file, err.file_line, err.file_column })
      assert.equal(4, err.faults[2].file_line)
    end
  end)

  it("when the diagram is on one line with other things", function()
    write("return ", '"a --> |x| a"', "")
    local err = failure(require, name)
    assert.same({ path, 4 }, { err.file, err.file_line })
  end)

  it("by a callback, when nothing else is left", function()
    local line = debug.getinfo(1, "l").currentline + 1
    local function callback() end
    local run = coroutine.wrap(function()
      return finitomata.define { fsm = "a --> |x| b", timr = 5, on_enter = { a = callback } }
    end)
    local err = failure(run)
    assert.equal(line, err.file_line)
    assert.matches("place_spec.lua", err.file, 1, true)
  end)

  it("in the column of the file, when the diagram begins within a line", function()
    local first = debug.getinfo(1, "l").currentline + 1
    local found = place.of { fsm = [[within a line
and another]] }
    assert.same({ first, 37 }, { found.first, found.indent })
  end)
end)
