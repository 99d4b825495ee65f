-- SPDX-License-Identifier: MIT
--- The diagram of an FSM for a terminal: boxes for its states from the entry down,
--- arrows with the names of events, the current state marked. When that is wider
--- than the terminal, or too much to take in, a list of its edges instead.
local canvases = require "infinitomata.console.canvas"
local columns_of = (require "infinitomata.console.columns").of
local layering = require "infinitomata.console.layers"

local M = {}

local ARROWS_MAX <const> = 60
local CURRENT <const>, POSSIBLE <const> = "1;7", "1" -- SGR: bold and reverse, bold

local INTERNAL = { __start__ = true, __end__ = true }

---@class infinitomata.console.DiagramOptions
---@field width? integer   columns of the screen, default 80
---@field unicode? boolean box-drawing characters, default true; else ASCII
---@field colour? boolean

---States in the order of a walk from the entry, what is not reached after them.
local function walk(transitions)
  local order, seen = {}, {}
  local function visit(state)
    if seen[state] then return end
    seen[state] = true
    order[#order + 1] = state
  end
  visit("*")
  local at = 1
  while at <= #order do
    for _, edge in ipairs(transitions) do
      if edge.from == order[at] and edge.to ~= "*" then visit(edge.to) end
    end
    at = at + 1
  end
  for _, edge in ipairs(transitions) do
    visit(edge.from)
    visit(edge.to)
  end
  return order
end

-- ---- as a list ---------------------------------------------------------------------

local function label(edge)
  if INTERNAL[edge.event] then return "--> " .. edge.to end
  return ("--> |%s| %s"):format(edge.event, edge.to)
end

---@param transitions { from: string, to: string, event: string }[]
---@param current? string the state to mark
---@return string lines
function M.list(transitions, current)
  local order, widest, lines = walk(transitions), 1, {}
  for _, state in ipairs(order) do widest = math.max(widest, columns_of(state)) end
  for _, state in ipairs(order) do
    local name = state
    local mark = state == current and "=> " or "   "
    local first = true
    for _, edge in ipairs(transitions) do
      if edge.from == state then
        local padding = (" "):rep(widest - columns_of(name))
        lines[#lines + 1] = ("%s%s%s %s"):format(mark, name, padding, label(edge))
        name, mark, first = "", "   ", false
      end
    end
    if first and state ~= "*" then lines[#lines + 1] = mark .. state end
  end
  return table.concat(lines, "\n")
end

-- ---- as a picture ------------------------------------------------------------------

-- The two ends of an FSM's life are drawn apart.
local START <const>, FINISH <const> = "\0start", "\0end"

local function is_end(name) return name == START or name == FINISH end

---Arrows, each with the events of all edges from one state to another, and what
---every state does without leaving.
local function gather(transitions)
  local arrows, by_ends, loops = {}, {}, {}
  for _, edge in ipairs(transitions) do
    local from = edge.from == "*" and START or edge.from
    local to = edge.to == "*" and FINISH or edge.to
    local event = not INTERNAL[edge.event] and edge.event or nil
    if from == to then
      loops[from] = loops[from] or {}
      table.insert(loops[from], event)
    else
      local key = ("%s\0%s"):format(from, to)
      if not by_ends[key] then
        by_ends[key] = { from = from, to = to, events = {} }
        arrows[#arrows + 1] = by_ends[key]
      end
      table.insert(by_ends[key].events, event)
    end
  end
  return arrows, loops
end

local function widest(lines)
  local width = 0
  for _, line in ipairs(lines) do width = math.max(width, columns_of(line)) end
  return width
end

---What is written in the box of each state, and how wide the box is.
local function boxes_of(names, arrows, loops, options)
  local texts, widths, leaving, coming = {}, {}, {}, {}
  for _, arrow in ipairs(arrows) do
    leaving[arrow.from] = (leaving[arrow.from] or 0) + 1
    coming[arrow.to] = (coming[arrow.to] or 0) + 1
  end
  for _, name in ipairs(names) do
    local mark = options.unicode and "▶ " or "=> "
    local lines = { name == options.current and mark .. name or name }
    for _, event in ipairs(loops[name] or {}) do
      lines[#lines + 1] = (options.unicode and "↻ " or "@ ") .. event
    end
    if name == START then lines = { options.unicode and "●" or "(*)" } end
    if name == FINISH then lines = { options.unicode and "◉" or "(o)" } end
    texts[name] = lines
    local arms = (leaving[name] or 0) + (coming[name] or 0)
    widths[name] = is_end(name) and widest(lines) or math.max(widest(lines) + 4, 2 * arms + 1)
  end
  return texts, widths
end

---The columns at which links meet a place: each as near to its other end as it
---can be, all of them apart and in order.
local function ports_of(place, links, side)
  local first, last = place.x + 1, place.x + place.width - 2
  if place.kind ~= "state" or is_end(place.name) then
    first = layering.middle(place)
    last = first
  end
  table.sort(links, function(a, b) return a[side].index < b[side].index end)
  local columns, least = {}, first
  for index, each in ipairs(links) do
    columns[index] = math.max(least, layering.middle(each[side]))
    least = columns[index] + 2
  end
  local most = last
  for index = #links, 1, -1 do
    columns[index] = math.max(first, math.min(columns[index], most))
    most = columns[index] - 2
  end
  return columns
end

---Rows of a channel between two layers for links that go sideways: no two lie on
---each other. Who leaves the top at a column where another ends turns above it.
local function tracks_of(links)
  local above, rows = {}, {}
  for _, a in ipairs(links) do
    above[a] = {}
    for _, b in ipairs(links) do
      if a ~= b and b.x1 == a.x2 and b.x1 ~= b.x2 then table.insert(above[a], b) end
    end
  end
  local function fits(a, row)
    for _, b in ipairs(rows[row] or {}) do
      if math.min(a.x1, a.x2) <= math.max(b.x1, b.x2)
        and math.min(b.x1, b.x2) <= math.max(a.x1, a.x2) then
        return false
      end
    end
    return true
  end
  local open = {}
  local function settle(a)
    if a.row or open[a] then return end
    open[a] = true
    local row = 1
    for _, b in ipairs(above[a]) do
      settle(b)
      if b.row then row = math.max(row, b.row + 1) end
    end
    while not fits(a, row) do row = row + 1 end
    a.row = row
    rows[row] = rows[row] or {}
    table.insert(rows[row], a)
  end
  for _, a in ipairs(links) do
    if a.x1 ~= a.x2 then settle(a) end
  end
  return #rows
end

---Where a line meets a label: as near as can be to where it comes from.
local function below_label(place, column)
  return math.max(place.x, math.min(column, place.x + place.width - 1))
end

---Gives the links the columns of their ends: x1 above, x2 below.
local function connect(layers)
  for _, layer in ipairs(layers) do
    for _, place in ipairs(layer) do
      for at, column in ipairs(ports_of(place, place.below, "lower")) do
        place.below[at].x1 = column
      end
      for at, column in ipairs(ports_of(place, place.above, "upper")) do
        place.above[at].x2 = column
      end
    end
  end
  for _, layer in ipairs(layers) do
    for _, place in ipairs(layer) do
      if place.kind == "label" then
        local above, below = place.above[1], place.below[1]
        above.x2 = below_label(place, above.x1)
        below.x1 = below_label(place, below.x2)
      end
    end
  end
end

---The links between a layer and the next.
local function channel_of(layer)
  local links = {}
  for _, place in ipairs(layer) do table.move(place.below, 1, #place.below, #links + 1, links) end
  return links
end

local Picture = {}
Picture.__index = Picture

function Picture:state(place, y, height)
  local name = place.name
  local strong = name == self.options.current
  local lines = self.texts[name]
  local sheet = self.sheet
  if is_end(name) then
    sheet:text(place.x, y, lines[1])
    for _, each in ipairs(place.below) do sheet:down(each.x1, y + 1, y + height - 1) end
    return
  end
  sheet:box(place.x, y, place.width, lines, strong, self.options.colour and CURRENT)
  local bottom = y + #lines + 1
  for _, each in ipairs(place.above) do
    sheet:port(each.x2, y, "top", each.head == "lower", strong)
  end
  for _, each in ipairs(place.below) do
    sheet:port(each.x1, bottom, "bottom", each.head == "upper", strong)
    sheet:down(each.x1, bottom + 1, y + height - 1)
  end
end

function Picture:label(place, y, height)
  local arrow = self.labels[place]
  local events = arrow and arrow.events or {}
  self.sheet:down(place.below[1].x1, y + #events, y + height - 1)
  local style = self.options.colour and arrow and arrow.from == self.options.current and POSSIBLE
  for index, event in ipairs(events) do
    local x = place.x + (place.width - columns_of(event)) // 2
    self.sheet:text(x, y + index - 1, event, style or nil)
  end
end

function Picture:height(layer)
  local height = 1
  for _, place in ipairs(layer) do
    if place.kind == "state" and not is_end(place.name) then
      height = math.max(height, #self.texts[place.name] + 2)
    elseif self.labels[place] then
      height = math.max(height, #self.labels[place].events)
    end
  end
  return height
end

function Picture:channel(links, y)
  local height = tracks_of(links)
  for _, each in ipairs(links) do
    local row = each.row and y + each.row - 1
    self.sheet:down(each.x1, y, (row or y + height) - 1)
    if row then
      self.sheet:step(each.x1, each.x2, row)
      self.sheet:down(each.x2, row + 1, y + height - 1)
    end
  end
  return height
end

function Picture:draw(layers)
  connect(layers)
  local y = 1
  for _, layer in ipairs(layers) do
    local height = self:height(layer)
    for _, place in ipairs(layer) do
      if place.kind == "state" then
        self:state(place, y, height)
      else
        self:label(place, y, height)
      end
    end
    y = y + height + self:channel(channel_of(layer), y + height)
  end
end

---@return string? lines nil: wider than the screen
local function picture(transitions, options)
  local arrows, loops = gather(transitions)
  if #arrows > ARROWS_MAX then return nil end
  local names, has_end = {}, false
  for _, name in ipairs(walk(transitions)) do names[#names + 1] = name == "*" and START or name end
  for _, arrow in ipairs(arrows) do
    arrow.width = widest(arrow.events)
    has_end = has_end or arrow.to == FINISH
  end
  if has_end then names[#names + 1] = FINISH end
  local texts, widths = boxes_of(names, arrows, loops, options)
  local layers = layering.arrange(names, arrows, widths)
  for _, layer in ipairs(layers) do
    local last = layer[#layer]
    if last.x + last.width - 1 > options.width then return nil end
  end
  local labels = {}
  for _, arrow in ipairs(arrows) do
    if arrow.label then labels[arrow.label] = arrow end
  end
  local self = setmetatable({ sheet = canvases.new(options.unicode), texts = texts,
    labels = labels, options = options }, Picture)
  self:draw(layers)
  return table.concat(self.sheet:rows(), "\n")
end

---@param transitions { from: string, to: string, event: string }[]
---@param current? string the state to mark
---@param options? infinitomata.console.DiagramOptions
---@return string lines
function M.draw(transitions, current, options)
  options = options or {}
  return picture(transitions, {
    current = current,
    width = options.width or 80,
    unicode = options.unicode ~= false,
    colour = options.colour or false,
  }) or M.list(transitions, current)
end

return M
