-- SPDX-License-Identifier: MIT

--- Random walks for specs: events that the FSM answers, in any order, some time
--- between them, and after every step what must always hold. A walk that fails is
--- made as short as it still fails, and comes with the seed to walk it again.
local Error = require("finitomata.error")
local check = require("finitomata.check")
local random = require("finitomata.random")

local M = {}

local OPTIONS <const> = {
  payload = true, events = "table", advance = "number", steps = "number", runs = "number",
  seed = "number", check = "function",
}
local TRIES <const> = 500 -- walks that shortening may cost

-- What no FSM should ever do: a callback raised, or returned what it must not.
local FAULTS <const> = { raised = true, bad_return = true, not_allowed = true,
  not_serializable = true, bad_payload = true, ambiguous_transition = true, runaway = true }

---@class finitomata.explore.Step
---@field event string?
---@field payload any
---@field advance number?

---The events that may be sent to an FSM in a state, sorted.
local function answered(definition, state)
  local events, seen = {}, {}
  for _, t in ipairs(definition.transitions) do
    if t.from == state and state ~= "*" and not seen[t.event] then
      seen[t.event] = true
      events[#events + 1] = t.event
    end
  end
  table.sort(events)
  return events
end

local function made(value, roll)
  if type(value) == "function" then return value(roll) end
  return value
end

---What is wrong now, if something is.
local function wrong(walk, options)
  local err = walk.error
  if err and FAULTS[err.code] then return err.message end
  if not options.check then return nil end
  local ok, verdict = pcall(options.check, walk)
  if not ok then return Error.text(verdict) end
  if verdict == false then return "the check returned false" end
end

---@param walk finitomata.Walk
---@param step finitomata.explore.Step
local function take(walk, step)
  if step.advance then
    walk:advance(step.advance)
  elseif walk.alive and walk.definition:responds(walk.state, step.event) then
    walk:send(step.event, step.payload)
  end
end

---Walks at random; gives the steps, and what was wrong after the last of them.
local function wander(start, options, roll)
  local steps, payload = {}, made(options.payload, roll)
  local walk <close> = start(payload)
  local problem = wrong(walk, options)
  while not problem and #steps < options.steps and walk.alive do
    local events = answered(walk.definition, walk.state)
    local choices = #events + (options.advance and 1 or 0)
    if choices == 0 then break end
    local event = events[roll(choices)]
    local step = event and { event = event, payload = made((options.events or {})[event], roll) }
      or { advance = roll(math.max(1, math.floor(options.advance))) }
    steps[#steps + 1] = step
    take(walk, step)
    problem = wrong(walk, options)
  end
  return problem, steps, payload
end

---Walks the given steps; what was wrong, and after how many of them.
local function repeated(start, options, steps, payload)
  local walk <close> = start(payload)
  local problem = wrong(walk, options)
  for at, step in ipairs(steps) do
    if problem then return problem, at - 1, walk:path() end
    take(walk, step)
    problem = wrong(walk, options)
  end
  return problem, #steps, walk:path()
end

local function without(steps, from, count)
  local rest = table.move(steps, 1, from - 1, 1, {})
  return table.move(steps, from + count, #steps, from, rest)
end

---Leaves out what is not needed to fail, many steps at once and then single ones
---(after A. Zeller and R. Hildebrandt, "Simplifying and Isolating Failure-Inducing
---Input", 2002).
local function shortened(start, options, steps, payload)
  local tries, size = 0, math.max(1, #steps // 2)
  while tries < TRIES do
    local at, smaller = 1, false
    while at <= #steps and tries < TRIES do
      local fewer = without(steps, at, math.min(size, #steps - at + 1))
      tries = tries + 1
      local problem, used = repeated(start, options, fewer, payload)
      if problem then
        steps, smaller = table.move(fewer, 1, used, 1, {}), true
      else
        at = at + size
      end
    end
    if size == 1 and not smaller then break end
    if not smaller then size = size // 2 end
  end
  return steps
end

---@param start fun(payload: any): finitomata.Walk
---@param options table see finitomata.spec.explore
---@return { problem: string, path: string, steps: finitomata.explore.Step[], payload: any,
---  seed: integer }? failure
function M.run(start, options)
  check.options(options, OPTIONS, 2, "explore")
  local settings = { steps = 50, runs = 100, seed = os.time() }
  for key, value in pairs(options or {}) do settings[key] = value end
  for run = 1, settings.runs do
    local source = random.new(settings.seed + run - 1)
    local function roll(from, to)
      if not to then from, to = 1, from end
      return from + source:below(to - from + 1)
    end
    local problem, steps, payload = wander(start, settings, roll)
    if problem then
      steps = shortened(start, settings, steps, payload)
      local again, _, path = repeated(start, settings, steps, payload)
      return { problem = again or problem, path = path, steps = steps, payload = payload,
        seed = settings.seed + run - 1 }
    end
  end
end

return M
