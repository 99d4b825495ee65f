#!/bin/sh
# SPDX-License-Identifier: MIT
# deps.sh: finds what is missing and installs it with apt-get when it may.
#
#   tools/deps.sh [--check] [build] [test] [lint] [sanitize]
#
# build is what `make` and `make demo` need, and so on. Without a word: build.
# --check installs nothing: it prints the one command to type, and fails.
# Exit status: 0 nothing is missing (any more), 1 something is.
set -u

check_only=no
levels=
for word in "$@"; do
    case $word in
    --check) check_only=yes ;;
    build | test | lint | sanitize) levels="$levels $word" ;;
    *) echo "deps.sh: unknown word '$word'" >&2; exit 2 ;;
    esac
done
[ -n "$levels" ] || levels=build

missing=
need() { # need PACKAGE COMMAND...: COMMAND succeeds when PACKAGE is there
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}
has() { command -v "$1"; }
lib() { has pkg-config && pkg-config --exists "$1"; }
header() { # cmocka.h wants the first four before it
    for file in stdarg.h stddef.h stdint.h setjmp.h "$1"; do
        echo "#include <$file>"
    done | cc -E -
}
lua_module() { lua5.4 -e "require '$1'"; }
clang_links() {
    printf 'int main(void){return 0;}' |
        clang -x c -fsanitize="$1" -o /dev/null -
}

build_needs() {
    need gcc has cc
    need libc6-dev header stdio.h
    need make has make
    need pkg-config has pkg-config
    need liblua5.4-dev lib lua5.4
    need libuv1-dev lib libuv
    need libssl-dev lib openssl
    need libxxhash-dev lib libxxhash
    need libsodium-dev lib libsodium
    need zlib1g-dev lib zlib
    need libedit-dev lib libedit
    # What the built program uses when it runs.
    need lua5.4 has lua5.4
    need lua-argparse lua_module argparse
    need lua-cjson lua_module cjson
}
test_needs() {
    need libcmocka-dev header cmocka.h
    need git has git
    need lua-busted has busted
    need lua-luv lua_module luv
    need lua-argparse lua_module argparse
    need lua-cjson lua_module cjson
    need luarocks has luarocks
    need tmux has tmux
    need procps has pgrep # and /bin/kill, with which systemd reloads
    # A peer of another make, and a datagram socket to be one of systemd's.
    need serf has serf
    need lua-socket lua_module socket.unix
    # Hosts of its own for tests/chaos: namespaces, and faults in the kernel.
    need iproute2 has ip
    need nftables has nft
}
lint_needs() {
    need lua5.4 has lua5.4
    need lua-check has luacheck
    need luarocks has luarocks
    need clang-format has clang-format
    need clang-tidy has clang-tidy
    need cppcheck has cppcheck
}
sanitize_needs() {
    need clang has clang
    need libclang-rt-14-dev clang_links address,undefined
    # Without it the sanitizers name no functions, and suppress none.
    need llvm has llvm-symbolizer
}
find_missing() {
    missing=
    for level in $levels; do
        "${level}_needs"
    done
    # Each package once.
    missing=$(printf '%s\n' $missing | sort -u | tr '\n' ' ')
    missing=${missing% }
}

find_missing
[ -n "$missing" ] || exit 0

by_hand() {
    echo "missing: $missing" >&2
    echo "install with: sudo apt-get install -y $missing" >&2
    exit 1
}
if [ "$check_only" = yes ] || ! has apt-get >/dev/null; then
    by_hand
fi
if [ "$(id -u)" = 0 ]; then
    sudo=
elif has sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo="sudo -n"
else
    by_hand
fi

echo "installing: $missing"
install_missing() {
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends $missing >"$log" 2>&1 </dev/null
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A fresh machine has no package lists, or old ones: fetch them and try again.
if ! install_missing; then
    $sudo apt-get update -qq >"$log" 2>&1 </dev/null && install_missing
fi
installing=$missing
find_missing
if [ -n "$missing" ]; then
    tail -n 20 "$log" >&2
    echo "apt-get did not bring all of: $installing" >&2
    by_hand
fi
