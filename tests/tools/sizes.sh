#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/sizes.lua finds what is too long, and names that say nothing.
. tests/lib.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

lines() { # lines N TEXT
    awk -v n="$1" -v text="$2" 'BEGIN { for (i = 0; i < n; i++) print text }'
}
c_function() { # c_function LINES
    printf '/* SPDX-License-Identifier: MIT */\n\nstatic int f(int a,\n             int b) {\n'
    lines $(($1 - 3)) '    a += b;'
    echo '}'
}
lua_function() {
    printf -- '-- SPDX-License-Identifier: MIT\nlocal M = {}\nfunction M.f(a, b)\n'
    lines $(($1 - 2)) '  a = b'
    printf 'end\nreturn M\n'
}
sizes() { lua5.4 tools/sizes.lua "$@"; }

c_function 60 >"$work/a.c"
c_function 61 >"$work/b.c"
lua_function 60 >"$work/a.lua"
lua_function 61 >"$work/b.lua"
{ echo '-- SPDX-License-Identifier: MIT'; lines 599 '-- x'; } >"$work/c.lua"
{ echo '-- SPDX-License-Identifier: MIT'; lines 600 '-- x'; } >"$work/d.lua"
echo 'return {}' >"$work/e.lua"
for name in helpers utils; do echo '-- SPDX-License-Identifier: MIT' >"$work/$name.lua"; done

ok_if "a C function of 60 lines may be" sizes "$work/a.c"
ok_if "a C function of 61 lines is too long" fails_with 1 "b.c:3: a function of 61" sizes "$work/b.c"
ok_if "a Lua function of 60 lines may be" sizes "$work/a.lua"
ok_if "a Lua function of 61 lines is too long" fails_with 1 "b.lua:3: a function of 61" sizes "$work/b.lua"
ok_if "a file of 600 lines may be" sizes "$work/c.lua"
ok_if "a file of 601 lines is too long" fails_with 1 "d.lua:1: 601 lines" sizes "$work/d.lua"
ok_if "a file without its licence line is found" fails_with 1 "no SPDX" sizes "$work/e.lua"
ok_if "helpers is no name" fails_with 1 "says nothing: helpers" sizes "$work/helpers.lua"
ok_if "utils is no name" fails_with 1 "says nothing: utils" sizes "$work/utils.lua"
done_testing
