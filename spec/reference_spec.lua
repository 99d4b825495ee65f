-- SPDX-License-Identifier: MIT
--- docs/api.md is what the comments say now, and they say something of every
--- public name.
local reference = require "tools.reference"

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local function set(list)
  local found = {}
  for _, name in ipairs(list) do found[name] = true end
  return found
end

---The functions of a module that a script sees, the forwarded ones excepted.
local function public(section)
  local module = require(section.module)
  local inner = set(section.inner or {})
  local names = {}
  for name, value in pairs(module) do
    if type(value) == "function" and not inner[name] and not name:find "^_" then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return names
end

local function names_shown(title)
  for _, section in ipairs(reference.SECTIONS) do
    if section.title == title then
      local names = {}
      for _, doc in ipairs(reference.shown(section, reference.read(section.file))) do
        names[doc.name] = true
      end
      return names
    end
  end
end

---What is missing in the comment of a function.
local function faults_of(doc)
  local faults, annotated = {}, {}
  if not doc.text:find "%a" then faults[#faults + 1] = "no sentence" end
  for _, param in ipairs(doc.params) do
    annotated[param.name] = true
    if param.type == "" then faults[#faults + 1] = "no type of " .. param.name end
  end
  for name in (doc.arguments or ""):gmatch "[%w_%.]+" do
    if not annotated[name] then faults[#faults + 1] = "no type of " .. name end
  end
  return faults
end

describe("docs/api.md", function()
  it("is what `make docs` writes", function()
    assert(read "docs/api.md" == reference.page(), "docs/api.md is stale: make docs")
  end)

  it("shows every function of every public module", function()
    local of_branches = { finitomata = names_shown "A branch",
      infinitomata = names_shown "A branch of the cluster" }
    for _, name in ipairs { "await", "run", "sleep" } do of_branches.infinitomata[name] = true end
    for _, section in ipairs(reference.SECTIONS) do
      local shown = names_shown(section.title)
      for _, name in ipairs(section.module and public(section) or {}) do
        local forwarded = of_branches[section.module]
        assert(shown[name] or forwarded and forwarded[name],
          ("%s.%s is public and not documented"):format(section.module, name))
      end
    end
  end)

  for what, origin in pairs {
    option = { "options", "KNOWN", "finitomata.Options" },
    callback = { "callbacks", "KEYS", "finitomata.Callbacks" },
  } do
    it("shows every " .. what .. " of a definition, and no other", function()
      local module, names, class = table.unpack(origin)
      local known, shown = {}, {}
      for name in pairs(require("finitomata." .. module)[names]) do known[#known + 1] = name end
      local source = reference.read(("lua/finitomata/%s.lua"):format(module))
      for _, field in ipairs(source.classes[class].fields) do shown[#shown + 1] = field.name end
      table.sort(known)
      table.sort(shown)
      assert.same(known, shown)
    end)
  end

  it("hides no function that is not there", function()
    for _, section in ipairs(reference.SECTIONS) do
      local declared = {}
      for _, doc in ipairs(reference.read(section.file).functions) do
        if doc.of == section.of then declared[doc.name] = true end
      end
      for _, name in ipairs(section.inner or {}) do
        assert(declared[name], ("%s: there is no %s"):format(section.title, name))
      end
    end
  end)
end)

describe("the comments", function()
  for _, section in ipairs(reference.SECTIONS) do
    it("of " .. section.title .. " say what each function does and takes", function()
      for _, doc in ipairs(reference.shown(section, reference.read(section.file))) do
        assert.same({}, faults_of(doc), section.file .. ": " .. doc.name)
      end
    end)

    it("of " .. section.title .. " say what each field is", function()
      local source = reference.read(section.file)
      for _, class in ipairs(section.classes or {}) do
        for _, field in ipairs(source.classes[class].fields) do
          assert(field.private or field.text ~= "" or field.name == "name",
            ("%s: %s.%s"):format(section.file, class, field.name))
        end
      end
    end)
  end
end)

describe("the reader of comments", function()
  local path

  setup(function()
    path = os.tmpname()
    local file <close> = assert(io.open(path, "w"))
    file:write [[
--- A head.
local M = {}

---@class thing
---@field size? fun(a: integer, b: string): table<string, { x: any }>? how big,
---  in words
---@field private _secret integer

---Does it.
---@async
---@param a { b: string, c: fun(d): any }[] the first
---@param e? string|integer
---@return true? ok
---@return any ...
function M.go(a, e) end

M.alias = nil

function M:bare(f) end
]]
  end)
  teardown(function() os.remove(path) end)

  it("finds types with blanks in them", function()
    local source = reference.read(path)
    assert.equal("A head.", source.head)
    local size, secret = table.unpack(source.classes.thing.fields)
    assert.equal("fun(a: integer, b: string): table<string, { x: any }>?", size.type)
    assert.equal("how big, in words", size.text)
    assert.is_true(size.optional)
    assert.is_true(secret.private)
  end)

  it("finds parameters and results", function()
    local go = reference.read(path).functions[1]
    assert.equal("Does it.", go.text)
    assert.is_true(go.async)
    assert.same({ name = "a", optional = false, type = "{ b: string, c: fun(d): any }[]",
      text = "the first" }, go.params[1])
    assert.same({ name = "e", optional = true, type = "string|integer", text = "" }, go.params[2])
    assert.same({ type = "true?", name = "ok", text = "" }, go.returns[1])
    assert.same({ type = "any ...", text = "" }, go.returns[2])
  end)

  it("shows functions without a comment, so that they are missed", function()
    local shown = reference.shown({ of = "M" }, reference.read(path))
    assert.equal(2, #shown)
    assert.same({ "no sentence", "no type of f" }, faults_of(shown[2]))
  end)
end)
