-- SPDX-License-Identifier: MIT
local program = require "spec.support.program"

describe("infinitomata version", function()
  it("names what the program stands on", function()
    local status, out = program.run { "version" }
    assert.equal(0, status)
    assert.matches("^infinitomata [%d.]+ %(Lua 5%.4%.%d+, libuv [%d.]+%)\n$", out)
  end)

  it("prints JSON", function()
    local status, out = program.run { "version", "--json" }
    assert.equal(0, status)
    assert.matches("^Lua 5%.4", (require "infinitomata.json").decode(out).lua)
  end)

  it("takes no argument", function()
    local status, out, err = program.run { "version", "please" }
    assert.equal(2, status)
    assert.equal("", out)
    assert.matches("please", err)
  end)
end)
