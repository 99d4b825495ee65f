-- SPDX-License-Identifier: MIT
-- What it does with a node is tried in tests/console.
local core = require "infinitomata.core"
local run = require("spec.support.cli").run

describe("attach", function()
  local original

  setup(function()
    original = package.loaded["infinitomata.program"]
    package.loaded["infinitomata.program"] = original or core
    package.loaded["infinitomata.cli.attach"] = nil
  end)
  teardown(function()
    package.loaded["infinitomata.program"] = original
    package.loaded["infinitomata.cli.attach"] = nil
  end)

  local function misused(message, ...)
    local status, out, err = run("attach", ...)
    assert.equal(2, status)
    assert.equal("", out)
    assert.equal(("infinitomata: %s; try 'infinitomata attach --help'\n"):format(message), err)
  end

  it("refuses a wrong use by name", function()
    misused "the node is missing"
    misused("option '-e' needs a value", "a", "-e")
    misused("option '--key-file' needs a value", "a", "--key-file")
    misused("unknown option '--bogus'", "a", "--bogus")
    misused("unknown argument 'b'", "a", "b")
  end)

  it("names the node that is not there", function()
    local status, _, err = run("attach", "spec-nobody", "-e", "1")
    assert.equal(1, status)
    assert.matches("no node of this user is called 'spec%-nobody'", err)
  end)

  it("says what an address elsewhere needs", function()
    local status, _, err = run("attach", "192.0.2.1:7946", "-e", "1")
    assert.equal(1, status)
    assert.matches("one elsewhere needs %-%-console there and %-%-key%-file here", err)
  end)

  it("names a key file that cannot be read", function()
    local status, _, err = run("attach", "192.0.2.1:7946", "--key-file=/nowhere.key", "-e", "1")
    assert.equal(1, status)
    assert.matches("/nowhere.key", err)
  end)

  it("explains itself", function()
    local status, out = run("attach", "--help")
    assert.equal(0, status)
    assert.matches("infinitomata attach NODE", out)
  end)
end)
