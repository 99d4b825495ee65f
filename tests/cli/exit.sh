#!/bin/sh
# SPDX-License-Identifier: MIT
# A script that calls os.exit leaves the cluster first, so that the others see
# it leave, and do not have to find out that it is gone.
. tests/lib.sh

program=$(cd "$1/bin" && pwd)/infinitomata
work=$(mktemp -d)
XDG_RUNTIME_DIR=$work/run
export XDG_RUNTIME_DIR
watcher=
trap 'kill $watcher 2>/dev/null; wait; rm -rf "$work"' EXIT
cd "$work" || exit 1
mkdir -m 700 run

cat >watch.lua <<'LUA'
local node = require "infinitomata".node
io.stdout:setvbuf "line"
node.on_member(function(kind, member) print(kind, member.name) end)
print("at", node.self().address)
LUA
cat >script.lua <<'LUA'
io.write "half a line"
os.exit(tonumber(arg[1]))
LUA
cat >chatty.lua <<'LUA'
for i = 1, 100 do require "finitomata".log.error("again") end
if arg[1] == "exit" then os.exit(0) end
require "infinitomata".node.leave()
LUA
cat >handler.lua <<'LUA'
package.loaded.fuse = require "finitomata".define {
  name = "fuse", fsm = "idle --> |on!| burning\nburning --> |out| gone",
  on_enter = { burning = function() os.exit(5) end },
}
assert(require "finitomata".start_fsm("fuse", "fuse"))
LUA

inf() { timeout 30 "$program" "$@"; }
member() { name=$1; shift; inf run --name "$name" --bind 127.0.0.1:0 --profile local "$@"; }
address() { sed -n 's/^at\t//p' watched; }
saw() { wait_for 20 grep -qx "$(printf '%s\t%s' "$1" "$2")" watched || { cat watched; return 1; }; }
is_left() { inf members --at watcher | grep -q "^$1 *left"; }

"$program" run --name watcher --bind 127.0.0.1:0 --profile local watch.lua >watched 2>&1 &
watcher=$!
ok_if "a node watches" wait_for 20 grep -q '^at' watched
ok_if "a script ends with the status it gives" \
    fails_with 3 "half a line" member one --join "$(address)" script.lua 3
ok_if "and was seen to leave" saw leave one
ok_if "it is left, not dead" is_left one
ok_if "a handler ends with the status it gives" fails_with 5 "" member two --join "$(address)" handler.lua
ok_if "and was seen to leave too" saw leave two
# The watcher has three: under its name, its address, and that for calls.
no_socket() { [ "$(ls run/infinitomata | wc -l)" = 3 ] && [ -S run/infinitomata/watcher.sock ]; }
ok_if "their sockets are gone" wait_for 5 no_socket
console() { echo 'os.exit(4)' | inf console --name three --bind 127.0.0.1:0 --profile local \
    --join "$(address)"; }
ok_if "the console ends with the status it is given" fails_with 4 "" console
ok_if "and was seen to leave as well" saw leave three
ok_if "what the log has held back is told by then" says "95 more lines like this: again" \
    member four chatty.lua exit
ok_if "and at any other end" says "95 more lines like this: again" member five chatty.lua
done_testing
