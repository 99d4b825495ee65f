#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh BUILD: every benchmark, one line each. Figures move with the machine's
# mood, so each is a ratio to a limit measured in the same run.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=$1
program=$build/bin/infinitomata
LUA_PATH="$here/?.lua;$here/../lua/?.lua;$here/../lua/?/init.lua;;"
export LUA_PATH
owner=
out=$(mktemp)
trap '[ -z "$owner" ] || kill "$owner" 2>/dev/null || true; rm -f "$out"' EXIT

timeout 120 "$program" "$here/transition.lua"
timeout 120 "$program" "$here/memory.lua"

# One CPU for both ends: whether a message has to wake another core up makes a
# difference of four times, and is for the scheduler to choose.
cpu=$(sed -n 's/^Cpus_allowed_list:[^0-9]*\([0-9]*\).*/\1/p' /proc/self/status)
pinned() { taskset -c "$cpu" timeout 120 "$@"; }

taskset -c "$cpu" "$program" run --name owner --bind 127.0.0.1:0 "$here/remote_owner.lua" >"$out" 2>&1 &
owner=$!
tries=0
while ! address=$(sed -n 's/^owner at //p' "$out") || [ -z "$address" ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ]; then
        cat "$out" >&2
        exit 1
    fi
    sleep 0.1
done
echo=$(pinned "$build/bench/echo" 20000 64)
pinned "$program" run --name asker --bind 127.0.0.1:0 --join "$address" \
    "$here/remote.lua" ${echo}
