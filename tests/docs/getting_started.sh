#!/bin/sh
# SPDX-License-Identifier: MIT
# docs/getting-started.md, followed by hand: its files are written, what it shows
# on one terminal is left to spec/docs_spec.lua, and on two consoles its lines are
# typed in its order. What each says must be what is shown.
. tests/lib.sh

build=$(realpath "$1")
page=$(realpath docs/getting-started.md)
work=$(mktemp -d)
pids=
end() {
    for pid in $pids; do kill "$pid" 2>/dev/null; done
    rm -rf "$work"
}
trap end EXIT
PATH=$build/bin:$PATH
export XDG_STATE_HOME="$work" XDG_RUNTIME_DIR="$work" LC_ALL=C.UTF-8

# The files; and a line for each thing to do: terminal, `$`, `>` or `=`, text.
# Ports of our own: those shown may be in use.
ports=1$(($$ % 900 + 100))
awk -v dir="$work" '
    /^```lua/ { kind = "lua"; name = ""; next }
    /^```session/ {
        kind = "session"; who = $2
        if ($3 == "after") print $4, "."
        next
    }
    /^```/ { kind = ""; next }
    kind == "lua" && name == "" { name = substr($0, 4) }
    kind == "lua" { print > (dir "/" name) }
    kind == "session" && /^[$>] / { print who, $0; next }
    kind == "session" { print who " = " $0 }
' "$page" | sed "s/:794\([0-9]\)/:$ports\1/g" >"$work/steps"

INFINITOMATA_BIND=127.0.0.1:${ports}6
export INFINITOMATA_BIND
begin() { # begin NAME COMMAND: a console that is typed into through a pipe
    mkfifo "$work/$1.in"
    : >"$work/$1.shown"
    (cd "$work" && exec $2 <"$work/$1.in" >"$work/$1.said" 2>&1 3>&- 4>&-) &
    pids="$pids $!"
    eval "$1_pid=$!"
    if [ "$1" = a ]; then exec 3>"$work/$1.in"; else exec 4>"$work/$1.in"; fi
    ok_if "terminal $1: $2" wait_for 10 test -S "$work/infinitomata/$1.sock"
}
type_into() { if [ "$1" = a ]; then echo "$2" >&3; else echo "$2" >&4; fi; }
leave() { # Ctrl-D
    if [ "$1" = a ]; then exec 3>&-; else exec 4>&-; fi
    status=0
    eval "wait \$$1_pid" || status=$?
    ok_if "terminal $1: Ctrl-D" test "$status" = 0
}
says_what_is_shown() {
    wait_for 10 cmp -s "$work/$1.shown" "$work/$1.said" ||
        { diff "$work/$1.shown" "$work/$1.said"; return 1; }
}
asked=
settled() { # what was typed last has been answered as shown
    [ -z "$asked" ] || ok_if "$asked" says_what_is_shown "$who"
    asked=
}

ok_if "there is something to do" grep -q '^b >' "$work/steps"
while IFS= read -r line; do
    terminal=${line%% *}
    text=${line#? ? }
    case $line in
    ?' ='*) printf '%s\n' "$text" >>"$work/$who.shown"; continue ;;
    esac
    settled
    who=$terminal
    case $line in
    ?' $'*) begin "$who" "$text" ;;
    ?' .') leave "$who" ;;
    ?' >'*)
        asked="terminal $who: $text"
        type_into "$who" "$text"
        ;;
    esac
done <"$work/steps"
settled
leave b
pids=
done_testing
