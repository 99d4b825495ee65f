#!/bin/sh
# SPDX-License-Identifier: MIT
# What docs/cli.md shows of asking a running node: its commands are typed, and
# must print what is shown, but for ports and the width of columns.
. tests/lib.sh

program=$(realpath "$1")/bin/infinitomata
page=$(realpath docs/cli.md)
work=$(mktemp -d)
pids=
end() {
    for pid in $pids; do kill "$pid" 2>/dev/null; done
    rm -rf "$work"
}
trap end EXIT
cd "$work" || exit 1
export XDG_RUNTIME_DIR="$work" INFINITOMATA_AT=a

cat >order.lua <<'LUA'
return require "finitomata".define {
  fsm = "created --> |pay| paid\npaid --> |ship| shipped",
  on_transition = { created = { pay = function(_, _, sum, payload)
    return "paid", { price = payload.price, paid = sum }
  end } },
}
LUA
cat >app.lua <<'LUA'
local infinitomata = require "infinitomata"
for _, name in ipairs(arg) do assert(infinitomata.start_fsm(name, "order", { price = 20 })) end
print(infinitomata.node.self().address)
io.stdout:flush()
LUA
node() { # node NAME TAGS ARGUMENTS... [-- OPTIONS...]; sets $address
    name=$1
    tags=$2
    join=$3
    shift 3
    : >"$name.log"
    # shellcheck disable=SC2086 # no word or two
    "$program" run --name "$name" --bind 127.0.0.1:0 --tags "$tags" $join app.lua "$@" \
        >"$name.log" 2>&1 &
    pids="$pids $!"
    wait_for 10 grep -q : "$name.log"
    address=$(cat "$name.log")
}
node a dc=west ''
node b dc=east "--join $address" order-10 order-2

infinitomata() { "$program" "$@"; }
awk '/^## / { here = /Asking/ } /^```text/ && here { on = 1; next } /^```/ { on = 0 } on' \
    "$page" >shown
plain() { sed -e 's/127\.0\.0\.1:[0-9]*/ADDRESS/g' -e 's/  */ /g' "$1"; }
says_what_is_shown() {
    plain shown.part >shown.plain
    plain said >said.plain
    diff shown.plain said.plain
}
answer() {
    [ -n "$command" ] || return 0
    eval "$command" >said 2>&1
    ok_if "$command" says_what_is_shown
}
command=
while IFS= read -r line; do
    case $line in
    '$ '*)
        answer
        command=${line#??}
        : >shown.part
        ;;
    *) printf '%s\n' "$line" >>shown.part ;;
    esac
done <shown
answer
ok_if "there was something to ask" test "$tests_run" -gt 3
done_testing
