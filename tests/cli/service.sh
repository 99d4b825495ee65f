#!/bin/sh
# SPDX-License-Identifier: MIT
# A node as a service: what it tells the service manager, and what SIGHUP,
# SIGUSR1 and SIGTERM do.
. tests/lib.sh

program=$(cd "$1/bin" && pwd)/infinitomata
service_manager=$(realpath tests/service_manager.lua)
work=$(mktemp -d)
XDG_RUNTIME_DIR=$work/run
export XDG_RUNTIME_DIR
node=
manager=
trap 'kill $node $manager 2>/dev/null; wait; rm -rf "$work"' EXIT
cd "$work" || exit 1
mkdir -m 700 run

write_door() { # REASON DIAGRAM
    cat >door.lua.new <<LUA
local finitomata = require "finitomata"
local door = finitomata.define { fsm = [[${2:-closed --> |open| ajar}]] }
function door.on_transition(_, event)
  if event == "open" then return nil, "$1" end
end
return door
LUA
    mv door.lua.new door.lua
}
write_door locked
echo 'return { log_level = "error" }' >conf.lua
cat >app.lua <<'LUA'
assert(require "infinitomata".start_fsm("front", "door"))
LUA

if lua5.4 -e 'assert(require "socket.unix".dgram)' 2>/dev/null; then
    lua5.4 "$service_manager" "$work/notify" >told 2>&1 &
    manager=$!
    wait_for 10 grep -q listening told
    NOTIFY_SOCKET=$work/notify
    WATCHDOG_USEC=200000
    export NOTIFY_SOCKET WATCHDOG_USEC
fi
managed() { # NAME TEST...: a test that needs the manager
    if [ -n "$manager" ]; then
        ok_if "$@"
    else
        skip "$1" "no datagram sockets in Lua here"
    fi
}
is_up() { wait_for 20 "$program" state front --at a || { cat log; return 1; }; }
refused_with() { fails_with 1 "$1" "$program" send front open --at a; }
logged() { grep -q -e "$1" log || { cat log; return 1; }; }
told() { wait_for 10 grep -q -e "$1" told || { cat told; return 1; }; }
several_beats() { [ "$(grep -c 'WATCHDOG=1' told)" -ge 3 ]; }

"$program" run --name a --bind 127.0.0.1:0 --config conf.lua app.lua >log 2>&1 &
node=$!
ok_if "it starts" is_up
managed "it says that it is ready" told '^READY=1|STATUS=node a at '
managed "it gives signs of life" wait_for 10 several_beats

kill -USR1 "$node"
ok_if "SIGUSR1 writes down how it is" wait_for 10 logged 'branch default: 1 FSMs, here 1: door 1'
ok_if "a callback refuses" refused_with locked
write_door jammed
echo 'return { log_level = "info" }' >conf.lua
kill -HUP "$node"
ok_if "SIGHUP takes the new one over" wait_for 10 refused_with jammed
ok_if "and the new level of the log" wait_for 10 logged 'info .* reloaded: door'
managed "it says that it reloads" told '^RELOADING=1'
write_door stuck 'closed --> |open| ajar
closed --> |kick| broken'
kill -HUP "$node"
ok_if "a changed diagram is taken over" wait_for 10 refused_with stuck
ok_if "by the FSM that runs" says broken "$program" send front kick --at a
write_door jammed
kill -HUP "$node"
ok_if "an FSM whose state is gone is named" wait_for 10 logged \
    'door: 1 FSMs stay with the old diagram, the new one has no such state: front'
echo 'return { log_level = "info", tags = { dc = "west" }, label = "x" }' >conf.lua
kill -HUP "$node"
ok_if "new tags are shown" wait_for 10 says dc=west "$program" members --at a
ok_if "what needs a restart is named" wait_for 10 logged 'this needs a restart: label'
echo 'return { log_lvel = 1 }' >conf.lua
kill -HUP "$node"
ok_if "a broken configuration changes nothing" wait_for 10 logged "unknown key 'log_lvel'"
kill -TERM "$node"
wait "$node"
ended=$?
node=
ok_if "SIGTERM ends it well" test "$ended" = 0
managed "it says that it stops" told '^STOPPING=1'
done_testing
