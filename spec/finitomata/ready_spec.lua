-- SPDX-License-Identifier: MIT
--- The same cases for the queue in Lua and for the one of the C module.
local core = require "infinitomata.core"
local finitomata = require "finitomata"
local instance = require "finitomata.instance"
local ready = require "finitomata.ready"
local supervisor = require "finitomata.supervisor"
local task = require "finitomata.task"
require "spec.support.world" -- in the program it has steps compiled

local function in_lua(requests)
  return ready.new(function() requests.count = requests.count + 1 end)
end

local function in_c() return core.ready(task.context, task.hooks) end

---Works off what is ready now; gives the coroutines that were to go on.
local function turn(queue)
  local resumed = {}
  if not queue.begin() then return nil end
  local what = queue.next()
  while what do
    if what == true then
      local co = coroutine.create(queue.run)
      assert(coroutine.resume(co))
    else
      resumed[#resumed + 1] = what
    end
    what = queue.next()
  end
  return resumed
end

for name, make in pairs { ["in Lua"] = in_lua, ["in C"] = in_c } do
  describe("A ready queue " .. name, function()
    local queue, requests
    before_each(function()
      requests = { count = 0 }
      queue = make(requests)
    end)

    it("hands its jobs over in order, each with three arguments", function()
      local seen = {}
      for i = 1, 5 do
        queue.post(function(...) seen[#seen + 1] = table.pack(...) end, i, nil, i * 10)
      end
      assert.same({}, turn(queue))
      for i = 1, 5 do assert.same({ i, nil, i * 10, n = 3 }, seen[i]) end
    end)

    it("is empty at first, and afterwards", function()
      assert.is_false(queue.waiting())
      assert.is_false(queue.begin())
      queue.post(function() end)
      assert.is_true(queue.waiting())
      turn(queue)
      assert.is_false(queue.waiting())
      assert.is_false(queue.begin())
      assert.is_false(queue.next())
    end)

    it("leaves jobs that come during a turn for the next", function()
      local order = {}
      queue.post(function()
        order[1] = "first"
        queue.post(function() order[#order + 1] = "third" end)
      end)
      queue.post(function() order[#order + 1] = "second" end)
      turn(queue)
      assert.same({ "first", "second" }, order)
      assert.is_true(queue.waiting())
      turn(queue)
      assert.same({ "first", "second", "third" }, order)
    end)

    it("stops at a coroutine that is to go on, and goes on after it", function()
      local order = {}
      local function note(what) order[#order + 1] = what end
      local co = coroutine.create(function() end)
      queue.post(note, "before")
      queue.post(false, co)
      queue.post(false, co)
      queue.post(note, "after")
      assert.same({ co, co }, turn(queue))
      assert.same({ "before", "after" }, order)
    end)

    it("gives a turn a thousand jobs at most, and keeps the order of many more", function()
      local expected, seen, turns = {}, {}, 0
      for round = 0, 2 do
        for i = 1, 9000 do
          local job = round * 9000 + i
          expected[job] = job
          queue.post(function() seen[#seen + 1] = job end)
        end
        for _ = 1, 4 do
          turn(queue)
          turns = turns + 1
          assert.equal(1024 * turns, #seen)
        end
      end
      while turn(queue) do collectgarbage "step" end
      assert.same(expected, seen)
    end)

    it("keeps what waits, and nothing that was done, from the collector", function()
      local held = setmetatable({}, { __mode = "v" })
      for i = 1, 3000 do
        local job = { i }
        held[i] = job
        queue.post(function(given) assert(given[1] == i) end, job)
      end
      collectgarbage()
      assert.equal(3000, #held)
      while turn(queue) do end -- luacheck: ignore 542
      for _ = 1, 8000 do queue.post(function() end) end
      while turn(queue) do end -- luacheck: ignore 542
      collectgarbage()
      assert.is_nil(next(held))
    end)

    it("passes on what a job raises, and goes on with the next one", function()
      local seen
      queue.post(function() error("broken", 0) end)
      queue.post(function() seen = true end)
      assert.is_true(queue.begin())
      assert.is_true(queue.next())
      assert.same({ false, "broken" },
        { coroutine.resume(coroutine.create(queue.run)) })
      assert.is_true(queue.begin())
      turn(queue)
      assert.is_true(seen)
    end)

    it("lets a job wait, and its coroutine go on with those that came later", function()
      local order = {}
      queue.post(function()
        coroutine.yield()
        order[#order + 1] = "waited"
      end)
      queue.post(function() order[#order + 1] = "other" end)
      queue.begin()
      local first = coroutine.create(queue.run)
      assert(coroutine.resume(first))
      turn(queue)
      queue.post(function() order[#order + 1] = "late" end)
      queue.begin()
      assert(coroutine.resume(first))
      assert.equal("dead", coroutine.status(first))
      assert.same({ "other", "waited", "late" }, order)
    end)
  end)
end

describe("A ready queue in Lua", function()
  it("asks for a turn before the first job of a list", function()
    local requests = { count = 0 }
    local queue = in_lua(requests)
    for _ = 1, 3 do queue.post(print) end
    assert.equal(1, requests.count)
  end)

  it("hands on what waits, in order", function()
    local from, to, order = in_lua { count = 0 }, in_c(), {}
    local function note(i) order[#order + 1] = i end
    local expected = {}
    for i = 1, 2500 do
      expected[i] = i
      from.post(note, i)
    end
    from.hand_on(to.post)
    assert.is_false(from.waiting())
    while turn(to) do end -- luacheck: ignore 542
    assert.same(expected, order)
  end)
end)

describe("A sender", function()
  local queue, fsms, transition, slow
  local definition = finitomata.define {
    fsm = "[*] --> off\noff --> |flip| on\non --> |flip| off", endless = true, mailbox = 2,
  }

  before_each(function()
    queue, slow = in_c(), {}
    local branch = supervisor.new { clock = finitomata.virtual_clock() }
    branch:start_fsm("fsm", definition)
    branch.clock:advance(0)
    fsms = { fsm = branch._fsms.fsm }
    transition = queue.sender(fsms, function(...)
      slow[#slow + 1] = table.pack(...)
      return nil, "slow"
    end)
  end)

  it("queues an event with a scalar or nothing, as far as the mailbox goes", function()
    assert.is_true(transition("branch", "fsm", "flip"))
    assert.is_true(transition("branch", "fsm", "flip", 1, nil, "options"))
    assert.is_false(instance.is_resting(fsms.fsm))
    assert.same({ nil, "slow" }, { transition("branch", "fsm", "flip") })
    assert.equal(1, #slow)
    turn(queue)
    assert.equal("off", instance.current(fsms.fsm))
    assert.is_true(instance.is_resting(fsms.fsm))
  end)

  it("says whose code runs while it does, and no longer", function()
    local seen = {}
    local function note() seen[#seen + 1] = task.current() or false end
    definition.on_enter = note
    queue.post(note)
    for _ = 1, 2 do transition("branch", "fsm", "flip") end
    queue.post(note)
    turn(queue)
    definition.on_enter = nil
    assert.same({ false, fsms.fsm, fsms.fsm, false }, seen)
    assert.is_nil(task.current())
  end)

  it("leaves all else to the method it stands for, with its arguments", function()
    local given = {
      table.pack("branch"), table.pack("branch", "fsm"), table.pack("branch", nil, "flip"),
      table.pack("branch", "other", "flip"), table.pack("branch", "fsm", 1),
      table.pack("branch", "fsm", "flip", {}), table.pack("branch", "fsm", "flip", print),
      table.pack("branch", "fsm", "flip", nil, 10, "options"),
    }
    for _, arguments in ipairs(given) do
      assert.same({ nil, "slow" }, { transition(table.unpack(arguments, 1, arguments.n)) })
    end
    assert.same(given, slow)
    assert.is_false(queue.waiting())
  end)

  it("as a function sends to the branch that has the id at the time", function()
    local branches = {}
    local send = queue.sender_to(branches, function(...)
      slow[#slow + 1] = table.pack(...)
      return nil, "slow"
    end, "default")
    assert.same({ nil, "slow" }, { send("fsm", "flip") })
    branches.default = { fsms }
    assert.is_true(send("fsm", "flip"))
    assert.is_true(send("fsm", "flip", "payload", nil, "options"))
    turn(queue)
    assert.equal("off", instance.current(fsms.fsm))
    branches.default = { {} }
    assert.same({ nil, "slow" }, { send("fsm", "flip", nil, nil, 5, 6) })
    branches.default = nil
    assert.same({ nil, "slow" }, { send() })
    assert.same({ nil, "slow" }, { send(table.unpack({}, 1, 100)) })
    assert.same({ table.pack("fsm", "flip"), table.pack("fsm", "flip", nil, nil, 5, 6), { n = 0 },
      { n = 100 } }, slow)
  end)
end)
