-- SPDX-License-Identifier: MIT
local cli = require "infinitomata.cli"
local run = require("spec.support.cli").run

describe("cli.command", function()
  local name = "infinitomata.cli.keygen"
  local original

  --- Puts a subcommand in the place of another.
  local function instead(command)
    original = original or require(name)
    package.loaded[name] = command
  end
  after_each(function()
    if original then package.loaded[name] = original end
  end)

  it("refuses a subcommand that there is not, and modules that are none", function()
    for _, word in ipairs { "bogus", "terminal", "init" } do
      local status, out, err = run(word)
      assert.equal(2, status)
      assert.equal("", out)
      assert.equal(("infinitomata: unknown subcommand '%s'; try 'infinitomata --help'\n")
        :format(word), err)
    end
  end)

  it("says which subcommand may be meant", function()
    for word, meant in pairs { runn = "run", stat = "state", memebrs = "members" } do
      local status, _, err = run(word)
      assert.equal(2, status)
      local expected = ("unknown subcommand '%s' (did you mean '%s'?)"):format(word, meant)
      assert.truthy(err:find(expected, 1, true), err)
      assert.equal(err:gsub("%-%-help", "help --help"), select(3, run("help", word)))
    end
  end)

  it("prints the help to standard output, for inner commands too", function()
    for _, args in ipairs { { "lint", "--help" }, { "lint", "-h" }, { "lint", "x", "--help" },
      { "new", "--help" }, { "new", "fsm", "--help" } } do
      local status, out, err = run(table.unpack(args))
      assert.equal(0, status)
      assert.equal("", err)
      assert.matches("^Usage: infinitomata " .. args[1], out)
    end
  end)

  it("answers a misuse with one line and where to look", function()
    local status, out, err = run("lint")
    assert.equal(2, status)
    assert.equal("", out)
    assert.equal("infinitomata: missing argument 'file'; try 'infinitomata lint --help'\n", err)
  end)

  it("names the option that was probably meant", function()
    local _, _, err = run("keygen", "--bit", "256")
    assert.equal("infinitomata: unknown option '--bit' Did you mean '--bits'?;"
      .. " try 'infinitomata keygen --help'\n", err)
  end)

  it("turns what a subcommand returns into an exit status", function()
    local cases = {
      { {}, 0 }, { { true }, 0 }, { { 0 }, 0 }, { { 1 }, 1 }, { { 7 }, 7 },
      { { nil, "it broke" }, 1, "infinitomata: it broke\n" },
      { { cli.usage_error("no %s", "way") }, 2,
        "infinitomata: no way; try 'infinitomata keygen --help'\n" },
    }
    for _, case in ipairs(cases) do
      instead { describe = function() end, run = function() return table.unpack(case[1], 1, 2) end }
      local status, _, err = run("keygen")
      assert.equal(case[2], status)
      assert.equal(case[3] or "", err)
    end
  end)

  it("leaves the arguments of a command without a parser alone", function()
    local seen
    instead { usage = "how to", run = function(args)
      seen = args
      return 3
    end }
    assert.equal(3, run("keygen", "a", "--help", "-x"))
    assert.same({ "a", "--help", "-x" }, seen)
    local status, out = run("keygen", "--help")
    assert.equal(0, status)
    assert.equal("how to\n", out)
  end)

  it("does not hide a bug of a subcommand", function()
    instead { describe = function() end, run = function() error("a bug", 0) end }
    assert.has_error(function() run("keygen") end, "a bug")
    instead { describe = function() error("another", 0) end, run = print }
    assert.has_error(function() run("keygen") end, "another")
  end)

  it("says what is missing without argparse", function()
    local argparse = package.loaded.argparse
    package.loaded.argparse = nil
    package.preload.argparse = function() error("there is none") end
    local _, status, _, err = pcall(run, "keygen")
    package.preload.argparse, package.loaded.argparse = nil, argparse
    assert.equal(1, status)
    assert.matches("'argparse' is missing %(luarocks install argparse", err)
  end)
end)

describe("cli.COMMANDS", function()
  it("names each subcommand once, with a summary", function()
    local seen = {}
    for _, command in ipairs(cli.COMMANDS) do
      assert.is_nil(seen[command[1]])
      seen[command[1]] = true
      assert.equal(command[2], cli.summary(command[1]))
    end
    assert.is_nil(cli.summary("bogus"))
    assert.is_nil(cli.summary(nil))
  end)
end)
