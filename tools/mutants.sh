#!/bin/sh
# SPDX-License-Identifier: MIT
# mutants.sh: switches one mechanism of the registry, or of calls, off at a time
# and shows that somebody notices: the simulator or, where it takes thousands of
# worlds to meet the case, a unit test. Prints a line for each; exits 1 when one
# lives.
#
#   tools/mutants.sh [RUNS]      RUNS worlds for each, 400 by default
#
# A mutant is: name, profile (1 rolling, 2 faults), file, sed expression.
set -u
cd "$(dirname "$0")/.." || exit 2
runs=${1:-400}
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT INT TERM
alive=0

build() { # compiles the world from $work/tree
    ${CC:-cc} -std=c11 -O1 -D_GNU_SOURCE -I"$work/tree/runtime" \
        -I"$work/tree/tests" -I"$work/tree/tests/sim" \
        "$work"/tree/tests/sim/test_registry.c "$work"/tree/tests/sim/sim*.c \
        "$work"/tree/runtime/base/*.c "$work"/tree/runtime/core/*.c \
        -o "$work/world" -lcmocka -lxxhash -lsodium -lcrypto -lz -lm
}

# The unit tests that look closely, each with the file that helps it.
units='test_registry:rows_world test_registry_diff:rows_world test_synch:synch_pair
    test_node:node_world test_node_contest:node_world test_rpc:rpc_pair
    test_rpc_requests:rpc_pair'

# The name of the first unit test that fails, if one does.
unit_that_fails() {
    cp tests/*.[ch] "$work/tree/tests/"
    rm -rf "$work/objects"
    mkdir "$work/objects"
    (cd "$work/objects" && ${CC:-cc} -std=c11 -O1 -D_GNU_SOURCE -c \
        -I"$work/tree/runtime" "$work"/tree/runtime/base/*.c \
        "$work"/tree/runtime/core/*.c) || return
    for unit in $units; do
        aid=${unit#*:}
        ${CC:-cc} -std=c11 -O1 -D_GNU_SOURCE -I"$work/tree/runtime" \
            -I"$work/tree/tests" "$work/tree/tests/${unit%:*}.c" \
            ${aid:+"$work/tree/tests/$aid.c"} "$work"/objects/*.o -o "$work/unit" \
            -lcmocka -lxxhash -lsodium -lcrypto -lz -lm || return
        timeout 60 "$work/unit" >/dev/null 2>&1 || {
            echo "${unit%:*}"
            return
        }
    done
}

mutant() { # NAME PROFILE FILE SED
    rm -rf "$work/tree"
    mkdir -p "$work/tree/tests"
    cp -r runtime "$work/tree/runtime"
    cp -r tests/sim tests/test.h "$work/tree/tests/"
    if [ -n "$3" ]; then
        sed -i -E "$4" "$work/tree/runtime/core/$3"
        if cmp -s "runtime/core/$3" "$work/tree/runtime/core/$3"; then
            echo "$1: nothing was changed"
            alive=1
            return
        fi
    fi
    if ! build >"$work/build.log" 2>&1; then
        echo "$1: does not build"
        sed -n 1,5p "$work/build.log"
        alive=1
        return
    fi
    PROFILE=$2 SEED=1 RUNS=$runs ENOUGH=1 timeout 300 "$work/world" >"$work/log" 2>&1
    status=$?
    # A world that dies or hangs counts as noticed, too.
    how=$(sed -n 's/.* fails: //p' "$work/log" | head -1)
    worlds=$(grep -c '^# seed' "$work/log")
    lost=$(sed -n 's/.* \([0-9]*\) names lost.*/\1/p' "$work/log" | tail -1)
    if [ -z "$3" ]; then
        echo "$1: exit $status, ${how:-nothing fails in $worlds worlds}"
        [ "$status" -eq 0 ] || alive=1
    elif [ "$status" -ne 0 ]; then
        echo "$1: world $worlds: ${how:-exit $status}"
    elif [ "${lost:-0}" -gt 3 ]; then
        echo "$1: $lost names lost in $worlds worlds"
    else
        unit=$(unit_that_fails 2>"$work/build.log")
        echo "$1: ${unit:-NOT NOTICED}"
        [ -n "$unit" ] || alive=1
    fi
}

