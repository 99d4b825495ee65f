-- SPDX-License-Identifier: MIT
local callbacks = require "finitomata.callbacks"

local function f() end
local function g() end
local function h() end

local KNOWN = {
  state = { ["*"] = true, open = true, closed = true },
  event = { push = { open = "closed" }, coin = { closed = "open" } },
}

local function faults_of(name, value)
  local faults = {}
  callbacks.check(name, value, KNOWN, faults)
  return faults
end

describe("callbacks.find", function()
  it("takes a function for everything", function()
    assert.equal(f, callbacks.find(f, "open", "push"))
    assert.is_nil(callbacks.find(nil, "open", "push"))
  end)

  it("takes the table's entry, or that for any other", function()
    local t = { open = { push = f, _ = g }, _ = h }
    assert.equal(f, callbacks.find(t, "open", "push"))
    assert.equal(g, callbacks.find(t, "open", "coin"))
    assert.equal(h, callbacks.find(t, "closed", "coin"))
  end)

  it("looks under any state when the state has nothing for the event", function()
    local t = { open = { push = f }, _ = { coin = g } }
    assert.equal(g, callbacks.find(t, "open", "coin"))
    assert.is_nil(callbacks.find(t, "open", "other"))
  end)

  it("takes a function for all events of a state", function()
    assert.equal(f, callbacks.find({ open = f }, "open", "push"))
  end)
end)

describe("callbacks.check", function()
  it("takes what is about known states and events", function()
    assert.same({}, faults_of("on_transition", { open = { push = f }, _ = { coin = g, _ = h } }))
    assert.same({}, faults_of("on_enter", { open = f, ["*"] = g }))
    assert.same({}, faults_of("on_failure", { push = f, _ = g }))
    assert.same({}, faults_of("on_start", f))
  end)

  it("names what there is not", function()
    assert.equal("unknown_state", faults_of("on_enter", { opened = f })[1].code)
    assert.equal("unknown_event", faults_of("on_failure", { pull = f })[1].code)
    assert.matches("`open` does not answer `coin`",
      faults_of("on_transition", { open = { coin = f } })[1].message)
  end)

  it("wants functions at the end, and tables no deeper than there are keys", function()
    assert.equal("bad_option", faults_of("on_enter", { open = "f" })[1].code)
    assert.equal("bad_option", faults_of("on_enter", { open = { push = f } })[1].code)
    assert.equal("bad_option", faults_of("on_start", {})[1].code)
    assert.equal("bad_option", faults_of("on_exit", 3)[1].code)
  end)
end)
