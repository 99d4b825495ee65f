#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the shop on three nodes of this machine and lets the third tell the
# story; exits 0 only if everything it tells is true.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
program=${1:-$here/../../build/bin/infinitomata}
logs=$(mktemp -d)
pids=

stop() {
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    for pid in $pids; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$logs"
}
trap stop EXIT
trap 'exit 1' INT TERM

# start NAME [OPTIONS]: a node in the background; sets $pid and $address.
start() {
    name=$1
    shift
    : >"$logs/$name"
    "$program" run --name "$name" --bind 127.0.0.1:0 "$@" "$here/node.lua" \
        >"$logs/$name" 2>&1 &
    pid=$!
    pids="$pids $pid"
    tries=0
    while ! address=$(sed -n 's/^node .* at //p' "$logs/$name") || [ -z "$address" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 100 ] || ! kill -0 "$pid" 2>/dev/null; then
            echo "node $name did not start:" >&2
            cat "$logs/$name" >&2
            exit 1
        fi
        sleep 0.1
    done
}

start a
seed=$address
start b --join "$seed"
victim=$pid

if ! timeout 100 "$program" run --name c --bind 127.0.0.1:0 --join "$seed" \
    "$here/story.lua" b "$victim"; then
    for log in "$logs"/*; do
        echo "--- the log of $(basename "$log"):" >&2
        cat "$log" >&2
    done
    exit 1
fi
