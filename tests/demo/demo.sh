#!/bin/sh
# SPDX-License-Identifier: MIT
# The demo does what it says, fails when something does not hold, and leaves
# no process behind.
. tests/lib.sh

program=$1/bin/infinitomata
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

tells() { grep -q "$1" "$out/story"; }
nobody_left() {
    for cmdline in /proc/[0-9]*/cmdline; do
        case $(tr '\0' ' ' 2>/dev/null <"$cmdline") in
        "$out/infinitomata run "*) return 1 ;;
        esac
    done
}

# A name of our own for the program, so that its processes can be told apart.
ln -s "$(cd "$(dirname "$program")" && pwd)/infinitomata" "$out/infinitomata"

runs() { examples/order/demo.sh "$out/infinitomata" >"$out/story" 2>"$out/errors" || {
    cat "$out/story" "$out/errors"
    return 1
}; }

ok_if "the demo tells its story to the end" runs
ok_if "three nodes meet" tells 'Three nodes have met: a, b, c'
ok_if "all nodes count the twelve orders" test "$(grep -c 'counts 12 orders' "$out/story")" = 3
ok_if "a payment is refused and the order stays" tells 'refused (declined), it stays created'
ok_if "a node is killed and the others notice" tells 'noticed after about'
ok_if "new orders start on the nodes that are left" tells 'Six new orders start'
ok_if "it says that all of it held" tells 'All of it held'
ok_if "no process is left behind" wait_for 10 nobody_left

fails() { ! examples/order/demo.sh /bin/false >/dev/null 2>&1; }
ok_if "it fails when no node starts" fails

done_testing
