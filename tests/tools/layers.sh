#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/layers.sh finds an arrow that points up, and lets the others be.
. tests/lib.sh

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/runtime/base" "$tree/runtime/core" "$tree/runtime/host" \
    "$tree/runtime/bind" "$tree/lua/finitomata" "$tree/lua/infinitomata/cli"

write() { # write FILE LINE
    printf '%s\n' "$2" >"$tree/$1"
}
refuses() { # refuses FILE LINE: with the line in the file there is a fault
    write "$1" "$2"
    fails_with 1 "$1" tools/layers.sh "$tree"
    refused=$?
    rm "$tree/$1"
    return $refused
}
accepts() {
    write "$1" "$2"
    tools/layers.sh "$tree"
    accepted=$?
    rm "$tree/$1"
    return $accepted
}

ok_if "the tree as it is has no fault" tools/layers.sh .
ok_if "core may use base" accepts runtime/core/ring.c '#include "base/buf.h"'
ok_if "base may not use core" refuses runtime/base/buf.c '#include "core/node.h"'
ok_if "core may not use host" refuses runtime/core/node.c '#include "host/host.h"'
ok_if "core knows no libuv" refuses runtime/core/node.c '#include <uv.h>'
ok_if "core knows no clock" refuses runtime/core/node.c '# include <time.h>'
ok_if "core knows no sockets" refuses runtime/core/node.h '#include <sys/socket.h>'
ok_if "host may use libuv" accepts runtime/host/loop.c '#include <uv.h>'
ok_if "host knows no Lua" refuses runtime/host/loop.c '#include <lua.h>'
ok_if "bind may use Lua" accepts runtime/bind/core.c '#include <lua.h>'
ok_if "host may not use bind" refuses runtime/host/loop.h '#include "bind/loop.h"'
ok_if "parts of core do not meet" refuses runtime/core/ring.c '#include "core/rpc.h"'
ok_if "parts of core share the packets" accepts runtime/core/member.c '#include "core/packet.h"'
ok_if "packets may be sealed" accepts runtime/core/packet.h '#include "core/keyring.h"'
ok_if "a leaf knows no part" refuses runtime/core/effect.h '#include "core/keyring.h"'
ok_if "a part may have several files" accepts runtime/core/rpc.c '#include "core/rpc_frame.h"'
ok_if "node.c introduces the parts" accepts runtime/core/node.c '#include "core/ring.h"'
ok_if "a new folder needs a layer" refuses runtime/odd.c '#include "base/buf.h"'
ok_if "the engine does not require the cluster" \
    refuses lua/finitomata/init.lua 'local ring = require "infinitomata.ring"'
ok_if "the engine's clock may use the C module" \
    accepts lua/finitomata/clock.lua 'local core = require "infinitomata.core"'
ok_if "the rest of the engine may not" \
    refuses lua/finitomata/task.lua 'local core = require("infinitomata.core")'
ok_if "nor the rest of the cluster" \
    refuses lua/infinitomata/cli/run.lua "local ok = pcall(require, 'infinitomata.core')"
ok_if "the cluster requires the engine" \
    accepts lua/infinitomata/init.lua 'local finitomata = require "finitomata"'
done_testing
