#!/bin/sh
# SPDX-License-Identifier: MIT
# The console without a terminal: nothing but what was asked for.
. tests/lib.sh
work=$(mktemp -d)
program=$(cd "$1/bin" && pwd)/infinitomata
trap 'rm -rf "$work"' EXIT
XDG_RUNTIME_DIR=$work
XDG_STATE_HOME=$work/state
export XDG_RUNTIME_DIR XDG_STATE_HOME
chmod 700 "$work"
cp tests/console/turnstile.lua "$work"
cd "$work" || exit 1

prints() { # prints EXPECTED: what the console makes of standard input
    said=$(timeout 20 "$program" console --bind 127.0.0.1:0 2>&1) || return 1
    [ "$said" = "$1" ] || { printf '%s\n' "$said"; return 1; }
}
from() { # from TEXT EXPECTED: through a pipe
    printf "$1" | prints "$2"
}
from_file() {
    printf "$1" >input
    prints "$2" <input
}

ok_if "a pipe gives values and no prompt" from '1+1\nx = 5\nx\n' "2
5"
ok_if "a file as well" from_file '1+1\nfor i = 1, 2 do\nprint(i)\nend\n' "2
1
2"
ok_if "the last line needs no end" from '1+1' "2"
ok_if "an error does not end it" from 'error "x"\n2\n' "console:1: x
2"
ok_if "an incomplete chunk at the end is an error" from 'f(\n' \
    "console:1: unexpected symbol near <eof>"
ok_if "lines of Windows are lines" from '1+1\r\n' "2"
ok_if "no history is kept" test ! -e state
ok_if "a call that waits is waited for" from 'finitomata.sleep(50)\n"after"\n' "after"
ok_if "FSMs run between lines" from \
    'infinitomata.start_fsm("g", "turnstile", {}) ~= nil\nbranch:call("g", "coin_in", 2)\n' "true
a coin of 2
opened	{ coins = 2 }"
ok_if "commands work" from '.log off\n.log\n' "off"
ok_if ".quit ends it" from '.quit\n"not this"\n' ""
ok_if "an unknown option is wrong usage" fails_with 2 "unknown option '--nmae'" \
    "$program" console --nmae x
ok_if "an argument is wrong usage" fails_with 2 "unknown argument 'x'" "$program" console x
ok_if "a bad address is wrong usage" fails_with 2 "nowhere" \
    "$program" console --bind nowhere </dev/null
ok_if "--help explains it" says "Ctrl-D leaves" "$program" console --help
done_testing
