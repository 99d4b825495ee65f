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
    for ((i = 2; i < cword; i++)); do
        case ${words[i]} in
        "$1") [ $((i + 1)) -lt "$cword" ] && printf '%s' "${words[i + 1]}" ;;
        "$1"=*) printf '%s' "${words[i]#*=}" ;;
        esac
    done
}

_infinitomata_fsms() { # names with blanks are quoted
    local at id key name typed=${cur//\\/}
    at=$(_infinitomata_option --at)
    id=$(_infinitomata_option --id)
    key=$(_infinitomata_option --key-file)
    while IFS= read -r name; do
        case $cur:$name in
        [\"\']*:"${cur:1}"*) COMPREPLY+=("$name") ;;
        *:"$typed"*) COMPREPLY+=("$(printf '%q' "$name")") ;;
        esac
    done < <("${words[0]}" fsms --names ${at:+--at "$at"} ${id:+--id "$id"} \
        ${key:+--key-file "$key"} --timeout 1 2>/dev/null)
}

# How many plain arguments were typed after the subcommand; options that take a
# value take it with them.
_infinitomata_arguments() {
    local i count=0
    for ((i = $1; i < cword; i++)); do
        case ${words[i]} in
        --*=* | --json | --count | --names | --no-wait | --strict | --force | --auto-terminate | --print-config) ;;
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
    if [ "$cword" = 2 ]; then
        _infinitomata_words "fsm spec --help"
    elif [ "${words[2]}" = fsm ]; then
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
    fsms:*) _infinitomata_words "--id --count --names $ask" ;;
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

# Bash ends words at ":" and "=", which addresses and names of FSMs have: here they
# are put together again, as far as no blank is between them on the line.
_infinitomata_join() {
    local i word before line=$COMP_LINE last=
    words=()
    for i in "${!COMP_WORDS[@]}"; do
        word=${COMP_WORDS[i]}
        before=$line
        [ -n "$word" ] && before=${line%%"$word"*}
        line=${line#"$before$word"}
        if [[ $before != *[[:blank:]]* && $last${word:0:1} == *[:=]* ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
        last=${word: -1}
        [ "$i" = "$COMP_CWORD" ] && cword=$((${#words[@]} - 1))
    done
}

_infinitomata() {
    local words cword cur prev raw=${COMP_WORDS[COMP_CWORD]} i
    _infinitomata_join
    cur=${words[cword]} prev=${words[cword - 1]}
    case $cur in
    --*=*) prev=${cur%%=*} cur=${cur#*=} ;;
    esac
    _infinitomata_complete
    # Only what stands behind the last ":" or "=" will be replaced.
    case $raw in [:=]*) raw= ;; esac
    for i in "${!COMPREPLY[@]}"; do
        COMPREPLY[i]=${COMPREPLY[i]#"${cur%"$raw"}"}
    done
}

_infinitomata_complete() {
    local commands="run console attach members fsms state send lint draw new keygen version help"
    COMPREPLY=()
    if [ "$cword" = 1 ]; then
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
    _infinitomata_value || _infinitomata_subcommand "${words[1]}"
}

complete -F _infinitomata infinitomata
