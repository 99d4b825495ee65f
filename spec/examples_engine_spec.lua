-- SPDX-License-Identifier: MIT
--- The examples of the engine print what their comments say: `--> text`, a table
--- as the word "table".

local EXAMPLES = { "turnstile", "payment", "door", "upload", "wallet", "printer" }

local function expected_of(path)
  local lines = {}
  for line in io.lines(path) do
    local text = line:match("%-%-> ([^|].*)$")
    if text and not line:match("%-%-> |") and not line:match("^%s*%[%*%] %-%->") then
      lines[#lines + 1] = text
    end
  end
  return lines
end

local function printed_by(path)
  local lines = {}
  local environment = setmetatable({
    print = function(...)
      local words = table.pack(...)
      for i = 1, words.n do
        words[i] = type(words[i]) == "table" and "table" or tostring(words[i])
      end
      lines[#lines + 1] = table.concat(words, "\t")
    end,
  }, { __index = _G })
  assert(loadfile(path, "t", environment))()
  return lines
end

describe("The example", function()
  for _, name in ipairs(EXAMPLES) do
    it(name .. " prints what it says", function()
      local path = ("examples/%s/%s.lua"):format(name, name)
      local expected = expected_of(path)
      assert.is_true(#expected > 2)
      assert.same(expected, printed_by(path))
      require("finitomata").start_link(name):stop()
    end)
  end
end)
