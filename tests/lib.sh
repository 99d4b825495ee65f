# SPDX-License-Identifier: MIT
# lib.sh: for test scripts. Source it, call ok_if for each thing to hold, end
# with done_testing.
#
#   . tests/lib.sh
#   ok_if "the program says its version" "$1/bin/infinitomata" version
#   done_testing

tests_run=0
tests_failed=0

# ok_if NAME COMMAND...: one test, which holds when the command succeeds. What
# the command prints is shown when it does not.
ok_if() {
    tests_run=$((tests_run + 1))
    ok_name=$1
    shift
    if ok_said=$("$@" 2>&1); then
        echo "ok $tests_run - $ok_name"
    else
        echo "not ok $tests_run - $ok_name"
        printf '%s\n' "$ok_said" | tail -n 25 | sed 's/^/#   /'
        tests_failed=$((tests_failed + 1))
    fi
}

# skip NAME WHY: a test that cannot be made here.
skip() {
    tests_run=$((tests_run + 1))
    echo "ok $tests_run - $1 # SKIP $2"
}

# says TEXT COMMAND...: the command succeeds and its output has TEXT in it.
says() {
    says_text=$1
    shift
    said=$("$@" 2>&1) || { printf '%s\n' "$said"; return 1; }
    case $said in
    *"$says_text"*) ;;
    *) printf '%s\n' "$said"; return 1 ;;
    esac
}

# fails_with STATUS TEXT COMMAND...: ends with that status, says TEXT.
fails_with() {
    fails_want=$1
    fails_text=$2
    shift 2
    fails_status=0
    said=$("$@" 2>&1) || fails_status=$?
    case $said in
    *"$fails_text"*) [ "$fails_status" = "$fails_want" ] && return 0 ;;
    esac
    printf 'exit status %s\n%s\n' "$fails_status" "$said"
    return 1
}

# wait_for SECONDS COMMAND...: tries until it succeeds or time is up.
wait_for() {
    wait_left=$(($1 * 10))
    shift
    until "$@" >/dev/null 2>&1; do
        wait_left=$((wait_left - 1))
        [ "$wait_left" -gt 0 ] || return 1
        sleep 0.1
    done
}

done_testing() {
    echo "1..$tests_run"
    [ "$tests_failed" = 0 ]
    exit
}
