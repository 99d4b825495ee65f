-- SPDX-License-Identifier: MIT
local asking = require "infinitomata.asking"

--- A branch as far as asking knows it, with one FSM here.
local function branch()
  local calls = {}
  local fsms = setmetatable({}, {
    __index = function(_, op)
      return function(_, ...)
        calls[#calls + 1] = table.pack(op, ...)
        return op
      end
    end,
  })
  local self = { id = "b", _here = { mine = "ref" }, _local = fsms, calls = calls }
  function self._retry(_, options)
    self.options = options
    return { attempts = 1, poll_interval = 1 }
  end
  return self
end

describe("Asking about an FSM", function()
  it("is answered here for what lives here, arguments and all", function()
    local self = branch()
    for op, arguments in pairs(asking.OPS) do
      assert.equal(op, asking.operation(op)(self, "mine", "go", 1, 2))
      local call = self.calls[#self.calls]
      assert.same({ op, "mine", "go", 1, 2 }, { table.unpack(call, 1, 5) })
      assert.is_true(arguments <= 3)
    end
  end)

  it("tells the options from the arguments before them", function()
    local options = { attempts = 2 }
    local last = {
      transition = { "go", 1, 5, options },
      call = { "go", 1, 5, options },
      state = { "full", options },
      can = { "go", 1, options },
      timer_tick = { options },
      reset_timer = { true, 5, options },
      stop_fsm = { "why", options },
    }
    for op, arguments in pairs(last) do
      local self = branch()
      local answer, err = asking.operation(op)(self, "theirs", table.unpack(arguments))
      assert.is_nil(answer)
      assert.equal("no_such_fsm", err.code) -- this process runs no node
      assert.equal(options, self.options, op)
    end
  end)

  it("refuses a name that is too short or too long", function()
    assert.is_nil(asking.bad_name("n"))
    assert.is_nil(asking.bad_name(("n"):rep(255)))
    for _, name in ipairs { "", ("n"):rep(256) } do
      local answer, err = asking.operation "state"(branch(), name)
      assert.is_nil(answer)
      assert.equal("bad_name", err.code)
      assert.matches(#name .. "$", tostring(err))
    end
  end)
end)
