#!/bin/sh
# SPDX-License-Identifier: MIT
# The console on a cluster of two: what its commands say of an FSM elsewhere.
. tests/lib.sh
work=$(mktemp -d)
program=$(cd "$1/bin" && pwd)/infinitomata
. tests/console/lib_screen.sh
node=
trap 'close_screens; [ -z "$node" ] || kill -9 "$node" 2>/dev/null; rm -rf "$work"' EXIT
cp tests/console/turnstile.lua "$work"
cd "$work" || exit 1
cat >app.lua <<'LUA'
assert(require("infinitomata").start_fsm("gate-1", "turnstile", {}))
LUA
"$program" run --name there --bind 127.0.0.1:0 app.lua >log 2>&1 &
node=$!
answers() { "$program" attach there -e 'return node.self().address' >address 2>/dev/null; }
ok_if "a node runs" wait_for 10 answers

open_screen c "$program console --name here --bind 127.0.0.1:0 --join $(cat address)"
ok_if "a console joins it" waits_at c ">"
enter c '.members'
ok_if "its members are both" shows c "this node"
ok_if "the other one too" shows c "there  alive"
enter c '.fsms gate*'
ok_if "the FSM there is listed" shows_line c "gate-1  turnstile       there"
enter c '.ring gate-1'
ok_if "the nodes it belongs to are named" shows_line c "runs on      there"
enter c '.synch'
ok_if "the views are in step" shows_line c "in step: 1 FSMs"
enter c '.watch gate-1'
ok_if "the FSM there is watched" shows_line c "gate-1: is in closed"
typed c 'half'
"$program" attach there -e 'branch:call("gate-1", "coin_in", 1)' >/dev/null
ok_if "what it does is told" shows_line c "gate-1: closed --> opened"
ok_if "above what is typed" waits_at c "> half"
drop c
enter c '.send gate-1 walk_in'
ok_if "an event sent from here leads on" shows_line c "closed  { coins = 1 }"
enter c '.draw gate-1'
ok_if "the diagram marks where it is there" shows c "║ ▶ closed ║"
enter c 'branch:stop_fsm("gate-1")'
ok_if "its end is told" shows_line c "gate-1: has ended"
typed c 'half'
kill -9 "$node"
wait "$node" 2>/dev/null
ok_if "the death of the other node is told" shows c "-- there has failed"
ok_if "and what is typed stays" waits_at c "> half"
node=
done_testing
