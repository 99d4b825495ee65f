#!/bin/sh
# SPDX-License-Identifier: MIT
# What a call had left on its way is not carried out after a cut, when both sides
# had taken each other for dead: the links between them are reset.
. tests/lib.sh

unshare -Urnm true 2>/dev/null && command -v ip >/dev/null || {
    echo 'ok 1 - cut # SKIP no namespaces here'
    echo '1..1'
    exit 0
}
[ -n "${CUT_INSIDE:-}" ] || CUT_INSIDE=yes exec unshare -Urnm sh "$0" "$@"

program=$1/bin/infinitomata
folder=$(mktemp -d)
pids=
stop() {
    for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 1' INT TERM

mount -t tmpfs none /run # for ip netns
ip link add switch type bridge
ip link set switch up
for node in a b; do
    ip netns add $node
    ip link add eth0 netns $node type veth peer name plug-$node
    ip link set plug-$node master switch up
    ip -n $node link set lo up
    ip -n $node link set eth0 up
done
ip -n a addr add 10.77.1.1/24 dev eth0
ip -n b addr add 10.77.1.2/24 dev eth0
export INFINITOMATA_PROFILE=local

LUA_PATH="tests/cluster/?.lua;lua/?.lua;lua/?/init.lua;;"
export LUA_PATH
ip netns exec b "$program" run --name b --bind 10.77.1.2:7946 \
    tests/cluster/box_owner.lua >"$folder/b" 2>&1 &
pids=$!
wait_for 10 grep -q READY "$folder/b" || cat "$folder/b"

mkfifo "$folder/go"
ip netns exec a "$program" run --name a --bind 10.77.1.1:7946 \
    --join 10.77.1.2:7946 tests/cluster/box_caller.lua 4000 \
    <"$folder/go" >"$folder/a" 2>&1 &
pids="$pids $!"
exec 9>"$folder/go"

told() { wait_for 40 grep -q "$1" "$folder/a" || { cat "$folder/a" "$folder/b"; return 1; }; }
sockets() { ip netns exec $1 ss -tanH; }
nothing_on_its_way() {
    wait_for 3 no_socket_to_the_other || { sockets a; sockets b; return 1; }
}
# Of the links, that is: membership and the registry try to meet again.
no_socket_to_the_other() {
    ! sockets a | grep -v 7946 | grep -q 10.77.1.2 &&
        ! sockets b | grep -v 7946 | grep -q 10.77.1.1
}

ok_if "a link is there and carries calls" told CUT
ip link set plug-b nomaster
echo >&9
ok_if "a call into the cut ends, and nobody knows what became of it" \
    told "ENDED	exhausted	true"
ok_if "each side is alone" told ALONE
ok_if "nothing is left on its way, on neither side" nothing_on_its_way
ip link set plug-b master switch
echo >&9
ok_if "after the heal the box has what was put in before and after" \
    told "BOX	before after"
done_testing
