# SPDX-License-Identifier: MIT
# lib_blocks.sh: for scripts that do what a document says. Source it after
# tests/lib.sh, from the root of the repository, and set $work to a folder.

blocks_root=$(pwd)
nodes=

# blocks_of PAGE KIND: the lines of its blocks of that kind.
blocks_of() {
    awk -v opening="\`\`\`$2" '
        /^```/ { inside = !inside; ours = inside && $0 == opening; next }
        ours' "$blocks_root/$1"
}

# What .ci/run does in steps of its own: each of these would come back to here,
# or takes minutes.
is_for_ci() {
    case $1 in
    'make test' | 'make lint' | 'make asan' | 'make tsan' | 'make fuzz'* | 'make sim'* | \
        'luarocks test'*) ;;
    *) return 1 ;;
    esac
}
ci_does() { sed -n 's/^step "[^"]*" //p' "$blocks_root/.ci/run" | grep -Fqx -- "$1"; }

# follow PAGE: types its sh blocks line by line, in this very shell: `cd` and
# `export` last. A node is left running until stop_nodes, and has to say `up`.
# The addresses of the documents are ours here, with ports of our own.
follow() {
    blocks_of "$1" sh | sed "s/10\.0\.0\.\([0-9]\):7946/127.0.0.1:2$(($$ % 900 + 100))\1/g" \
        >"$work/lines"
    ok_if "$1 has something to type" test -s "$work/lines"
    while IFS= read -r line <&3; do
        command=$(printf '%s\n' "$line" | sed 's/ *# .*//')
        [ -n "$command" ] || continue
        if is_for_ci "$command"; then
            ok_if "$command is a step of .ci/run" ci_does "$command"
            continue
        fi
        case $command in
        'infinitomata run '*)
            : >"$work/node.log"
            (eval "exec $line") >"$work/node.log" 2>&1 </dev/null 3<&- &
            nodes="$nodes $!"
            ok_if "$command" wait_for 20 grep -qx up "$work/node.log"
            ;;
        *)
            status=0
            eval "$line" >"$work/typed" 2>&1 </dev/null 3<&- || status=$?
            ok_if "$command" sh -c 'cat "$1"; exit "$2"' sh "$work/typed" "$status"
            ;;
        esac
    done 3<"$work/lines"
}

stop_nodes() {
    for node in $nodes; do
        kill -TERM "$node"
        status=0
        wait "$node" || status=$?
        ok_if "SIGTERM makes the node leave" test "$status" = 0
    done
    nodes=
}
