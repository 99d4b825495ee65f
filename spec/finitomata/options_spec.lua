-- SPDX-License-Identifier: MIT
local finitomata = require "finitomata"

local FSM = "off --> |flip| on\non --> |flip| worn\non --> |glow| on\nworn --> |retire| scrap"

---@return string? codes of the faults that a definition with these options has
local function codes(options)
  options.fsm = options.fsm or FSM
  local ok, err = pcall(finitomata.define, options)
  if ok then return nil end
  local list = {}
  for i, fault in ipairs(err.faults) do list[i] = fault.code end
  return table.concat(list, " ")
end

local function adapter(fields)
  local all = { load = function() end, store = function() end }
  for name, value in pairs(fields or {}) do all[name] = value end
  return all
end

describe("Options", function()
  it("are taken in every form that there is", function()
    for _, good in ipairs {
      {}, { timer = false }, { timer = true }, { timer = 5.0 }, { auto_terminate = true },
      { auto_terminate = "scrap" }, { auto_terminate = { "scrap" } }, { ensure_entry = true },
      { ensure_entry = { "on", "worn" } }, { ensure_entry = { on = { max = 3, delay = 0,
        factor = 1 } } },
      { ensure_entry = "on" }, { ensure_entry = { "on", worn = true } }, { cache_state = false },
      { hibernate = true }, { hibernate = "on" }, { hibernate = { "on", "off" } }, { shutdown = 0 },
      { payload_mode = "share" }, { persistency = adapter() }, { history = 0 }, { history = 100 },
      { listener = function() end }, { listener = { after_transition = function() end } },
      { listener = { function() end, { after_transition = function() end } } }, { listener = {} },
      { max_handler_ms = 100 }, { max_handler_ms = false }, { mailbox = 1 }, { forks = {} },
      { after = { on = { 10, "glow" } } }, { after = { on = { { 10, "glow" },
        { 20, "flip", 7 } } } },
      { postpone = { on = "retire" } }, { ignore = { _ = { "flip", "retire" } } },
      { internal = { on = "glow" } }, { guards = { on = { flip = function() end } } },
      { guards = { _ = { flip = { warm = function() end } } } }, { name = "lamp" },
        { strict = true },
      { any = { smash = "scrap" } },
    } do
      assert.is_nil(codes(good))
    end
  end)

  it("are refused when they are of the wrong kind", function()
    for _, bad in ipairs {
      { timer = 0 }, { timer = -1 }, { timer = 1.5 }, { timer = "5" }, { timer = 0 / 0 },
      { timer = math.huge },
      { auto_terminate = 3 }, { auto_terminate = "on" }, { ensure_entry = 3 },
      { ensure_entry = { on = 3 } }, { ensure_entry = { on = { mx = 1 } } },
      { ensure_entry = { on = { factor = 0.5 } } },
      { ensure_entry = { on = { max = 1.5 } } }, { ensure_entry = { on = { delay = math.huge } } },
      { any = { Smash = "scrap" } }, { any = { ["smash!"] = "scrap" } },
      { persistency = adapter { store_error = 3 } },
      { listener = { after_transition = print, after_fork_failure = 3 } },
      { forks = { on = { flip = {} } }, auto_terminate = 3 },
      { forks = { on = { flip = { fsm = "" } } } }, { forks = { on = { flip = { 3 } } } },
      { forks = { on = { flip = finitomata.define { fsm = "a --> |x| b" } } } },
      { forks = { scrap = { __end__ = {} } }, auto_terminate = true },
      { after = { on = { 5, "glow", print } } }, { cache_state = "yes" }, { hibernate = 3 },
      { shutdown = -1 }, { payload_mode = "steal" }, { persistency = {} },
      { persistency = function() end }, { persistency = adapter { store = 3 } }, { history = -1 },
      { history = 1.5 }, { listener = 3 }, { listener = { 3 } },
        { listener = { after_transitoin = 1 } },
      { max_handler_ms = 0 }, { mailbox = 0 }, { endless = 1 }, { forks = 3 }, { after = 3 },
        { after = { on = { 10 } } },
      { after = { on = { 0, "glow" } } }, { postpone = 3 }, { ignore = "flip" },
      { internal = { on = "flip" } }, { guards = 3 }, { guards = { on = 3 } },
      { guards = { on = { flip = 3 } } }, { guards = { on = { flip = { 3 } } } }, { unknown = 1 },
      { name = 3 }, { syntax = "dot" }, { syntax = {} }, { fsm = 3 }, { any = 3 },
        { any = { x = 3 } },
    } do
      local got = codes(bad)
      assert.equal("bad_option", got and got:match("^%S+"))
    end
  end)

  it("are refused when they name states and events that there are not", function()
    for option, value in pairs {
      auto_terminate = "moon", ensure_entry = { "moon" }, hibernate = "moon",
      after = { moon = { 1, "flip" } }, postpone = { moon = "flip" }, ignore = { moon = "flip" },
      internal = { moon = "flip" }, guards = { moon = { flip = print } }, forks = { moon = {} },
      on_enter = { moon = print },
    } do
      local got = codes { [option] = value }
      assert.equal("unknown_state", got and got:match("^%S+"), option)
    end
    for option, value in pairs {
      after = { on = { 1, "pull" } }, postpone = { on = "pull" }, ignore = { on = "pull" },
      internal = { on = "pull" }, guards = { on = { retire = print } },
        forks = { on = { retire = {} } },
      on_failure = { pull = print }, on_transition = { on = { retire = print } },
    } do
      local got = codes { [option] = value }
      assert.equal("unknown_event", got and got:match("^%S+"), option)
    end
  end)

  it("are all looked at before anything is said", function()
    assert.equal("unknown_state bad_option bad_option",
      codes { timer = 0, shutdown = "x", hibernate = { "moon" } })
  end)
end)
