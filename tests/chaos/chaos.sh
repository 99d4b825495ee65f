#!/bin/sh
# SPDX-License-Identifier: MIT
# Five real nodes in five network namespaces. The kernel cuts and loses their
# packets, a program between them delays them where the kernel makes it a device,
# nodes are killed, frozen and started again while accounts are started and
# credited from everywhere; afterwards every view must be the same, every
# account must run once and where the views say, and no credit may have been
# applied twice. CHAOS_ROUNDS=n goes round that often (default 1).
. tests/lib.sh

build=$1
rounds=${CHAOS_ROUNDS:-1}
frozen_s=${CHAOS_FROZEN_S:-10}
here=$(pwd)
id=inf$$
folder=$(mktemp -d)
nodes='n1 n2 n3 n4 n5'
seed=${SEED:-$$}
echo "# seed $seed"

skip() {
    echo "ok 1 - chaos # SKIP $1"
    echo '1..1'
    exit 0
}

[ "$(id -u)" = 0 ] || skip 'network namespaces need root'
command -v nft >/dev/null || skip 'nft is missing'
ip netns add "$id-s" 2>/dev/null && ip netns exec "$id-s" true 2>/dev/null ||
    { ip netns del "$id-s" 2>/dev/null; skip 'no network namespaces here'; }

host() { echo "10.77.0.${1#n}"; }

pid_of() { cat "$folder/$1.pid"; }

cleanup() {
    for node in $nodes; do
        kill -CONT "$(pid_of "$node")" 2>/dev/null
        kill -KILL "$(pid_of "$node")" 2>/dev/null
    done
    [ -z "$wire" ] || kill "$wire"
    for node in $nodes; do ip netns del "$id-$node" 2>/dev/null; done
    ip netns del "$id-s"
    rm -rf "$folder"
} 2>/dev/null
trap cleanup EXIT
trap 'exit 1' INT TERM

# The devices eth0, joined by a program that can delay, or by the kernel's bridge.
wire=
wire_up() {
    [ -c /dev/net/tun ] || return 1
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -O1 -o "$folder/wire" tests/chaos/wire.c || return 1
    # shellcheck disable=SC2046 # one word each
    "$folder/wire" 50 200 $(for node in $nodes; do echo "$id-$node"; done) >"$folder/wire.out" &
    wire=$!
    wait_for 5 grep -q READY "$folder/wire.out" || wire=
    [ -n "$wire" ]
}
bridge_up() {
    echo '# no delays: the kernel makes no tun device here'
    ip -n "$id-s" link add br0 type bridge
    ip -n "$id-s" link set br0 up
    for node in $nodes; do
        ip -n "$id-$node" link add eth0 type veth peer name "$node" netns "$id-s"
        ip -n "$id-s" link set "$node" master br0 up
    done
}
delay() { [ -z "$wire" ] || kill -USR1 "$wire"; }
no_delay() { [ -z "$wire" ] || kill -USR2 "$wire"; }

plug() {
    ip -n "$id-$1" addr add "$(host "$1")/24" dev eth0
    ip -n "$id-$1" link set lo up
    ip -n "$id-$1" link set eth0 up
    ip netns exec "$id-$1" nft -f - <<NFT
table inet faults { chain in { type filter hook input priority 0; }; }
NFT
}

# faults NODE RULE...: what the kernel drops before NODE sees it.
faults() {
    faults_node=$1
    shift
    ip netns exec "$id-$faults_node" nft add rule inet faults in "$@"
}
heal() {
    for node in $nodes; do ip netns exec "$id-$node" nft flush chain inet faults in; done
}

# deaf NODE FROM...: NODE hears nothing of what FROM send.
deaf() {
    deaf_node=$1
    shift
    for from; do faults "$deaf_node" ip saddr "$(host "$from")" drop; done
}
split() {
    for one in $1; do for other in $2; do
        deaf "$one" "$other"
        deaf "$other" "$one"
    done; done
}

start() {
    join=
    [ "$1" = n1 ] && [ -z "${2:-}" ] || join="--join $(host "${2:-n1}")"
    seed=$((seed + 1))
    # shellcheck disable=SC2086 # two words or none
    ip netns exec "$id-$1" "$here/$build/bin/infinitomata" run --name "$1" \
        --bind "$(host "$1"):7946" $join --profile local \
        "$here/tests/chaos/bank.lua" "$folder" "$seed" >"$folder/$1.log" 2>&1 &
    echo $! >"$folder/$1.pid"
}
up() {
    rm -f "$folder/$1.view"
    start "$@"
    wait_for 10 test -e "$folder/$1.view" || cat "$folder/$1.log"
}

fits() { lua5.4 tests/chaos/check.lua "$folder" n1 n2 n3 n4 n5; }

for node in $nodes; do ip netns add "$id-$node"; done
wire_up || bridge_up
for node in $nodes; do plug "$node"; done
for node in $nodes; do up "$node"; done

round=0
while [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    sleep 2 # undisturbed work
    split 'n1 n2' 'n3 n4 n5'
    sleep 12
    heal
    sleep 5
    deaf n2 n4
    sleep 6
    heal
    for node in $nodes; do faults "$node" numgen random mod 100 '<' 20 drop; done
    sleep 6
    heal
    delay
    sleep 6
    no_delay
    kill -KILL "$(pid_of n5)"
    sleep 3
    up n5 n2
    kill -STOP "$(pid_of n3)"
    sleep "$frozen_s"
    kill -CONT "$(pid_of n3)"
    sleep 3
done
healed=$(date +%s)
touch "$folder/quiet"

survived() {
    for node in $nodes; do kill -0 "$(pid_of "$node")" || return 1; done
}
ok_if "every node is still there" survived
wait_for 30 fits
echo "# views fit together $(($(date +%s) - healed)) s after the last fault"
ok_if "every view is the same, and every account runs once, where they say" fits
fits | sed 's/^/# /'
quiet_logs() { ! grep -iE 'panic|assert|stack traceback|broken invariant' "$folder"/*.log; }
ok_if "nothing broke on the way" quiet_logs
done_testing
