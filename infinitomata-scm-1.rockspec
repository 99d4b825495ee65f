rockspec_format = "3.0"
package = "infinitomata"
version = "scm-1"
source = {
  url = "git+https://github.com/infinitomata/infinitomata.git",
  branch = "main",
}
description = {
  summary = "Finite state machines in Lua that run transparently in a cluster",
  detailed = [[
    Draw a state machine as a Mermaid or PlantUML diagram, write its callbacks
    in Lua, and start it by name: it runs on one node of the cluster and is
    called by its name from all of them. A C runtime finds it, carries the
    events and notices nodes that fail.
  ]],
  homepage = "https://github.com/infinitomata/infinitomata",
  issues_url = "https://github.com/infinitomata/infinitomata/issues",
  license = "MIT",
  labels = { "fsm", "state-machine", "cluster", "distributed", "actor" },
}
dependencies = { "lua >= 5.4, < 5.5", "argparse >= 0.7", "lua-cjson >= 2.1.0" }
test_dependencies = { "busted >= 2.1" }
external_dependencies = {
  UV = { header = "uv.h", library = "uv" },
  OPENSSL = { header = "openssl/ssl.h", library = "ssl" },
}
build = {
  type = "make",
  build_variables = {
    B = "build/rock", -- other flags than make's own: objects of its own
    CFLAGS = "$(CFLAGS)",
    LIBFLAG = "$(LIBFLAG)",
    LUA_INCDIR = "$(LUA_INCDIR)",
    UV_INCDIR = "$(UV_INCDIR)",
    UV_LIBDIR = "$(UV_LIBDIR)",
    OPENSSL_INCDIR = "$(OPENSSL_INCDIR)",
    OPENSSL_LIBDIR = "$(OPENSSL_LIBDIR)",
  },
  install_variables = {
    B = "build/rock",
    INST_BINDIR = "$(BINDIR)",
    INST_LUADIR = "$(LUADIR)",
    INST_LIBDIR = "$(LIBDIR)",
    INST_DEV = "no",
  },
  copy_directories = { "docs", "examples" },
}
test = { type = "command", command = "make spec" }
