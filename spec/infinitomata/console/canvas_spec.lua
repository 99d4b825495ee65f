-- SPDX-License-Identifier: MIT
local canvases = require "infinitomata.console.canvas"

describe("A canvas", function()
  local function drawn(unicode, draw)
    local canvas = canvases.new(unicode)
    draw(canvas)
    return canvas:rows()
  end

  it("joins lines where they meet", function()
    local function cross(canvas)
      canvas:down(3, 1, 3)
      canvas:step(1, 5, 2)
    end
    assert.same({ "  │", "╰─┼─╮", "  │" }, drawn(true, cross))
    assert.same({ "  |", "+-+-+", "  |" }, drawn(false, cross))
  end)

  it("turns lines to the left as well, and goes straight on", function()
    assert.same({ "╭─╯│" }, drawn(true, function(canvas)
      canvas:step(3, 1, 1)
      canvas:step(4, 4, 1)
    end))
  end)

  it("leaves wide characters their room, and joins marks to what they belong to", function()
    assert.same({
      "┌────────┐",
      "│ 日本語 │",
      "│  né\u{301}t   │",
      "└────────┘",
    }, drawn(true, function(canvas)
      canvas:box(1, 1, 10, { "日本語", "né\u{301}t" }, false)
    end))
    assert.same({ "\27[1m状態\27[0m|" }, drawn(false, function(canvas)
      canvas:down(5, 1, 1)
      canvas:text(1, 1, "状態", "1")
    end))
  end)

  it("draws boxes, plain and strong, with their ports", function()
    local function boxes(canvas)
      canvas:box(1, 1, 7, { "one", "three" }, false)
      canvas:port(3, 1, "top", true, false)
      canvas:port(4, 4, "bottom", false, false)
      canvas:box(9, 1, 5, { "b" }, true)
      canvas:port(11, 3, "bottom", true, true)
      canvas:port(11, 1, "top", false, true)
    end
    assert.same({
      "┌─▼───┐ ╔═╧═╗",
      "│ one │ ║ b ║",
      "│three│ ╚═▲═╝",
      "└──┬──┘",
    }, drawn(true, boxes))
    assert.same({
      "+-v---+ +=+=+",
      "| one | # b #",
      "|three| +=^=+",
      "+--+--+",
    }, drawn(false, boxes))
  end)

  it("covers lines by texts, character by character", function()
    assert.same({ "ähé─╮" }, drawn(true, function(canvas)
      canvas:step(1, 5, 1)
      canvas:text(1, 1, "ähé")
    end))
  end)

  it("colours a text and nothing beside it", function()
    assert.same({ "a\27[1mb\27[0mc" }, drawn(true, function(canvas)
      canvas:text(1, 1, "abc")
      canvas:text(2, 1, "b", "1")
    end))
  end)

  it("knows from the locale whether the terminal has more than ASCII", function()
    local function has(variables)
      return canvases.has_unicode(function(name) return variables[name] end)
    end
    assert.is_true(has { LANG = "en_US.UTF-8" })
    assert.is_true(has { LC_ALL = "C.utf8", LANG = "C" })
    assert.is_false(has { LC_ALL = "C", LANG = "en_US.UTF-8" })
    assert.is_false(has { LC_ALL = "", LC_CTYPE = "POSIX", LANG = "en_US.UTF-8" })
    assert.is_false(has {})
  end)
end)
