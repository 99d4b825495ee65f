-- SPDX-License-Identifier: MIT
local core = require "infinitomata.core"

describe("core.sd_notify", function()
  it("sends one datagram", function()
    local found, unix = pcall(require, "socket.unix")
    if not found or type(unix) ~= "table" or not unix.dgram then return pending("no luasocket") end
    local path = os.tmpname()
    os.remove(path)
    local socket = assert(unix.dgram())
    assert(socket:bind(path))
    assert.is_true(core.sd_notify(path, "READY=1\nSTATUS=up"))
    assert.equal("READY=1\nSTATUS=up", socket:receive())
    socket:close()
    os.remove(path)
  end)
  it("says when nobody listens", function()
    for _, path in ipairs { "/nowhere/at/all", "@infinitomata-nobody" } do
      local ok, why = core.sd_notify(path, "READY=1")
      assert.is_nil(ok)
      assert.is_string(why)
    end
  end)
  it("refuses what is no address", function()
    for _, path in ipairs { "", "/", "relative", ("/x"):rep(100) } do
      assert.same({ nil, "no address of a socket" }, { core.sd_notify(path, "READY=1") })
    end
    assert.has_error(function() core.sd_notify("/x") end)
  end)
end)
