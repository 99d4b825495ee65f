#!/bin/sh
# SPDX-License-Identifier: MIT
# fuzz.sh BUILD SECONDS TARGET: runs a fuzz target that long, from its stored
# inputs. New inputs stay in BUILD; one that breaks something is printed with
# its path, to be added to tests/fuzz/corpus. TAP on standard output.
set -u
build=$1
seconds=$2
name=$3
target=$build/tests/fuzz/fuzz_$name
found=$build/found/$name
mkdir -p "$found" "tests/fuzz/corpus/$name"
echo "1..1"
if timeout -k 10 $((seconds + 120)) "$target" -max_total_time="$seconds" \
    -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix="$found/crash-" "$found" "tests/fuzz/corpus/$name" \
    >"$build/$name.log" 2>&1 </dev/null; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$name.log")
    echo "ok 1 - fuzz $name, $runs inputs"
else
    echo "not ok 1 - fuzz $name"
    tail -n 40 "$build/$name.log" | sed 's/^/# /'
    exit 1
fi
