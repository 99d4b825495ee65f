-- SPDX-License-Identifier: MIT
local clock = require "finitomata.clock"
local config = require "infinitomata.config"
local membership = require "infinitomata.membership"
local node = require "infinitomata.node"
local nodes = require "spec.support.nodes"

local eventually = nodes.eventually
local PROFILES <const> = { "lan", "wan", "local" }

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

describe("the constants of membership", function()
  it("are in the manual, with what each profile has and each takes", function()
    local text, of = read "docs/membership.md", {}
    for i, profile in ipairs(PROFILES) do of[i] = membership.settings(profile) end
    for i, setting in ipairs(of[1]) do
      local row = ("| `%s` | %s |"):format(setting.name, setting.about)
      if math.type(setting.value) then
        row = ("%s %d | %d | %d | %s |"):format(row, setting.value, of[2][i].value, of[3][i].value,
          (setting.range:gsub("a number from ", "")))
      end
      assert.truthy(text:find(row, 1, true), row)
      if not math.type(setting.value) then assert.is_true(setting.value) end
    end
  end)

  it("are read from a text", function()
    assert.same({ probe_interval = 500, crc = false, serf = true, compress = "maybe" },
      membership.read "probe_interval=500, crc=false,serf=true,compress=maybe")
    assert.is_nil(membership.read "probe_interval")
    assert.is_nil(membership.read "=5")
    assert.same({}, membership.read "")
  end)

  it("are refused when they make no sense, with the nearest name or the range", function()
    for _, case in ipairs {
      { { probe_intervall = 500 },
        "unknown setting 'probe_intervall' (did you mean 'probe_interval'?)" },
      { { [1] = 5 }, "unknown setting '1'" },
      { { probe_interval = 7 }, "'probe_interval': a number from 50 to 60000 expected, got 7" },
      { { probe_interval = "x" }, "'probe_interval': a number from 50 to 60000 expected, got 'x'" },
      { { probe_interval = 99.5 },
        "'probe_interval': a number from 50 to 60000 expected, got 99.5" },
      { { probe_interval = {} },
        "'probe_interval': a number from 50 to 60000 expected, got a table" },
      { { crc = 1 }, "'crc': true or false expected, got 1" },
      { { gossip_fanout = -1 }, "'gossip_fanout': a number from 1 to 16 expected, got -1" },
      { { gossip_fanout = true }, "'gossip_fanout': a number from 1 to 16 expected, got true" },
      { { push_pull_interval = 50 },
        "'push_pull_interval': 0 or a number from 100 to 86400000 expected, got 50" },
      { { probe_timeout = 2000 }, "probe_timeout is longer than probe_interval" },
    } do
      assert.equal(case[2], membership.fault(case[1]))
    end
    assert.is_nil(membership.fault { probe_interval = 500.0, push_pull_interval = 0, crc = false })
    assert.is_nil(membership.fault({ probe_timeout = 2000 }, "wan"))
  end)
end)

describe("a node with constants of its own", function()
  after_each(function() node.leave() end)

  it("finds a silent member in less time than the profile's shortest suspicion", function()
    local quick = { probe_interval = 100, probe_timeout = 50, gossip_interval = 20 }
    local other = nodes.start("silent", nil, "--membership probe_interval=100,probe_timeout=50")
    assert(node.start {
      name = "quick", bind = "127.0.0.1:0", join = other.address, membership = quick,
    })
    local started = os.time()
    other:kill "STOP"
    eventually("its death", function()
      for _, member in ipairs(node.members()) do
        if member.name == "silent" and member.state == "dead" then return true end
      end
    end)
    assert.is_true(os.time() - started < 4) -- LAN: 4 s of suspicion after a second and a half
    other:stop()
  end)

  it("does not start with what makes no sense", function()
    assert.has_error(function() node.start { membership = { gossip = 1 } } end,
      "bad option 'membership' to 'node.start' (unknown setting 'gossip')")
    assert.has_error(function() node.start { membership = { crc = "yes" } } end)
    assert.has_error(function() node.start { membership = 5 } end)
    assert.has_error(function() node.start { label = 5 } end)
    local ok, err = node.start { name = "a", bind = "127.0.0.1:0", label = ("x"):rep(256) }
    assert.is_nil(ok)
    assert.equal("too_big", err.code)
    assert.is_nil((node.self()))
  end)

  it("hears nobody of another label", function()
    local other = nodes.start("north", nil, "--label north")
    local ok, err = node.start {
      name = "south", bind = "127.0.0.1:0", join = other.address, label = "south",
    }
    assert.is_nil(ok)
    assert.equal("join", err.code)
    eventually("a line about it", function()
      return other:text():find("its label is another than ours", 1, true)
    end)
    assert(node.start {
      name = "also-north", bind = "127.0.0.1:0", join = other.address, label = "north",
    })
    assert.same({ "north" }, node.nodes())
    other:stop()
  end)
end)

