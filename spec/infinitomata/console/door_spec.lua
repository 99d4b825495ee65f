-- SPDX-License-Identifier: MIT
local door = require "infinitomata.console.door"

describe("door", function()
  local program = { user_id = function() return 7 end }

  it("is in the user's runtime folder, else in one of the user's own", function()
    assert.equal("/run/user/7/infinitomata", door.folder(program, function(name)
      return name == "XDG_RUNTIME_DIR" and "/run/user/7"
    end))
    assert.equal("/tmp/infinitomata-7", door.folder(program, function() end))
    assert.equal("/tmp/infinitomata-7", door.folder(program, function() return "relative" end))
  end)

  it("never leaves its folder, whatever a node is called", function()
    assert.equal("/r/a%2f..%2fb.sock", door.path("/r", "a/../b"))
    assert.equal("/r/..sock", door.path("/r", "."))
    assert.equal("/r/%00.sock", door.path("/r", "\0"))
  end)

  it("takes localhost for what it is", function()
    assert.equal("/r/127.0.0.1:7946.sock", door.path("/r", "localhost:7946"))
  end)
end)
