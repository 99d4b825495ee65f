-- SPDX-License-Identifier: MIT
--- Where the states of a diagram stand when arrows run from the top down: in
--- layers, after Sugiyama, Tagawa and Toda (Methods for Visual Understanding of
--- Hierarchical System Structures, 1981). Arrows against the order are turned;
--- every state gets a layer below those that lead to it; an arrow gets a place of
--- its own in each layer that it crosses, one of which holds its label; the places
--- of a layer are sorted so that few arrows cross, and moved to stand below each
--- other.
local M = {}

local SWEEPS <const> = 12
local GAP <const> = 3 -- columns between neighbours

---@class infinitomata.console.Place
---@field kind "state"|"label"|"bend"
---@field name? string      of a state
---@field width integer     in columns
---@field x integer         its first column
---@field layer integer     from 1 at the top; labels have layers between those of states
---@field above infinitomata.console.Link[]
---@field below infinitomata.console.Link[]

---@class infinitomata.console.Link a piece of an arrow, from one layer to the next
---@field upper infinitomata.console.Place
---@field lower infinitomata.console.Place
---@field head? "upper"|"lower"  the end where the arrow points to a state

---@class infinitomata.console.Arrow
---@field from string
---@field to string
---@field width integer of its label; 0: none
---@field label? infinitomata.console.Place set by `arrange`

-- ---- layers -----------------------------------------------------------------------

---Turns the arrows that lead back to where a walk has come from.
local function turn_back_arrows(names, arrows)
  local leaving = {}
  for _, arrow in ipairs(arrows) do
    leaving[arrow.from] = leaving[arrow.from] or {}
    table.insert(leaving[arrow.from], arrow)
  end
  local seen, open = {}, {}
  local function visit(name)
    seen[name], open[name] = true, true
    for _, arrow in ipairs(leaving[name] or {}) do
      if open[arrow.to] then
        arrow.turned = true
      elseif not seen[arrow.to] then
        visit(arrow.to)
      end
    end
    open[name] = nil
  end
  for _, name in ipairs(names) do
    if not seen[name] then visit(name) end
  end
end

local function ends_of(arrow)
  if arrow.turned then return arrow.to, arrow.from end
  return arrow.from, arrow.to
end

---The longest way from the top, in states, for each name.
local function ranks_of(names, arrows)
  local ranks = {}
  for _, name in ipairs(names) do ranks[name] = 1 end
  for _ = 1, #names do
    local moved = false
    for _, arrow in ipairs(arrows) do
      local upper, lower = ends_of(arrow)
      if ranks[lower] <= ranks[upper] then
        ranks[lower], moved = ranks[upper] + 1, true
      end
    end
    if not moved then break end
  end
  return ranks
end

local function link(upper, lower, head)
  local made = { upper = upper, lower = lower, head = head }
  table.insert(upper.below, made)
  table.insert(lower.above, made)
end

local function add(layers, kind, layer, width, name)
  local place = { kind = kind, name = name, width = width, layer = layer, x = 1, above = {},
    below = {} }
  layers[layer] = layers[layer] or {}
  table.insert(layers[layer], place)
  return place
end

---Layers of places: those of states are odd, the even ones between have the labels.
local function make_layers(names, arrows, widths)
  local ranks, layers, places = ranks_of(names, arrows), {}, {}
  for _, name in ipairs(names) do
    places[name] = add(layers, "state", 2 * ranks[name] - 1, widths[name], name)
  end
  for _, arrow in ipairs(arrows) do
    local upper, lower = ends_of(arrow)
    local at, last = places[upper], places[lower]
    local labelled = arrow.turned and last.layer - 1 or at.layer + 1
    for layer = at.layer + 1, last.layer - 1 do
      local here = layer == labelled and arrow.width > 0
      local next_place = add(layers, here and "label" or "bend", layer, here and arrow.width or 1)
      if here then arrow.label = next_place end
      link(at, next_place, arrow.turned and at.kind == "state" and "upper" or nil)
      at = next_place
    end
    link(at, last, not arrow.turned and "lower" or nil)
  end
  return layers
end

-- ---- order ------------------------------------------------------------------------

local function number(layer)
  for index, place in ipairs(layer) do place.index = index end
end

local function mean_index(links, side)
  local sum = 0
  for _, each in ipairs(links) do sum = sum + each[side].index end
  return #links > 0 and sum / #links or nil
end

