-- SPDX-License-Identifier: MIT

--- The states an FSM has left, newest first, consecutive repeats folded. Most
--- FSMs keep five entries of few states, so a history is packed into an integer,
--- twelve bits an entry: eight for the state's number, four for its count. When
--- that is too narrow it is unpacked into a list of {number, count}.
local M = {}

local ENTRY_BITS <const> = 12
local STATE_MASK <const> = 0xFF
local COUNT_ONE <const> = 0x100
local COUNT_MASK <const> = 0xF00
local PACKED_SIZE <const> = 5

---The packed history of an FSM that has left nothing.
M.EMPTY = 0

---In the packed history's place: there is a list.
M.WIDE = -1

---How wide a packed history of `size` entries is, as a mask; 0 when neither so many
---entries nor so many states can be packed.
---@param size integer
---@param states integer
---@return integer
function M.mask(size, states)
  if size < 1 or size > PACKED_SIZE or states > STATE_MASK then return 0 end
  return (1 << size * ENTRY_BITS) - 1
end

---@param packed integer
---@param number integer of the state that was left
---@param mask integer
---@return integer? packed nothing when the history has to be unpacked
function M.push(packed, number, mask)
  if packed & STATE_MASK ~= number then
    if mask ~= 0 and packed >= 0 then return (packed << ENTRY_BITS | COUNT_ONE | number) & mask end
  elseif packed & COUNT_MASK ~= COUNT_MASK then
    return packed + COUNT_ONE
  end
end

---@param packed integer
---@return integer[][] list of {number, count}
function M.unpack(packed)
  local list = {}
  while packed > 0 do
    list[#list + 1] = { packed & STATE_MASK, (packed & COUNT_MASK) >> 8 }
    packed = packed >> ENTRY_BITS
  end
  return list
end

---@param list integer[][]
---@param mask integer
---@return integer? packed nothing when it is too much for that
function M.pack(list, mask)
  local packed = M.EMPTY
  for i = #list, 1, -1 do
    local number, count = list[i][1], list[i][2]
    if packed << ENTRY_BITS & ~mask ~= 0 or count > COUNT_MASK >> 8 then return nil end
    packed = packed << ENTRY_BITS | count << 8 | number
  end
  return packed & mask == packed and packed or nil
end

---@param packed integer
---@return integer number of the state that was left last; 0 when there is none
function M.newest(packed) return packed & STATE_MASK end

---The same as `entries(unpack(packed), names)`.
---@param packed integer
---@param names string[] names of the states by number
---@return {state: string, n: integer}[] entries newest first
function M.packed_entries(packed, names)
  local entries, size = {}, 0
  while packed > 0 do
    size = size + 1
    entries[size] = { state = names[packed & STATE_MASK], n = (packed & COUNT_MASK) >> 8 }
    packed = packed >> ENTRY_BITS
  end
  return entries
end

---`push` for an unpacked history.
---@param list integer[][] changed in place
---@param number integer
---@param size integer how many entries are kept
function M.push_wide(list, number, size)
  local newest = list[1]
  if newest and newest[1] == number then
    newest[2] = newest[2] + 1
    return
  end
  table.insert(list, 1, { number, 1 })
  list[size + 1] = nil
end

---@param list integer[][]
---@param names string[] names of the states by number
---@return {state: string, n: integer}[] entries newest first
function M.entries(list, names)
  local entries = {}
  for i, entry in ipairs(list) do
    entries[i] = { state = names[entry[1]], n = entry[2] }
  end
  return entries
end

return M
