#!/bin/sh
# SPDX-License-Identifier: MIT
# What README.md shows on several terminals happens: its files are written to
# a folder, each `run` it shows is typed there, and must print what is shown.
. tests/lib.sh

program=$(realpath "$1")/bin/infinitomata
work=$(mktemp -d)
pids=
end() {
    for pid in $pids; do kill "$pid" 2>/dev/null; done
    rm -rf "$work"
}
trap end EXIT

# The Lua blocks as files, the transcripts as terminal.1, terminal.2, ...
# Ports of our own: those shown may be in use.
ports=2$(($$ % 900 + 100))
awk -v dir="$work" '
    /^```lua/ { kind = "lua"; name = ""; next }
    /^```console/ { kind = "console"; next }
    /^```/ { kind = ""; next }
    kind == "lua" && name == "" { name = substr($0, 4) }
    kind == "lua" { print > (dir "/" name) }
    kind == "console" && /^\$ infinitomata run / { n++; running = 1 }
    kind == "console" && /^\$/ && !/^\$ infinitomata run / { running = 0 }
    kind == "console" && running { print > (dir "/terminal." n) }
' README.md
sed -i "s/:794\([0-9]\)/:$ports\1/g" "$work"/terminal.*

type_into() { # type_into N: types the command of terminal N
    terminal=$work/terminal.$1
    command=$(sed -n '1s/^\$ infinitomata //p' "$terminal")
    sed 1d "$terminal" >"$terminal.shown"
    (cd "$work" && exec "$program" $command) >"$terminal.said" 2>&1 &
    pids="$pids $!"
}
says_what_is_shown() {
    wait_for 20 cmp -s "$work/terminal.$1.shown" "$work/terminal.$1.said" ||
        { diff "$work/terminal.$1.shown" "$work/terminal.$1.said"; return 1; }
}

ok_if "there are two terminals" test -s "$work/terminal.2" -a ! -e "$work/terminal.3"
for n in 1 2; do
    type_into $n
    ok_if "terminal $n says what README.md shows" says_what_is_shown $n
done
for pid in $pids; do
    status=0
    kill -TERM "$pid" || status=$?
    wait "$pid" || status=$?
    ok_if "SIGTERM makes it leave in good order" test "$status" = 0
done
pids=

# The demo's story as README.md tells it, but for times, and for the line that
# says which port it was.
timeless() { sed -e '/^node .* at /d' -e 's/about [0-9]* ms/about N ms/' "$@"; }
story_is_the_one_shown() {
    awk '/^\$ make demo$/ { shown = 1; next } /^```/ { shown = 0 } shown' README.md |
        timeless >"$work/shown"
    examples/order/demo.sh "$program" 2>&1 | timeless >"$work/told"
    [ -s "$work/shown" ] && diff "$work/shown" "$work/told"
}
ok_if "the demo tells the story that README.md shows" story_is_the_one_shown
done_testing
