# SPDX-License-Identifier: MIT
# bash completion for infinitomata. Names of FSMs are asked of the running node
# that --at names, as long as it answers within a second.

_infinitomata_words() { # WORDS: those that begin with what is typed
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

_infinitomata_files() { # PATTERN...: folders, and files that match one of them
    local pattern
    mapfile -t COMPREPLY < <(
        compgen -d -- "$cur"
        for pattern in "$@"; do compgen -f -X "!$pattern" -- "$cur"; done | sort -u
    )
    compopt -o filenames 2>/dev/null
}

_infinitomata_option() { # the value of --NAME among the words typed so far
    local i
    for ((i = 2; i < COMP_CWORD - 1; i++)); do
        [ "${COMP_WORDS[i]}" = "$1" ] && printf '%s' "${COMP_WORDS[i + 1]}"
    done
}

_infinitomata_fsms() {
    local at id key
    at=$(_infinitomata_option --at)
    id=$(_infinitomata_option --id)
    key=$(_infinitomata_option --key-file)
    _infinitomata_words "$("${COMP_WORDS[0]}" fsms ${at:+--at "$at"} ${id:+--id "$id"} \
        ${key:+--key-file "$key"} \
        --timeout 1 2>/dev/null | awk 'NR > 1 { print $1 }')"
}

# How many plain arguments were typed after the subcommand; options that take a
# value take it with them.
_infinitomata_arguments() {
    local i count=0
    for ((i = $1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --json | --count | --no-wait | --strict | --force | --auto-terminate | --print-config) ;;
        -*) ((i++)) ;;
        *) ((count++)) ;;
        esac
    done
    return "$count"
}

_infinitomata_value() { # completes what follows an option; fails when it takes nothing
    case $prev in
    --format) _infinitomata_words "mermaid plantuml dot svg text" ;;
    --syntax) _infinitomata_words "flowchart state_diagram" ;;
    --what) _infinitomata_words "full state payload" ;;
    --state) _infinitomata_words "alive suspect dead left" ;;
    --bits) _infinitomata_words "128 192 256" ;;
    --profile) _infinitomata_words "lan wan local" ;;
    --log | --log-level) _infinitomata_words "debug info warning error off" ;;
    --log-format) _infinitomata_words "text json" ;;
    --callback)
        _infinitomata_words "on_enter on_exit on_failure on_rollback on_terminate on_timer" ;;
    --config) _infinitomata_files '*.lua' ;;
    --key-file | --from) _infinitomata_files '*' ;;
    --out) _infinitomata_files '*' ;;
    --name | --bind | --advertise | --rpc | --join | --membership | --label | --tags | --id | --console | --at | --timeout | -e) ;;
    --attempts | --poll-interval | --rpc-timeout | --backoff-base | --backoff-max | --timer) ;;
    *) return 1 ;;
    esac
}

_infinitomata_new() {
    if [ "$COMP_CWORD" = 2 ]; then
        _infinitomata_words "fsm spec --help"
    elif [ "${COMP_WORDS[2]}" = fsm ]; then
        _infinitomata_words "--from --syntax --out --auto-terminate --timer --callback --force --help"
    elif [[ $cur == -* ]]; then
        _infinitomata_words "--out --force --help"
    else
        _infinitomata_files '*.lua'
    fi
}

_infinitomata_subcommand() {
    local node="--name --bind --advertise --rpc --join --key-file --profile --membership --label
        --tags --id --console --attempts --poll-interval --rpc-timeout --backoff-base --backoff-max
        --log --log-level --log-format --config --print-config --help"
    local ask="--at --key-file --timeout --json --help"
    case $1:$cur in
    run:-*) _infinitomata_words "$node" ;;
    run:*) _infinitomata_files '*.lua' ;;
    console:*) _infinitomata_words "$node" ;;
    attach:-*) _infinitomata_words "-e --key-file --help" ;;
    members:*) _infinitomata_words "--state $ask" ;;
    fsms:*) _infinitomata_words "--id --count $ask" ;;
    state:-*) _infinitomata_words "--what --id $ask" ;;
    send:-*) _infinitomata_words "--no-wait --id $ask" ;;
    state:* | send:*) _infinitomata_arguments 2 && _infinitomata_fsms ;;
    lint:-*) _infinitomata_words "--syntax --strict --json --help" ;;
    draw:-*) _infinitomata_words "--format --name --syntax --out --help" ;;
    lint:* | draw:*) _infinitomata_files '*.lua' '*.mmd' '*.mermaid' '*.puml' '*.plantuml' '*.txt' ;;
    new:*) _infinitomata_new ;;
    keygen:*) _infinitomata_words "--bits --help" ;;
    version:*) _infinitomata_words "--json --help" ;;
    help:*) _infinitomata_words "$commands" ;;
    *) _infinitomata_files '*' ;; # a script has arguments of its own
    esac
}

_infinitomata() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local commands="run console attach members fsms state send lint draw new keygen version help"
    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        case $cur in
        -*) _infinitomata_words "-e -l -i -v -E -W --help --version" ;;
        *)
            _infinitomata_files '*.lua'
            local files=("${COMPREPLY[@]}")
            _infinitomata_words "$commands"
            COMPREPLY+=("${files[@]}")
            ;;
        esac
        return
    fi
    # `draw --name` is a definition, `run --state` is nothing: the value of an
    # option is the same in every subcommand that has it.
    _infinitomata_value || _infinitomata_subcommand "${COMP_WORDS[1]}"
}

complete -F _infinitomata infinitomata
