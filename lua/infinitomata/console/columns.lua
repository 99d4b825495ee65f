-- SPDX-License-Identifier: MIT
--- How many columns of a terminal a text takes: none for a mark that joins the
--- character before it, two for the wide characters of East Asia and for emoji,
--- one for any other.
local M = {}

---The characters, in base 16, whose East_Asian_Width is W or F (Unicode Standard
---Annex #11, of Unicode 14); ranges may contain some that are not assigned.
local WIDE <const> = [[
  1100-115f 231a-231b 2329-232a 23e9-23ec 23f0 23f3 25fd-25fe 2614-2615 2648-2653 267f 2693 26a1
  26aa-26ab 26bd-26be 26c4-26c5 26ce 26d4 26ea 26f2-26f3 26f5 26fa 26fd 2705 270a-270b 2728 274c
  274e 2753-2755 2757 2795-2797 27b0 27bf 2b1b-2b1c 2b50 2b55 2e80-303e 3041-3247 3250-4dbf
  4e00-a4c6 a960-a97c ac00-d7a3 f900-faff fe10-fe19 fe30-fe6b ff01-ff60 ffe0-ffe6 16fe0-1b2fb
  1f004 1f0cf 1f18e 1f191-1f19a 1f200-1f320 1f32d-1f335 1f337-1f37c 1f37e-1f393 1f3a0-1f3ca
  1f3cf-1f3d3 1f3e0-1f3f0 1f3f4 1f3f8-1f43e 1f440 1f442-1f4fc 1f4ff-1f53d 1f54b-1f54e 1f550-1f567
  1f57a 1f595-1f596 1f5a4 1f5fb-1f64f 1f680-1f6c5 1f6cc 1f6d0-1f6d2 1f6d5-1f6df 1f6eb-1f6ec
  1f6f4-1f6fc 1f7e0-1f7f0 1f90c-1f93a 1f93c-1f945 1f947-1f9ff 1fa70-1faf6 20000-3fffd]]

---Marks and invisible characters (General_Category Mn, Me, Cf) of the scripts up to
---Lao and of those that any script uses, and the vowels within Hangul syllables.
local NONE <const> = [[
  300-36f 483-489 591-5bd 5bf 5c1-5c2 5c4-5c5 5c7 610-61a 61c 64b-65f 670 6d6-6dc 6df-6e4 6e7-6e8
  6ea-6ed 711 730-74a 7a6-7b0 7eb-7f3 7fd 816-819 81b-823 825-827 829-82d 859-85b 890-89f 8ca-8e1
  8e3-902 93a 93c 941-948 94d 951-957 962-963 981 9bc 9c1-9c4 9cd 9e2-9e3 9fe-a02 a3c a41-a51
  a70-a71 a75 a81-a82 abc ac1-ac8 acd ae2-ae3 afa-b01 b3c b3f b41-b44 b4d-b56 b62-b63 b82 bc0 bcd
  c00 c04 c3c c3e-c40 c46-c56 c62-c63 c81 cbc cbf cc6 ccc-ccd ce2-ce3 d00-d01 d3b-d3c d41-d44 d4d
  d62-d63 d81 dca dd2-dd6 e31 e34-e3a e47-e4e eb1 eb4-ebc ec8-ecd 1160-11ff 1ab0-1abf
  1dc0-1dff 200b-200f 202a-202e 2060-206f 20d0-20f0 302a-302d 3099-309a fe00-fe0f fe20-fe2f feff]]

local first, last, columns = {}, {}, {}

do
  local ranges = {}
  for count, text in pairs { [0] = NONE, [2] = WIDE } do
    for range in text:gmatch "%S+" do
      local from, to = range:match "^(%x+)%-?(%x*)$"
      from = tonumber(from, 16)
      ranges[#ranges + 1] = { from, tonumber(to, 16) or from, count }
    end
  end
  table.sort(ranges, function(a, b) return a[1] < b[1] end)
  for at, range in ipairs(ranges) do first[at], last[at], columns[at] = table.unpack(range) end
end

---@param code integer a code point
---@return integer
function M.character(code)
  if code < first[1] then return 1 end
  local low, high = 1, #first
  while low < high do
    local middle = (low + high + 1) // 2
    if first[middle] <= code then low = middle else high = middle - 1 end
  end
  return code <= last[low] and columns[low] or 1
end

---@param text string when it is no UTF-8, each byte is a column
---@return integer
function M.of(text)
  if not text:find "[\x80-\xff]" or not utf8.len(text) then return #text end
  local sum = 0
  for _, code in utf8.codes(text) do sum = sum + M.character(code) end
  return sum
end

return M
