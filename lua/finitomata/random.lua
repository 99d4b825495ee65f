-- SPDX-License-Identifier: MIT

--- Chance that can be repeated: SplitMix64 (Steele, Lea and Flood, 2014), with
--- its state in an object and its seed from whoever wants the same run again.
local Random = {}
Random.__index = Random

---@param seed? integer from the system's own chance when absent
---@return finitomata.Random
function Random.new(seed)
  return setmetatable({ _state = seed or math.random(0) }, Random)
end

---@return integer 64 bits
function Random:next()
  self._state = self._state + 0x9E3779B97F4A7C15
  local z = self._state
  z = (z ~ (z >> 30)) * 0xBF58476D1CE4E5B9
  z = (z ~ (z >> 27)) * 0x94D049BB133111EB
  return z ~ (z >> 31)
end

---@param n integer over 0
---@return integer from 0 to n - 1
function Random:below(n)
  return (self:next() >> 1) % n
end

return Random
