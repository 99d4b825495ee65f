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
pids=
out=$(mktemp)
trap 'for pid in $pids; do kill "$pid" 2>/dev/null || true; done; rm -f "$out"' EXIT

timeout 120 "$program" "$here/startup.lua" "$program"
timeout 120 "$program" "$here/transition.lua"
timeout 120 "$program" "$here/memory.lua"
timeout 120 "$program" "$here/local.lua"
timeout 300 "$program" "$here/many.lua"
timeout 120 "$program" "$here/timers.lua"

# One CPU for both ends: whether a message has to wake another core up makes a
# difference of four times, and is for the scheduler to choose.
cpu=$(sed -n 's/^Cpus_allowed_list:[^0-9]*\([0-9]*\).*/\1/p' /proc/self/status)
pinned() { taskset -c "$cpu" timeout 120 "$@"; }

# serve SCRIPT COMMAND...: a node in the background; $address is where.
serve() {
    script=$1
    shift
    "$@" "$here/$script" >"$out" 2>&1 &
    pid=$!
    pids="$pids $pid"
    tries=0
    while ! address=$(sed -n 's/^owner at //p' "$out") || [ -z "$address" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 100 ]; then
            cat "$out" >&2
            exit 1
        fi
        sleep 0.1
    done
}

serve remote_owner.lua taskset -c "$cpu" "$program" run --name owner --bind 127.0.0.1:0
echo=$(pinned "$build/bench/echo" 20000 64)
pinned "$program" run --name asker --bind 127.0.0.1:0 --join "$address" \
    "$here/remote.lua" "${echo% *}" "${echo#* }"

# Three nodes on all the CPUs there are.
serve cluster_member.lua "$program" run --name b --bind 127.0.0.1:0
seed=$address
serve cluster_member.lua "$program" run --name c --bind 127.0.0.1:0 --join "$seed"
timeout 120 "$program" run --name a --bind 127.0.0.1:0 --join "$seed" "$here/cluster.lua" "${echo%% *}" "$pid"

# The registry: a million rows in one process, then on three nodes.
timeout 120 "$build/bench/registry"
"$here/registry_nodes.sh" "$build"

# Membership: what a datagram costs, and what a quiet cluster does.
timeout 60 "$build/bench/packet"
timeout 120 "$here/idle.sh" "$build" 10 20
