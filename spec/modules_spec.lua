-- SPDX-License-Identifier: MIT
--- docs/modules.md has every module in one line, as its source has it.
local modules = require "tools.modules"

describe("docs/modules.md", function()
  it("is what `make docs` writes", function()
    local file <close> = assert(io.open "docs/modules.md")
    assert(file:read "a" == modules.page(), "docs/modules.md is stale: make docs")
  end)

  it("knows every folder of sources", function()
    local known = {}
    for _, folder in ipairs(modules.FOLDERS) do known[folder] = true end
    local pipe <close> = assert(io.popen "find runtime lua -mindepth 1 -type d | sort")
    for folder in pipe:lines() do
      assert(known[folder] or folder == "runtime/include" or folder == "lua/meta", folder)
    end
  end)

  it("has something to say of every module", function()
    for _, folder in ipairs(modules.FOLDERS) do
      for _, module in ipairs(modules.of(folder)) do
        assert(module.text, ("%s/%s does not say what it is"):format(folder, module.name))
      end
    end
  end)
end)

describe("a first sentence", function()
  it("ends at the first full stop, and stands on one line", function()
    assert.equal("Who is there, and how", modules.sentence(
      "who is there,\n   and how. Not more.\n\nNor this."))
  end)
  it("may lack the full stop", function()
    assert.equal("Calls", modules.sentence "calls:\n\n    more")
  end)
  it("does not end at a number", function()
    assert.equal("TLS 1.3 for links", modules.sentence "TLS 1.3 for links. And more.")
  end)
end)
