#!/bin/sh
# SPDX-License-Identifier: MIT
# What was sent to a process that stood still is not carried out when it goes on,
# once the sender has taken it for dead and given up.
. tests/lib.sh

program=$1/bin/infinitomata
folder=$(mktemp -d)
pids=
stop() {
    for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 1' INT TERM

export INFINITOMATA_PROFILE=local
LUA_PATH="tests/cluster/?.lua;lua/?.lua;lua/?/init.lua;;"
export LUA_PATH
"$program" run --name b --bind 127.0.0.1:0 tests/cluster/box_owner.lua >"$folder/b" 2>&1 &
owner=$!
pids=$owner
wait_for 10 grep -q READY "$folder/b" || cat "$folder/b"

mkfifo "$folder/go"
"$program" run --name a --bind 127.0.0.1:0 \
    --join "$(sed -n 's/^READY //p' "$folder/b")" tests/cluster/box_caller.lua 500 \
    <"$folder/go" >"$folder/a" 2>&1 &
pids="$pids $!"
exec 9>"$folder/go"

told() { wait_for 40 grep -q "$1" "$folder/a" || { cat "$folder/a" "$folder/b"; return 1; }; }

ok_if "a link is there and carries calls" told CUT
kill -STOP "$owner"
echo >&9
ok_if "a call to who stands still ends, and nobody knows what became of it" \
    told "ENDED	exhausted	true"
ok_if "who stands still is taken for dead" told ALONE
kill -CONT "$owner"
echo >&9
ok_if "when it goes on the box has what was put in before and after" \
    told "BOX	before after"
done_testing
