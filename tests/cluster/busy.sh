#!/bin/sh
# SPDX-License-Identifier: MIT
# A handler that computes for ten seconds, and one that blocks in C as long,
# make no node look suspicious: gossip runs on a thread without user code.
. tests/lib.sh

program=$1/bin/infinitomata
seconds=10
folder=$(mktemp -d)
pids=
stop() {
    for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 1' INT TERM

ready() { grep -q READY "$folder/$1"; }
address() { sed -n 's/^READY //p' "$folder/$1"; }
member() {
    name=$1
    shift
    "$program" run --name "$name" --bind 127.0.0.1:0 "$@" \
        tests/cluster/member.lua >"$folder/$name" 2>&1 &
    pids="$pids $!"
    wait_for 10 ready "$name" || cat "$folder/$name"
}
member b
member c --join "$(address b)"

watch() {
    timeout 60 "$program" run --name a --bind 127.0.0.1:0 --join "$(address b)" \
        tests/cluster/busy_watch.lua "$seconds" >"$folder/a" 2>&1 || {
        cat "$folder/a"
        return 1
    }
}
tells() { grep -q "$1" "$folder/a" || { cat "$folder/a"; return 1; }; }
nothing_seen() { ! grep SEEN "$folder/a"; }

ok_if "both handlers run to their end" watch
ok_if "the one that computes answers" tells "spin@b	free"
ok_if "the one that blocks in C answers" tells "block@c	free"
ok_if "no member was ever suspected" nothing_seen
ok_if "b is alive" tells "STATE b alive"
ok_if "c is alive" tells "STATE c alive"
done_testing
