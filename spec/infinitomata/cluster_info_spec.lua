-- SPDX-License-Identifier: MIT
local cluster_info = require "infinitomata.cluster_info"

describe("infinitomata.cluster_info", function()
  after_each(function() cluster_info.init "naive" end)

  local function with(hooks)
    hooks.nodes = hooks.nodes or function() return {} end
    hooks.whois = hooks.whois or function() return "a" end
    return cluster_info.init(hooks)
  end

  it("asks the hooks that init was given", function()
    with {
      nodes = function(id) return { id .. "-1" } end,
      whois = function(id, name) return id .. "/" .. name end,
    }
    assert.same({ "shop-1" }, cluster_info.nodes("shop"))
    assert.equal("shop/order-7", cluster_info.whois("shop", "order-7"))
  end)

  it("turns a hook's error into an error value that names the hook", function()
    with { whois = function() error "no idea" end }
    local node, err = cluster_info.whois("shop", "order-7")
    assert.is_nil(node)
    assert.equal("cluster_info", err.code)
    assert.matches("cluster_info.whois failed: .*no idea", err.message)
  end)

  it("refuses a hook that waits", function()
    with { whois = function() coroutine.yield() end }
    local _, err = cluster_info.whois("shop", "order-7")
    assert.matches("must answer at once", err.message)
  end)

  it("refuses nonsense", function()
    with { whois = function() return 42 end, nodes = function() return { "a", {} } end }
    local _, err = cluster_info.whois("shop", "order-7")
    assert.matches("no name of a node but a number", err.message)
    _, err = cluster_info.nodes("shop")
    assert.matches("a list with a table", err.message)
  end)

  it("refuses what cannot be the name of a node", function()
    for _, name in ipairs { "", ("x"):rep(129) } do
      with { whois = function() return name end }
      local node, err = cluster_info.whois("shop", "order-7")
      assert.is_nil(node)
      assert.equal("cluster_info", err.code)
      assert.matches(("a name of %d bytes"):format(#name), err.message, 1, true)
    end
  end)

  it("refuses lists of nodes that are none", function()
    local traps = setmetatable({}, { __index = function() error "trap" end })
    with { nodes = function() return traps end }
    assert.same({}, cluster_info.nodes "shop")
    for fault, list in pairs { ["a hole"] = { "a", nil, "c" }, ['a field "a"'] = { a = 1 } } do
      with { nodes = function() return list end }
      local _, err = cluster_info.nodes "shop"
      assert.equal("cluster_info.nodes answered a list with " .. fault, err.message)
    end
  end)

  it("takes hooks that can be called like a function", function()
    local hook = setmetatable({}, { __call = function(_, id, name) return name or { id } end })
    cluster_info.init { nodes = hook, whois = hook }
    assert.same({ "shop" }, cluster_info.nodes "shop")
    assert.equal("order-7", cluster_info.whois("shop", "order-7"))
  end)

  it("raises when it is not given two functions or a known name", function()
    assert.error_matches(function() cluster_info.init { nodes = print } end, "nodes.*whois")
    assert.error_matches(function() cluster_info.init "best" end, "no built%-in placement.*best")
  end)
end)
