-- SPDX-License-Identifier: MIT
--- Runs a Lua file for its definitions, and for nothing else: it cannot write,
--- start, send or end anything, and it sees the modules beside it, run the same
--- way. Whatever else it asks for is a void, which can be called and indexed
--- and says nothing.
local M = {}

local CPU_SECONDS <const> = 2

-- Raised where a file would end the process, and where it does not come to an end.
local EXIT <const>, ENDLESS <const> = {}, {}

-- ---- nothing ---------------------------------------------------------------------

local void = {}
M.void = void

local asked = false -- whether something was asked of nothing

local function give_void()
  asked = true
  return void
end
local function give_false() return false end

local meta = {
  __name = "void",
  __index = give_void,
  __newindex = function() end,
  __call = function(_, ...)
    -- A `for` calls its iterator with two nils: there is nothing to go through.
    if select("#", ...) == 2 and (...) == nil and select(2, ...) == nil then return nil end
    return give_void()
  end,
  __pairs = function() return function() end end,
  __len = function() return 0 end,
  __concat = function() return "" end,
  __tostring = function() return "" end,
  __lt = give_false,
  __le = give_false,
  __close = function() end,
}
for _, operator in ipairs { "add", "sub", "mul", "div", "mod", "pow", "unm", "idiv" } do
  meta["__" .. operator] = function() return 0 end
end
setmetatable(void, meta)

---@param value any
---@return boolean
function M.is_void(value)
  return rawequal(value, void)
end

-- ---- the world that a file sees --------------------------------------------------

local PURE <const> = {
  "_VERSION", "assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "rawequal",
  "rawget", "rawlen", "rawset", "select", "setmetatable", "tonumber", "tostring", "type", "xpcall",
  "string", "table", "math", "utf8", "coroutine",
}

local function copied(library)
  local copy = {}
  for key, value in pairs(library) do copy[key] = value end
  return copy
end

local function new_world(given)
  local world = {}
  for _, name in ipairs(PURE) do
    local value = _G[name]
    world[name] = type(value) == "table" and copied(value) or value
  end
  for _, name in ipairs { "print", "io", "dofile", "loadfile", "collectgarbage", "warn" } do
    world[name] = void
  end
  world.os = setmetatable({
    clock = os.clock, date = os.date, difftime = os.difftime, getenv = os.getenv, time = os.time,
    exit = function() error(EXIT, 0) end,
  }, { __index = give_void })
  world.debug = setmetatable({ traceback = debug.traceback }, { __index = give_void })
  world.package = {
    path = given.path, cpath = "", loaded = {}, preload = {}, config = package.config,
  }
  world.load = function(chunk, name, _, env)
    if type(chunk) ~= "string" then return void end
    return load(chunk, name, "t", env or world)
  end
  world.ipairs = function(list)
    if rawequal(list, void) then return function() end end
    return ipairs(list)
  end
  world.arg = {}
  world._G = world
  return world
end

local function chunk_of(path, world)
  local file <close>, problem = io.open(path, "rb")
  if not file then return nil, problem end
  local text = file:read("a")
  if not text then return nil, path .. ": cannot be read" end
  text = text:gsub("^\xEF\xBB\xBF", ""):gsub("^#[^\n]*", "")
  return load(text, "@" .. path, "t", world)
end

---`require` inside: the given modules, then files, else a void.
local function new_require(given, world)
  local loaded = {}
  return function(name)
    if type(name) ~= "string" then return void end
    if given.modules[name] ~= nil then return given.modules[name] end
    if loaded[name] ~= nil then return loaded[name] end
    loaded[name] = void -- for those who ask while it is being loaded
    if name:find("^infinitomata%f[.\0]") or name:find("^finitomata%f[.\0]") then return void end
    local path = package.searchpath(name, given.path)
    local chunk = path and chunk_of(path, world)
    if chunk then
      local ok, result = pcall(chunk, name, path)
      if ok then loaded[name] = result == nil and true or result end
    end
    return loaded[name]
  end
end

local function with_limit(fn, seconds)
  local started = os.clock()
  local hook, mask, count = debug.gethook()
  debug.sethook(function()
    if os.clock() - started > seconds then error(ENDLESS, 0) end
  end, "", 1000000)
  local results = table.pack(pcall(fn))
  debug.sethook(hook, mask, count)
  return table.unpack(results, 1, results.n)
end

---@param file string
---@param given { path: string, modules: table<string, any>, seconds: number? } where modules are
---  looked for, those that are given, and how long the file may compute
---@return boolean ok
---@return any result what the file returned; or what was raised, nothing when the file only
---  did not come to an end
---@return boolean asked whether it asked for something that is not there
function M.run(file, given)
  local world = new_world(given)
  world.require = new_require(given, world)
  local chunk, problem = chunk_of(file, world)
  if not chunk then return false, problem, false end
  asked = false
  local ok, result = with_limit(chunk, given.seconds or CPU_SECONDS)
  if ok then return true, result, asked end
  if rawequal(result, EXIT) then return true, nil, asked end
  return false, not rawequal(result, ENDLESS) and result or nil, asked
end

return M
