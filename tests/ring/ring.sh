#!/bin/sh
# SPDX-License-Identifier: MIT
# examples/ring: FSMs go where a ring of one's own says, and a spare node, which
# the ring leaves out, starts them elsewhere.
. tests/lib.sh

program=$1/bin/infinitomata
folder=$(mktemp -d)
pids=
stop() {
    for pid in $pids; do kill "$pid" 2>/dev/null; done
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 1' INT TERM

up() { grep -q '^node at' "$folder/$1"; }
node() {
    name=$1
    shift
    "$program" run --name "$name" --bind 127.0.0.1:0 "$@" examples/ring/node.lua \
        >"$folder/$name" 2>&1 &
    pids="$pids $!"
    wait_for 10 up "$name" || cat "$folder/$name"
}
node a
address=$(sed -n 's/^node at //p' "$folder/a")
node b --join "$address"

app() {
    timeout 60 "$program" run --name spare-1 --bind 127.0.0.1:0 --join "$address" \
        examples/ring/app.lua 60 3 >"$folder/app" 2>&1 || {
        cat "$folder/app"
        return 1
    }
}
tells() { grep -q "$1" "$folder/app" || { cat "$folder/app"; return 1; }; }
nothing_on_spare() { ! grep '^spare' "$folder/app"; }

ok_if "every parcel is where the ring says" app
ok_if "the ring follows the members, without the spare one" tells '^ring: a b$'
ok_if "both nodes have parcels" tells '^a: [1-9]'
ok_if "the other one, too" tells '^b: [1-9]'
ok_if "the spare node has none" nothing_on_spare
done_testing
