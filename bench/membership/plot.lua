-- SPDX-License-Identifier: MIT
-- Draws results.tsv as SVG: how soon all know of a silent machine, and how
-- often the healthy are wrongly declared dead.
--
--   plot.lua results.tsv >membership.svg

local HEIGHT, BASE, TOP = 300, 250, 50
local COLOURS = { "#9aa5b1", "#5b8def", "#1f9d72" }

local detection, false_positives = {}, {}
for line in io.lines(arg[1]) do
  local cell = {}
  for text in line:gmatch("[^\t]+") do
    cell[#cell + 1] = text
  end
  if cell[1] == "detection" then
    detection[#detection + 1] = {
      label = "n = " .. cell[2],
      tonumber(cell[4]), tonumber(cell[6]), tonumber(cell[8]),
    }
  elseif cell[1] == "false positives" then
    for i = 2, #cell, 2 do
      false_positives[#false_positives + 1] = { label = cell[i], value = tonumber(cell[i + 1]) }
    end
  end
end

local out = {}

local function put(format, ...) out[#out + 1] = format:format(...) end

local function text(x, y, anchor, size, what)
  local shape = '<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d">%s</text>'
  put(shape, x, y, anchor, size, what)
end

local function bar(x, width, height, colour, label)
  put('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>', x, BASE - height, width,
    height, colour)
  text(x + width / 2, BASE - height - 5, "middle", 11, label)
end

put('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 840 %d" font-family="sans-serif">',
  HEIGHT)
put('<rect width="840" height="%d" fill="#ffffff"/>', HEIGHT)

text(20, 22, "start", 14, "A silent machine is known to all after (s)")
local legend = { "memberlist, measured", "simulated, like it", "simulated, improved" }
for i, name in ipairs(legend) do
  put('<rect x="%d" y="30" width="10" height="10" fill="%s"/>', 20 + (i - 1) * 150, COLOURS[i])
  text(34 + (i - 1) * 150, 39, "start", 11, name)
end
for group, row in ipairs(detection) do
  local left = 30 + (group - 1) * 150
  for i = 1, 3 do
    local height = row[i] / 12 * (BASE - TOP - 20)
    bar(left + (i - 1) * 34, 28, height, COLOURS[i], ("%.2f"):format(row[i]))
  end
  text(left + 50, BASE + 18, "middle", 12, row.label)
end

text(500, 22, "start", 14, "Healthy members declared dead, 128 members")
text(500, 39, "start", 11, "16 of them deaf for 16 and 33 s at a time; logarithmic")
for i, entry in ipairs(false_positives) do
  local height = math.log(math.max(entry.value, 1), 10) / 5 * (BASE - TOP - 20)
  bar(520 + (i - 1) * 85, 50, height, COLOURS[i], tostring(entry.value))
  text(545 + (i - 1) * 85, BASE + 18, "middle", 12, entry.label)
end
put('<line x1="20" y1="%d" x2="820" y2="%d" stroke="#333333"/>', BASE, BASE)
put("</svg>")
print(table.concat(out, "\n"))
