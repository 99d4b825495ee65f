#!/bin/sh
# SPDX-License-Identifier: MIT
# idle.sh BUILD [NODES] [SECONDS]: CPU that a node of a quiet cluster uses, in
# milliseconds a second. memberlist 0.5.3 was measured at 0.75 with 10 nodes.
set -eu
program=$1/bin/infinitomata
nodes=${2:-10}
seconds=${3:-20}
base=$((33000 + $$ % 1000))
pids="" seed=""
trap 'for pid in $pids; do kill -9 "$pid" 2>/dev/null || true; done' EXIT

i=0
while [ "$i" -lt "$nodes" ]; do
    "$program" run --name "idle$i" --bind "127.0.0.1:$((base + i))" \
        ${seed:+--join "$seed"} /dev/null >/dev/null 2>&1 </dev/null &
    pids="$pids $!"
    if [ "$i" = 0 ]; then sleep 0.5; seed=127.0.0.1:$base; fi
    i=$((i + 1))
done
sleep 5 # all have met

# On a CPU, in nanoseconds, of all threads of all nodes: a clock's ticks of 10 ms would
# be a guess, since a node runs for a tenth of a millisecond at a time.
spent() {
    for pid in $pids; do cat "/proc/$pid/task/"*/schedstat; done |
        awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}
before=$(spent)
sleep "$seconds"
after=$(spent)
awk -v ns=$((after - before)) -v n="$nodes" -v s="$seconds" 'BEGIN {
    printf "idle.cpu\t%.3f\tmemberlist 0.5.3 takes 0.75\n", ns / 1e6 / n / s }'
