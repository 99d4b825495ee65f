#!/bin/sh
# SPDX-License-Identifier: MIT
# LuaRocks builds and installs the rock without a network, and the program
# runs from LuaRocks' tree.
. tests/lib.sh
unset MAKEFLAGS MAKELEVEL MFLAGS LUA_PATH LUA_CPATH

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree
# Objects of its own: LuaRocks brings other flags.
B=$1/rock
LUAROCKS_CONFIG=$PWD/.ci/luarocks-debian.lua
export B LUAROCKS_CONFIG

rocks() { luarocks --lua-version=5.4 --tree="$tree" "$@"; }
elsewhere() { (cd / && "$@"); }
script='local f = require "finitomata"
  local d = f.define { name = "d", fsm = "[*] --> a\na --> |go| b" }
  print(d:describe() ~= nil, #d.states)'
gone() { [ ! -e "$tree/bin/infinitomata" ] && [ ! -e "$tree/share/lua/5.4/finitomata" ]; }

ok_if "the rockspec passes luarocks lint" rocks lint infinitomata-scm-1.rockspec
ok_if "luarocks make" rocks make infinitomata-scm-1.rockspec
ok_if "the program runs from the tree" \
    says 0.1.0 elsewhere "$tree/bin/infinitomata" version
ok_if "and finds its Lua there" \
    says true elsewhere "$tree/bin/infinitomata" -e "$script"
ok_if "stock lua5.4 finds the modules there" \
    says true elsewhere env LUA_PATH="$tree/share/lua/5.4/?.lua;$tree/share/lua/5.4/?/init.lua" \
    LUA_CPATH="$tree/lib/lua/5.4/?.so" lua5.4 -e "$script"
ok_if "luarocks remove" rocks remove infinitomata
ok_if "takes it out again" gone
done_testing