mutant "nothing off" 2 "" ""
mutant "gap check" 2 registry_diff.c \
    's/return span->from > o->cur \|\| from_nothing \? INF_EGAP : 0;/return 0;/'
mutant "deletes from nothing" 2 registry_diff.c \
    's/span->from > o->cur \|\| from_nothing/span->from > o->cur/'
mutant "boot order" 2 registry_diff.c \
    's/if \(span->boot < o->boot\) return INF_ESTALE;//; s/span->boot > o->boot\)/span->boot != o->boot)/'
mutant "replace by difference" 2 registry_diff.c \
    's/^    owner_drop_old\(reg, o\);/    o->old = (row_list){0, 0};/'
mutant "floor" 2 registry_diff.c 's/cursor->at >= o->floor/true/'
mutant "relay only what is whole" 2 registry_diff.c \
    's/o == NULL \|\| o->cur < o->goal/o == NULL/'
mutant "hint sweep" 2 registry.c 's/if \(r->stamp <= stamp\) drop_row/if (false) drop_row/'
mutant "cursor reset on purge" 2 registry.c \
    's/o->cur = o->goal = o->floor = o->stamp = 0;/o->floor = 0;/'
mutant "hiding the dead" 2 registry_owners.c \
    's/^    set_up\(reg, o, false\);/    (void)0;/'
mutant "confirm handshake" 2 node_conflict.c \
    's/inf_registry_confirms\(b->registry, name, claim.stamp\)/true/; s/bool alive = claim.boot == node->boot \&\& !node->leaving \&\&/bool alive =/'
mutant "stopping losers" 2 node_conflict.c 's/^    if \(!same/    if (true || !same/'
mutant "stamps outrank what is seen" 2 registry.c \
    's/if \(next <= above\) next = above \+ 1;//'
mutant "ready gate" 1 node_gate.c 's/return stayed \? 0 : INF_ENOTREADY;/return 0;/'
mutant "views before starts" 1 node_gate.c \
    's/b->settled = waited \|\| agreed\(node, b\);/b->settled = true;/'
mutant "confirm to whom one contests" 2 node_conflict.c \
    's/if \(kind == TOLD_PROOF\) alive &= .*/(void)kind;/'
mutant "an end to every contest" 2 node_contest.c \
    's/node->now_ms >= c->since_ms \+ CONTEST_MAX_MS/false/'
mutant "take back what is not lost" 2 node_conflict.c \
    's/inf_registry_unyield\(b->registry, name, lost_ref\);//'
mutant "acks of what others brought" 2 synch_read.c \
    's/owner->accepted->flows\[slot\].ack_due = true;//'
mutant "answer again, not run again" 2 rpc_requests.c \
    's/if \(known == NULL\) return run/return run/'
mutant "one id for all sends" 2 rpc_calls.c \
    's/^    if \(!call->uncertain\) \{/    if (true) {/'
mutant "keep the answer of what moved on" 2 rpc_calls.c \
    's/if \(moved \&\& call->uncertain\) note_move\(rpc, call\);//'
mutant "a refusal settles one copy only" 2 rpc_calls.c \
    's/news != NULL \&\& call->copies <= 1/news != NULL/'
mutant "the boot of the caller in replies" 2 rpc.c \
    's/if \(frame->boot != rpc->boot\) return 0;//'
mutant "forget the answers of who is gone" 2 rpc.c \
    's/peer->in == NULL \&\& peer->requests.count != 0 \&\&/false \&\&/'
mutant "refuse what was forgotten" 2 rpc.c \
    's/peer->low = (inf_rpc_requests_forget)/(void)\1/'
exit $alive
