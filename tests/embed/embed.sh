#!/bin/sh
# SPDX-License-Identifier: MIT
# examples/embed.c builds against the libraries as its first comment says, and
# tells its story; the shared library shows nothing else than its own names.
. tests/lib.sh
unset LUA_CPATH

build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
LUA_PATH='lua/?.lua;lua/?/init.lua;;'
PKG_CONFIG_PATH=$build/lib/pkgconfig
export LUA_PATH PKG_CONFIG_PATH
lib=$(cd "$build/lib" && pwd)

story='c: where does front run?
lua: the door is closed
c: member embedded is alive
c: front is a door on embedded'

compile() { # OUT LIBRARIES...
    out=$1
    shift
    cc -Wall -Wextra -Werror -o "$work/$out" examples/embed.c \
        $(pkg-config --cflags infinitomata lua5.4 libuv) "$@"
}
shared() {
    compile shared $(pkg-config --libs infinitomata lua5.4 libuv) \
        -Wl,-rpath,"$lib"
}
static() {
    compile static "$lib/libinfinitomata.a" \
        $(pkg-config --libs --static infinitomata | sed 's/-linfinitomata//') \
        $(pkg-config --libs lua5.4 libuv)
}
names() { nm -D --defined-only "$lib/libinfinitomata.so" | awk '{print $3}'; }
only_own_names() {
    ! names | grep -vE '^(inf_|luaopen_infinitomata_core$)'
}
declared_names() {
    for name in $(names); do
        grep -q "$name" runtime/include/infinitomata.h || { echo "$name"; return 1; }
    done
}
plain_c_and_cpp() {
    printf '#include <infinitomata.h>\nint main(void) { return inf_text(0) == 0; }\n' \
        >"$work/plain.c"
    cc -std=c99 -Wall -Wextra -Wpedantic -Werror -Iruntime/include -c \
        -o "$work/plain.o" "$work/plain.c" || return 1
    command -v c++ >/dev/null || return 0
    c++ -x c++ -Wall -Wextra -Werror -Iruntime/include -c \
        -o "$work/plain.o" "$work/plain.c"
}

ok_if "the example is shorter than a hundred lines" \
    test "$(wc -l <examples/embed.c)" -lt 100
ok_if "it builds with the shared library" shared
ok_if "it tells its story" says "$story" "$work/shared"
ok_if "it builds with the static library" static
ok_if "it tells the same story" says "$story" "$work/static"
ok_if "the library shows only its own names" only_own_names
ok_if "each of them is in the header" declared_names
ok_if "the header stands alone in C and C++" plain_c_and_cpp
done_testing
