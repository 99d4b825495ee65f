#!/bin/sh
# SPDX-License-Identifier: MIT
# The subcommands that work on files, as a user types them: what they print and
# where, and how they end.
. tests/lib.sh
unset INFINITOMATA_CONFIG NO_COLOR

root=$(pwd)
program=$(cd "$1/bin" && pwd)/infinitomata
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

cat >turnstile.lua <<'LUA'
local finitomata = require "finitomata"
return finitomata.define {
  fsm = [[
    ready --> |on!| closed
    opened --> |walk_in| closed
    closed --> |coin_in| opened
    closed --> |switch_off| switched_off
  ]],
  auto_terminate = true,
}
LUA
cat >door.mmd <<'MMD'
graph TD
    [*] --> closed
    closed --> |open| ajar
    ajar --> |close!| closed, broken
    closed --> |lock| locked, stuck
    locked --> |end| gone
MMD
printf 'local f = require "finitomata"\nf.define {\nfsm = [[\n  a -> |b| c\n]] }\n' >bad.lua

inf() { "$program" "$@"; }
only_out() { # STATUS COMMAND...: ends so, with nothing on standard error
    want=$1
    shift
    "$@" >out 2>err
    [ $? = "$want" ] && [ ! -s err ] || { cat out err; return 1; }
}
only_err() { # STATUS COMMAND...: ends so, with one line on standard error alone
    want=$1
    shift
    "$@" >out 2>err
    [ $? = "$want" ] && [ ! -s out ] && [ "$(wc -l <err)" = 1 ] || { cat out err; return 1; }
}
busted_with() { # LUA SPEC: the specs pass
    LUA_PATH="$root/lua/?.lua;$root/lua/?/init.lua;;" timeout 60 \
        busted -f "$root/tools/busted.lua" --lua="$1" -o TAP "$2"
}
# Runs a command on a pseudo-terminal, what it prints goes to standard output.
on_terminal() { TERM=xterm timeout 20 script -qec "$*" /dev/null </dev/null; }
coloured() { on_terminal "$@" | grep -q "$(printf '\033')\["; }
without_colour() { ! coloured "$@"; }

for word in run console attach members fsms state send lint draw new keygen version help; do
    ok_if "$word --help is for standard output" only_out 0 inf "$word" --help
done
ok_if "help lists the subcommands" says "lint      checks the definitions" inf --help
ok_if "no such subcommand" only_err 2 inf frobnicate
ok_if "no such option" only_err 2 inf lint --frobnicate x.lua
ok_if "a misuse says where to look" fails_with 2 "try 'infinitomata draw --help'" inf draw
ok_if "the version" says "infinitomata 0.1.0 (Lua 5.4" inf version

ok_if "lint is silent about a good file" only_out 0 inf lint turnstile.lua
ok_if "lint shows faults on standard output" only_out 1 inf lint bad.lua
ok_if "as editors want them" fails_with 1 "bad.lua:4:5: '-->' expected" inf lint bad.lua
ok_if "lint misses a file" only_err 1 inf lint nowhere.lua
ok_if "lint --json" fails_with 1 '"line":4' inf lint --json bad.lua
ok_if "lint reads diagrams" only_out 0 inf lint --json turnstile.lua
printf 'a --> |b| c, d\n' >two.mmd
ok_if "warnings are in colour on a terminal" coloured "$program" lint two.mmd
ok_if "but not with NO_COLOR" without_colour env NO_COLOR=1 "$program" lint two.mmd
ok_if "nor in a pipe" sh -c "! '$program' lint two.mmd | grep -q '$(printf '\033')'"

ok_if "draw prints Mermaid" says "closed --> |coin_in| opened" inf draw turnstile.lua
ok_if "draw prints PlantUML" says "@startuml" inf draw turnstile.lua --format plantuml
ok_if "draw prints DOT" says "digraph" inf draw turnstile.lua --format dot
if command -v dot >/dev/null; then
    ok_if "draw writes SVG" inf draw turnstile.lua --format svg --out t.svg
    ok_if "that is SVG" grep -q "</svg>" t.svg
fi
mkdir bare
for tool in sh env; do ln -s "$(command -v $tool)" bare/; done
ok_if "without Graphviz it says so" \
    fails_with 1 "SVG needs Graphviz" env PATH="$work/bare" "$program" draw turnstile.lua --format svg
ok_if "a diagram changes its language" says "[*] --> closed" inf draw door.mmd --format plantuml

ok_if "new fsm" says shop/door.lua inf new fsm shop.door --from door.mmd --auto-terminate \
    --timer 100
ok_if "what it writes is good" only_out 0 inf lint --strict shop/door.lua
ok_if "new spec" says spec/shop/door_spec.lua inf new spec shop.door
ok_if "neither is overwritten" only_err 1 inf new fsm shop.door
ok_if "nor the spec" fails_with 1 "exists already" inf new spec shop.door
ok_if "unless it is forced" inf new spec shop.door --force
ok_if "the generated spec passes under lua5.4" busted_with lua5.4 spec
ok_if "and inside the program" busted_with "$program" spec
ok_if "new fsm without a diagram" inf new fsm plain --callback on_enter
ok_if "its spec" inf new spec plain --out plain_spec
ok_if "passes too" busted_with lua5.4 plain_spec
luacheck_is_there() { command -v luacheck >/dev/null; }
if luacheck_is_there; then
    ok_if "luacheck has no objection" luacheck -q --std lua54+busted shop plain.lua spec plain_spec
fi
from_input() { printf 'a --> |b| c\n' | inf new fsm piped --from -; }
ok_if "a diagram from a pipe" says piped.lua from_input

ok_if "keygen" only_out 0 inf keygen
ok_if "every key is new" sh -c "[ \"\$('$program' keygen)\" != \"\$('$program' keygen)\" ]"
done_testing
