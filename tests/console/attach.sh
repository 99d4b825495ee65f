#!/bin/sh
# SPDX-License-Identifier: MIT
# Consoles on a running node: -e for scripts, several at once on terminals, and
# whoever speaks otherwise is turned away.
. tests/lib.sh
work=$(mktemp -d)
program=$(cd "$1/bin" && pwd)/infinitomata
. tests/console/lib_screen.sh
node=
trap 'close_screens; [ -z "$node" ] || kill -9 "$node" 2>/dev/null; rm -rf "$work"' EXIT
cp tests/console/turnstile.lua "$work"
root=$(pwd)
cd "$work" || exit 1

cat >app.lua <<'LUA'
local infinitomata = require "infinitomata"
assert(infinitomata.start_fsm("gate-1", "turnstile", {}))
LUA
"$program" run --name server --bind 127.0.0.1:0 app.lua >log 2>&1 &
node=$!
at() { "$program" attach "$@"; }
evaluates() { # evaluates CHUNK EXPECTED
    said=$(timeout 20 "$program" attach server -e "$1" 2>&1) || { echo "$said"; return 1; }
    [ "$said" = "$2" ] || { printf '%s\n' "$said"; return 1; }
}

ok_if "the socket opens" wait_for 10 test -S "$work/run/infinitomata/server.sock"
ok_if "it is the user's alone" test "$(stat -c %a "$work/run/infinitomata/server.sock")" = 600
ok_if "and so is its folder" test "$(stat -c %a "$work/run/infinitomata")" = 700
ok_if "-e prints a value" evaluates 'return 1 + 1' 2
ok_if "an expression is enough" evaluates 'branch:count()' 1
ok_if "a chunk may have lines" evaluates 'local x = 2
return x, nil, { y = x }' "2	nil	{ y = 2 }"
ok_if "print comes here and not to the node" evaluates 'print "here"' here
ok_if "and the node has said nothing" test ! -s log
ok_if "a raised error fails" fails_with 1 "console:1: oops" at server -e 'error "oops"'
ok_if "so does a chunk that is none" fails_with 1 "unexpected symbol" at server -e 'x = = 1'
ok_if "os.exit does not end the node" fails_with 1 "would end the node" at server -e 'os.exit(0)'
ok_if "-e can wait" evaluates 'finitomata.sleep(20) return "waited"' waited
ok_if "a long value comes whole" test "$(at server -e 'return ("x"):rep(20000000)' | wc -c)" = 20000001
address=$(at server -e 'return node.self().address')
ok_if "an address of this machine will do" says 2 at "$address" -e 'return 1 + 1'
ok_if "a path will do" says 2 at "$work/run/infinitomata/server.sock" -e 'return 1 + 1'
ok_if "a node that is not there is named" fails_with 1 "called 'nobody'" at nobody -e 1
ok_if "so is an address" fails_with 1 "10.1.2.3:7946" at 10.1.2.3:7946 -e 1
ok_if "a missing node is wrong usage" fails_with 2 "the node is missing" at
ok_if "a missing chunk is wrong usage" fails_with 2 "needs a value" at server -e
ok_if "lines may come from a pipe" \
    test "$(printf 'x = 1\nx + 1\n' | at server)" = 2

open_screen a "$program attach server"
open_screen b "$program attach server"
ok_if "two consoles attach at once" shows a "attached to node server"
ok_if "the second as well" waits_at b ">"
enter a 'x = "mine"'
enter b 'x'
ok_if "each has globals of its own" shows_line b "nil"
typed a 'string.fo'
press a Tab
ok_if "TAB completes over there" waits_at a "> string.format"
drop a
typed a 'infinitomata.state("ga'
press a Tab
ok_if "FSM names as well" waits_at a '> infinitomata.state("gate-1"'
enter a ', "state")'
ok_if "and the answer comes" shows_line a "closed"
enter a 'for i = 1, 2 do'
ok_if "several lines are one chunk there too" waits_at a ">>"
enter a 'print(x, i) end'
ok_if "print comes to its console" shows_line a "mine    2"

enter a '.watch gate-1'
ok_if "an FSM is watched" shows_line a "gate-1: is in closed"
typed a 'local half = "typed'
enter b '.send gate-1 coin_in 2'
ok_if "the other console sends an event" shows_line b "opened  { coins = 2 }"
ok_if "this one sees it" shows_line a "gate-1: closed --coin_in--> opened"
ok_if "and what is typed stays" waits_at a '> local half = "typed'
drop a

