-- SPDX-License-Identifier: MIT

--- The states an FSM has left, newest first, consecutive repeats folded. Most
--- FSMs need five entries of few states, so a history is an integer, twelve bits
--- an entry (eight for the state's number, four for its count), and becomes a
--- table only when that is too narrow. A history is a value: `push` returns the
--- next one.
local M = {}

local ENTRY_BITS <const> = 12
local STATE_MASK <const> = 0xFF
local COUNT_ONE <const> = 0x100
local COUNT_MASK <const> = 0xF00
local ENTRY_MASK <const> = 0xFFF
local PACKED_SIZE <const> = 5

M.EMPTY = 0

---@param size integer
---@return integer mask of the bits that `size` entries take
function M.mask(size)
  return size <= PACKED_SIZE and (1 << size * ENTRY_BITS) - 1 or 0
end

local function unpacked(packed)
  local wide = {}
  while packed ~= 0 do
    wide[#wide + 1] = { packed & STATE_MASK, (packed & COUNT_MASK) >> 8 }
    packed = packed >> ENTRY_BITS
  end
  return wide
end

local function push_wide(wide, number, size)
  local newest = wide[1]
  if newest and newest[1] == number then
    newest[2] = newest[2] + 1
    return wide
  end
  table.insert(wide, 1, { number, 1 })
  wide[size + 1] = nil
  return wide
end

---@param history integer|table
---@param number integer of the state that was left, from 1
---@param size integer how many entries are kept
---@param mask integer `M.mask(size)`
---@return integer|table history
function M.push(history, number, size, mask)
  if mask ~= 0 and type(history) == "number" and number <= STATE_MASK then
    if history & STATE_MASK ~= number then
      return (history << ENTRY_BITS | COUNT_ONE | number) & mask
    elseif history & COUNT_MASK ~= COUNT_MASK then
      return history + COUNT_ONE
    end
  end
  if type(history) == "number" then history = unpacked(history) end
  return push_wide(history, number, size)
end

---@param history integer|table
---@return integer? number of the newest entry
function M.newest(history)
  if type(history) == "table" then return history[1] and history[1][1] end
  local number = history & STATE_MASK
  return number ~= 0 and number or nil
end

---@param history integer|table
---@param names string[] names of the states by number
---@return {state: string, n: integer}[] entries newest first
function M.entries(history, names)
  local entries = {}
  if type(history) == "table" then
    for i, entry in ipairs(history) do
      entries[i] = { state = names[entry[1]], n = entry[2] }
    end
    return entries
  end
  while history ~= 0 do
    entries[#entries + 1] = { state = names[history & STATE_MASK], n = (history & COUNT_MASK) >> 8 }
    history = history >> ENTRY_BITS & ~(ENTRY_MASK << (64 - ENTRY_BITS))
  end
  return entries
end

return M
