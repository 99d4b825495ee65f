#!/bin/sh
# SPDX-License-Identifier: MIT
# What docs/cli.md and docs/console.md show of asking a running node: their
# commands are typed, and must print what is shown, but for ports and the width
# of columns.
. tests/lib.sh

program=$(realpath "$1")/bin/infinitomata
root=$(pwd)
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
infinitomata() { "$program" "$@"; }
plain() { sed -e 's/127\.0\.0\.1:[0-9]*/ADDRESS/g' -e 's/  */ /g' "$1"; }
says_what_is_shown() {
    plain shown.part >shown.plain
    plain said >said.plain
    diff shown.plain said.plain
}
answer() {
    [ -n "$command" ] || return 0
    eval "$command" >said 2>&1 </dev/null
    ok_if "$command" says_what_is_shown
}
ask() { # ask N: types the transcript in the file `shown`, of N commands
    asked=$tests_run
    command=
    while IFS= read -r line <&3; do
        case $line in
        '$ '*)
            answer
            command=${line#??}
            : >shown.part
            ;;
        *) printf '%s\n' "$line" >>shown.part ;;
        esac
    done 3<shown
    answer
    ok_if "there was that much to ask" test $((tests_run - asked)) = "$1"
}

node a dc=west ''
node b dc=east "--join $address" order-10 order-2
awk '/^```/ { block = $0 == "```console"; on = 0; next }
    block && /^\$ / { on = / (members|fsms|send|state) / }
    on' "$root/docs/cli.md" >shown
ask 5

# A dozen FSMs, on a node of this machine and on one with a key,
# which stands for the one afar.
dozen='1 2 3 4 5 6 7 8 9 10 11 12'
afar=127.0.0.1:1$(($$ % 9000 + 1000))
infinitomata keygen >cluster.key
# shellcheck disable=SC2086
node afar dc=east "--key-file cluster.key --console $afar" $dozen
# shellcheck disable=SC2086
node shop-1 dc=west '' $dozen
awk '/^```console/ { on = 1; next } /^```/ { on = 0 } on' "$root/docs/console.md" |
    sed -e "s/127\.0\.0\.1:7946/$address/" -e "s/10\.0\.0\.7:7900/$afar/" >shown
ask 3
done_testing
