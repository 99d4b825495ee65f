-- SPDX-License-Identifier: MIT
-- For LuaRocks without a network: what Debian's packages provide already.
--   LUAROCKS_CONFIG=.ci/luarocks-debian.lua luarocks --tree=build/tree make
lua_version = "5.4"
rocks_provided = {
  argparse = "0.7.1-1",
  ["lua-cjson"] = "2.1.0-1",
  busted = "2.1.1-1",
  luv = "1.44.2-0",
}
rocks_servers = {}
