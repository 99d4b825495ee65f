#!/bin/sh
# SPDX-License-Identifier: MIT
# members, fsms, state and send ask a running node; two of them, one cluster.
. tests/lib.sh

root=$(pwd)
program=$(cd "$1/bin" && pwd)/infinitomata
work=$(mktemp -d)
XDG_RUNTIME_DIR=$work/run
export XDG_RUNTIME_DIR
nodes=
trap 'kill $nodes 2>/dev/null; wait; rm -rf "$work"' EXIT
cd "$work" || exit 1
mkdir -m 700 run
unset INFINITOMATA_AT

cat >turnstile.lua <<'LUA'
local finitomata = require "finitomata"
local turnstile = finitomata.define {
  fsm = [[
    ready --> |on!| closed
    opened --> |walk_in| closed
    closed --> |coin_in| opened
    closed --> |switch_off| switched_off
  ]],
  auto_terminate = true,
}
function turnstile.on_transition(_, event, event_payload, payload)
  if event == "walk_in" then
    payload.passengers = payload.passengers + 1
    return "closed", payload
  end
  if event == "coin_in" and (math.type(event_payload) ~= "integer" or event_payload < 1) then
    return nil, "too little"
  end
end
return turnstile
LUA
cat >app.lua <<'LUA'
local infinitomata = require "infinitomata"
local name = infinitomata.node.self().name
assert(infinitomata.start_fsm("gate-" .. name, "turnstile", { passengers = 0 }))
local file = assert(io.open("address-" .. name, "w"))
file:write(infinitomata.node.self().address)
file:close()
os.rename("address-" .. name, "up-" .. name)
LUA

start() { # NAME OPTIONS...; not in ok_if, which would forget its number
    node=$1
    shift
    "$program" run --name "$node" --bind 127.0.0.1:0 --profile local "$@" app.lua \
        >"log-$node" 2>&1 &
    nodes="$nodes $!"
}
is_up() { wait_for 20 test -s "up-$1" || { cat "log-$1"; return 1; }; }
inf() { timeout 30 "$program" "$@"; }
both() { [ "$(inf fsms --at "$1" --count)" = 2 ]; }

inf keygen >key
port=2$(($$ % 900 + 100))1
start a --key-file key --console 127.0.0.1:$port
ok_if "a node starts" is_up a
start b --key-file key --join "$(cat up-a)"
ok_if "another joins" is_up b
ok_if "each comes to know the FSMs of both" wait_for 20 both a
ok_if "the other too" wait_for 20 both b

ok_if "members lists both" says "b     alive" inf members --at a
ok_if "and marks the one that answers" says "a *   alive" inf members --at a
ok_if "by address as well" says "b *   alive" inf members --at "$(cat up-b)"
ok_if "and by the environment" says "a *" env INFINITOMATA_AT=a "$program" members
ok_if "members --json" says '"name":"b"' inf members --at a --json
ok_if "fsms" says "gate-a  turnstile" inf fsms --at b
ok_if "fsms with a pattern" says "gate-b" inf fsms --at a '*-b'
ok_if "finds nothing else" [ "$(inf fsms --at a '*-b' --count)" = 1 ]
ok_if "state, from the other node" says "state     closed" inf state gate-a --at b
ok_if "state --what state" [ "$(inf state gate-a --at b --what state)" = closed ]
ok_if "state --json" says '"payload":{"passengers":0}' inf state gate-a --at b --json
ok_if "send is refused with the reason" fails_with 1 "too little" inf send gate-b coin_in 0 --at a
ok_if "an integer stays one on the way" says "opened  { passengers = 0 }" \
    inf send gate-b coin_in 1 --at a
ok_if "a float too" fails_with 1 "too little" inf send gate-a coin_in 1.0 --at b
ok_if "send --no-wait is silent" [ -z "$(inf send gate-b walk_in --at a --no-wait)" ]
ok_if "and does it" [ "$(inf state gate-b --at a --what payload --json)" = '{"passengers":1}' ]
ok_if "members --json tells the branches" says '"branches":["default"]' inf members --at a --json
completes() { # EXPECTED WORD...: what bash offers for the last one, as it splits them
    want=$1
    shift
    got=$(bash -c '. "$0"; COMP_LINE=$* COMP_WORDS=()
        for word in "$@"; do
            mapfile -t parts < <(grep -oE "[:=]+|[^:=]+" <<<"$word")
            COMP_WORDS+=("${parts[@]:-}")
        done
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _infinitomata 2>/dev/null
        echo "${COMPREPLY[*]}"' "$root/completions/infinitomata.bash" "$program" "$@")
    [ "$got" = "$want" ] || { echo "offered: $got"; return 1; }
}
ok_if "bash completes the names of FSMs" completes "gate-a gate-b" state --at a ga
ok_if "asked of a node by its address" completes "gate-a gate-b" state --at "$(cat up-a)" ga
ok_if "in one word as well" completes "gate-b" state "--at=$(cat up-a)" gate-b
inf attach a -e 'for _, name in ipairs { "main gate", "order:17" } do
    infinitomata.start_fsm(name, "turnstile", { passengers = 0 }) end'
ok_if "fsms --names" says "main gate" inf fsms --at a --names
ok_if "bash quotes a blank" completes 'main\ gate' state --at a main
ok_if "but not behind a quotation mark" completes 'main gate' send --at a "'ma"
ok_if "and knows of a colon" completes "17" state --at a order:1
if command -v zsh >/dev/null; then
    zsh_completes() { # EXPECTED LINE
        timeout 20 zsh -f "$root/tests/cli/complete.zsh" "$root" "$2" >out 2>&1
        grep -qF -e "<$1>" out || { cat out; return 1; }
    }
    mkdir bin
    ln -s "$program" bin/infinitomata
    PATH=$work/bin:$PATH
    ok_if "zsh completes the name of an FSM" \
        zsh_completes "infinitomata state --at a order:17 " "infinitomata state --at a ord"
    ok_if "with a blank in it, from an address" \
        zsh_completes "infinitomata send --at=$(cat up-a) main\\ gate " "infinitomata send --at=$(cat up-a) ma"
fi
ok_if "an unknown event is refused" fails_with 1 "does not answer" inf send gate-b jump --at a
ok_if "what is not JSON is wrong usage" fails_with 2 "not JSON" inf send gate-b coin_in '{' --at a
ok_if "an unknown FSM fails" fails_with 1 "gate-c" inf state gate-c --at a
ok_if "an unknown branch fails" fails_with 1 "no branch 'shop'" inf fsms --id shop --at a
ok_if "from afar with the key" says "gate-b" inf fsms --at 127.0.0.1:$port --key-file key
inf keygen >other.key
ok_if "another key will not do" \
    fails_with 1 "does not know the key" inf members --at 127.0.0.1:$port --key-file other.key
ok_if "nor does what is no key" fails_with 1 "No such file" inf members --at a --key-file none
ok_if "nobody there fails" fails_with 1 "try --at a or --at b" inf members --at nobody
stale() { "$program" -e 'local core = require "infinitomata.core"
    assert(core.pipe_listen("run/infinitomata/killed.sock", print)) os.exit(0)' &&
    touch -d '1 minute ago' run/infinitomata/killed.sock; }
ok_if "a killed node leaves its socket" stale
ok_if "which is not named" fails_with 1 "try --at a or --at b" inf members --at nobody
ok_if "and gone" test ! -e run/infinitomata/killed.sock
ok_if "where nobody is" fails_with 1 "name one with --at" \
    env XDG_RUNTIME_DIR=/nowhere "$program" members
done_testing
