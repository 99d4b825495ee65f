#!/bin/sh
# SPDX-License-Identifier: MIT
# LuaRocks builds, packs, installs and removes the rock without a network, first
# of all as docs/building.md says, and the program runs from LuaRocks' tree.
. tests/lib.sh
. tests/docs/lib_blocks.sh
unset MAKELEVEL MFLAGS LUA_PATH LUA_CPATH
MAKEFLAGS=-j$(nproc)
export MAKEFLAGS

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
B=$1/rock
# The page's first rock goes where LuaRocks puts it by itself: into our first tree.
LUAROCKS_CONFIG=$work/config.lua
export B LUAROCKS_CONFIG
{
    cat .ci/luarocks-debian.lua
    echo "rocks_trees = { { name = 'system', root = '$work/a' } }"
} >"$LUAROCKS_CONFIG"

rocks() { # TREE WORD...
    tree=$work/$1
    shift
    luarocks --lua-version=5.4 --tree="$tree" "$@"
}
in_work() { (cd "$work" && "$@"); }
stock() { # TREE WORD...: lua5.4 with the modules of a tree
    tree=$work/$1
    shift
    LUA_PATH="$tree/share/lua/5.4/?.lua;$tree/share/lua/5.4/?/init.lua" \
        LUA_CPATH="$tree/lib/lua/5.4/?.so;/usr/lib/x86_64-linux-gnu/lua/5.4/?.so;;" in_work lua5.4 "$@"
}
gone() { ! find "$work/$1" -name '*finitomata*' | grep .; }

cat >"$work/node.lua" <<'LUA'
local finitomata = require "finitomata"
local infinitomata = require "infinitomata"
local uv = require "luv"
package.loaded.waiter = finitomata.define {
  name = "waiter", fsm = "[*] --> idle\nidle --> |wait| done", auto_terminate = false,
  on_transition = function(_, event)
    if event ~= "wait" then return end
    local done = false
    local timer = uv.new_timer()
    timer:start(1, 0, function() done = true; timer:close() end)
    while not done do finitomata.sleep(1) end
    return "done"
  end,
}
finitomata.run(function()
  assert(infinitomata.node.start { name = "rock", bind = "127.0.0.1:0" })
  assert(infinitomata.start_fsm("w", "waiter"))
  print((assert(infinitomata.call("w", "wait"))))
  infinitomata.node.leave()
end)
LUA

follow docs/building.md
ok_if "the program runs from where LuaRocks put it" says 0.1.0 in_work a/bin/infinitomata version
ok_if "and from the tree that the page names" says 0.1.0 build/tree/bin/infinitomata version
ok_if "the page leaves the configuration of .ci/" \
    test "$LUAROCKS_CONFIG" = "$PWD/.ci/luarocks-debian.lua"

ok_if "the rockspec passes luarocks lint" rocks a lint infinitomata-scm-1.rockspec
ok_if "finds its Lua there, and luv is on its loop" says done in_work a/bin/infinitomata node.lua
ok_if "stock lua5.4 finds the modules there, and luv is on their loop" says "done" stock a node.lua
ok_if "luarocks doc has the documents" says cli.md rocks a doc --list infinitomata
pack() { (cd "$work" && rocks a pack infinitomata); }
ok_if "luarocks pack" pack
rock=$(ls "$work"/infinitomata-scm-1.linux-*.rock 2>/dev/null)
ok_if "luarocks install of the packed rock" rocks b install "$rock"
ok_if "the program runs from there as well" says done in_work b/bin/infinitomata node.lua
ok_if "luarocks remove" rocks b remove infinitomata
ok_if "takes everything out again" gone b

if ! git rev-parse -q --verify HEAD >/dev/null 2>&1; then
    skip "make dist" "this is not a clone"
    done_testing
fi
version=$(make -s --eval='version:; @echo $(VERSION)' version)
dist=$PWD/$B/infinitomata-$version.tar.gz
rockspec=$PWD/$B/infinitomata-$version-1.rockspec
same_again() { first=$(cksum "$dist") && rm "$dist" && make -s dist && [ "$first" = "$(cksum "$dist")" ]; }
whole() { # what git has, and nothing else
    git ls-tree -r --name-only HEAD | sort >"$work/tracked"
    tar -tzf "$dist" | sed -n "s|^infinitomata-$version/\(.*[^/]\)$|\1|p" | sort | diff "$work/tracked" -
}
from_source() { (unset B && rocks c install "$work/infinitomata-$version-1.src.rock"); }
ok_if "make dist" make -s dist DIST_URL="file://$PWD/$B"
ok_if "has every tracked file" whole
ok_if "gives the same bytes again" same_again
ok_if "its rockspec passes luarocks lint" rocks c lint "$rockspec"
ok_if "make dist for this place" make -s dist DIST_URL="file://$PWD/$B"
ok_if "luarocks packs the release" in_work luarocks --lua-version=5.4 pack "$rockspec"
ok_if "and builds it from its source" from_source
ok_if "the program runs from there" says done in_work c/bin/infinitomata node.lua
ok_if "and says which release it is" says "infinitomata $version" in_work c/bin/infinitomata version
done_testing
