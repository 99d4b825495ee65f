#!/bin/sh
# SPDX-License-Identifier: MIT
# lint.sh CHECK: one of luacheck, format, cppcheck, rockspec. Silent when all
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
    luacheck -q --no-color $(there lua spec examples bench tools tests) .busted
    ;;
format)
    c_files | xargs clang-format --dry-run --Werror
    ;;
cppcheck)
    cppcheck --quiet --error-exitcode=1 --std=c11 --language=c -j 2 \
        --enable=warning,performance,portability --inline-suppr \
        --suppressions-list=tools/cppcheck.txt \
        -Iruntime -Iruntime/include -DINF_VERSION='""' \
        $(find runtime -name '*.c')
    ;;
rockspec)
    luarocks --lua-version=5.4 lint infinitomata-scm-1.rockspec
    ;;
*)
    echo "lint.sh: luacheck, format, cppcheck or rockspec?" >&2
    exit 2
    ;;
esac
