#!/bin/sh
# SPDX-License-Identifier: MIT
# What docs/console.md shows in its sessions happens: the lines behind a prompt
# are typed, all others must be what is printed. "..." stands for anything.
. tests/lib.sh
program=$(cd "$1/bin" && pwd)/infinitomata
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
XDG_RUNTIME_DIR=$work
LC_ALL=C.UTF-8
export XDG_RUNTIME_DIR LC_ALL
chmod 700 "$work"

awk -v dir="$work" '
    /^```lua/ { kind = "lua"; name = ""; next }
    /^```session/ { kind = "session"; next }
    /^```/ { kind = ""; next }
    kind == "lua" && name == "" { name = substr($0, 4) }
    kind == "lua" { print > (dir "/" name) }
    kind == "session" && sub(/^>>? /, "") { print > (dir "/typed"); next }
    kind == "session" { print > (dir "/shown") }
' docs/console.md
ok_if "there is something to type" test -s "$work/typed" -a -s "$work/shown"

type_it() {
    cd "$work" &&
        timeout 30 "$program" console --name here --bind 127.0.0.1:0 <typed >said 2>&1
}
matches() { # line by line
    cd "$work" || return 1
    sed 's/[][\\.*^$]/\\&/g; s/\\\.\\\.\\\./.*/' shown | paste -d '\n' - said | {
        while IFS= read -r pattern && IFS= read -r line; do
            printf '%s\n' "$line" | grep -qx -- "$pattern" || {
                echo "shown: $pattern"
                echo "said:  $line"
                return 1
            }
        done
    } && [ "$(wc -l <shown)" = "$(wc -l <said)" ]
}
ok_if "the console takes it" type_it
ok_if "and says what is shown" matches
ok_if "every command that there is, is in the list" sh -c '
    for name in $(echo .help | "$1" console --bind 127.0.0.1:0 | sed "s/^\.\([a-z]*\).*/\1/"); do
        [ "$name" = help ] || grep -q "^| .\.$name[ \`]" docs/console.md || { echo "$name"; exit 1; }
    done' sh "$program"
done_testing
