#!/bin/sh
# SPDX-License-Identifier: MIT
# A cluster that is cut and healed tells the story that docs/consistency.md shows.
. tests/lib.sh

program=$1/bin/infinitomata
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

tells_what_is_shown() {
    awk '/^\$ examples\/partition\/cut.sh$/ { shown = 1; next } /^```/ { shown = 0 } shown' \
        docs/consistency.md >"$folder/shown"
    timeout 150 examples/partition/cut.sh "$program" >"$folder/told" 2>"$folder/errors" || {
        status=$?
        cat "$folder/told" "$folder/errors"
        return "$status"
    }
    [ -s "$folder/shown" ] && diff "$folder/shown" "$folder/told"
}

unshare -Urnm true 2>/dev/null && command -v ip >/dev/null || {
    echo 'ok 1 - partition # SKIP no namespaces here'
    echo '1..1'
    exit 0
}
ok_if "a cut and its heal are what docs/consistency.md shows" tells_what_is_shown
done_testing
