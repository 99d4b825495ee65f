#!/bin/sh
# SPDX-License-Identifier: MIT
# The unit that docs/operations.md shows is one that systemd takes, and its
# commands do what the page says of a node under systemd.
. tests/lib.sh
. tests/docs/lib_blocks.sh

bin=$(cd "$1/bin" && pwd)
service_manager=$(realpath tests/service_manager.lua)
work=$(mktemp -d)
XDG_RUNTIME_DIR=$work/run
NOTIFY_SOCKET=$work/notify
export XDG_RUNTIME_DIR NOTIFY_SOCKET
MAINPID=
manager=
trap 'kill $MAINPID $manager 2>/dev/null; wait; rm -rf "$work"' EXIT
cd "$work" || exit 1
mkdir -m 700 run

# Its paths are ours here.
blocks_of docs/operations.md ini | sed -e "s|/usr/local/bin|$bin|" \
    -e "s|/etc/orders|$work|" -e "s|/srv/orders|$work|" >orders.service
value_of() { sed -n "s/^$1=//p" orders.service; }
systemd_takes_it() { # a key that it does not know is one line, and no error
    systemd-analyze verify --man=no "$work/orders.service" >verified 2>&1 &&
        ! grep orders verified
}
told() { wait_for "$1" grep -q -e "$2" told || { cat told log; return 1; }; }
configure() { echo "return { name = 'a', bind = '127.0.0.1:0', tags = { dc = '$1' } }" >node.lua; }
has_tag() { "$bin/infinitomata" members --at a | grep -q "dc=$1"; }

if command -v systemd-analyze >/dev/null; then
    ok_if "systemd takes the unit" systemd_takes_it
else
    skip "systemd takes the unit" "no systemd-analyze here"
fi
lua5.4 "$service_manager" "$NOTIFY_SOCKET" >told 2>&1 &
manager=$!
wait_for 10 grep -q listening told

configure west
echo 'require "infinitomata"' >app.lua
seconds=$(value_of WatchdogSec)
ok_if "its type is the one of a node that says when it is ready" test "$(value_of Type)" = notify
(eval "WATCHDOG_USEC=${seconds}000000 exec $(value_of ExecStart)") >log 2>&1 </dev/null &
MAINPID=$!
ok_if "ExecStart starts a node that says when it is ready" told 20 '^READY=1'
ok_if "it gives signs of life in time" told "$seconds" '^WATCHDOG=1'
ok_if "with its settings" has_tag west
configure east
ok_if "ExecReload" eval "$(value_of ExecReload)"
ok_if "has it say that it reloads" told 10 '^RELOADING=1'
ok_if "and take the settings anew" wait_for 10 has_tag east
kill -TERM "$MAINPID"
status=0
wait "$MAINPID" || status=$?
MAINPID=
ok_if "SIGTERM, with which systemd stops it, ends it well" test "$status" = 0
ok_if "and it says that it stops" told 10 '^STOPPING=1'
done_testing
