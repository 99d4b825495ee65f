-- SPDX-License-Identifier: MIT
-- What it does with lines is tried in tests/console.
local program = require "spec.support.program"

describe("infinitomata console", function()
  it("ends well at the end of its input", function()
    local status, out, err = program.run { "console", "--bind", "127.0.0.1:0" }
    assert.equal("", err)
    assert.equal("", out)
    assert.equal(0, status)
  end)

  it("refuses a wrong use by name", function()
    local status, _, err = program.run { "console", "--nmae", "x" }
    assert.equal(2, status)
    assert.matches("unknown option '%-%-nmae' %(did you mean", err)
    status, _, err = program.run { "console", "x" }
    assert.equal(2, status)
    assert.matches("unknown argument 'x'", err)
  end)

  it("prints what it was configured with", function()
    local status, out = program.run { "console", "--print-config", "--name", "shown" }
    assert.equal(0, status)
    assert.matches('name = "shown"', out)
  end)

  it("says why it has no node", function()
    local status, _, err =
      program.run { "console", "--bind", "127.0.0.1:0", "--join", "127.0.0.1:1" }
    assert.equal(1, status)
    assert.matches("127.0.0.1:1", err)
  end)
end)
