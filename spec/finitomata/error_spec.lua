-- SPDX-License-Identifier: MIT
local errors = require "finitomata.error"

describe("An error", function()
  it("has a code, and its text is its message", function()
    local err = errors.new("timeout", "no answer within 5 ms", { name = "a" })
    assert.equal("timeout", err.code)
    assert.equal("no answer within 5 ms", tostring(err))
    assert.equal("a", err.name)
  end)

  it("has its code for a message when nothing else is said", function()
    assert.equal("empty", tostring(errors.new("empty")))
  end)

  it("fails as nil and itself", function()
    local value, err = errors.fail("empty", "there is nothing")
    assert.is_nil(value)
    assert.is_true(errors.is(err))
  end)

  it("survives the way through a plain table", function()
    local plain = errors.to_table(errors.new("guard", "no", { stage = "guard" }))
    assert.is_nil(getmetatable(plain))
    local err = errors.from_table(plain)
    assert.is_true(errors.is(err))
    assert.equal("guard", err.stage)
    assert.equal("no", tostring(err))
  end)

  it("tells any raised value in words", function()
    assert.equal("text", errors.text("text"))
    assert.equal("42", errors.text(42))
    assert.equal("nil", errors.text(nil))
    assert.equal("a table value", errors.text({}))
    assert.equal("mine", errors.text(setmetatable({},
      { __tostring = function() return "mine" end })))
    local broken = setmetatable({}, { __tostring = function() error "no" end })
    assert.equal("a table value", errors.text(broken))
  end)
end)
