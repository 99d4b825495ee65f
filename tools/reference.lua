-- SPDX-License-Identifier: MIT
--- Makes docs/api.md of the comments in the sources: `make docs`. What is public
--- is said in SECTIONS; spec/reference_spec.lua holds it against the modules.
local M = {}

local INTRO <const> = [==[
# The API

Made from the comments in the sources by `make docs`. To learn the library, read
[Write an FSM](engine.md) and [The cluster](cluster.md); this page is for looking
things up.

Times are milliseconds. What can fail at run time returns `nil, err`, where `err` is a
[finitomata.Error](#errors) whose codes are in [Errors](errors.md); a wrong type is the
caller's mistake and raises, and so does an option that does not exist. Calls marked
*waits* park the coroutine that makes them and let everything else go on; outside of a
coroutine they run the loop until they are answered. A `?` marks what may be absent.

The examples are run by the tests. They share this FSM:

```lua
-- turnstile.lua
local finitomata = require "finitomata"

local turnstile = finitomata.define {
  fsm = [[
    [*] --> closed
    closed --> |coin_in| opened
    opened --> |walk_in| closed
    closed --> |switch_off| off
  ]],
}

function turnstile.on_transition(_, event, coin)
  if event == "coin_in" and (coin or 0) < 1 then return nil, "too little" end
end

return turnstile
```
]==]

---A section: a heading, the source it is made from, the table in that source whose
---functions it shows and how a script writes it, and the classes before them.
---`inner` are functions that only other modules of the library call.
M.SECTIONS = {
  { title = "finitomata", file = "lua/finitomata/init.lua", of = "M", as = "finitomata.",
    module = "finitomata", note = "Every method of [a branch](#a-branch) is a function of this "
      .. "module, too, and acts on the default branch: `finitomata.call(name, event)`." },
  { title = "Options of define", file = "lua/finitomata/options.lua",
    classes = { "finitomata.Options" } },
  { title = "Callbacks", file = "lua/finitomata/callbacks.lua",
    classes = { "finitomata.Callbacks", "finitomata.TimerAnswer" } },
  { title = "What callbacks see", file = "lua/finitomata/view.lua",
    classes = { "finitomata.Fsm" } },
  { title = "A definition", file = "lua/finitomata/definition.lua",
    classes = { "finitomata.Definition" }, of = "Definition", as = "definition:" },
  { title = "A branch", file = "lua/finitomata/supervisor.lua",
    classes = { "finitomata.Branch" }, of = "Branch", as = "branch:",
    inner = { "rename_node", "set_ref", "forget", "dismiss", "on_stop", "sender" } },
  { title = "A delayed event", file = "lua/finitomata/delayed.lua", of = "Delayed",
    as = "delayed:" },
  { title = "Errors", file = "lua/finitomata/error.lua", classes = { "finitomata.Error" } },
  { title = "A flow", file = "lua/finitomata/flow.lua", classes = { "finitomata.FlowStep",
    "finitomata.Flow" }, of = "Flow", as = "flow:" },
  { title = "A virtual clock", file = "lua/finitomata/clock.lua", of = "Virtual", as = "clock:" },
  { title = "finitomata.persistency", file = "lua/finitomata/persistency/init.lua", of = "M",
    as = "finitomata.persistency.", module = "finitomata.persistency" },
  { title = "Storage in memory", file = "lua/finitomata/persistency/memory.lua",
    classes = { "finitomata.persistency.Memory", "finitomata.persistency.Snapshot" } },
  { title = "finitomata.telemetry", file = "lua/finitomata/telemetry.lua", of = "M",
    as = "finitomata.telemetry.", module = "finitomata.telemetry",
    inner = { "now", "transition" }, classes = { "finitomata.telemetry.Record" } },
  { title = "finitomata.log", file = "lua/finitomata/log.lua", of = "M", as = "finitomata.log.",
    module = "finitomata.log" },
  { title = "finitomata.config", file = "lua/finitomata/config.lua", of = "M",
    as = "finitomata.config.", module = "finitomata.config" },
  { title = "finitomata.spec", file = "lua/finitomata/spec.lua", of = "M", as = "spec.",
    module = "finitomata.spec", classes = { "finitomata.ExploreOptions" } },
  { title = "A walk", file = "lua/finitomata/spec.lua", classes = { "finitomata.Walk" },
    of = "Walk", as = "walk:", headless = true },
  { title = "infinitomata", file = "lua/infinitomata/init.lua", of = "M", as = "infinitomata.",
    module = "infinitomata", note = "Every method of [a branch of the "
      .. "cluster](#a-branch-of-the-cluster) is a function of this module, too, and acts on "
      .. "the default branch: `infinitomata.call(name, event)`. `await`, `run` and `sleep` are "
      .. "those of [finitomata](#finitomata)." },
  { title = "A branch of the cluster", file = "lua/infinitomata/branch.lua",
    classes = { "infinitomata.Branch", "infinitomata.Row" }, of = "Branch", as = "branch:",
    inner = { "new", "announce", "leave_cluster", "lose", "judge", "serve" } },
  { title = "The retry policy", file = "lua/infinitomata/policy.lua",
    classes = { "infinitomata.Policy" } },
  { title = "infinitomata.node", file = "lua/infinitomata/node.lua", of = "M",
    as = "infinitomata.node.", module = "infinitomata.node",
    classes = { "infinitomata.NodeOptions", "infinitomata.Member" } },
  { title = "infinitomata.cluster_info", file = "lua/infinitomata/cluster_info.lua", of = "M",
    as = "infinitomata.cluster_info.", module = "infinitomata.cluster_info",
    classes = { "infinitomata.ClusterInfo" } },
  { title = "infinitomata.ring", file = "lua/infinitomata/ring.lua", of = "M",
    as = "infinitomata.ring.", module = "infinitomata.ring",
    classes = { "infinitomata.RingOptions" } },
  { title = "A ring", file = "lua/infinitomata/ring.lua", of = "Ring", as = "ring:",
    headless = true },
}

-- ---- reading -------------------------------------------------------------------

---The end of the type that begins a text: brackets are closed, `|` and the result
---of a `fun()` belong to it.
local function end_of_type(text)
  local at, depth = 1, 0
  while at <= #text do
    local c = text:sub(at, at)
    if c:find "[%(%{%[<]" then depth = depth + 1 end
    if c:find "[%)%}%]>]" then depth = depth - 1 end
    if depth == 0 and c == " " then
      local before, after = text:sub(1, at - 1), text:sub(at + 1)
      if not (before:find "[|]$" or before:find "%):$" or after:find "^|") then return at - 1 end
    end
    at = at + 1
  end
  return #text
end

local function split_type(text)
  local stop = end_of_type(text)
  return text:sub(1, stop), (text:sub(stop + 1):gsub("^%s+", ""))
end

local tag = {}

function tag.param(doc, rest)
  local name, optional, after = rest:match "^([%w_%.]+)(%??)%s*(.*)$"
  local kind, text = split_type(after)
  doc.params[#doc.params + 1] =
    { name = name, optional = optional == "?", type = kind, text = text }
end

tag["return"] = function(doc, rest)
  local kind, text = split_type(rest)
  local name, after = text:match "^([%a_][%w_]*)%s*(.*)$"
  if text == "..." then kind = kind .. " ..." end
  doc.returns[#doc.returns + 1] = { type = kind, name = name, text = after or "" }
end

function tag.field(doc, rest)
  local private = rest:match "^private%s+(.*)$"
  local name, optional, after = (private or rest):match "^([%w_]+)(%??)%s+(.*)$"
  if not name then return end
  local kind, text = split_type(after)
  doc.fields[#doc.fields + 1] = { name = name, optional = optional == "?", type = kind, text = text,
    private = private ~= nil }
end

function tag.class(doc, rest) doc.class = rest:match "^[%w_%.]+" end
function tag.async(doc) doc.async = true end
function tag.private(doc) doc.private = true end

---A block of comment lines, without their dashes.
local function read_block(lines)
  local doc = { text = {}, params = {}, returns = {}, fields = {} }
  local joined = {}
  for _, line in ipairs(lines) do
    if line:find "^  " and joined[#joined] and joined[#joined]:find "^@" then
      joined[#joined] = joined[#joined] .. " " .. line:gsub("^%s+", "")
    else
      joined[#joined + 1] = line
    end
  end
  for _, line in ipairs(joined) do
    local name, rest = line:match "^@(%a+)%s*(.*)$"
    if not name then
      doc.text[#doc.text + 1] = line
    elseif tag[name] then
      tag[name](doc, rest)
    end
  end
  doc.text = table.concat(doc.text, "\n")
  return doc
end

---What a line declares: the table, the name, and the arguments as written.
local function declared(line)
  local of, name, arguments = line:match "^%s*function ([%w_]+)[.:]([%w_]+)(%b())"
  if of then return of, name, arguments end
  return line:match "^([%w_]+)%.([%w_]+) = "
end

---Reads a source: its head, its classes, and everything that it declares.
---@param path string
---@return { head: string, classes: table<string, table>, functions: table[] }
function M.read(path)
  local source = { classes = {}, functions = {} }
  local block
  for line in io.lines(path) do
    local comment = line:match "^%s*%-%-%-(.*)$"
    if comment then
      block = block or {}
      block[#block + 1] = comment
    else
      local doc = block and read_block(block)
      block = nil
      if doc and doc.class then source.classes[doc.class] = doc end
      if doc and not source.head then source.head = doc.text:gsub("^ ", ""):gsub("\n ", "\n") end
      local of, name, arguments = declared(line)
      if of then
        doc = doc or read_block {}
        doc.of, doc.name, doc.arguments = of, name, arguments
        source.functions[#source.functions + 1] = doc
      end
    end
  end
  return source
end

---The functions that a section shows.
---@param section table
---@param source table
---@return table[]
function M.shown(section, source)
  local inner = {}
  for _, name in ipairs(section.inner or {}) do inner[name] = true end
  local list = {}
  for _, doc in ipairs(source.functions) do
    local visible = not doc.private and not inner[doc.name] and not doc.name:find "^_"
    if doc.of == section.of and visible and (doc.arguments or doc.text ~= "") then
      list[#list + 1] = doc
    end
  end
  return list
end

-- ---- writing -------------------------------------------------------------------

local function sentence(text)
  return text == "" and "" or ": " .. text
end

local function item(name, entry)
  return ("- `%s%s` `%s`%s"):format(name, entry.optional and "?" or "", entry.type,
    sentence(entry.text))
end

local function signature(section, doc)
  local names = {}
  for _, param in ipairs(doc.params) do
    names[#names + 1] = param.name .. (param.optional and "?" or "")
  end
  return ("%s%s(%s)"):format(section.as, doc.name, table.concat(names, ", "))
end

---The text with the remark that the call waits, before an example.
local function says_waits(text)
  local said, example = text:match "^(.-)(\n\n```.*)$"
  return (said or text) .. " *Waits.*" .. (example or "")
end

local function write_function(section, doc, out)
  out[#out + 1] = ("### `%s`\n"):format(signature(section, doc))
  out[#out + 1] = doc.async and says_waits(doc.text) or doc.text
  if #doc.params + #doc.returns > 0 then out[#out + 1] = "" end
  for _, param in ipairs(doc.params) do out[#out + 1] = item(param.name, param) end
  for at, result in ipairs(doc.returns) do
    out[#out + 1] = ("- %s `%s`%s%s"):format(at == 1 and "returns" or "and", result.type,
      result.name and (" *%s*"):format(result.name) or "", sentence(result.text))
  end
  out[#out + 1] = ""
end

local function write_class(doc, out)
  if doc.text ~= "" then out[#out + 1] = doc.text .. "\n" end
  out[#out + 1] = ("`%s`:\n"):format(doc.class)
  for _, field in ipairs(doc.fields) do
    if not field.private then out[#out + 1] = item(field.name, field) end
  end
  out[#out + 1] = ""
end

---The sections, each a link.
local function contents()
  local out = {}
  for i, section in ipairs(M.SECTIONS) do
    local anchor = section.title:lower():gsub("%.", ""):gsub(" ", "-")
    out[i] = ("- [%s](#%s)"):format(section.title, anchor)
  end
  return table.concat(out, "\n") .. "\n"
end

---The whole page.
---@return string
function M.page()
  local out = { INTRO, contents() }
  for _, section in ipairs(M.SECTIONS) do
    local source = M.read(section.file)
    out[#out + 1] = ("## %s\n"):format(section.title)
    if not section.headless and section.of then out[#out + 1] = source.head .. "\n" end
    if section.note then out[#out + 1] = section.note .. "\n" end
    for _, class in ipairs(section.classes or {}) do
      write_class(assert(source.classes[class], class), out)
    end
    for _, doc in ipairs(M.shown(section, source)) do write_function(section, doc, out) end
  end
  return (table.concat(out, "\n"):gsub("\n+$", "\n"))
end

if (...) ~= "tools.reference" then io.write(M.page()) end

return M
