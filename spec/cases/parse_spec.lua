-- SPDX-License-Identifier: MIT
local cases = require "spec.support.cases"
local finitomata = require "finitomata"

-- Texts of one line that is to be accepted; as a whole they are no FSM yet.
local ONE_LINE = { P090 = true, P091 = true, P093 = true, P095 = true, P096 = true }

local ran = 0

local function expected_transitions(list)
  local plain = {}
  for i, t in ipairs(list) do plain[i] = { from = t[1], to = t[2], event = t[3] } end
  return plain
end

local function check(case)
  local transitions, err = finitomata.parse(case.source, case.syntax)
  local better = cases.better(case)
  local want = better or case.expect
  if ONE_LINE[case.id] then
    assert.are_not.equal("malformed", err.code)
  elseif want.ok == true or want.ok == nil and not want.error and case.expect.ok then
    assert.is_truthy(transitions, tostring(err))
    if want.transitions then
      assert.equal(cases.show(expected_transitions(want.transitions)), cases.show(transitions))
    end
  elseif better and better.column then
    assert.equal(case.expect.error, err.code)
    assert.equal(better.column, err.column)
  else
    assert.is_nil(transitions)
    assert.is_true(#tostring(err) > 0)
    if want.error then assert.equal(want.error, err.code) end
    if want.line then assert.equal(want.line, err.line) end
    if want.content then assert.equal(want.content, err.text) end
    if want.offset then assert.equal(want.offset, err.offset) end
  end
  ran = ran + 1
end

describe("The parse cases", function()
  for _, case in ipairs(cases.of_kind("parse")) do
    it(("hold: %s, %s"):format(case.id, case.note), function() check(case) end)
  end

  teardown(function() print(("\n%d parse cases ran"):format(ran)) end)
end)
