#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/test_runner takes everything it cannot count for a failure.
. tests/lib.sh

root=$(pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# says_of TEXT SCRIPT_BODY: a suite of that one script ends with TEXT.
ends_with() {
    mkdir -p "$work/tests/x"
    printf '%s\n' "$2" >"$work/tests/x/case.sh"
    said=$(cd "$work" && "$root/tools/test_runner" -b out scripts 2>&1)
    code=$?
    printf '%s\nexit status %s\n' "$said" "$code"
    [ "$(printf '%s\n' "$said" | tail -n 1)" = "$1" ] || return 1
    case $1 in
    "0 passed"*) [ "$code" != 0 ] ;;
    *" 0 failed"*) [ "$code" = 0 ] ;;
    *) [ "$code" != 0 ] ;;
    esac
}

ok_if "passed tests are counted" ends_with "2 passed, 0 failed" \
    "echo 1..2; echo ok 1 - a; echo ok 2 - b"
ok_if "the plan may come last" ends_with "1 passed, 0 failed" \
    "echo ok 1 - a; echo 1..1"
ok_if "skipped tests are told apart" ends_with "1 passed, 0 failed, 1 skipped" \
    "echo ok - a; echo 'ok - b # SKIP no network'; echo 1..2"
ok_if "failed tests are counted" ends_with "1 passed, 1 failed" \
    "echo ok - a; echo not ok - b; echo 1..2; exit 1"
ok_if "no plan is a failure" ends_with "1 passed, 1 failed" "echo ok - a"
ok_if "no output is a failure" ends_with "0 passed, 1 failed" "exit 0"
ok_if "fewer tests than planned is a failure" ends_with "1 passed, 1 failed" \
    "echo 1..2; echo ok - a"
ok_if "an empty plan is a failure" ends_with "0 passed, 1 failed" "echo 1..0"
ok_if "a program may be skipped, and says why" ends_with "0 passed, 0 failed, 1 skipped" \
    "echo '1..0 # SKIP no network'"
ok_if "a bad exit status is a failure" ends_with "1 passed, 1 failed" \
    "echo ok - a; echo 1..1; exit 3"

no_tests() {
    fails_with 1 "has no tests" \
        sh -c "cd '$work' && rm -rf tests && '$root/tools/test_runner' -b out scripts"
}
ok_if "a suite without tests is a failure" no_tests

total() { (cd "$work" && "$root/tools/test_runner" -b out --total "$@"); }
mkdir -p "$work/out/results" "$work/out/asan/results"
echo "3 0 1" >"$work/out/results/unit.count"
echo "4 0 0" >"$work/out/asan/results/unit.count"
echo "1 2" >"$work/out/results/spec.count"
ok_if "the total adds suites up" says "7 passed, 0 failed, 1 skipped" total unit asan:unit
ok_if "a missing count fails the total" fails_with 1 "count of sim is missing" total unit sim
ok_if "half a count is a missing one" fails_with 1 "count of spec is missing" total unit spec
done_testing