---Sorts a layer by where its neighbours are; who has none keeps their place.
local function sort_layer(layer, links, side)
  local wanted = {}
  for index, place in ipairs(layer) do wanted[place] = mean_index(place[links], side) or index end
  table.sort(layer, function(a, b)
    if wanted[a] ~= wanted[b] then return wanted[a] < wanted[b] end
    return a.index < b.index
  end)
  number(layer)
end

local function crossings(layers)
  local count = 0
  for index = 1, #layers - 1 do
    local links = {}
    for _, place in ipairs(layers[index]) do
      table.move(place.below, 1, #place.below, #links + 1, links)
    end
    for i = 1, #links do
      for j = i + 1, #links do
        local a, b = links[i], links[j]
        if (a.upper.index - b.upper.index) * (a.lower.index - b.lower.index) < 0 then
          count = count + 1
        end
      end
    end
  end
  return count
end

local function copy_of(layers)
  local copy = {}
  for index, layer in ipairs(layers) do copy[index] = table.move(layer, 1, #layer, 1, {}) end
  return copy
end

---The best of several orders, each made from the one before.
local function sort_layers(layers)
  for _, layer in ipairs(layers) do number(layer) end
  local best, fewest = copy_of(layers), crossings(layers)
  for sweep = 1, SWEEPS do
    if fewest == 0 then break end
    if sweep % 2 == 1 then
      for index = 2, #layers do sort_layer(layers[index], "above", "upper") end
    else
      for index = #layers - 1, 1, -1 do sort_layer(layers[index], "below", "lower") end
    end
    local count = crossings(layers)
    if count < fewest then best, fewest = copy_of(layers), count end
  end
  for index, layer in ipairs(best) do
    layers[index] = layer
    number(layer)
  end
end

-- ---- columns ----------------------------------------------------------------------

---The middle column of a place.
---@param place infinitomata.console.Place
---@return integer
function M.middle(place)
  return place.x + (place.width - 1) // 2
end

---Moves the places of a layer to where they want to be, as far as their
---neighbours let them: halfway between giving way to the right and to the left.
local function spread(layer, wanted)
  local right, left = {}, {}
  for index in ipairs(layer) do
    local before = layer[index - 1]
    local least = before and right[index - 1] + before.width + GAP or wanted[index]
    right[index] = math.max(wanted[index], least)
  end
  for index = #layer, 1, -1 do
    local most = layer[index + 1] and left[index + 1] - layer[index].width - GAP or wanted[index]
    left[index] = math.min(wanted[index], most)
  end
  for index, place in ipairs(layer) do place.x = (right[index] + left[index]) // 2 end
end

local function align(layer, sides)
  local wanted = {}
  for index, place in ipairs(layer) do
    local sum, count = 0, 0
    for links, side in pairs(sides) do
      for _, each in ipairs(place[links]) do
        sum, count = sum + M.middle(each[side]), count + 1
      end
    end
    local middle = count > 0 and sum // count or M.middle(place)
    wanted[index] = middle - (place.width - 1) // 2
  end
  spread(layer, wanted)
end

local UPWARDS <const>, DOWNWARDS <const> = { below = "lower" }, { above = "upper" }
local BOTH <const> = { above = "upper", below = "lower" }

local function place_layers(layers)
  for _, layer in ipairs(layers) do
    local wanted = {}
    for index in ipairs(layer) do wanted[index] = 1 end
    spread(layer, wanted)
  end
  for _ = 1, SWEEPS do
    for index = 2, #layers do align(layers[index], DOWNWARDS) end
    for index = #layers - 1, 1, -1 do align(layers[index], UPWARDS) end
  end
  for index = 2, #layers do align(layers[index], DOWNWARDS) end
  for index = 1, #layers do align(layers[index], BOTH) end
  local first = math.huge
  for _, layer in ipairs(layers) do first = math.min(first, layer[1].x) end
  for _, layer in ipairs(layers) do
    for _, place in ipairs(layer) do place.x = place.x - first + 1 end
  end
end

---Gives every state and label its layer and its column.
---@param names string[]   of the states, the one at the top first
---@param arrows infinitomata.console.Arrow[]  none from a state to itself
---@param widths table<string, integer> of the states, in columns
---@return infinitomata.console.Place[][] layers
function M.arrange(names, arrows, widths)
  turn_back_arrows(names, arrows)
  local layers = make_layers(names, arrows, widths)
  sort_layers(layers)
  place_layers(layers)
  return layers
end

return M
