#!/bin/sh
# SPDX-License-Identifier: MIT
# Cuts a cluster of three and heals it. The nodes a and b hang on one switch, c
# on another; the kernel makes both, in namespaces that are gone with this script,
# and the cable between them is taken down and up. Nodes know nothing of it.
#
#   examples/partition/cut.sh [PROGRAM]
#
# Needs iproute2, and root or a kernel that lets users make namespaces (exit 3).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "${1:-$here/../../build/bin/infinitomata}")

if [ -z "${CUT_INSIDE:-}" ]; then
    unshare -Urnm true 2>/dev/null && command -v ip >/dev/null || {
        echo "cut.sh: no namespaces here: they need iproute2 and root, or user namespaces" >&2
        exit 3
    }
    CUT_INSIDE=yes exec unshare -Urnm "$here/cut.sh" "$program"
fi

ledger=ledger
folder=$(mktemp -d)
export XDG_RUNTIME_DIR="$folder" # where the nodes have their sockets
pids=
stop() {
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    for pid in $pids; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 1' INT TERM

# ---- two switches and a cable ------------------------------------------------

mount -t tmpfs none /run # for ip netns
ip link add left type bridge
ip link add right type bridge
ip link add cable type veth peer name elbac
ip link set cable master left up
ip link set elbac master right up
ip link set left up
ip link set right up

plug() { # plug NODE HOST SWITCH
    ip netns add "$1"
    ip link add name "port-$1" type veth peer name eth0 netns "$1"
    ip link set "port-$1" master "$3" up
    ip -n "$1" addr add "$2/24" dev eth0
    ip -n "$1" link set lo up
    ip -n "$1" link set eth0 up
}
plug a 10.77.0.1 left
plug b 10.77.0.2 left
plug c 10.77.0.3 right

node() { # node NAME HOST [OPTIONS]
    name=$1
    host=$2
    shift 2
    ip netns exec "$name" "$program" run --name "$name" --bind "$host:7946" "$@" \
        --profile local --log-level error "$here/node.lua" >"$folder/$name.log" 2>&1 &
    pids="$pids $!"
}

# ---- asking ----------------------------------------------------------------

ask() { # ask NODE CHUNK: what the chunk gives on that node
    "$program" attach "$1" -e "local infinitomata = require 'infinitomata'; $2" 2>&1
}
believes() { ask "$1" "print(require 'beliefs' '$ledger')"; }
write() { # write NODE LINE
    ask "$1" "assert(infinitomata.call('$ledger', 'write', '$2'))"
}
state() { # state NODE: of the ledger, as far as it is answered
    ask "$1" "local state, err = infinitomata.state('$ledger', 'state',
        { attempts = 2, rpc_timeout = 500 }); print(state or err.code)"
}
start_ledger() {
    ask "$1" "assert(infinitomata.start_fsm('$ledger', 'ledger', { lines = {} }))"
}

until_all() { # until_all TEXT NODE...: each of them believes something like TEXT
    text=$1
    shift
    for each; do
        tries=0
        until believes "$each" | grep -q "$text"; do
            tries=$((tries + 1))
            [ "$tries" -lt 300 ] || {
                echo "$each does not come to believe: $text" >&2
                believes "$each" >&2
                cat "$folder"/*.log >&2
                exit 1
            }
            sleep 0.1
        done
    done
}
until_logged() { # until_logged COUNT: so many lines are in the logs of all nodes
    tries=0
    until [ "$(cat "$folder"/*.log | wc -l)" -ge "$1" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || exit 1
        sleep 0.1
    done
}
tell() { for each in a b c; do echo "   $each $(believes $each)"; done; }

# ---- the story ---------------------------------------------------------------

node a 10.77.0.1
until_all 'sees a' a
node b 10.77.0.2 --join 10.77.0.1:7946
node c 10.77.0.3 --join 10.77.0.1:7946

echo '1. Three nodes have met; a starts a ledger, and all write into it.'
until_all 'sees a b c' a b c
start_ledger a
for each in a b c; do write $each "$each before"; done
until_all 'on c: a before, b before, c before$' a b c
tell

echo '2. The cable is cut. Nobody has noticed yet; a asks for the state of the ledger.'
ip link set cable down
echo "   a gets: $(state a)"

echo '3. Each side takes the other for dead. The ledger of c is gone from a and b,'
echo '   where it runs on.'
until_all 'sees a b;' a b
until_all 'sees c;' c
tell

echo '4. b starts the ledger anew, and both sides write.'
start_ledger b
write a 'a alone'
write c 'c alone'
tell

echo '5. The cable is back. They find each other, and the later ledger stays.'
ip link set cable up
until_all 'sees a b c; .*: a alone$' a b c
tell
until_logged 4
sort "$folder"/*.log | sed 's/^/   /'
