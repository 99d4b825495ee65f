-- SPDX-License-Identifier: MIT
local cli = require "infinitomata.cli"
local run = require("spec.support.cli").run

describe("infinitomata help", function()
  it("lists every subcommand", function()
    local status, out = run("help")
    assert.equal(0, status)
    for _, command in ipairs(cli.COMMANDS) do
      assert.truthy(out:find(("\n  %-9s %s\n"):format(command[1], command[2]), 1, true))
    end
  end)
  it("explains a subcommand as its own --help does", function()
    local _, by_help = run("help", "draw")
    local _, by_option = run("draw", "--help")
    assert.equal(by_option, by_help)
  end)
  it("refuses what is no subcommand, or too much", function()
    assert.equal(2, (run("help", "bogus")))
    assert.equal(2, (run("help", "lint", "draw")))
  end)
end)
