#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh BUILD [PART...]: measures, as rows for sheet.lua, and prints them as a table.
# The rows of a whole run are kept in BUILD/bench/rows.tsv. Figures move with the
# machine's mood, so many are held against a limit measured in the same run.
# shellcheck disable=SC2046,SC2086 # commands of several words
set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=$1
shift
program=$build/bin/infinitomata
ALL='startup transition local memory many timers crash remote cluster placement heal
    registry synch packet idle'
LUA_PATH="$here/?.lua;$here/../tests/chaos/?.lua;$here/../lua/?.lua;$here/../lua/?/init.lua;;"
export LUA_PATH
folder=$(mktemp -d)
pids=
end() {
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    for pid in $pids; do wait "$pid" 2>/dev/null || true; done
    pids=
}
trap 'end; rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM

# serve SCRIPT COMMAND...: a node in the background; $address is where.
serve() {
    script=$1
    shift
    : >"$folder/served"
    "$@" "$here/$script" >"$folder/served" 2>&1 &
    pid=$!
    pids="$pids $pid"
    tries=0
    while ! address=$(sed -n 's/^owner at //p' "$folder/served") || [ -z "$address" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 100 ]; then
            cat "$folder/served" >&2
            return 1
        fi
        sleep 0.1
    done
}
node() { # node NAME: what runs a node of that name on this machine
    echo "$program run --name $1 --bind 127.0.0.1:0 ${address:+--join $address}"
}

# One CPU for both ends: whether a message has to wake another core up makes a
# difference of four times, and is for the scheduler to choose.
cpu=$(sed -n 's/^Cpus_allowed_list:[^0-9]*\([0-9]*\).*/\1/p' /proc/self/status)
pinned() { taskset -c "$cpu" timeout 120 "$@"; }
echo_on_one_cpu() { # $median and $late, in microseconds
    echo=$(pinned "$build/bench/echo" 20000 64)
    median=${echo% *} late=${echo#* }
}

script() { timeout 120 "$program" "$here/$1.lua"; }
startup() { timeout 120 "$program" "$here/startup.lua" "$program"; }
remote() {
    echo_on_one_cpu
    serve remote_owner.lua taskset -c "$cpu" $(node owner)
    pinned $(node asker) "$here/remote.lua" "$median" "$late"
}
three_nodes() { # a, b, and the caller is the third; all the CPUs there are
    serve cluster_member.lua $(node b)
    seed=$address pid_b=$pid
    serve cluster_member.lua $(node c)
    address=$seed
}
cluster() {
    echo_on_one_cpu
    three_nodes
    timeout 120 $(node a) "$here/cluster.lua" "$median" "$pid_b" "$pid"
}
placement() {
    three_nodes
    mkfifo "$folder/come"
    (read -r _ <"$folder/come" && exec $(node d) "$here/cluster_member.lua" >/dev/null) &
    pids="$pids $!"
    timeout 60 $(node a) "$here/placement.lua" "$folder/come"
}

part() { # in a process of its own, which takes its nodes with it
    set +e
    (
        set -e
        pids='' address=''
        trap end EXIT
        case $1 in
        transition | memory | local | many | timers | crash) script "$1" ;;
        startup | remote | cluster | placement) "$1" ;;
        heal) timeout 60 "$here/heal.sh" "$program" ;;
        registry) timeout 120 "$build/bench/registry" ;;
        synch) timeout 300 "$here/registry_nodes.sh" "$build" ;;
        packet) timeout 60 "$build/bench/packet" ;;
        idle) timeout 120 "$here/idle.sh" "$build" 10 20 ;;
        *) echo "run.sh: no part is called $1; there are: $ALL" >&2 && exit 2 ;;
        esac
    )
    status=$?
    set -e
    [ "$status" = 0 ] || printf 'failed\t%s\tstatus %s\n' "$1" "$status"
}

measure() {
    printf 'note\t%s, %s CPUs, %s %s, %s\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | uniq)" \
        "$(nproc)" "$(uname -s)" "$(uname -r | sed 's/-.*//')" "$(date +%Y-%m-%d)"
    printf 'note\tLoad of the machine before the run: %s\n' "$(cut -d' ' -f1 /proc/loadavg)"
    for each; do part "$each"; done
}

if [ $# -gt 0 ]; then
    measure "$@" | lua5.4 "$here/show.lua"
else
    measure $ALL | tee "$build/bench/rows.tsv" | lua5.4 "$here/show.lua" all
fi
