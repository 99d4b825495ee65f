#!/bin/sh
# SPDX-License-Identifier: MIT
# make builds what changed and what depends on it, and nothing else.
. tests/lib.sh
unset MAKEFLAGS MAKELEVEL MFLAGS

B=$1
export B
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# remade TARGET FILE: what make would do after FILE had been changed.
would_make() {
    make -n -W "$1" all >"$work/plan" 2>&1 || { cat "$work/plan"; return 1; }
}
changing_rebuilds() { would_make "$1" && grep -q "obj/$2" "$work/plan"; }
changing_spares() {
    would_make "$1" && ! grep -q -- "-o $B/obj/$2" "$work/plan" || {
        grep -- "-o $B/obj/" "$work/plan"
        return 1
    }
}
help_names() { for verb in "$@"; do make help | grep -q "make $verb " || return 1; done; }
other_flags() { make -n CFLAGS=-O0 all | grep -q -- "-O0 .*-o $B/obj/runtime/base/buf.o"; }
exports_only() { # exports_only PATTERN FILE: no defined dynamic symbol but these
    other=$(nm -D --defined-only "$2" | awk '{ print $3 }' | grep -Ev "$1" || true)
    [ -z "$other" ] || { echo "$other"; return 1; }
}
not_linked_with_lua() { ! readelf -d "$B/lib/infinitomata/core.so" | grep -q 'NEEDED.*liblua'; }

ok_if "a second make has nothing to do" make -q all
ok_if "a changed header rebuilds who includes it" \
    changing_rebuilds runtime/base/buf.h runtime/base/buf.o
ok_if "through other headers too" \
    changing_rebuilds runtime/base/def.h runtime/core/effect.o
ok_if "and spares who does not" changing_spares runtime/core/node.h runtime/base/buf.o
ok_if "other flags rebuild everything" other_flags
ok_if "make help names the verbs" \
    help_names all demo test bench lint sanitize install deps help
ok_if "the C module exports its one function" \
    exports_only '^luaopen_infinitomata_core$' "$B/lib/infinitomata/core.so"
ok_if "the shared library exports its interface alone" \
    exports_only '^(inf_|luaopen_infinitomata)' "$B/lib/libinfinitomata.so"
ok_if "the C module is not linked with liblua" not_linked_with_lua
done_testing
