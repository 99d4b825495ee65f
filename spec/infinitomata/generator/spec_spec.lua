-- SPDX-License-Identifier: MIT
--- What the generators write is run here: every diagram of the cases becomes a
--- module and its spec, the spec must pass, and must have used every edge.
local cases = require "spec.cases.fsm_cases"
local finitomata = require "finitomata"
local fsm = require "infinitomata.generator.fsm"
local generator = require "infinitomata.generator.spec"
local telemetry = require "finitomata.telemetry"

--- Runs the text of a spec; returns how many tests and pending ones there were.
local function run(text)
  local count, pending = 0, 0
  local world = setmetatable({
    describe = function(_, fn) fn() end,
    it = function(title, fn)
      count = count + 1
      local ok, why = pcall(fn)
      if not ok then error(title .. ": " .. tostring(why), 0) end
    end,
    pending = function() pending = pending + 1 end,
  }, { __index = _G })
  assert(load(text, "=spec", "t", world))()
  return count, pending
end

--- The module that is generated for a diagram, loaded; its text; the definition.
local function module_of(diagram, syntax, options)
  options = options or {}
  local definition = finitomata.define {
    fsm = diagram, syntax = syntax, auto_terminate = options.auto_terminate,
  }
  local text = fsm.text("generated", definition, options)
  return assert(load(text, "=module", "t"))(), text, definition
end

--- Generates both, runs the spec, and returns the edges that it did not use.
local function unused(diagram, syntax, options)
  local module, _, definition = module_of(diagram, syntax, options)
  package.loaded.generated = module
  local used = {}
  local handle = telemetry.attach(function(record)
    if record.error then return end
    used[record.from .. "\0" .. record.event .. "\0" .. record.to] = true
  end)
  local text, missed = generator.text("generated", definition)
  local ok, why = pcall(run, text)
  handle:cancel()
  package.loaded.generated = nil
  if not ok then error(why .. "\n" .. text, 0) end
  local left = {}
  for _, t in ipairs(definition.transitions) do
    if not used[t.from .. "\0" .. t.event .. "\0" .. t.to] then left[#left + 1] = t end
  end
  return left, missed, text
end

describe("a generated spec", function()
  local tried = 0
  for _, case in ipairs(cases.cases) do
    if case.source and pcall(finitomata.define, { fsm = case.source, syntax = case.syntax }) then
      tried = tried + 1
      it("passes and covers every edge of case " .. case.id, function()
        for _, auto_terminate in ipairs { false, true } do
          local left, missed = unused(case.source, case.syntax, { auto_terminate = auto_terminate })
          assert.equal(missed, #left)
        end
      end)
    end
  end
  it("was made for many diagrams", function() assert.is_true(tried > 60) end)

  it("names the target where an event leads to several", function()
    local left, _, text = unused("a --> |b| c, d")
    assert.same({}, left)
    assert.matches('t:send%("b", "d"%):expect { "d" }', text)
  end)
  it("is pending where the FSM goes round by itself", function()
    local left, missed, text = unused("[*] --> a\na --> |b!| a, c")
    assert.equal(1, missed)
    assert.equal(1, #left)
    assert.matches('pending%("a goes to a by b!"%)', text)
  end)
  it("keeps its lines short and its titles apart", function()
    local edges = {}
    for i = 1, 60 do edges[i] = ("state_number_%d --> |go!| state_number_%d"):format(i, i + 1) end
    edges[61] = "state_number_61 --> |stop| s, t, u"
    local left, _, text = unused(table.concat(edges, "\n"))
    assert.same({}, left)
    local titles = {}
    for line in text:gmatch("[^\n]+") do
      assert.is_true(#line <= 100, line)
      local title = line:match("^  it%((.+), function")
      if title then
        assert.is_nil(titles[title])
        titles[title] = true
      end
    end
  end)
  it("fails when the FSM does something else", function()
    local definition = finitomata.define { fsm = "a --> |b| c\nc --> |d| e" }
    package.loaded.generated = finitomata.define {
      fsm = "a --> |b| c\nc --> |d| e", on_transition = function(_, event)
        if event == "d" then return nil, "no" end
      end,
    }
    local ok, why = pcall(run, (generator.text("generated", definition)))
    package.loaded.generated = nil
    assert.is_false(ok)
    assert.matches("expected: e\n", why)
  end)
end)