describe("members", function()
  local others

  local function other(...)
    local one = nodes.start(...)
    others[#others + 1] = one
    return one
  end

  local function member(name)
    for _, each in ipairs(node.members()) do
      if each.name == name then return each end
    end
  end

  before_each(function() others = {} end)
  after_each(function()
    node.leave()
    for _, one in ipairs(others) do one:stop() end
  end)

  it("meet over IPv6", function()
    local six = other("six", nil, "--bind [::1]:0")
    assert.matches("^%[::1%]:%d+$", six.address)
    assert(node.start { name = "me", bind = "[::1]:0", join = six.address })
    assert.same({ "six" }, node.nodes())
    assert.equal(six.address, member("six").address)
    assert.matches("^%[::1%]:%d+$", node.self().rpc)
    eventually("an answer by UDP", function() return member("six").path.direct > 0 end)
  end)

  it("are reached where they say, not where they listen", function()
    local all = other("all", nil, "--bind 0.0.0.0:0 --advertise 127.0.0.1:0")
    assert.matches("^127%.0%.0%.1:%d+$", all.address)
    assert(node.start { name = "me", bind = "127.0.0.1:0", join = all.address })
    assert.equal(all.address, member("all").address)
    assert.matches("^127%.0%.0%.1:", member("all").rpc)
    eventually("an answer by UDP", function() return member("all").path.direct > 0 end)
  end)

  it("come back on another address at once", function()
    local one = other "one"
    assert(node.start { name = "me", bind = "127.0.0.1:0", join = one.address })
    one:kill "KILL"
    local again = other("one", node.self().address)
    assert.are_not.equal(one.address, again.address)
    assert.same({ "alive", again.address }, { member("one").state, member("one").address })
    assert.is_true(member("one").boot > 0)
  end)

  it("of one name are reported on both sides, and neither is harmed", function()
    local seen = {}
    local watch = node.on_member(function(what, each)
      if what == "conflict" then seen[each.name] = true end
    end)
    local hub = other "hub"
    local twin = other("twin", hub.address)
    assert(node.start { name = "twin", bind = "127.0.0.1:0", join = hub.address })
    eventually("a conflict here", function() return seen.twin end)
    eventually("a conflict there", function()
      return twin:text():find("two nodes are called twin", 1, true)
    end)
    watch:cancel()
    assert.is_false(twin:gone())
    assert.equal("twin", node.self().name)
  end)

  it("that are killed are known to be dead within 100 ms, or so on a busy machine", function()
    local one = other "one"
    local two = other("two", one.address)
    assert(node.start { name = "me", bind = "127.0.0.1:0", join = one.address })
    eventually("three nodes, all of them heard", function()
      local heard = #node.nodes() == 2
      for _, each in ipairs(node.members()) do
        heard = heard and (each.path == nil or each.path.direct > 0)
      end
      return heard
    end)
    local died
    local watch = node.on_member(function(what, each)
      if what == "fail" and each.name == "two" then died = clock.nanoseconds() end
    end)
    local killed = clock.nanoseconds()
    two:kill "KILL"
    eventually("its death", function() return died end)
    watch:cancel()
    assert.is_true((died - killed) / 1e6 < 1000) -- a silent machine takes seconds
  end)
end)

describe("constants in the configuration", function()
  local function resolve(flags, environment)
    return config.resolve(flags, { getenv = function(name) return (environment or {})[name] end })
  end

  it("come from the command line, the environment and the file", function()
    local path = os.tmpname()
    local file <close> = assert(io.open(path, "w"))
    assert(file:write "return { membership = { probe_interval = 900, crc = false }, label = 'l' }")
    assert(file:flush())
    local settings = assert(resolve { config = path })
    assert.same({ probe_interval = 900, crc = false }, settings.membership)
    local options = assert(config.node_options(settings))
    assert.same({ probe_interval = 900, crc = false }, options.membership)
    assert.equal("l", options.label)
    settings = assert(resolve({ config = path }, { INFINITOMATA_MEMBERSHIP = "gossip_fanout=4" }))
    assert.same({ gossip_fanout = 4 }, settings.membership)
    os.remove(path)
    assert.is_nil(assert(config.node_options(assert(resolve {}))).membership)
  end)

  it("are refused by name, and where they were found", function()
    local _, err = resolve { membership = "gossip_fanut=4" }
    assert.equal("--membership: unknown setting 'gossip_fanut' (did you mean 'gossip_fanout'?)",
      tostring(err))
    _, err = resolve({}, { INFINITOMATA_MEMBERSHIP = "gossip_fanout=99" })
    assert.equal("INFINITOMATA_MEMBERSHIP: 'gossip_fanout': a number from 1 to 16 expected, got 99",
      tostring(err))
    _, err = resolve { membership = "nonsense" }
    assert.equal("--membership: NAME=NUMBER,... or a table of them expected, got 'nonsense'",
      tostring(err))
    _, err = resolve { membership = "probe_timeout=2000" }
    assert.matches("probe_timeout is longer than probe_interval", tostring(err))
    assert(resolve { membership = "probe_timeout=2000", profile = "wan" })
  end)
end)
