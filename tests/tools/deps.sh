#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/deps.sh names what is missing, and installs it when it may. A machine
# of a few links stands in for a bare one, and a script for apt-get.
. tests/lib.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bare"
for tool in sh env sort tr mktemp rm tail true; do
    ln -s "/usr/bin/$tool" "$work/bare/$tool"
done
script() { # script NAME LINE...
    name=$1
    shift
    { echo '#!/bin/sh'; printf '%s\n' "$@"; } >"$work/bare/$name"
    chmod +x "$work/bare/$name"
}
bare() { env -i PATH="$work/bare" sh tools/deps.sh "$@"; }

ok_if "nothing is missing where it has been built" tools/deps.sh --check build test
ok_if "a bare machine is told the one command" \
    fails_with 1 "install with: sudo apt-get install -y gcc libc6-dev" bare --check build
ok_if "the tests need more than the build" \
    fails_with 1 "lua-busted" bare --check build test
ok_if "an unknown word is refused" fails_with 2 "unknown word 'bild'" bare bild
ok_if "without apt-get the command is printed" \
    fails_with 1 "install with" bare build

script apt-get "echo \"\$*\" >>'$work/asked'" "exit 1"
script id "echo 1000"
ok_if "an ordinary user is told the command" fails_with 1 "install with" bare build
ok_if "and apt-get was not called" test ! -e "$work/asked"
script sudo '[ "$1" = -n ] && shift' 'exec "$@"'
ok_if "with sudo, failing to install is said" \
    fails_with 1 "apt-get did not bring" bare build
ok_if "after asking for the packages" grep -q "install -y .*libuv1-dev" "$work/asked"
ok_if "and for fresh lists" grep -qx -- "update -qq" "$work/asked"
done_testing
