-- SPDX-License-Identifier: MIT
local core = require "infinitomata.core"
local program = require "spec.support.program"

---Runs the loop until `done()`, at most `ms` long.
local function run_until(done, ms)
  local deadline = core.now() + (ms or 2000)
  while not done() do
    assert(core.now() < deadline, "it did not happen in time")
    core.step("nowait")
  end
end

local function run_dry()
  while core.step("once") do end
end

describe("time", function()
  it("goes forward in milliseconds and nanoseconds of one clock", function()
    local before, ns = core.now(), core.hrtime()
    assert.equal("integer", math.type(before))
    assert.is_true(ns // 1000000 >= before)
    assert.is_true(core.now() >= before)
  end)

  it("knows the wall clock", function()
    assert.is_true(math.abs(core.wall() // 1000 - os.time()) <= 2)
  end)
end)

describe("timer_start", function()
  it("fires by deadline, and equal deadlines in the order of their start", function()
    local fired = {}
    local function note(what) fired[#fired + 1] = what end
    core.timer_start(6, note, "d")
    core.timer_start(2, note, "b")
    core.timer_start(2, note, "c")
    core.timer_start(0, note, "a")
    run_dry()
    assert.equal("abcd", table.concat(fired))
  end)

  it("never fires early", function()
    local started, fired = core.now(), nil
    core.timer_start(30, function() fired = core.now() end)
    run_dry()
    assert.is_true(fired - started >= 30)
  end)

  it("gives nil to a function that was started without an argument", function()
    local given = "nothing yet"
    core.timer_start(0, function(...) given = { n = select("#", ...), ... } end)
    run_dry()
    assert.same({ n = 1 }, given)
  end)

  it("fires what a timer starts in a later turn, not in its own", function()
    local fired = 0
    core.timer_start(0, function()
      fired = fired + 1
      core.timer_start(0, function() fired = fired + 1 end)
    end)
    run_until(function() return fired > 0 end)
    assert.equal(1, fired)
    run_dry()
    assert.equal(2, fired)
  end)

  it("fires a thousand in a turn, and the rest in the next ones", function()
    local started, fired, most = {}, {}, 0
    for i = 1, 5000 do
      started[i] = i
      core.timer_start(0, function() fired[#fired + 1] = i end)
    end
    repeat
      local before = #fired
      core.step("nowait")
      most = math.max(most, #fired - before)
    until #fired == 5000
    assert.equal(1024, most)
    assert.same(started, fired)
  end)

  it("takes a negative time as none", function()
    local fired = false
    core.timer_start(-5, function() fired = true end)
    run_dry()
    assert.is_true(fired)
  end)

  it("refuses what is no function", function()
    assert.has_error(function() core.timer_start(1, "x") end)
  end)
end)

describe("timer_restart", function()
  it("puts a timer off, or forward, and keeps what it calls", function()
    local order = {}
    local function note(name) order[#order + 1] = name end
    local first = core.timer_start(1, note, "first")
    local second = core.timer_start(60000, note, "second")
    core.timer_start(5, note, "between")
    assert.is_true(core.timer_restart(first, 20))
    assert.is_true(core.timer_restart(second, 2))
    local began = core.now()
    run_dry()
    assert.same({ "second", "between", "first" }, order)
    assert.is_true(core.now() - began >= 19)
  end)

  it("says false of a timer that has fired or was stopped", function()
    local fired = core.timer_start(0, function() end)
    run_dry()
    assert.is_false(core.timer_restart(fired, 1))
    local stopped = core.timer_start(10, function() end)
    core.timer_stop(stopped)
    assert.is_false(core.timer_restart(stopped, 1))
    assert.is_false(core.timer_restart(-1, 1))
    assert.equal(0, core.timer_count())
  end)
end)

describe("timer_stop", function()
  it("stops a timer once", function()
    local fired = false
    local id = core.timer_start(1, function() fired = true end)
    assert.is_true(core.timer_stop(id))
    assert.is_false(core.timer_stop(id))
    core.timer_start(5, function() end)
    run_dry()
    assert.is_false(fired)
  end)

  it("knows a timer that has fired from a later one in its place", function()
    local first = core.timer_start(0, function() end)
    run_dry()
    local second = core.timer_start(1000, function() end)
    assert.is_false(core.timer_stop(first))
    assert.is_true(core.timer_stop(second))
  end)

  it("takes any integer", function()
    for _, id in ipairs { -1, 0, math.maxinteger, math.mininteger, 1 << 31 } do
      assert.is_false(core.timer_stop(id))
    end
  end)

  it("keeps a hundred thousand apart", function()
    local ids, fired, others = {}, 0, core.timer_count()
    for i = 1, 100000 do
      ids[i] = core.timer_start(i % 7, function() fired = fired + 1 end)
    end
    for i = 1, 100000, 2 do assert(core.timer_stop(ids[i])) end
    assert.equal(50000 + others, core.timer_count())
    run_dry()
    assert.equal(50000, fired)
    assert.equal(0, core.timer_count())
  end)
end)

describe("step", function()
  it("says false when nothing can happen any more", function()
    run_dry() -- what other specs began
    local id = core.timer_start(60000, function() end)
    assert.is_true(core.step("nowait"))
    core.timer_stop(id)
    assert.is_false(core.step("once"))
    assert.is_false(core.step("nowait"))
  end)

  it("does not wait when told so", function()
    local id = core.timer_start(60000, function() end)
    local started = core.now()
    assert.is_true(core.step("nowait"))
    assert.is_true(core.now() - started < 1000)
    core.timer_stop(id)
  end)

  it("returns once something has happened, though more could", function()
    local late = core.timer_start(60000, function() end)
    local fired = false
    core.timer_start(1, function() fired = true end)
    local started = core.now()
    repeat core.step("once") until fired or core.now() - started > 5000
    assert.is_true(core.now() - started < 5000)
    core.timer_stop(late)
  end)

  it("raises inside a callback of the loop", function()
    local ok, message, inside
    core.timer_start(0, function()
      inside = core.in_loop()
      ok, message = pcall(core.step, "once")
    end)
    run_dry()
    assert.is_false(ok)
    assert.matches("running already", message)
    assert.is_true(inside)
    assert.is_false(core.in_loop())
  end)

  it("refuses other modes", function()
    assert.has_error(function() core.step("forever") end)
  end)
end)

describe("serve", function()
  it("runs until quit", function()
    local turns, id = 0, nil
    local function again()
      turns = turns + 1
      if turns == 5 then core.quit() end
      id = core.timer_start(1, again)
    end
    again()
    assert.is_true(core.serve())
    assert.equal(5, turns)
    core.timer_stop(id)
  end)

  it("ends by itself when nothing can happen any more", function()
    core.timer_start(1, function() end)
    assert.is_false(core.serve())
  end)
end)

-- The engine has its own function for turns: it gets it back by being loaded
-- before and told to register again.
describe("request_turn", function()
  local function with_turn(fn, body)
    core.on_turn(fn)
    body()
    core.on_turn(nil)
  end

  it("calls on_turn's function once, until it is asked for again", function()
    local turns = 0
    with_turn(function() turns = turns + 1 end, function()
      core.request_turn()
      core.request_turn()
      run_dry()
      assert.equal(1, turns)
      core.request_turn()
      run_dry()
      assert.equal(2, turns)
    end)
  end)

  it("goes on while the function says that it wants to", function()
    local turns = 0
    with_turn(function()
      turns = turns + 1
      return turns < 10
    end, function()
      core.request_turn()
      run_dry()
      assert.equal(10, turns)
    end)
  end)

  it("lets timers fire between two turns", function()
    local turns, fired = 0, false
    with_turn(function()
      turns = turns + 1
      return not fired and turns < 1000000
    end, function()
      core.timer_start(2, function() fired = true end)
      core.request_turn()
      run_dry()
      assert.is_true(fired)
      assert.is_true(turns < 1000000)
    end)
  end)
end)

describe("on_error", function()
  after_each(function() core.on_error(nil) end)

  it("gets the message and the traceback, and the loop goes on", function()
    local message, later
    core.on_error(function(text) message = text end)
    core.timer_start(0, function() error("broken timer") end)
    core.timer_start(1, function() later = true end)
    run_dry()
    assert.matches("broken timer", message)
    assert.matches("stack traceback", message)
    assert.is_true(later)
  end)

  it("gets the text of an error that is a table", function()
    local message
    core.on_error(function(text) message = text end)
    core.timer_start(0, function()
      error(setmetatable({}, { __tostring = function() return "a sentence" end }))
    end)
    run_dry()
    assert.matches("a sentence", message)
  end)
end)

describe("signal", function()
  it("calls the function, and does not keep the loop alive", function()
    local seen = 0
    local handle = core.signal("SIGUSR2", function() seen = seen + 1 end)
    assert.is_false(core.step("nowait"))
    local alive = core.timer_start(60000, function() end)
    os.execute("kill -USR2 $PPID")
    run_until(function() return seen == 1 end)
    core.timer_stop(alive)
    handle:stop()
    handle:stop()
    run_dry()
  end)

  it("names the signal it does not know", function()
    local ok, message = pcall(core.signal, "SIGNOSUCH", print)
    assert.is_false(ok)
    assert.matches("SIGNOSUCH", message)
  end)
end)

describe("luv", function()
  local found = package.searchpath("luv", package.cpath)

  local function luv()
    if not found then pending("luv is not installed") end
    return found and require "luv"
  end

  it("shares the loop", function()
    local uv = luv()
    if not uv then return end
    local fired
    local timer = uv.new_timer()
    timer:start(1, 0, function()
      fired = core.in_loop()
      timer:close()
    end)
    run_dry()
    assert.is_true(fired)
  end)

  it("reports errors of its callbacks where ours are reported", function()
    local uv = luv()
    if not uv then return end
    local message
    core.on_error(function(text) message = text end)
    local timer = uv.new_timer()
    timer:start(0, 0, function()
      timer:close()
      error("broken callback")
    end)
    run_dry()
    core.on_error(nil)
    assert.matches("broken callback", message)
  end)

  it("may be closing a handle when the state is closed", function()
    if not found then return pending("luv is not installed") end
    for _, first in ipairs { "infinitomata.core", "luv" } do
      local path = program.file(([[
        require "%s"
        require "infinitomata.core"
        local timer = require "luv".new_timer()
        timer:start(1000, 0, function() end)
        timer:close(function() print "closed" end)]]):format(first))
      local status, out, err = program.run { path }
      os.remove(path)
      assert.equal("", err)
      assert.equal("closed\n", out)
      assert.equal(0, status)
    end
  end)

  it("does not hand the loop over", function()
    local uv = luv()
    if not uv then return end
    for _, name in ipairs { "run", "stop", "loop_close", "walk" } do
      local ok, message = pcall(uv[name])
      assert.is_false(ok)
      assert.matches("uv%." .. name, message)
    end
  end)
end)
