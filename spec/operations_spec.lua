-- SPDX-License-Identifier: MIT
--- docs/operations.md lists every line that the runtime may write into its log,
--- and no other, and its limits are those of the sources.
local PAGE <const> = "docs/operations.md"

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local function files(pattern)
  local list = {}
  local pipe <close> = assert(io.popen("find runtime lua -name '" .. pattern .. "' | sort"))
  for path in pipe:lines() do
    if not path:find "^lua/meta" then list[#list + 1] = path end
  end
  return list
end

---The text of the string literals that stand one after the other from a position on.
local function literals(source, at)
  local text = ""
  while true do
    local first, last, part = source:find('^%s*"(.-[^\\])"', at)
    if not first then return text end
    text, at = text .. part, last + 1
  end
end

---The formats that follow a pattern in a source.
local function collect(list, path, source, pattern, level)
  for at in source:gmatch(pattern .. "()") do
    local format = literals(source, at)
    if format ~= "" then
      list[#list + 1] = { path = path, format = format:gsub("\\n", ""), level = level }
    end
  end
end

local LEVELS <const> = { INFO = "info", WARN = "warning", ERROR = "error" }

---Every call that writes a line of level info or above: {path=, format=, level=}.
local function lines_of_sources()
  local list = {}
  for _, path in ipairs(files "*.c") do
    local source = read(path)
    for name, level in pairs(LEVELS) do
      collect(list, path, source, "inf_outbox_log%([^;\"]-INF_LOG_" .. name .. ",", level)
      collect(list, path, source, "log_line%([^;\"]-INF_LOG_" .. name .. ",", level)
    end
    if source:find("INF_EFFECT_LOG,", 1, true) then
      collect(list, path, source, "snprintf%(line, sizeof line,")
    end
    if not path:find "main%.c$" then collect(list, path, source, "fprintf%(stderr,") end
  end
  for _, path in ipairs(files "*.lua") do
    local source = read(path)
    for _, call in ipairs { "info", "warning", "error" } do
      collect(list, path, source, '%f[%w]log"?%)?%.' .. call .. "%(", call)
      collect(list, path, source, '%f[%w]log%.write%([^\n]-"' .. call .. '",', call)
    end
  end
  return list
end

---What lines say whose format has no words of its own.
local SAYS <const> = {
  ["runtime/bind/binding.c: infinitomata: %s"] = { "TEXT" },
  ["lua/finitomata/clock.lua: %s"] = { "TEXT" },
  ["lua/finitomata/task.lua: %s"] = { "TEXT" },
  ["lua/finitomata/starting.lua: %s: %s"] = { "DEFINITION: WHY" },
  ["lua/finitomata/transition.lua: %s: %s"] =
    { "NAME: automatic events go round: EVENTS", "NAME: WHY" },
  ["lua/infinitomata/service.lua: %s"] = { "node NAME at A" },
  ["runtime/core/member.c: %s: %s"] = {
    "A: wrong key, or none: no key of ours opens what it sends",
    "A: it has a key, and we have none",
    "A: its label is another than ours",
    "A: WHY",
  },
}

---The lines that the page explains, each with its level.
local function lines_of_page()
  local shown = {}
  local text = read(PAGE):match "\n## The log\n(.-)\n## "
  for line, level in text:gmatch "\n| `([^`]+)` | ([%l, ]*)" do shown[line] = level end
  for line, level in text:gmatch "\n| `` (.-) `` | ([%l, ]*)" do shown[line] = level end
  return shown
end

---The line of the page that a format makes: each conversion is a word in capitals.
local function line_for(format, shown)
  local pattern = format:gsub("%%[%.%*l]*%a", "\0"):gsub("[%^%$%(%)%%%.%[%]%*%+%-%?]", "%%%0")
    :gsub("\0", "%%u+")
  for line in pairs(shown) do
    if line:find("^" .. pattern .. "$") then return line end
  end
end

describe("the log", function()
  local shown = lines_of_page()
  local found = lines_of_sources()
  local explained = {}

  it("has many lines", function() assert.is_true(#found > 30, #found) end)

  it("is explained line by line", function()
    for _, each in ipairs(found) do
      local says = SAYS[each.path .. ": " .. each.format]
      for _, line in ipairs(says or {}) do
        assert(shown[line], ("%s: %s is not explained: %s"):format(each.path, each.format, line))
        explained[line] = true
      end
      local line = not says and line_for(each.format, shown)
      assert(says or line, ("%s writes a line that %s does not explain: %s"):format(each.path, PAGE,
        each.format))
      if line then explained[line] = true end
      local one = line or #says == 1 and says[1]
      assert(not one or not each.level or shown[one]:find(each.level, 1, true),
        ("%s: `%s` is of level %s"):format(each.path, tostring(one), tostring(each.level)))
    end
    for line in pairs(shown) do
      assert(explained[line], ("%s explains a line that nothing writes: %s"):format(PAGE, line))
    end
  end)

  it("is searched for what it says", function()
    for site, lines in pairs(SAYS) do
      local path, format = site:match "^(%S+): (.*)$"
      local there = false
      for _, each in ipairs(found) do
        there = there or each.path == path and each.format == format
      end
      assert(there, site .. " is no line any more")
      for _, line in ipairs(lines) do
        local words = line:match "%l[%l ,]+%l"
        if words then assert(read(path):find(words, 1, true), path .. " does not say " .. words) end
      end
    end
  end)
end)

---The value of a macro that is a number, or a product or shift of numbers.
local function macro(path, name)
  local text = read(path):match("#define " .. name .. "%s+(%b())")
    or read(path):match("#define " .. name .. "%s+(%w+)")
  return load("return " .. text:gsub("(%d)u%f[%W]", "%1"))()
end

local function number(text)
  return math.tointeger(tonumber((text:gsub(",", ""))))
end

local LIMITS <const> = {
  ["the name of an FSM"] = { "runtime/base/def.h", "INF_NAME_MAX" },
  ["the name of a node"] = { "runtime/base/def.h", "INF_NODE_NAME_MAX" },
  ["members, dead ones included"] = { "runtime/core/node.h", "INF_MEMBERS_MAX" },
  ["names in all branches"] = { "runtime/core/node.h", "INF_ROWS_MAX" },
  ["branches of a node"] = { "runtime/core/node.h", "INF_BRANCHES_MAX" },
  ["keys of a node"] = { "runtime/core/keyring.h", "INF_KEYS_MAX" },
  ["tags of a node, with their keys"] = { "runtime/core/node.h", "INF_TAGS_MAX" },
  ["one message: a payload with all around it"] =
    { "runtime/core/rpc_frame.h", "INF_RPC_FRAME_MAX", 1 << 20 },
  ["calls of one node that have not ended"] = { "runtime/core/rpc.h", "INF_RPC_CALLS_MAX" },
  ["requests that a node has taken and not answered"] =
    { "runtime/core/rpc.h", "INF_RPC_REQUESTS_MAX" },
  ["bytes that wait to be written on one link"] =
    { "runtime/host/link.h", "INF_LINK_BYTES_MAX", 1 << 20 },
  ["links for calls of a node"] = { "runtime/host/link.h", "INF_LINKS_MAX" },
}

describe("the limits", function()
  it("are those of the sources", function()
    local text = read(PAGE):match "\n## Limits\n(.*)"
    for what, limit in pairs(LIMITS) do
      local row = text:match("\n| " .. what:gsub("%p", "%%%0") .. " | ([%d,]+)")
      assert(row, what .. " is not there")
      assert.equal(macro(limit[1], limit[2]), number(row) * (limit[3] or 1), what)
    end
  end)
end)
