#!/bin/sh
# SPDX-License-Identifier: MIT
# layers.sh: an arrow points only to a layer below; prints each one that does
# not, and then exits 1. `tools/layers.sh ROOT` looks at another tree.
#
#   C    base <- core <- host <- bind <- main.c; parts of core do not include
#        each other: node.c introduces them. All may use the leaves, which are
#        effect.h, packet.h, keyring.h and retry.h, and know no part.
#        core knows no libuv, no Lua, no sockets, no threads, no clock.
#   Lua  finitomata <- infinitomata; only finitomata/clock.lua and
#        infinitomata/cluster.lua know the C module.
set -u
cd "${1:-$(dirname "$0")/..}" || exit 2

includes() { # FILE:NAME for each include of a file of ours
    grep -rHoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"][^>"]+[>"]' \
        runtime --include='*.c' --include='*.h' 2>/dev/null |
        sed -E 's/[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]//; s/[>"]$//'
}

requires() { # FILE:MODULE for each require
    grep -rHoE "require[[:space:]]*[(,]?[[:space:]]*[\"'][^\"']+[\"']" lua \
        --include='*.lua' 2>/dev/null |
        sed -E "s/require[[:space:]]*[(,]?[[:space:]]*[\"']//; s/[\"']\$//"
}

c_faults() {
    includes | awk -F: '
    BEGIN {
        rank["include"] = 0; rank["base"] = 1; rank["core"] = 2
        leaf["effect"]; leaf["packet"]; leaf["keyring"]; leaf["retry"]
        rank["host"] = 3; rank["bind"] = 4; rank["main.c"] = 5
    }
    function fault(why) { printf "%s includes %s: %s\n", $1, $2, why }
    {
        n = split($1, at, "/"); from = at[2]
        part = at[n]; sub(/\.[ch]$/, "", part)
        split($2, to, "/"); folder = to[1]
        if (!(from in rank)) { fault("a folder without a layer"); next }
        if (folder in rank && index($2, "/")) {
            # bind may show an embedder'"'"'s face, so include/ is beneath all.
            if (rank[folder] > rank[from]) { fault("that layer is above"); next }
            # member_probe.c is of the part "member", and so on.
            name = to[2]; sub(/\.[ch]$/, "", name); sub(/_.*/, "", name)
            sub(/_.*/, "", part)
            if (from == "core" && folder == "core" && part != "node" &&
                name != part && !(name in leaf))
                fault("parts of core meet in node.c only")
            if (part in leaf && folder == "core" && name != part &&
                !(part == "packet" && name == "keyring"))
                fault("a leaf knows no other part")
            if ($2 ~ /\.c$/) fault("a .c file")
            next
        }
        if ($2 ~ /^\.\./) { fault("a path upwards"); next }
        if (from == "base" || from == "core" || from == "include") {
            if ($2 ~ /^(uv|lua|lualib|lauxlib|luajit|pthread|threads|time|unistd|poll|signal)\.h$/ ||
                $2 ~ /^(sys|netinet|arpa|uv)\//)
                # An embedder hands in its loop and its Lua; base/addr.c only
                # turns addresses into text.
                if (!(from == "include" && $2 ~ /^(uv|lua)\.h$/) &&
                    !($1 == "runtime/base/addr.c" && $2 == "arpa/inet.h"))
                    fault(from " knows no such thing")
        } else if (from == "host" && $2 ~ /^(lua|lualib|lauxlib)\.h$/) {
            fault("host knows no Lua")
        }
    }'
}

lua_faults() {
    requires | awk -F: '
    function fault(why) { printf "%s requires %s: %s\n", $1, $2, why }
    {
        own = $1 ~ /^lua\/finitomata\//
        if (own && $2 ~ /^infinitomata(\.|$)/ && $2 != "infinitomata.core")
            fault("finitomata has no thought of a cluster")
        if ($2 == "infinitomata.core" && $1 != "lua/finitomata/clock.lua" &&
            $1 != "lua/infinitomata/cluster.lua")
            fault("only clock.lua and cluster.lua know the C module")
    }'
}

faults=$(c_faults; lua_faults)
[ -z "$faults" ] && exit 0
printf '%s\n' "$faults"
exit 1
