-- SPDX-License-Identifier: MIT
--- Three nodes, and then a fourth: do all of them name the same owners, and how many
--- names have another one than before? Argument: a pipe; the fourth node starts when
--- something is written into it.
local finitomata = require "finitomata"
local infinitomata = require "infinitomata"
local now = require("infinitomata.core").hrtime
local places = require "places"
local report = require "report"

local NAMES <const> = 10000

require "cluster_placement"

local function until_alive(nodes)
  local give_up = now() + 20 * 10 ^ 9
  for _, node in ipairs(nodes) do
    while not infinitomata.alive("probe@" .. node) do
      assert(now() < give_up, node .. " does not come")
      finitomata.sleep(5)
    end
  end
end

local function differences(list, other)
  local count = 0
  for i = 1, NAMES do
    if list[i] ~= other[i] then count = count + 1 end
  end
  return count
end

--- The most differences between our owners and those of another node.
local function disagreement(owners, nodes)
  local most = 0
  for _, node in ipairs(nodes) do
    local _, payload = assert(infinitomata.call("probe@" .. node, "place", NAMES))
    most = math.max(most, differences(owners, payload.owners))
  end
  return most
end

--- All have heard of the fourth when they agree; it takes as long as news takes.
local function agree(owners, nodes)
  local give_up = now() + 10 * 10 ^ 9
  local wrong
  repeat
    wrong = disagreement(owners, nodes)
  until wrong == 0 or now() > give_up
  return wrong
end

finitomata.run(function()
  until_alive { "b", "c" }
  local owners, on_ring = places(NAMES)
  local wrong = agree(owners, { "b", "c" })
  local pipe = assert(io.open(arg[1], "w"))
  pipe:write "come\n"
  pipe:close()
  until_alive { "b", "c", "d" }
  local later, ring_later = places(NAMES)
  wrong = math.max(wrong, agree(later, { "b", "c", "d" }))
  report.line("place.agreed", 100 - wrong / NAMES * 100,
    ("%d names, three nodes and four"):format(NAMES))
  report.line("place.moved", differences(owners, later) / NAMES * 100, "by whois on real nodes")
  report.line("place.ring", differences(on_ring, ring_later) / NAMES * 100,
    "128 points a node")
end)
os.exit(0)
