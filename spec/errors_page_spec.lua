-- SPDX-License-Identifier: MIT
--- docs/errors.md lists every code that an application may meet in `err.code`, and
--- no other.
local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

---The modules whose errors stay within the program's own commands.
local OWN_USE <const> = { "/cli/", "/console/", "/generator/", "/json%.lua$", "/query%.lua$",
  "/config%.lua$", "/source%.lua$", "/logger%.lua$", "/sandbox%.lua$" }

local function is_own_use(path)
  for _, pattern in ipairs(OWN_USE) do
    if path:find(pattern) then return true end
  end
  return false
end

local PATTERNS <const> = {
  '[Ee]rrors?%.new%(%s*"([%l_]+)"',
  '[Ee]rror%.fail%(%s*"([%l_]+)"',
  'refusal%("[%l_]+",%s*"([%l_]+)"',
  '%f[%w]fault%("([%l]+_[%l_]+)",%s*[^%s"]',
  'reading:fault%("([%l]+_[%l_]+)"',
  'fault%(faults,%s*"([%l]+_[%l_]+)"',
  '%f[%w]code = "([%l_]*%l)"',
  '"([%l_]+_fork_resolution[%l_]*)"',
}

---Every code that the sources give, with a file that does.
local function codes_of_sources()
  local codes = {}
  local pipe <close> = assert(io.popen "find lua/finitomata lua/infinitomata -name '*.lua'")
  for path in pipe:lines() do
    local source = is_own_use(path) and "" or read(path)
    for _, pattern in ipairs(PATTERNS) do
      for code in source:gmatch(pattern) do codes[code] = path end
    end
  end
  for code in read("runtime/bind/cluster_keys.c"):gmatch '{INF_E%u+, "([%l_]+)"' do
    codes[code] = "runtime/bind/cluster_keys.c"
  end
  return codes
end

---The codes of the runtime's list that reach Lua through functions of the node.
local function codes_of_runtime()
  local codes = {}
  for code in read("runtime/base/error.h"):gmatch 'X%(INF_E%u+, %-%d+, "([%l_]+)"' do
    codes[code] = true
  end
  return codes
end

local function codes_of_page()
  local codes = {}
  local text = read("docs/errors.md")
  for cell in text:gmatch "\n| (`[^|]+) |" do
    for code in cell:gmatch "`([%l_]+)`" do codes[code] = true end
  end
  for code in text:gmatch "`([%l_]+_fork_[%l_]+)`" do codes[code] = true end
  return codes
end

describe("docs/errors.md", function()
  local page, sources, runtime = codes_of_page(), codes_of_sources(), codes_of_runtime()

  it("has every code of the library", function()
    for code, path in pairs(sources) do
      assert(page[code], ("%s gives the code %s, which is not explained"):format(path, code))
    end
  end)

  it("has no code that nothing gives", function()
    local lua = {}
    local pipe <close> = assert(io.popen "find lua/*finitomata -name '*.lua' -exec cat {} +")
    for code in pipe:read("a"):gmatch '"([%l_]+)"' do lua[code] = true end
    for code in pairs(page) do
      assert(sources[code] or runtime[code] or lua[code],
        code .. " is explained, and nothing gives it")
    end
  end)
end)
