#!/bin/sh
# SPDX-License-Identifier: MIT
# A flag is stronger than the environment, that is stronger than the file, and
# all are stronger than the default; and the node runs with what was said.
. tests/lib.sh

program=$(cd "$1/bin" && pwd)/infinitomata
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
XDG_RUNTIME_DIR=$work/run
export XDG_RUNTIME_DIR
mkdir -m 700 run

cat >conf.lua <<'LUA'
return {
  name = "from-file",
  bind = "127.0.0.1:0",
  attempts = 7,
  tags = { dc = os.getenv "DC" },
  log_format = "json",
}
LUA
cat >app.lua <<'LUA'
local infinitomata = require "infinitomata"
local self = infinitomata.node.self()
print(self.name, infinitomata.node.members()[1].tags.dc, (arg[1]))
io.stdout:flush()
require "finitomata".log.error("something happened")
infinitomata.node.leave()
LUA

inf() { timeout 20 "$program" "$@"; }
shows() { # LINE COMMAND...: a line of what is printed, blanks squeezed
    line=$1
    shift
    "$@" 2>&1 | sed 's/  */ /g; s/^ //' | grep -qxF -e "$line" || { "$@"; return 1; }
}

ok_if "a default" shows 'attempts = 1000, -- default' inf run --print-config
ok_if "the file over the default" shows 'attempts = 7, -- file conf.lua' \
    inf run --print-config --config conf.lua
ok_if "the environment over the file" shows 'attempts = 8, -- environment INFINITOMATA_ATTEMPTS' \
    env INFINITOMATA_ATTEMPTS=8 "$program" run --print-config --config conf.lua
ok_if "a flag over the environment" shows 'attempts = 9, -- flag --attempts' \
    env INFINITOMATA_ATTEMPTS=8 "$program" run --print-config --config conf.lua --attempts 9
ok_if "the environment names the file" shows 'name = "from-file", -- file conf.lua' \
    env INFINITOMATA_CONFIG=conf.lua "$program" run --print-config
ok_if "the console has the same settings" shows 'attempts = 9, -- flag --attempts' \
    inf console --print-config --attempts 9
inf run --print-config --config conf.lua --name a >printed.lua
ok_if "what is printed is a configuration" shows 'name = "a", -- file printed.lua' \
    inf run --print-config --config printed.lua

echo 'return { rpc_timout = 1 }' >typo.lua
ok_if "an unknown key is refused with the nearest one" \
    fails_with 1 "typo.lua: unknown key 'rpc_timout' (did you mean 'rpc_timeout'?)" \
    inf run --config typo.lua app.lua
echo 'return { name = io.read() }' >nosy.lua
ok_if "the file sees nothing of the world" fails_with 1 "global 'io'" inf run --config nosy.lua app.lua
ok_if "a wrong flag is wrong usage" fails_with 2 "--attempts: an integer" inf run --attempts x app.lua
ok_if "a wrong variable is a failure, and is named" \
    fails_with 1 "INFINITOMATA_ATTEMPTS: an integer" env INFINITOMATA_ATTEMPTS=x "$program" run app.lua
ok_if "an unknown option is refused with the nearest one" \
    fails_with 2 "did you mean --attempts?" inf run --attemps 3 app.lua

ok_if "the node runs with it" says "from-file	west	first" \
    env DC=west "$program" run --config conf.lua app.lua first
env DC=west "$program" run --config conf.lua app.lua 2>lines >/dev/null
ok_if "log lines are JSON when asked for" grep -q \
    '^{"time":"[0-9TZ:.-]*","level":"error","node":"from-file","message":"something happened"}$' lines
env DC=west "$program" run --config conf.lua --log-format text app.lua 2>lines >/dev/null
ok_if "or text" grep -q 'Z error   from-file something happened$' lines
ok_if "a level that is not worth it is not written" sh -c \
    "[ -z \"\$('$program' run --config conf.lua --log-level off app.lua 2>&1 >/dev/null)\" ]"

inf keygen >key
ok_if "a key from keygen is taken" says from-file inf run --config conf.lua --key-file key app.lua
echo short >bad.key
ok_if "what is no key is refused, with its line" \
    fails_with 1 "bad.key:1: a key of 16, 24 or 32 bytes" \
    inf run --config conf.lua --key-file bad.key app.lua
ok_if "a key is never shown" shows '-- key is not shown, -- environment INFINITOMATA_KEY' \
    env INFINITOMATA_KEY="$(cat key)" "$program" run --print-config
done_testing
