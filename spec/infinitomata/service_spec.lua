-- SPDX-License-Identifier: MIT
local clocks = require "finitomata.clock"
local finitomata = require "finitomata"
local log = require "finitomata.log"
local service = require "infinitomata.service"
local spec = require "finitomata.spec"
local task = require "finitomata.task"

describe("service", function()
  local told, signals, sink, lines, answers

  local function new(environment, configure)
    told, signals, lines = {}, {}, {}
    local program = {
      sd_notify = function(path, text)
        assert.equal("/run/notify", path)
        told[#told + 1] = text
        if answers then return nil, answers end
        return true
      end,
      signal = function(name, fn) signals[name] = fn end,
    }
    return service.new(program, {
      getenv = function(name) return environment[name] end, configure = configure,
    })
  end
  before_each(function()
    answers = nil
    sink = log.set_sink(function(level, text) lines[#lines + 1] = level .. ": " .. text end)
  end)
  after_each(function() log.set_sink(sink) end)

  local MANAGED = { NOTIFY_SOCKET = "/run/notify" }

  it("says that it is ready, and that it stops, once", function()
    local one = new(MANAGED)
    one:start()
    assert.matches("^READY=1\nSTATUS=node ", told[1])
    one:stopping()
    one:stopping()
    assert.equal("STOPPING=1", told[2])
    assert.equal(2, #told)
  end)
  it("says nothing when nobody asks", function()
    for _, environment in ipairs { {}, { NOTIFY_SOCKET = "" } } do
      local one = new(environment)
      one:start()
      one:stopping()
      assert.same({}, told)
    end
  end)
  it("gives signs of life, twice as often as it must, until it stops", function()
    local real, clock = clocks.real, clocks.virtual()
    clocks.real = function() return clock end -- luacheck: ignore
    local one = new { NOTIFY_SOCKET = "/run/notify", WATCHDOG_USEC = "2000000" }
    one:start()
    clock:advance(2999)
    one:stopping()
    clock:advance(5000)
    clocks.real = real -- luacheck: ignore
    local beats = 0
    for _, text in ipairs(told) do beats = beats + (text == "WATCHDOG=1" and 1 or 0) end
    assert.equal(3, beats)
  end)
  it("gives none when another process is watched", function()
    local one = new { NOTIFY_SOCKET = "/run/notify", WATCHDOG_USEC = "2000000",
      WATCHDOG_PID = "1" }
    one:start()
    assert.equal(1, #told)
  end)
  it("reloads on SIGHUP and says so", function()
    local configured = 0
    local one = new(MANAGED, function() configured = configured + 1 end)
    one:start()
    signals.SIGHUP()
    task.drain()
    assert.equal(1, configured)
    assert.matches("^RELOADING=1\nMONOTONIC_USEC=%d+$", told[2])
    assert.matches("^READY=1\n", told[3])
  end)
  it("logs why the configuration stays as it was", function()
    local one = new(MANAGED, function() return "no such file" end)
    one:reload()
    assert.equal("error: the configuration stays as it was: no such file", lines[1])
    assert.matches("^READY=1", told[2])
  end)
  it("writes down how it is on SIGUSR1", function()
    local one = new {}
    one:start()
    signals.SIGUSR1()
    assert.matches("^error: node none at %-\nmembers: none\nmemory of Lua: %d+ kB", lines[1])
  end)
  it("shows which handlers wait, and where", function()
    local nap = finitomata.define { fsm = "a --> |b| c", name = "nap" }
    function nap.on_transition(_, event)
      if event == "b" then finitomata.sleep(100) end
    end
    local t = spec.start(nap, {}, { name = "sleeper" }):send("b")
    local report = service.report()
    assert.matches("\nhandlers that wait: 1\n  sleeper in `a`\n", report)
    assert.matches("service_spec.lua:%d+: in function", report)
    t:advance(100):expect { "c" }
    assert.matches("\nhandlers that wait: 0$", service.report())
  end)
  it("logs when the service manager cannot be told", function()
    local one = new(MANAGED)
    answers = "Connection refused"
    one:start()
    assert.equal("warning: the service manager cannot be told: Connection refused", lines[1])
  end)
end)
