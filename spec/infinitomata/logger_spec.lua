-- SPDX-License-Identifier: MIT
local finitomata = require "finitomata"
local json = require "infinitomata.json"
local log = require "finitomata.log"
local logger = require "infinitomata.logger"
local spec = require "finitomata.spec"

describe("logger", function()
  local lines, now, installed

  local function install(options)
    options.write = function(line) lines[#lines + 1] = line end
    options.now = function() return now end
    installed = assert(logger.install(options))
  end
  before_each(function() lines, now = {}, 1700000000123 end)
  after_each(function()
    if installed then installed:close() end
    installed = nil
  end)

  it("writes the time, the level and the node", function()
    install { node = "a" }
    log.warning("it is %s", "late")
    assert.same({ "2023-11-14T22:13:20.123Z warning a it is late\n" }, lines)
  end)
  it("writes only what is worth it, and gives the level back", function()
    install { level = "error" }
    log.warning "no"
    log.error "yes"
    assert.equal(1, #lines)
    installed:close()
    installed = nil
    local before = log.set_level("warning")
    log.set_level(before)
    assert.equal("warning", before)
  end)
  it("indents the lines of a traceback", function()
    install {}
    log.error "one\ntwo"
    assert.equal("2023-11-14T22:13:20.123Z error   one\n  two\n", lines[1])
  end)
  it("writes JSON, one object a line", function()
    install { format = "json", node = function() return "a" end }
    log.error "one\ntwo \"three\" \xFF"
    assert.equal(1, select(2, lines[1]:gsub("\n", "")))
    assert.same({ time = "2023-11-14T22:13:20.123Z", level = "error", node = "a",
      message = "one\ntwo \"three\" \u{FFFD}" }, json.decode(lines[1]))
    assert.matches('^{"time":"[^"]+","level":"error","node":"a","message":', lines[1])
  end)
  it("names the FSM in whose callback the line arose", function()
    install { format = "json" }
    local f = finitomata.define { fsm = "a --> |b| c", on_enter = function(state)
      if state == "c" then error "oh" end
      finitomata.log.warning("entered %s", state)
    end }
    spec.start(f, {}, { name = "front" }):send("b")
    local first, second = json.decode(lines[1]), json.decode(lines[2])
    assert.same({ "front", "entered a" }, { first.fsm, first.message })
    assert.equal("front", second.fsm)
    assert.matches("^error in on_enter: .*oh", second.message)
  end)
  it("counts a line that comes again and again", function()
    install {}
    for _ = 1, 100 do log.error "again" end
    log.error "another"
    assert.equal(6, #lines)
    now = now + 10000
    log.error "again"
    assert.equal(8, #lines)
    assert.matches("error   95 more lines like this: again\n$", lines[7])
    assert.matches("error   again\n$", lines[8])
  end)
  it("tells how many when the time is over, though nothing else is said", function()
    local clock = finitomata.virtual_clock()
    install { clock = clock }
    for _ = 1, 100 do log.error "again" end
    clock:advance(9999)
    assert.equal(5, #lines)
    clock:advance(1)
    assert.matches("error   95 more lines like this: again\n$", lines[6])
    log.error "again"
    clock:advance(20000)
    assert.equal(7, #lines)
  end)
  it("counts the same failure of many FSMs as one", function()
    install { format = "json" }
    local f = finitomata.define { fsm = "a --> |b| c", on_enter = function() error("oh", 0) end }
    for i = 1, 20 do spec.start(f, {}, { name = "n" .. i }) end
    assert.equal(5, #lines)
    installed:flush()
    local held = json.decode(lines[6])
    assert.matches("^15 more lines like this: error in on_enter: oh", held.message)
    assert.is_nil(held.fsm)
  end)
  it("keeps no more than it must", function()
    install {}
    for i = 1, 5000 do log.error("line %d", i) end
    assert.equal(5000, #lines)
    assert.is_true(installed._kept <= 1000)
  end)
  it("tells what was held back when it is closed", function()
    install {}
    for _ = 1, 7 do log.error "again" end
    installed:close()
    installed = nil
    assert.matches("2 more lines like this: again", lines[6])
  end)
  it("refuses a format that there is not", function()
    local none, err = logger.install { format = "xml" }
    assert.is_nil(none)
    assert.matches("unknown log format 'xml'", tostring(err))
  end)
end)
