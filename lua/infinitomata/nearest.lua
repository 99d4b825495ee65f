-- SPDX-License-Identifier: MIT
--- The known word that was probably meant by an unknown one.
local M = {}

---How far two words are from each other: insertions, deletions, replacements
---and swaps of neighbours (optimal string alignment).
---@param a string
---@param b string
---@return integer
function M.distance(a, b)
  local before, last = {}, {}
  for j = 0, #b do last[j] = j end
  for i = 1, #a do
    local row = { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      row[j] = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        row[j] = math.min(row[j], before[j - 2] + 1)
      end
    end
    before, last = last, row
  end
  return last[#b]
end

---@param word string
---@param known string[]
---@return string? the nearest one, when it is near
function M.word(word, known)
  local best, least
  for _, candidate in ipairs(known) do
    local far = M.distance(word, candidate)
    local near = far <= math.max(1, math.min(#word, #candidate) // 3)
    if near and (not least or far < least or far == least and candidate < best) then
      best, least = candidate, far
    end
  end
  return best
end

---@param word string
---@param known string[]
---@return string text " (did you mean 'x'?)", or nothing
function M.suggestion(word, known)
  local best = M.word(word, known)
  return best and (" (did you mean '%s'?)"):format(best) or ""
end

return M
