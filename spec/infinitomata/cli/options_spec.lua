-- SPDX-License-Identifier: MIT
local options = require "infinitomata.cli.options"

local KNOWN = { name = "value", join = "value", verbose = "flag" }

local function parse(...)
  return options.parse({ ... }, KNOWN)
end

describe("options.parse", function()
  it("reads values in both forms, and flags", function()
    local given, rest = parse("--name", "a", "--join=b:1", "--verbose", "script.lua", "--name")
    assert.same({ name = "a", join = "b:1", verbose = true }, given)
    assert.equal(5, rest)
  end)

  it("takes the last of two, and an empty value", function()
    assert.same({ name = "" }, (parse("--name", "a", "--name=")))
  end)

  it("stops at what is no option, and after --", function()
    assert.equal(1, select(2, parse("script")))
    assert.equal(1, select(2, parse("-")))
    assert.equal(2, select(2, parse("--", "--name")))
    assert.equal(1, select(2, parse()))
  end)

  it("names what it does not know, and what was probably meant", function()
    local given, problem = parse("--nmae=x")
    assert.is_nil(given)
    assert.equal("unknown option '--nmae' (did you mean --name?)", problem)
    assert.equal("unknown option '-x'", select(2, parse("-x")))
    assert.equal("unknown option '--quite-different'", select(2, parse("--quite-different")))
  end)

  it("misses a value, and refuses one for a flag", function()
    assert.equal("option '--name' needs a value", select(2, parse("--name")))
    assert.equal("option '--verbose' takes no value", select(2, parse("--verbose=1")))
  end)
end)
