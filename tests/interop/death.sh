#!/bin/sh
# SPDX-License-Identifier: MIT
# death.sh BUILD: three nodes of ours on this machine; one is killed. The
# others know at once, for its machine says that nobody listens there any more.
# A node that merely stands still for two seconds is not harmed, and what Lua
# does for ten seconds nobody notices at all.
set -u
. tests/lib.sh
build=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/infinitomata-death.XXXXXX") || exit 1
pids=""
base=$((31000 + $$ % 1000))

stop_all() {
    for pid in $pids; do
        kill -CONT "$pid" 2>/dev/null
        kill -9 "$pid" 2>/dev/null
    done
    wait 2>/dev/null
    rm -rf "$work"
}
trap stop_all EXIT INT TERM

peer() { # NAME PORT
    mkdir -p "$work/$1"
    : >"$work/$1/events"
    : >"$work/$1/times"
    LUA_CPATH="$build/lib/?.so;;" lua5.4 tests/interop/peer.lua \
        "$work/$1" "$1" "127.0.0.1:$2" >"$work/$1/out" 2>&1 &
    pids="$pids $!"
}
sees() { grep -q "^$2 $3 " "$work/$1/members"; }

peer a "$base"
pid_a=${pids##* }
peer b $((base + 1))
pid_b=${pids##* }
peer c $((base + 2))
for node in b c; do echo "join 127.0.0.1:$base" >>"$work/$node/commands"; done
for one in a b c; do
    for other in a b c; do
        ok_if "$one sees $other alive" wait_for 10 sees $one $other alive
    done
done
sleep 1 # their links open

echo "compute 10000" >>"$work/b/commands"
echo "block 10" >>"$work/c/commands"
ok_if "b computes for ten seconds" wait_for 30 grep -q computed "$work/b/events"
ok_if "c waits for ten seconds" wait_for 30 grep -q blocked "$work/c/events"
sleep 2
ok_if "and nobody suspected anybody" \
    sh -c "! grep -h -E 'suspect|fail' $work/a/events $work/b/events $work/c/events"

kill -STOP "$pid_b"
sleep 2
kill -CONT "$pid_b"
sleep 4
ok_if "nobody died of two seconds' silence" \
    sh -c "! grep -h fail $work/a/events $work/b/events $work/c/events"

killed=$(date +%s%3N)
kill -9 "$pid_a"
for node in b c; do
    ok_if "$node knows that a is dead" wait_for 10 sees $node a dead
    known=$(sed -n 's/ a fail$//p' "$work/$node/times" | head -n 1)
    took=$((${known:-$((killed + 99999))} - killed))
    echo "# $node knew after $took ms"
    ok_if "$node knew it within 200 ms (40 on an idle machine)" \
        test "$took" -le 200
done
done_testing
