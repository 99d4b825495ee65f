#!/bin/sh
# SPDX-License-Identifier: MIT
# fuzz.sh BUILD SECONDS: runs each fuzz target that long, from its stored
# inputs. New inputs stay in BUILD; one that breaks something is printed with
# its path, to be added to tests/fuzz/corpus. TAP on standard output.
set -u
build=$1
seconds=$2
count=0
status=0
for target in "$build"/tests/fuzz/fuzz_*; do
    [ -x "$target" ] || continue
    name=${target##*/fuzz_}
    found=$build/found/$name
    mkdir -p "$found" "tests/fuzz/corpus/$name"
    count=$((count + 1))
    if timeout -k 10 $((seconds + 120)) "$target" -max_total_time="$seconds" \
        -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
        -artifact_prefix="$found/crash-" "$found" "tests/fuzz/corpus/$name" \
        >"$build/$name.log" 2>&1 </dev/null; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$name.log")
        echo "ok $count - fuzz $name, $runs inputs"
    else
        status=1
        echo "not ok $count - fuzz $name"
        tail -n 40 "$build/$name.log" | sed 's/^/# /'
    fi
done
echo "1..$count"
exit $status
