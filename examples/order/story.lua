-- SPDX-License-Identifier: MIT
--- The third node tells the story of the shop and checks every line of it.
--- `demo.sh` starts it with the process id of the node that will be killed.
local infinitomata = require "infinitomata"
local finitomata = require "finitomata"

require "node"

local victim, victim_pid = arg[1], arg[2]
local me = infinitomata.node.self().name
local ORDERS = 12

local function say(text, ...) print(text:format(...)) io.stdout:flush() end

local function check(condition, text, ...)
  if condition then return condition end
  say("FAILED: " .. text, ...)
  os.exit(1)
end

--- Waits until `holds()` gives something true; fails the story after `ms`.
local function eventually(what, ms, holds)
  local waited = 0
  while waited < ms do
    local result = holds()
    if result then return result, waited end
    finitomata.sleep(20)
    waited = waited + 20
  end
  check(false, "waited %d ms for: %s", ms, what)
end

local function nodes()
  local names = { me }
  for _, name in ipairs(infinitomata.node.nodes()) do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- What the witness of a node counts, as a line like "12 orders: 5 on a, 7 on b".
local function view_of(node)
  local state, view = infinitomata.call("witness-" .. node, "look")
  if not state then return nil, view end
  local parts = {}
  for owner, count in pairs(view.on) do parts[#parts + 1] = ("%d on %s"):format(count, owner) end
  table.sort(parts, function(a, b) return a:match("on (.+)") < b:match("on (.+)") end)
  return ("%d orders: %s"):format(view.orders, table.concat(parts, ", ")), view
end

--- All nodes must come to count the same; returns that view.
local function agree(names, expected)
  local line, view
  eventually("all nodes to count " .. expected .. " orders", 15000, function()
    line, view = view_of(names[1])
    if not line or view.orders ~= expected then return false end
    for i = 2, #names do
      if view_of(names[i]) ~= line then return false end
    end
    return true
  end)
  for _, node in ipairs(names) do say("   node %s counts %s", node, line) end
  return view
end

--- Orders of other nodes, but not order-1: that one is left to its timer.
local function not_on(node)
  local names = {}
  for name, row in pairs(infinitomata.all()) do
    local told_later = name == "order-1" or not name:match("^order%-")
    if row.node ~= node and not told_later then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

local function meet()
  eventually("three nodes with their witnesses", 15000, function()
    local names = nodes()
    if #names < 3 then return false end
    for _, node in ipairs(names) do
      if not infinitomata.alive("witness-" .. node) then return false end
    end
    return true
  end)
  say("1. Three nodes have met: %s.", table.concat(nodes(), ", "))
end

local function start_orders(first, last)
  for i = first, last do
    local payload = { price = 10 * i, reminders = i == 1 and 3 or 30 }
    check(infinitomata.start_fsm("order-" .. i, "order", payload))
  end
end

local function pay_from_afar()
  local name = check(not_on(me)[1], "every order is on this node")
  local owner = infinitomata.all()[name].node
  say("3. %s lives on %s; events come from %s.", name, owner, me)
  local price = infinitomata.state(name, "payload").price

  local state, err = infinitomata.call(name, "pay", price - 1)
  check(state == nil and err.reason == "declined", "the short payment was not refused")
  check(infinitomata.state(name, "state") == "created", "a refusal moved the order")
  say("   pay %d: refused (%s), it stays created", price - 1, err.reason)

  check(infinitomata.call(name, "pay", price) == "paid", "the payment was not taken")
  check(infinitomata.transition(name, "ship"))
  check(infinitomata.state(name, "state") == "shipped", "the order was not shipped")
  say("   pay %d: paid; ship: shipped", price)
  check(infinitomata.transition(name, "deliver"))
  eventually("the delivered order to end", 5000, function() return not infinitomata.alive(name) end)
  say("   deliver: delivered, and the order ends")
end

--- Pays every order but order-1 that is not paid yet.
local function pay_the_others()
  for name, row in pairs(infinitomata.all()) do
    local ours = name:match("^order%-") and name ~= "order-1"
    if ours and infinitomata.state(name, "state") == "created" then
      check(infinitomata.call(name, "pay", 1000) == "paid", "%s on %s was not paid", name, row.node)
    end
  end
end

local function lose(node, pid)
  local _, view = view_of(me)
  local lost = view.on[node] or 0
  say("5. Node %s is killed with SIGKILL; %d orders live there.", node, lost)
  check(os.execute("kill -9 " .. pid), "kill failed")
  local _, waited = eventually("the others to notice", 30000, function()
    for _, name in ipairs(nodes()) do
      if name == node then return false end
    end
    return true
  end)
  say("   noticed after about %d ms", waited)
  return lost
end

meet()

start_orders(1, ORDERS)
say("2. %d orders start, each on the node its name hashes to.", ORDERS)
agree(nodes(), ORDERS)

pay_from_afar()
pay_the_others()
say("4. All others are paid but order-1, which its timer reminds and then cancels.")
eventually("order-1 to cancel itself", 10000, function()
  return not infinitomata.alive("order-1")
end)
local left = ORDERS - 2
agree(nodes(), left)

local lost = lose(victim, victim_pid)
agree(nodes(), left - lost)

start_orders(ORDERS + 1, ORDERS + 6)
pay_the_others()
say("6. Six new orders start on the two nodes that are left.")
agree(nodes(), left - lost + 6)
say("All of it held.")
os.exit(0)
