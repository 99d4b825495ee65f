#!/bin/sh
# SPDX-License-Identifier: MIT
# What the documents tell a shell happens. docs/getting-started.md is followed
# into a fresh clone, where the other pages are; the public address leads to the
# files of this tree that a commit would have.
. tests/lib.sh
. tests/docs/lib_blocks.sh

work=$(mktemp -d)
end() {
    for node in $nodes; do kill "$node" 2>/dev/null; done
    rm -rf "$work"
}
trap end EXIT
unset MAKELEVEL MFLAGS B SPEC SEED LUA_PATH LUA_CPATH INFINITOMATA_AT
MAKEFLAGS=-j$(nproc)
XDG_RUNTIME_DIR=$work/run
GIT_CONFIG_GLOBAL=/dev/null
GIT_CONFIG_SYSTEM=/dev/null
export MAKEFLAGS XDG_RUNTIME_DIR GIT_CONFIG_GLOBAL GIT_CONFIG_SYSTEM
mkdir -m 700 "$work/run"

files() {
    git ls-files -z 2>/dev/null || find . -type f ! -path './build/*' ! -path './.git/*' -print0
}
published() {
    git init -q "$work/origin" &&
        files | tar -c --null -T - --ignore-failed-read | tar -x -C "$work/origin" &&
        git -C "$work/origin" add -A &&
        git -C "$work/origin" -c user.name=a -c user.email=a@b commit -q -m 'All of it'
}
ok_if "this tree is published" published
GIT_CONFIG_COUNT=1
GIT_CONFIG_KEY_0=url.$work/origin.insteadOf
GIT_CONFIG_VALUE_0=https://github.com/infinitomata/infinitomata.git
export GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_CONFIG_VALUE_0

cd "$work" || exit 1
follow docs/getting-started.md
is_in() { [ "$(pwd -P)" = "$(cd "$work/$1" && pwd -P)" ]; }
ok_if "it ends in the folder of the application" is_in infinitomata/parcels
ok_if "the program is the one that was built" \
    test "$(command -v infinitomata)" = "$work/infinitomata/build/bin/infinitomata"

cd "$work/infinitomata" || exit 1
follow README.md
follow CONTRIBUTING.md

cat >app.lua <<'LUA'
assert(require "infinitomata".node.self())
print "up"
io.stdout:flush()
LUA
follow docs/cluster.md
members() { [ "$(infinitomata members --at "$1" --state alive | grep -c alive)" = "$2" ]; }
ok_if "its two nodes have met" wait_for 10 members b 2
stop_nodes
follow docs/operations.md
stop_nodes

# .ci/run has all of them run by LuaRocks.
LUAROCKS_CONFIG=$work/infinitomata/.ci/luarocks-debian.lua
export LUAROCKS_CONFIG
spec() { # TEXT
    echo "it('is a spec', function() assert($1) end)" >spec/only_spec.lua
    SPEC=spec/only_spec.lua luarocks --lua-version=5.4 test
}
ok_if "luarocks test runs the specs, twice" says "2 passed, 0 failed" spec true
ok_if "and fails when one fails" fails_with 1 "0 passed, 2 failed" spec false
done_testing
