-- SPDX-License-Identifier: MIT
--- A peer that stands still: what waits for it is bounded, and nobody waits for ever.
local core = require "infinitomata.core"
local finitomata = require "finitomata"
local infinitomata = require "infinitomata"
local nodes = require "spec.support.nodes"

local eventually = nodes.eventually

local function megabytes(what)
  for line in io.lines "/proc/self/status" do
    local kilobytes = line:match("^" .. what .. ":%s+(%d+)")
    if kilobytes then return kilobytes / 1024 end
  end
end

local function resident_mb()
  collectgarbage()
  return megabytes "VmRSS"
end

--- A sanitizer maps terabytes, and keeps what was freed for a while.
local SANITIZED <const> = megabytes "VmSize" > 1024 * 1024

--- Has `count` callers ask at once; how often each code was the answer, and after how
--- long the last one came.
local function ask_all(count, ask)
  local codes, left, began = {}, count, core.now()
  for i = 1, count do
    finitomata.spawn(function()
      local answer, err = ask(i)
      local code = answer and "ok" or err.code
      codes[code] = (codes[code] or 0) + 1
      left = left - 1
    end)
  end
  eventually("all callers to be answered", function() return left == 0 end, 30000)
  return codes, core.now() - began
end

describe("a peer that stands still", function()
  local b

  setup(function()
    b = nodes.start "b"
    assert(infinitomata.node.start { name = "a", bind = "127.0.0.1:0", join = b.address,
      profile = "wan" }) -- slow to give b up
    infinitomata.cluster_info.init {
      nodes = infinitomata.cluster_info.naive.nodes,
      whois = function() return "b" end,
    }
    for _, name in ipairs { "there", "second" } do
      assert(infinitomata.start_fsm(name, "counter", {}))
    end
  end)

  before_each(function() infinitomata.configure { attempts = 2, rpc_timeout = 300 } end)

  after_each(function()
    b:kill "CONT"
    infinitomata.configure { attempts = 1000, rpc_timeout = 5000 }
    assert.is_truthy((infinitomata.call("there", "add", 1)), "it does not go on")
  end)

  teardown(function()
    b:kill "CONT"
    infinitomata.node.leave()
    infinitomata.cluster_info.init "naive"
    b:stop()
  end)

  it("leaves no caller without an answer", function()
    b:kill "STOP"
    local codes, took = ask_all(1000, function() return infinitomata.call("there", "add", 1) end)
    assert.same({ exhausted = 1000 }, codes)
    assert.is_true(took < 5000, took .. " ms")
  end)

  it("costs a bounded amount of memory, and says when there is no more", function()
    local payload <const> = ("x"):rep(64 * 1024)
    local before = resident_mb()
    infinitomata.configure { attempts = 1, rpc_timeout = 3000 } -- all are sent before one ends
    b:kill "STOP"
    local most = 0
    local codes, took = ask_all(4000, function(i)
      local answer, err = infinitomata.call("there", "echo", payload)
      if i % 500 == 0 then most = math.max(most, resident_mb()) end
      return answer, err
    end)
    assert.is_true(codes.overloaded > 2000) -- 64 MB of bodies wait, no more
    assert.equal(4000, codes.overloaded + codes.exhausted)
    assert.is_true(took < 10000, took .. " ms")
    assert.is_true(SANITIZED or most - before < 160,
      ("%.0f MB more; 250 MB were offered"):format(most - before))
  end)

  it("is told of rows when it goes on, and they cost nothing more until then", function()
    b:kill "STOP"
    local cluster = require "infinitomata.cluster"
    local before = resident_mb()
    for i = 1, 100000 do assert(cluster.node():claim("default", "row-" .. i, "counter")) end
    finitomata.sleep(50)
    assert.is_true(SANITIZED or resident_mb() - before < 40, "more than the rows")
    b:kill "CONT"
    eventually("b to know them", function()
      infinitomata.configure { attempts = 1000, rpc_timeout = 5000 }
      local _, payload = infinitomata.call("there", "look")
      return payload and payload.count == 100002
    end)
    for i = 1, 100000 do
      local _, ref = cluster.node():whereis("default", "row-" .. i)
      cluster.node():release("default", "row-" .. i, ref)
    end
  end)

  it("answers a small call though another one on its link waits", function()
    local times = {}
    for i = 1, 41 do
      local left = 1
      finitomata.spawn(function()
        infinitomata.call("there", "nap", 60)
        left = 0
      end)
      finitomata.sleep(3) -- so that it is a write of its own
      local began = core.hrtime()
      assert(infinitomata.call("second", "add", 1))
      times[i] = (core.hrtime() - began) / 1e6
      eventually("the end of the nap", function() return left == 0 end)
    end
    table.sort(times)
    -- Nagle's algorithm would hold it until the first write is acknowledged, 40 ms.
    assert.is_true(times[21] < 20, ("%.1f ms"):format(times[21]))
  end)
end)
