#!/bin/sh
# SPDX-License-Identifier: MIT
# Consoles from afar: only with the cluster's key, and not otherwise.
. tests/lib.sh
work=$(mktemp -d)
program=$(cd "$1/bin" && pwd)/infinitomata
. tests/console/lib_screen.sh
node=
trap 'close_screens; [ -z "$node" ] || kill -9 "$node" 2>/dev/null; rm -rf "$work"' EXIT
cp tests/console/turnstile.lua "$work"
cd "$work" || exit 1
"$program" keygen >key
"$program" keygen >other
cat >app.lua <<'LUA'
assert(require("infinitomata").start_fsm("gate-1", "turnstile", {}))
LUA
# The log says which port it is.
"$program" run --name server --bind 127.0.0.1:0 --key-file key --console 127.0.0.1:0 \
    --log-level info app.lua >log 2>&1 &
node=$!

listens() { address=$(sed -n 's/.*consoles may attach at \([0-9.:]*\).*/\1/p' log); [ -n "$address" ]; }
wait_for 10 listens
ok_if "the node says where consoles may attach" listens
at() { timeout 20 "$program" attach "$address" "$@"; }
evaluates() {
    said=$(at --key-file key -e "$1" 2>&1) || { echo "$said"; return 1; }
    [ "$said" = "$2" ] || { printf '%s\n' "$said"; return 1; }
}
ok_if "with the key a chunk is evaluated" evaluates 'return node.self().name' server
ok_if "a long value comes whole" \
    test "$(at --key-file=key -e 'return ("x"):rep(3000000)' | wc -c)" = 3000001
ok_if "an error fails" fails_with 1 "console:1: no" at --key-file key -e 'error "no"'
ok_if "another key is refused" fails_with 1 "does not know the key" at --key-file other -e 1
ok_if "without a key it is not even tried" fails_with 1 "needs --console there" at -e 1
ok_if "a key file that is not there is named" fails_with 1 "nowhere.key" at --key-file nowhere.key -e 1
ok_if "a node that is not there is named" fails_with 1 "nobody listens at 127.0.0.1:1" \
    "$program" attach 127.0.0.1:1 --key-file key -e 1

open_screen a "$program attach $address --key-file key"
ok_if "a console attaches" waits_at a ">"
typed a 'infinitomata.state("ga'
press a Tab
ok_if "TAB completes over there" waits_at a '> infinitomata.state("gate-1"'
enter a ', "state")'
ok_if "and the answer comes" shows_line a "closed"
enter a 'print "first" while true do pcall(error) end'
ok_if "an endless loop begins" shows_line a "first"
press a C-c
ok_if "Ctrl-C stops it" shows_times a "interrupted!" 1
enter a 'print "second" finitomata.sleep(1e6)'
ok_if "a wait begins" shows_line a "second"
press a C-c
ok_if "Ctrl-C ends it" shows_times a "interrupted!" 2
cat >spinner.lua <<'LUA'
local function forever() while true do pcall(error) end end
return require("finitomata").define {
  fsm = "a --> |spin| b\na --> |go| c\nb --> |go| c",
  on_transition = { a = { spin = function() coroutine.wrap(forever)() end } },
}
LUA
enter a 'infinitomata.start_fsm("spinner", "spinner") ~= nil'
ok_if "an FSM is started" shows_line a "true"
enter a 'print "it spins" infinitomata.call("spinner", "spin")'
ok_if "a handler runs away" shows_line a "it spins"
press a C-c
ok_if "Ctrl-C ends it as well" shows_times a "interrupted!" 3
enter a 'infinitomata.state("spinner", "state")'
ok_if "and the node hears again" shows_line a "a"
enter a 'print "third" while true do pcall(error) end'
ok_if "another endless loop begins" shows_line a "third"
on_screens kill-session -t "=a"
ok_if "it ends with its console" evaluates '"free"' free

# Whoever knows no key: noise, silence.
cat >stranger.lua <<'LUA'
local core = require "infinitomata.core"
local closed, pipe
pipe = assert(core.tcp_connect(arg[1], function()
  pipe:on_bytes(function(bytes)
    if not bytes then closed = true end
  end)
  if arg[2] ~= "" then pipe:write(arg[2]) end
end))
local deadline = core.now() + 10000
core.timer_start(10000, function() end)
while not closed and core.now() < deadline do core.step "once" end
print(closed and "closed" or "open")
LUA
ok_if "noise is turned away" says closed "$program" stranger.lua "$address" "GET / HTTP/1.1"
ok_if "silence is not listened to for ever" says closed "$program" stranger.lua "$address" ""
ok_if "and the node goes on" evaluates '1' 1

# The key changes while the node runs: the door follows.
cp key old
"$program" keygen >key
cat old >>key
kill -HUP "$node"
ok_if "after a SIGHUP a new key opens" wait_for 10 evaluates '1' 1
head -n 1 key >new && cp new key
kill -HUP "$node"
old_fails() { fails_with 1 "does not know the key" at --key-file old -e 1; }
ok_if "and once the old one is gone it opens no more" wait_for 10 old_fails
ok_if "but the new one does" evaluates '1' 1
cp key old
"$program" keygen >key
step() { at --key-file "$1" -e "return node.$2 '$(cat "$3")'"; }
ok_if "a console adds a key" says true step old add_key key
ok_if "which opens" evaluates '1' 1
ok_if "uses it" says true step key use_key key
ok_if "and removes the old one" says true step key remove_key old
ok_if "which opens no more" fails_with 1 "does not know the key" at --key-file old -e 1

no_key() { "$program" run --name x --bind 127.0.0.1:0 --console 127.0.0.1:0 app.lua; }
ok_if "without a key a node opens no such door" fails_with 1 "need a key" no_key
taken() {
    "$program" run --name x --bind 127.0.0.1:0 --key-file key --console "$address" app.lua
}
ok_if "nor where somebody listens already" fails_with 1 "address already in use" taken
done_testing
