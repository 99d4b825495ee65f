#!/bin/sh
# SPDX-License-Identifier: MIT
# examples/embed.c builds against the libraries, in the build tree as its first
# comment says and as they are installed, and tells its story; the libraries
# show nothing else than their own names.
. tests/lib.sh
unset LUA_CPATH MAKEFLAGS MAKELEVEL MFLAGS

build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
LUA_PATH='lua/?.lua;lua/?/init.lua;;'
PKG_CONFIG_PATH=$build/lib/pkgconfig
export LUA_PATH PKG_CONFIG_PATH
lib=$(cd "$build/lib" && pwd)
prefix=$work/usr

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
# Where nothing of the repository helps: only what is installed, and pkg-config.
installed() { # shared|static
    cp examples/embed.c "$work/app.c" && cd "$work" || return 1
    PKG_CONFIG_PATH=$prefix/lib/pkgconfig
    unset LUA_PATH
    libraries=$(pkg-config --libs infinitomata lua5.4 libuv)
    [ "$1" = shared ] || libraries="$prefix/lib/libinfinitomata.a $(pkg-config --libs --static \
        infinitomata lua5.4 libuv | sed 's/-linfinitomata//')"
    cc -Wall -Wextra -Werror -o app app.c $(pkg-config --cflags infinitomata lua5.4 libuv) \
        $libraries || return 1
    LD_LIBRARY_PATH=$prefix/lib LUA_PATH="$prefix/share/lua/5.4/?.lua;$prefix/share/lua/5.4/?/init.lua" \
        ./app
}
from_shared() { (installed shared); }
from_static() { (installed static); }
shared_names() { nm -D --defined-only "$lib/libinfinitomata.so" | awk '{print $3}'; }
static_names() { nm -g --defined-only "$lib/libinfinitomata.a" | awk 'NF == 3 {print $3}'; }
only_own_names() { # WHOSE
    ! "$1" | grep -vE '^(inf_|luaopen_infinitomata_core$)'
}
same_names() {
    shared_names | sort >"$work/names"
    static_names | sort | diff "$work/names" -
}
in_header() { grep -oE '\b(inf|luaopen)_[a-z_]+\(' runtime/include/infinitomata.h | tr -d '(' | sort -u; }
declared_names() { shared_names | sort >"$work/names" && in_header | diff "$work/names" -; }
tested_names() {
    for name in $(shared_names); do
        grep -qw "$name" tests/test_bind.c tests/test_embed.c || { echo "$name"; return 1; }
    done
}
has_soname() { readelf -d "$lib/libinfinitomata.so" | grep -q 'SONAME.*\[libinfinitomata\.so\.0\]'; }
needs_soname() { readelf -d "$work/app" | grep -q 'NEEDED.*\[libinfinitomata\.so\.0\]'; }
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
ok_if "the shared library shows only its own names" only_own_names shared_names
ok_if "the static one shows the same, and no more" same_names
ok_if "they are what the header declares" declared_names
ok_if "each of them is called by a test" tested_names
ok_if "the shared library has the name of its interface" has_soname
ok_if "it is installed" make -s B="$build" PREFIX="$prefix" install
ok_if "the example builds with what is installed" says "$story" from_shared
ok_if "by the name of the interface" needs_soname
ok_if "and with the static library that is installed" says "$story" from_static
ok_if "the header stands alone in C and C++" plain_c_and_cpp
done_testing
