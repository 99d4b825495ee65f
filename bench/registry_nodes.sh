#!/bin/sh
# SPDX-License-Identifier: MIT
# registry_nodes.sh BUILD [ROWS...]: two nodes own that many rows, a third one
# learns them and asks for synch; see registry_nodes.lua.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
program=$1/bin/infinitomata
shift
[ $# -gt 0 ] || set -- 1000 10000 100000 1000000
LUA_PATH="$here/?.lua;$here/../lua/?.lua;$here/../lua/?/init.lua;;"
export LUA_PATH
pids=
out=$(mktemp)
end() {
    for pid in $pids; do
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    pids=
}
trap 'end; rm -f "$out"' EXIT

# own NAME ROWS [OPTIONS]: a node in the background; $address is where.
own() {
    name=$1 share=$2
    shift 2
    : >"$out"
    "$program" run --name "$name" --bind 127.0.0.1:0 "$@" \
        "$here/registry_member.lua" "$share" "$name" >"$out" 2>&1 &
    pids="$pids $!"
    tries=0
    while ! address=$(sed -n 's/^owner at //p' "$out") || [ -z "$address" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 600 ]; then
            cat "$out" >&2
            exit 1
        fi
        sleep 0.1
    done
}

measure() { # ROWS [monitored]
    own b $(($1 / 2))
    own c $(($1 / 2)) --join "$address"
    # shellcheck disable=SC2086 # two pids
    timeout 300 "$program" "$here/registry_nodes.lua" "$1" $pids "$address" ${2:-}
    end
}

for rows in "$@"; do
    measure "$rows"
done
measure "$rows" monitored
