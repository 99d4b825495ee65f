#!/bin/sh
# SPDX-License-Identifier: MIT
# heal.sh PROGRAM: two nodes here, one behind a cable that the kernel makes, in
# namespaces that are gone with this script; see heal.lua.
# shellcheck disable=SC2086 # a command of several words
set -eu
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "$1")

if [ -z "${HEAL_INSIDE:-}" ]; then
    if ! unshare -Urnm true 2>/dev/null || ! command -v ip >/dev/null; then
        for line in time twice views; do
            printf 'heal.%s\t-\tno namespaces here\n' "$line"
        done
        exit 0
    fi
    HEAL_INSIDE=yes exec unshare -Urnm "$here/heal.sh" "$program"
fi

folder=$(mktemp -d)
pids=
stop() {
    for pid in $pids; do kill -KILL "$pid" 2>/dev/null || true; done
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 1' INT TERM

mount -t tmpfs none /run # for ip netns
ip netns add far
ip link add cable type veth peer name eth0 netns far
ip link set lo up
ip addr add 10.77.0.1/24 dev cable
ip link set cable up
ip -n far addr add 10.77.0.2/24 dev eth0
ip -n far link set lo up
ip -n far link set eth0 up

node="$program run --profile local --log-level error"
$node --name b --bind 10.77.0.1:7947 "$here/heal_member.lua" "$folder" >&2 &
pids=$!
until [ -e "$folder/b" ]; do
    kill -0 "$pids"
    sleep 0.1
done
ip netns exec far $node --name c --bind 10.77.0.2:7946 --join 10.77.0.1:7947 \
    "$here/heal_member.lua" "$folder" >&2 &
pids="$pids $!"
$node --name a --bind 10.77.0.1:7946 --join 10.77.0.1:7947 "$here/heal.lua" "$folder"
