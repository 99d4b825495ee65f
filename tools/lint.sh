#!/bin/sh
# SPDX-License-Identifier: MIT
# lint.sh CHECK: one of luacheck, format, tidy, cppcheck, rockspec. Silent when all
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
        -Itests -Itests/sim $(pkg-config --cflags lua5.4)"
    find $(there runtime tests bench examples) -name '*.c' | xargs -P "$(nproc)" -n 4 sh -c '
        flags=$1
        shift
        clang-tidy --quiet "$@" -- $flags 2>&1 | grep -A 5 -E "(error|warning):"
        [ $? = 1 ]' sh "$flags"
    ;;
cppcheck)
    # It does not see that a loop over an array's bytes runs at all, nor that a
    # code of LZW is known to be in the table.
    cppcheck --quiet --std=c11 --error-exitcode=1 -j "$(nproc)" \
        --enable=warning,portability,performance --suppress=uninitvar \
        --suppress=arrayIndexOutOfBoundsCond:runtime/base/lzw.c \
        -D_GNU_SOURCE -DINF_VERSION='"x"' -Iruntime -Iruntime/include $(there runtime tests bench examples)
    ;;
rockspec)
    luarocks --lua-version=5.4 lint infinitomata-scm-1.rockspec
    ;;
*)
    echo "lint.sh: luacheck, format, tidy, cppcheck or rockspec?" >&2
    exit 2
    ;;
esac
