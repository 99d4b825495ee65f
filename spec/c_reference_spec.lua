-- SPDX-License-Identifier: MIT
--- docs/c-api.md is what the public header says now, and it explains every name.
local reference = require "tools.c_reference"

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

describe("docs/c-api.md", function()
  it("is what `make docs` writes", function()
    assert(read "docs/c-api.md" == reference.page(), "docs/c-api.md is stale: make docs")
  end)

  it("explains every exported name", function()
    local explained = {}
    for _, entry in ipairs(reference.read()) do
      if entry.name then explained[entry.name] = entry.comment:find "%a" ~= nil end
    end
    local names = reference.exported()
    assert.is_true(#names > 20)
    for _, name in ipairs(names) do assert(explained[name], name .. " has no comment") end
  end)
end)

describe("the reader of the header", function()
  local path

  setup(function()
    path = os.tmpname()
    local file <close> = assert(io.open(path, "w"))
    file:write [[
/* infinitomata.h: a head. */
/** How many. */
#define INF_MANY 3
/* ---- things ---- */
/** A thing. */
typedef struct inf_thing {
    int a; /* one; two */
} inf_thing;
/**
 * Makes it.
 * @return 0, or a code.
 */
INF_EXPORT int inf_make(inf_thing **out,
                        void (*done)(void *ctx));
INF_EXPORT void inf_bare(void);
]]
  end)
  teardown(function() os.remove(path) end)

  it("takes declarations to their end", function()
    local list, head = reference.read(path)
    assert.equal("a head.", head)
    assert.equal("INF_MANY", list[1].name)
    assert.equal("things", list[2].section)
    assert.equal("inf_thing", list[3].name)
    assert.equal("typedef struct inf_thing {\n    int a; /* one; two */\n} inf_thing;",
      list[3].text)
    assert.equal("inf_make", list[4].name)
    assert.equal("Makes it.\nReturns 0, or a code.", list[4].comment)
    assert.is_nil(list[5])
  end)

  it("finds what has no comment", function()
    assert.same({ "inf_make", "inf_bare" }, reference.exported(path))
  end)
end)
