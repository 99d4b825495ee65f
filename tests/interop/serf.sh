#!/bin/sh
# SPDX-License-Identifier: MIT
# serf.sh BUILD: our nodes among real Serf agents. Each side must see the other
# as it is, alive, failed or gone; tags and user events cross; encryption works;
# and the agents' logs, at debug level, have nothing to complain about us.
set -u
. tests/lib.sh
build=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/infinitomata-interop.XXXXXX") || exit 1
pids=""
base=$((20000 + $$ % 10000))

stop_all() {
    for pid in $pids; do kill -9 "$pid" 2>/dev/null; done
    wait 2>/dev/null
    [ "${KEEP:-}" ] || rm -rf "$work"
}
trap stop_all EXIT INT TERM

if ! command -v serf >/dev/null 2>&1; then
    echo "1..0 # SKIP serf is not installed"
    exit 0
fi

# agent NAME PORT [OPTION...]: a Serf agent; its RPC port is PORT + 100.
agent() {
    agent_name=$1
    agent_port=$2
    shift 2
    serf agent -node="$agent_name" -bind="127.0.0.1:$agent_port" \
        -rpc-addr="127.0.0.1:$((agent_port + 100))" -profile=local \
        -log-level=debug -tag kind=serf \
        -event-handler="user=sh -c 'echo \$SERF_USER_EVENT \$(cat) >>$work/$agent_name.events'" \
        "$@" >"$work/$agent_name.log" 2>&1 &
    eval "pid_$agent_name=$!"
    pids="$pids $!"
}

# peer NAME PORT [KEY]: a node of ours.
peer() {
    peer_name=$1
    peer_port=$2
    peer_key=${3:-}
    mkdir -p "$work/$peer_name"
    : >"$work/$peer_name/events"
    LUA_CPATH="$build/lib/?.so;;" lua5.4 tests/interop/peer.lua \
        "$work/$peer_name" "$peer_name" "127.0.0.1:$peer_port" $peer_key \
        >"$work/$peer_name/out" 2>&1 &
    eval "pid_$peer_name=$!"
    pids="$pids $!"
}

tell() { # PEER COMMAND...
    tell_to=$1
    shift
    echo "$*" >>"$work/$tell_to/commands"
}

seen_by_serf() { # AGENT-PORT NAME STATE [TAG]
    serf members -rpc-addr="127.0.0.1:$(($1 + 100))" 2>/dev/null |
        grep -E "^$2 +[^ ]+ +$3( |\$)" | grep -q -- "${4:-}"
}
seen_by_us() { # PEER NAME STATE [TAG]
    grep -E "^$2 $3 " "$work/$1/members" 2>/dev/null | grep -q -- "${4:-}"
}
heard_by_us() { grep -q -x -- "$2" "$work/$1/events"; }
heard_by_serf() { grep -q -x -- "$2" "$work/$1.events"; }

meet() { # NAME-OF-ROUND KEY BASE: an agent and two of ours join
    round=$1
    agent "s$round" "$3" ${2:+-encrypt="$2"}
    wait_for 10 seen_by_serf "$3" "s$round" alive || true
    peer "a$round" $(($3 + 1)) "$2"
    peer "b$round" $(($3 + 2)) "$2"
    tell "a$round" join "127.0.0.1:$3"
    tell "b$round" join "127.0.0.1:$3"
    ok_if "$4: the agent sees our node alive" \
        wait_for 10 seen_by_serf "$3" "a$round" alive
    ok_if "$4: the agent sees our other node alive" \
        wait_for 10 seen_by_serf "$3" "b$round" alive
    ok_if "$4: the agent shows our tags" \
        wait_for 5 seen_by_serf "$3" "a$round" alive role=interop
    ok_if "$4: our node sees the agent alive, and its tags" \
        wait_for 10 seen_by_us "a$round" "s$round" alive kind=serf
    ok_if "$4: our nodes see each other" \
        wait_for 10 seen_by_us "b$round" "a$round" alive role=interop
}

events_cross() { # ROUND PORT NAME
    serf event -rpc-addr="127.0.0.1:$(($2 + 100))" deploy now >/dev/null
    ok_if "$3: the agent's user event reaches our node" \
        wait_for 10 heard_by_us "b$1" "user deploy now"
    tell "a$1" event rollback later
    ok_if "$3: our user event reaches the agent" \
        wait_for 10 heard_by_serf "s$1" "rollback later"
    ok_if "$3: and our other node" \
        wait_for 10 heard_by_us "b$1" "user rollback later"
}

quiet() { # AGENT: nothing in its log is worse than information
    ! grep -E '\[(ERR|WARN)\]' "$work/$1.log"
}

# ---- in the clear ----------------------------------------------------------

p=$base
meet 1 "" "$p" plain
events_cross 1 "$p" plain

tell a1 tag colour blue
ok_if "a tag set later reaches the agent" \
    wait_for 5 seen_by_serf "$p" a1 alive colour=blue
serf tags -rpc-addr="127.0.0.1:$((p + 100))" -set place=here >/dev/null
ok_if "the agent's new tag reaches us" \
    wait_for 5 seen_by_us b1 s1 alive place=here

sleep 5 # the time in which nothing may happen
ok_if "the agent never suspected us" \
    sh -c "! grep -i suspect $work/s1.log"
ok_if "we never suspected anybody" \
    sh -c "! grep -h suspect $work/a1/events $work/b1/events"

tell b1 leave
ok_if "our node that leaves has left for the agent" \
    wait_for 10 seen_by_serf "$p" b1 left
ok_if "and for our other node" wait_for 10 seen_by_us a1 b1 left
ok_if "it learns that it may go" wait_for 10 heard_by_us b1 "done leave true"
tell b1 stop

agent x1 $((p + 3)) -join="127.0.0.1:$p"
ok_if "another agent is seen by us" wait_for 10 seen_by_us a1 x1 alive
serf leave -rpc-addr="127.0.0.1:$((p + 103))" >/dev/null 2>&1
ok_if "an agent that leaves has left for us" wait_for 15 seen_by_us a1 x1 left

ok_if "the agent's log has no complaint" quiet s1

kill -9 "$pid_a1"
ok_if "our killed node has failed for the agent" \
    wait_for 30 seen_by_serf "$p" a1 failed
: >"$work/a1/commands"
peer a1 $((p + 1))
tell a1 join "127.0.0.1:$p"
ok_if "restarted, it is alive again at once" \
    wait_for 5 seen_by_serf "$p" a1 alive
kill -9 "$pid_s1"
ok_if "the killed agent is dead for us" wait_for 30 seen_by_us a1 s1 dead
agent s1 "$p"
ok_if "we find the restarted agent again, unasked" \
    wait_for 60 seen_by_us a1 s1 alive

# ---- encrypted -------------------------------------------------------------

p=$((base + 10))
key=$(serf keygen)
meet 2 "$key" "$p" encrypted
events_cross 2 "$p" encrypted
peer c2 $((p + 4))
tell c2 join "127.0.0.1:$p"
ok_if "a node without the key does not get in" \
    wait_for 15 grep -q "done join" "$work/c2/events"
ok_if "and stays unknown" sh -c "! grep -q c2 $work/a2/members"
tell b2 leave
ok_if "encrypted: our node that leaves has left for the agent" \
    wait_for 10 seen_by_serf "$p" b2 left
done_testing
