#!/bin/sh
# SPDX-License-Identifier: MIT
# make install puts everything in one place from where it works, and make
# uninstall takes all of it out again.
. tests/lib.sh
unset MAKEFLAGS MAKELEVEL MFLAGS LUA_PATH LUA_CPATH

build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/usr

cat >"$work/door.lua" <<'LUA'
local finitomata = require "finitomata"
local door = finitomata.define { fsm = [[
  [*] --> ajar
  ajar --> |close| closed
  closed --> |open| ajar
  closed --> |lock| locked
]], name = "door" }
package.loaded.door = door
finitomata.run(function()
  finitomata.start_link()
  assert(finitomata.start_fsm("front", door))
  assert(finitomata.call("front", "close"))
  print(assert(finitomata.state("front", "state")))
end)
LUA
cat >"$work/embed.c" <<'C'
#include <infinitomata.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
int main(void) {
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    luaL_requiref(L, "infinitomata.core", luaopen_infinitomata_core, 0);
    lua_getfield(L, -1, "version");
    puts(lua_tostring(L, -1));
    lua_close(L);
    return 0;
}
C

install() { make -s B="$build" PREFIX="$prefix" "$@"; } # later words win
elsewhere() { (cd / && "$@"); }
stock() {
    elsewhere env LUA_PATH="$prefix/share/lua/5.4/?.lua;$prefix/share/lua/5.4/?/init.lua" \
        LUA_CPATH="$prefix/lib/lua/5.4/?.so" lua5.4 "$@"
}
embed() {
    PKG_CONFIG_PATH=$prefix/lib/pkgconfig
    export PKG_CONFIG_PATH
    cc $(pkg-config --cflags infinitomata lua5.4) -o "$work/embed" "$work/embed.c" \
        $(pkg-config --libs infinitomata lua5.4) -Wl,-rpath,"$prefix/lib" &&
        "$work/embed"
}
embed_static() {
    PKG_CONFIG_PATH=$prefix/lib/pkgconfig
    export PKG_CONFIG_PATH
    cc $(pkg-config --cflags infinitomata lua5.4) -o "$work/embed" "$work/embed.c" \
        "$prefix/lib/libinfinitomata.a" $(pkg-config --libs lua5.4 libuv openssl \
        libxxhash libsodium zlib) -lm && "$work/embed"
}
# What is left are folders that every prefix has.
nothing_left() { # PREFIX
    left=$(cd "$1" && find . | sort | tr '\n' ' ')
    [ "$left" = ". ./bin ./include ./lib ./share ./share/man " ] || { echo "$left"; return 1; }
}
staged() { install DESTDIR="$work/stage" PREFIX=/usr "$@"; }
stage_is_whole() { # the same files as without DESTDIR, and nothing beside them
    [ "$(ls "$work/stage")" = usr ] || return 1
    (cd "$work/stage/usr" && find . -type f | sort) >"$work/staged"
    (cd "$prefix" && find . -type f | sort) | diff - "$work/staged"
}
knows_no_stage() { ! grep -rlF "$work/stage" "$work/stage/usr/share" "$work/stage/usr/lib/pkgconfig"; }

ok_if "make install" install install
ok_if "the program finds its Lua from anywhere" \
    says closed elsewhere "$prefix/bin/infinitomata" "$work/door.lua"
ok_if "the program says its version" \
    says 0.1.0 elsewhere "$prefix/bin/infinitomata" version
ok_if "a stock lua5.4 runs the same script" says closed stock "$work/door.lua"
ok_if "a stock lua5.4 loads the C module" \
    says 0.1.0 stock -e 'print((require "infinitomata.core").version)'
ok_if "the program in the build tree finds its Lua" \
    says closed elsewhere "$(realpath "$build")/bin/infinitomata" "$work/door.lua"
ok_if "a C program links with the shared library" says 0.1.0 embed
ok_if "a C program links with the static library" says 0.1.0 embed_static
ok_if "the version is one and the same" \
    says 0.1.0 pkg-config --modversion "$prefix/lib/pkgconfig/infinitomata.pc"
ok_if "the man page is where man looks" test -f "$prefix/share/man/man1/infinitomata.1"
ok_if "bash completion is where bash looks" \
    bash -c ". '$prefix/share/bash-completion/completions/infinitomata' && complete -p infinitomata"
ok_if "zsh completion is where zsh looks" \
    grep -q "^#compdef infinitomata" "$prefix/share/zsh/site-functions/_infinitomata"
man_shows() { MANPATH=$prefix/share/man man -P cat infinitomata | grep -q 'User Commands'; }
man_is_well_formed() { ! man --warnings -l man/infinitomata.1 2>&1 >/dev/null | grep .; }
if command -v man >/dev/null; then
    ok_if "man shows it" man_shows
    ok_if "and has nothing to say against it" man_is_well_formed
fi
ok_if "make install into a stage" staged install
ok_if "puts the same there" stage_is_whole
ok_if "and writes nowhere that it is one" knows_no_stage
ok_if "the program runs from the stage" \
    says closed elsewhere "$work/stage/usr/bin/infinitomata" "$work/door.lua"
ok_if "make uninstall from the stage" staged uninstall
ok_if "leaves nothing there" nothing_left "$work/stage/usr"
ok_if "make uninstall" install uninstall
ok_if "leaves nothing" nothing_left "$prefix"
echo mine >"$prefix/bin/mine"
mkdir -p "$prefix/share/zsh/site-functions/mine"
ok_if "make uninstall again" install uninstall
ok_if "leaves what is not its own" test -f "$prefix/bin/mine" -a -d "$prefix/share/zsh/site-functions/mine"
done_testing
