-- SPDX-License-Identifier: MIT
local branches = require "infinitomata.branches"
local finitomata = require "finitomata"
local json = require "infinitomata.json"
local query = require "infinitomata.query"

describe("query.answer", function()
  local definition = finitomata.define {
    fsm = "[*] --> closed\nclosed --> |open| ajar\najar --> |close| closed\n"
      .. "ajar --> |break| broken",
    name = "door",
  }
  function definition.on_transition(_, event, event_payload, payload)
    if event ~= "open" then return end
    if event_payload == "key" then return "ajar", { opened = (payload.opened or 0) + 1 } end
    return nil, "locked"
  end

  local branch
  before_each(function()
    package.loaded.door = definition
    branch = branches.start("query")
    assert(branch:start_fsm("front", "door", {}))
    assert(branch:start_fsm("back", "door", {}))
  end)
  after_each(function()
    branch:stop()
    package.loaded.door = nil
  end)

  local function value(...)
    local answer = json.decode(query.answer(...))
    assert.is_nil(answer.error and answer.error.message)
    return answer.value
  end
  local function refused(...)
    local answer = json.decode(query.answer(...))
    assert.is_nil(answer.value)
    return answer.error
  end

  it("lists the FSMs of a branch, sorted, or those like a pattern", function()
    local rows = value("fsms", "query")
    assert.equal(2, #rows)
    assert.same({ "back", "front" }, { rows[1].name, rows[2].name })
    assert.equal("door", rows[1].implementation)
    assert.equal("front", value("fsms", "query", "f*")[1].name)
    assert.equal(1, #value("fsms", "query", "?ack"))
    assert.same({}, value("fsms", "query", "a.*"))
    assert.matches('"value":%[%]', query.answer("fsms", "query", "none"))
  end)
  it("counts them", function()
    assert.equal(2, value("count", "query"))
    assert.equal(1, value("count", "query", "f*"))
    assert.equal("no_branch", refused("count", "none").code)
  end)
  it("shows an FSM", function()
    local full = value("state", "query", "front")
    assert.equal("closed", full.current)
    assert.equal("front", full.name)
    assert.equal("*", full.history[1].state)
  end)
  it("sends an event and answers where it led", function()
    assert.same({ state = "ajar", payload = { opened = 1 } },
      value("send", "query", "front", "open", true, '"key"'))
    assert.same({ accepted = true }, value("send", "query", "front", "close", false))
    assert.equal("closed", branch:state("front", "state"))
  end)
  it("tells why an event is refused", function()
    local err = refused("send", "query", "front", "open", true, '"wax"')
    assert.equal("locked", err.reason)
    assert.equal("on_transition", err.stage)
    assert.matches("locked", err.message)
  end)
  it("refuses what is not there", function()
    assert.equal("no_branch", refused("fsms", "qeury").code)
    assert.matches("did you mean 'query'", refused("fsms", "qeury").message)
    assert.equal("no_branch", refused("state", "zzz", "front").code)
    assert.equal("no_branch", refused("send", "zzz", "front", "open", true).code)
    assert.equal("no_node", refused("members").code)
    assert.equal("unknown", refused("weather").code)
    assert.equal("bad_json", refused("send", "query", "front", "open", true, "{").code)
    assert.is_string(refused("state", "query", "side").code)
  end)
end)
