-- SPDX-License-Identifier: MIT
local function fresh()
  package.loaded["infinitomata.policy"] = nil
  return require "infinitomata.policy"
end

describe("infinitomata.policy", function()
  local policy
  before_each(function() policy = fresh() end)
  teardown(function() fresh() end)

  it("begins with the documented defaults", function()
    assert.same({
      attempts = 1000,
      poll_interval = 1,
      rpc_timeout = 5000,
      backoff_base = 5,
      backoff_max = 1000,
    }, policy.current())
  end)

  it("keeps what configure leaves out", function()
    policy.configure { attempts = 7 }
    assert.equal(7, policy.current().attempts)
    assert.equal(5000, policy.current().rpc_timeout)
  end)

  it("lets the call override the branch, and the branch the process", function()
    policy.configure { attempts = 7, backoff_base = 9 }
    local branch = policy.with(nil, { attempts = 3 })
    local call = policy.with(branch, { attempts = 1 })
    assert.equal(3, branch.attempts)
    assert.equal(1, call.attempts)
    assert.equal(9, call.backoff_base)
    assert.equal(7, policy.current().attempts)
  end)

  it("refuses an unknown knob by its name", function()
    local function misspelt() policy.configure { atempts = 1 } end
    assert.error_matches(misspelt, "unknown option 'atempts'")
  end)

  it("refuses what is no positive integer", function()
    for _, value in ipairs { 0, -1, 1.5, 1 << 40 } do
      assert.error_matches(function() policy.configure { attempts = value } end, "attempts")
    end
    assert.error_matches(function() policy.configure { attempts = "many" } end, "attempts")
    assert.equal(1000, policy.current().attempts)
  end)

  it("names the environment variable that makes no sense", function()
    local getenv = os.getenv
    os.getenv = function(name) -- luacheck: ignore 122
      if name == "INFINITOMATA_RPC_TIMEOUT" then return "soon" end
    end
    local ok, problem = pcall(policy.current)
    os.getenv = getenv -- luacheck: ignore 122
    assert.is_false(ok)
    assert.matches("INFINITOMATA_RPC_TIMEOUT.*\"soon\"", problem)
  end)

  it("takes the environment over the defaults", function()
    local getenv = os.getenv
    os.getenv = function(name) -- luacheck: ignore 122
      if name == "INFINITOMATA_ATTEMPTS" then return "12" end
    end
    local attempts = policy.current().attempts
    os.getenv = getenv -- luacheck: ignore 122
    assert.equal(12, attempts)
  end)
end)
