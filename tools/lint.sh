#!/bin/sh
# SPDX-License-Identifier: MIT
# lint.sh CHECK: one of luacheck, format, tidy, rockspec. Silent when all
# is well; otherwise says what is wrong and exits non-zero.
set -eu
cd "$(dirname "$0")/.."

there() { # those of the folders that exist
    for folder in "$@"; do
        [ -e "$folder" ] && echo "$folder"
    done
}
c_files() {
    find $(there runtime tests bench examples) -name '*.c' -o -name '*.h'
}

case ${1:-} in
luacheck)
    luacheck -q --no-color $(there lua spec examples bench tools tests) tools/test_runner .busted
    ;;
format)
    c_files | xargs clang-format --dry-run --Werror
    ;;
tidy)
    flags="-std=c11 -D_GNU_SOURCE -DINF_VERSION=\"x\" -Iruntime -Iruntime/include
        $(pkg-config --cflags lua5.4)"
    find runtime -name '*.c' | xargs -P "$(nproc)" -n 4 sh -c '
        flags=$1
        shift
        clang-tidy --quiet "$@" -- $flags 2>&1 | grep -A 5 -E "(error|warning):"
        [ $? = 1 ]' sh "$flags"
    ;;
rockspec)
    luarocks --lua-version=5.4 lint infinitomata-scm-1.rockspec
    ;;
*)
    echo "lint.sh: luacheck, format, tidy or rockspec?" >&2
    exit 2
    ;;
esac
