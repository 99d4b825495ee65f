-- SPDX-License-Identifier: MIT
-- Draws results.tsv as SVG: bytes that a member sends in a second, by the number
-- of members, when nothing happens and when one of them a second has news.
--
--   plot_load.lua results.tsv >membership-load.svg

local HEIGHT, BASE, TOP = 300, 250, 50
local COLOURS = { "#9aa5b1", "#1f9d72" }

local sizes = {}
for line in io.lines(arg[1]) do
  local cell = {}
  for text in line:gmatch("[^\t]+") do cell[#cell + 1] = text end
  if cell[1] == "crowd" then
    local whole = cell[2] == cell[3]
    sizes[#sizes + 1] = {
      label = ("n = %s%s"):format(cell[2], whole and "" or (", %s whole"):format(cell[3])),
      tonumber(cell[5]), tonumber(cell[7]),
    }
  end
end

local out, most = {}, 1
for _, row in ipairs(sizes) do most = math.max(most, row[1], row[2]) end

local function put(format, ...) out[#out + 1] = format:format(...) end

local function text(x, y, anchor, size, what)
  local shape = '<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d">%s</text>'
  put(shape, x, y, anchor, size, what)
end

put('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 %d" font-family="sans-serif">',
  HEIGHT)
put('<rect width="760" height="%d" fill="#ffffff"/>', HEIGHT)
text(20, 22, "start", 14, "Bytes that a member sends in a second")
for i, name in ipairs { "nothing happens", "one member a second has news" } do
  put('<rect x="%d" y="30" width="10" height="10" fill="%s"/>', 20 + (i - 1) * 130, COLOURS[i])
  text(34 + (i - 1) * 130, 39, "start", 11, name)
end
for group, row in ipairs(sizes) do
  local left = 30 + (group - 1) * 145
  for i = 1, 2 do
    local height = row[i] / most * (BASE - TOP - 20)
    local x = left + (i - 1) * 56
    put('<rect x="%.1f" y="%.1f" width="48" height="%.1f" fill="%s"/>', x, BASE - height, height,
      COLOURS[i])
    text(x + 24, BASE - height - 5, "middle", 11, ("%d"):format(row[i]))
  end
  text(left + 52, BASE + 18, "middle", 11, row.label)
end
put('<line x1="20" y1="%d" x2="740" y2="%d" stroke="#333333"/>', BASE, BASE)
put("</svg>")
print(table.concat(out, "\n"))
