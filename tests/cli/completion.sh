#!/bin/sh
# SPDX-License-Identifier: MIT
# What the shells complete, and that they know what the program knows.
. tests/lib.sh

root=$(pwd)
program=$(cd "$1/bin" && pwd)/infinitomata
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/here"
ln -s "$program" "$work/bin/infinitomata"
PATH=$work/bin:$PATH
cd "$work/here" || exit 1
touch app.lua door.mmd notes.md
mkdir lib

cat >../complete.bash <<'BASH'
# complete.bash WORD...: what is offered for the last of them. Words end where bash
# has them end.
. "$ROOT/completions/infinitomata.bash"
COMP_LINE=$*
COMP_WORDS=()
for word in "$@"; do
    mapfile -t parts < <(grep -oE '[:=]+|[^:=]+' <<<"$word")
    COMP_WORDS+=("${parts[@]:-}")
done
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_infinitomata 2>/dev/null
printf '%s\n' "${COMPREPLY[@]}"
BASH
ROOT=$root
export ROOT

offers() { # EXPECTED WORD...: these, in any order
    want=$1
    shift
    got=$(bash ../complete.bash "$@" | sort | tr '\n' ' ')
    [ "$got" = "$want " ] || { echo "offered: $got"; return 1; }
}

ok_if "bash takes it" bash -n "$root/completions/infinitomata.bash"
ok_if "subcommands" offers "send state" infinitomata s
ok_if "scripts and folders beside them" offers "app.lua attach" infinitomata a
ok_if "lua's options" offers "--help --version -E -W -e -i -l -v" infinitomata -
ok_if "options of a subcommand" offers "--format" infinitomata draw --f
ok_if "values of an option" offers "plantuml" infinitomata draw --format p
ok_if "files that may be drawn" offers "app.lua door.mmd lib" infinitomata draw ""
ok_if "scripts to run, and folders" offers "app.lua lib" infinitomata run ""
ok_if "levels" offers "debug" infinitomata run --log-level d
ok_if "what can be new" offers "fsm" infinitomata new f
ok_if "options of new fsm" offers "--timer" infinitomata new fsm --ti
ok_if "callbacks" offers "on_timer" infinitomata new fsm x --callback on_ti
ok_if "values behind an equals sign" offers "svg" infinitomata draw --format=s
ok_if "and right behind it" offers "json text" infinitomata run --log-format=
ok_if "arguments behind options with one" offers "lib" infinitomata run --bind=h:1 l
ok_if "subcommands to be explained" offers "keygen" infinitomata help k
ok_if "nothing where nobody knows" offers "" infinitomata run --bind ""

# Every subcommand and option that the program explains is known to both.
known() { # FILE: says what is missing in it
    missing=
    for command in $(infinitomata --help | sed -n 's/^  \([a-z]*\)  *[a-z].*/\1/p'); do
        case $command in infinitomata) continue ;; esac
        grep -q -e "\b$command\b" "$1" || missing="$missing $command"
        help=$(infinitomata "$command" --help)
        [ "$command" = new ] && help="$help $(infinitomata new fsm --help) $(infinitomata new spec --help)"
        for option in $(printf '%s\n' "$help" | grep -oe '--[a-z][a-z-]*' | sort -u); do
            [ "$command$option" = attach--at ] && continue
            grep -q -e "$option\b" "$1" || missing="$missing $command:$option"
        done
    done
    [ -z "$missing" ] || { echo "missing:$missing"; return 1; }
}
ok_if "bash knows every option" known "$root/completions/infinitomata.bash"
ok_if "zsh knows every option" known "$root/completions/_infinitomata"
tr -d '\\' <"$root/man/infinitomata.1" >../man.text
ok_if "the man page knows every option" known ../man.text
ok_if "docs/cli.md knows every option" known "$root/docs/cli.md"

if command -v zsh >/dev/null; then
    zsh_completes() { # EXPECTED LINE
        timeout 20 zsh -f "$root/tests/cli/complete.zsh" "$root" "$2" >../out 2>&1
        grep -qF -e "<$1>" ../out || { cat ../out; return 1; }
    }
    ok_if "zsh takes it" zsh -n "$root/completions/_infinitomata"
    ok_if "zsh completes a subcommand" zsh_completes "infinitomata keygen " "infinitomata keyg"
    ok_if "an option" zsh_completes "infinitomata draw --format=" "infinitomata draw --fo"
    ok_if "its value" zsh_completes "infinitomata draw --format=svg " "infinitomata draw --format=s"
    ok_if "and an option of an inner command" \
        zsh_completes "infinitomata new fsm --timer=" "infinitomata new fsm --ti"
fi
done_testing