enter a 'print "first" while true do end'
ok_if "an endless loop begins" shows_line a "first"
press a C-c
ok_if "Ctrl-C stops an endless loop over there" shows_times a "interrupted!" 1
enter a 'print "second" finitomata.sleep(1e6)'
ok_if "a wait begins" shows_line a "second"
enter b '"meanwhile"'
ok_if "a wait of one does not stop the other" shows_line b "meanwhile"
press a C-c
ok_if "Ctrl-C ends the wait" shows_times a "interrupted!" 2
enter a '(function() print "third" while true do pcall(error) end end)()'
ok_if "another endless loop begins" shows_line a "third"
on_screens kill-session -t "=a"
ok_if "an endless loop ends with its console" evaluates '"free"' free

press b C-d
ok_if "Ctrl-D leaves" shows_line b "ended with 0"
ok_if "and the node goes on" evaluates '1' 1

cat >stranger.lua <<'LUA'
-- Bytes that are no console's; whether the node closed the connection is printed.
local core = require "infinitomata.core"
local path, kind = arg[1], arg[2]
local BYTES = {
  noise = ("GET / HTTP/1.1\r\n\r\n"):rep(3),
  long = "\xff\xff\xff\xff",
  early = (">s4"):pack(core.pack { op = "line", text = "os.exit()" }),
  twice = (">s4"):pack(core.pack { op = "hello", version = 1, width = 80, interactive = false })
    :rep(2),
  version = (">s4"):pack(core.pack { op = "hello", version = 99, width = 80, interactive = false }),
}
local closed
local pipe
pipe = core.pipe_connect(path, function()
  pipe:on_bytes(function(bytes)
    if not bytes then closed = true end
  end)
  pipe:write(BYTES[kind])
end)
local deadline = core.now() + 5000
core.timer_start(5000, function() end)
while not closed and core.now() < deadline do core.step "once" end
print(closed and "closed" or "open")
LUA
stranger() { says closed "$program" stranger.lua "$work/run/infinitomata/server.sock" "$1"; }
ok_if "noise is turned away" stranger noise
ok_if "so is a message that claims to be long" stranger long
ok_if "so is a line before the greeting" stranger early
ok_if "so is a second greeting" stranger twice
ok_if "so is another version" stranger version
ok_if "and the node goes on all the same" evaluates '1' 1

open_screen c "$program attach server"
ok_if "a console is attached" waits_at c ">"
kill -STOP "$node"
ok_if "a stopped node is not waited for" \
    fails_with 1 "the node does not answer within 5 s" at server -e 1
enter c 'x = 1'
ok_if "a line is under way" wait_for 10 at_first_column c
press c C-c
ok_if "who waits for it is told" shows c "the node does not answer; Ctrl-C again leaves it"
press c C-c
ok_if "and may leave" shows_line c "ended with 1"
kill -CONT "$node"
ok_if "it goes on as if nothing had been" evaluates '1' 1

cat >spinner.lua <<'LUA'
local function forever() while true do pcall(error) end end
return require("finitomata").define {
  fsm = "a --> |spin| b\na --> |go| c\nb --> |go| c",
  on_transition = { a = { spin = function() coroutine.wrap(forever)() end } },
}
LUA
open_screen e "$program attach server"
ok_if "another one is" waits_at e ">"
enter e 'infinitomata.start_fsm("spinner", "spinner") ~= nil'
ok_if "an FSM is started" shows_line e "true"
enter e 'print "it spins" infinitomata.call("spinner", "spin")'
ok_if "a handler runs away" shows_line e "it spins"
press e C-c
ok_if "Ctrl-C ends a handler that runs away over there" shows_line e "interrupted!"
ok_if "and the node hears again" evaluates 'branch:state("spinner", "state")' a
cat >deep.lua <<'LUA'
local loop = coroutine.wrap(function() while true do pcall(error) end end)
loop()
LUA
enter e 'print "deep" dofile "deep.lua"'
ok_if "a file is run" shows_line e "deep"
press e C-c
ok_if "and a coroutine of a module's own" shows_times e "interrupted!" 2
press e C-d
ok_if "and one leaves" shows_line e "ended with 0"

open_screen d "$program attach server"
ok_if "a last one is attached" waits_at d ">"
kill "$node"
ok_if "a node that ends is told" shows d "the node has ended the session"
ok_if "and the console fails" shows_line d "ended with 1"
ok_if "the socket goes with the node" wait_for 10 test ! -e "$work/run/infinitomata/server.sock"
wait "$node" 2>/dev/null
node=
cd "$root" || exit 1
done_testing
