/* SPDX-License-Identifier: MIT */
/* rpc_calls.c: the caller's side. Every call is in the heap from birth to its
   end, so that waiting can never fail for want of memory. */
#include "core/rpc_parts.h"

/* ---- birth and end ----------------------------------------------------- */

/* Copies bytes behind the call. */
static inf_slice keep(uint8_t **room, inf_slice bytes) {
    inf_slice kept = {*room, bytes.len};
    if (bytes.len != 0) memcpy(*room, bytes.data, bytes.len);
    *room += bytes.len;
    return kept;
}

static int check(const inf_rpc *rpc, const inf_target *target, inf_slice body) {
    if (target->name.len == 0 && target->node.len == 0) return INF_EINVAL;
    if (target->name.len > INF_NAME_MAX || target->branch.len > INF_NAME_MAX ||
        target->node.len > INF_NODE_NAME_MAX) {
        return INF_ENAME;
    }
    if (body.len > INF_RPC_FRAME_MAX - INF_RPC_HEAD_MAX) return INF_ETOOBIG;
    if (rpc->call_count >= INF_RPC_CALLS_MAX) return INF_EFULL;
    if (rpc->call_bytes + body.len > INF_RPC_BYTES_MAX) return INF_EFULL;
    return 0;
}

int inf_rpc_call_new(inf_rpc *rpc, const inf_target *target, inf_slice body,
                     const inf_retry_policy *policy, uint64_t tag,
                     uint64_t now_ms) {
    int rc = check(rpc, target, body);
    if (rc != 0) return rc;
    size_t size = sizeof(inf_rpc_call) + target->branch.len + 1 +
                  target->name.len + target->node.len + body.len;
    inf_rpc_call *call = inf_malloc(rpc->mem, size);
    if (call == NULL) return INF_ENOMEM;
    *call = (inf_rpc_call){.tag = tag, .policy = *policy};
    uint8_t *room = (uint8_t *)(call + 1);
    call->target.branch = keep(&room, target->branch);
    *room++ = '\0';
    call->target.name = keep(&room, target->name);
    call->key = inf_slice_of(call + 1, (size_t)(room - (uint8_t *)(call + 1)));
    call->target.node = keep(&room, target->node);
    call->body = keep(&room, body);
    inf_retry_start(&call->retry, now_ms);
    uint64_t end_ms = inf_retry_end_ms(&call->retry, policy);
    if (inf_heap_set(&rpc->waits, &call->wait, end_ms) != 0) {
        inf_free(rpc->mem, call);
        return INF_ENOMEM;
    }
    inf_list_init(&call->place);
    inf_list_init(&call->owed);
    inf_list_init(&call->moved);
    inf_list_push(&rpc->due, &call->place);
    rpc->call_count++;
    rpc->call_bytes += body.len;
    return 0;
}

static void set_peer(inf_rpc_call *call, inf_rpc_peer *peer) {
    if (call->peer == peer) return;
    if (call->peer != NULL) call->peer->refs--;
    if (peer != NULL) peer->refs++;
    call->peer = peer;
}

/* Remembers to tell the callee that it may forget the id. */
static void owe_ack(inf_rpc_peer *peer, uint64_t id) {
    size_t at = (peer->ack_first + peer->ack_count) % INF_RPC_OWED_ACKS;
    peer->acks[at] = id;
    if (peer->ack_count < INF_RPC_OWED_ACKS) {
        peer->ack_count++;
    } else { /* the oldest is left to `low` */
        peer->ack_first = (peer->ack_first + 1) % INF_RPC_OWED_ACKS;
    }
}

/* Below it, every call that the peer was sent has ended. A call that has moved
   on may come back, so it holds back everybody. */
static uint64_t low_of(const inf_rpc *rpc, const inf_rpc_peer *peer) {
    uint64_t low = rpc->last_id + 1;
    if (!inf_list_empty(&peer->owed)) {
        low = INF_LIST_OWNER(peer->owed.next, inf_rpc_call, owed)->id;
    }
    if (!inf_list_empty(&rpc->moved)) {
        uint64_t id = INF_LIST_OWNER(rpc->moved.next, inf_rpc_call, moved)->id;
        if (id < low) low = id;
    }
    return low;
}

/* Whoever had it before may forget it, too: any of them, so all are told. */
static void end_move(inf_rpc *rpc, inf_rpc_call *call) {
    if (inf_list_empty(&call->moved)) return;
    inf_list_remove(&call->moved);
    for (inf_list *at = rpc->all.next; at != &rpc->all; at = at->next) {
        inf_rpc_peer *peer = INF_LIST_OWNER(at, inf_rpc_peer, place);
        if (peer->out == NULL) continue;
        peer->acks_lost = true;
        inf_list_push(&rpc->ackers, &peer->acker);
    }
}

/* What was sent under its id is settled: nobody may answer it any more. */
static void settle(inf_rpc *rpc, inf_rpc_call *call) {
    if (call->id != 0) {
        (void)inf_map_remove(&rpc->flying, inf_rpc_id_key(&call->id));
    }
    call->id = 0;
    call->copies = 0;
    call->uncertain = false;
    inf_list_remove(&call->owed);
    end_move(rpc, call);
}

/* Takes a waiting call out of the ring that waits for its name. */
static void stop_waiting(inf_rpc *rpc, inf_rpc_call *call) {
    if (inf_map_get(&rpc->waiting, call->key) == call) {
        (void)inf_map_remove(&rpc->waiting, call->key);
        if (!inf_list_empty(&call->place)) {
            inf_rpc_call *next =
                INF_LIST_OWNER(call->place.next, inf_rpc_call, place);
            (void)inf_map_set(&rpc->waiting, next->key, next); /* has room */
        }
    }
    inf_list_remove(&call->place);
}

static void leave_state(inf_rpc *rpc, inf_rpc_call *call) {
    if (call->state == CALL_WAITING) stop_waiting(rpc, call);
    inf_list_remove(&call->place);
}

void inf_rpc_call_free(inf_rpc *rpc, inf_rpc_call *call) {
    leave_state(rpc, call);
    settle(rpc, call);
    set_peer(call, NULL);
    if (call->request != NULL) call->request->call = NULL;
    inf_heap_remove(&rpc->waits, &call->wait);
    rpc->call_count--;
    rpc->call_bytes -= call->body.len;
    inf_free(rpc->mem, call->answer);
    inf_free(rpc->mem, call);
}

void inf_rpc_call_tell(inf_rpc *rpc, inf_rpc_call *call, inf_rpc_news *news) {
    inf_list_remove(&call->place);
    *news = (inf_rpc_news){
        .kind = INF_RPC_RESULT, .tag = call->tag, .call = call, .rpc = rpc};
    news->result = (inf_call_result){.status = call->status,
                                     .cause = call->cause,
                                     .uncertain = call->unknown,
                                     .body = {call->answer, call->answer_len},
                                     .attempts = call->retry.attempts,
                                     .elapsed_ms = call->ended_ms -
                                                   call->retry.started_ms};
    if (call->peer != NULL) news->result.node = call->peer->name;
    if (call->peer == NULL) news->result.node = call->target.node;
}

static void end_call(inf_rpc *rpc, inf_rpc_call *call, int status,
                     uint64_t now_ms) {
    leave_state(rpc, call);
    bool begun = call->uncertain || call->request != NULL;
    call->unknown = begun && status != 0;
    if (call->uncertain && call->peer != NULL) {
        owe_ack(call->peer, call->id);
        inf_rpc_sweep_by(rpc, now_ms);
    }
    settle(rpc, call);
    inf_heap_remove(&rpc->waits, &call->wait);
    if (call->request != NULL) call->request->call = NULL;
    call->request = NULL;
    call->state = CALL_ENDED;
    call->status = status;
    call->ended_ms = now_ms;
    inf_list_push(&rpc->ended, &call->place);
}

/* ---- states ------------------------------------------------------------ */

/* Cannot fail: the call is in the heap already. */
static void wait_until(inf_rpc *rpc, inf_rpc_call *call, inf_rpc_state state,
                       uint64_t due_ms) {
    uint64_t end_ms = inf_retry_end_ms(&call->retry, &call->policy);
    call->state = state;
    (void)inf_heap_set(&rpc->waits, &call->wait,
                       due_ms < end_ms ? due_ms : end_ms);
}

static void make_due(inf_rpc *rpc, inf_rpc_call *call) {
    leave_state(rpc, call);
    wait_until(rpc, call, CALL_DUE, INF_NEVER);
    inf_list_push(&rpc->due, &call->place);
}

/* One attempt failed: pause and try again, or give up. */
static void fail_attempt(inf_rpc *rpc, inf_rpc_call *call, int cause,
                         uint64_t now_ms) {
    call->cause = cause;
    if (inf_retry_spent(&call->retry, &call->policy)) {
        end_call(rpc, call, INF_EEXHAUSTED, now_ms);
        return;
    }
    leave_state(rpc, call);
    uint64_t pause_ms =
        inf_retry_backoff_ms(&call->retry, &call->policy, &rpc->rng);
    wait_until(rpc, call, CALL_PAUSING, now_ms + pause_ms);
}

/* Nobody has the name: it waits for it, or gives up. */
static void wait_for_name(inf_rpc *rpc, inf_rpc_call *call, uint64_t now_ms) {
    call->cause = INF_ENOENT;
    if (inf_retry_spent(&call->retry, &call->policy)) {
        end_call(rpc, call, INF_EEXHAUSTED, now_ms);
        return;
    }
    leave_state(rpc, call);
    uint64_t due_ms = now_ms + inf_retry_look_ms(&call->retry, &call->policy);
    inf_rpc_call *first = inf_map_get(&rpc->waiting, call->key);
    bool listed = true;
    if (first != NULL) {
        inf_list_insert(&first->place, &call->place);
    } else {
        listed = inf_map_set(&rpc->waiting, call->key, call) == 0;
    }
    wait_until(rpc, call, listed ? CALL_WAITING : CALL_PAUSING, due_ms);
}

void inf_rpc_call_timeout(inf_rpc *rpc, inf_rpc_call *call, uint64_t now_ms) {
    if (now_ms >= inf_retry_end_ms(&call->retry, &call->policy)) {
        if (call->state == CALL_FLYING || call->state == CALL_LOCAL) {
            call->cause = INF_ETIMEDOUT;
        }
        end_call(rpc, call, INF_ETIMEDOUT, now_ms);
        return;
    }
    switch (call->state) {
    case CALL_WAITING:
    case CALL_PAUSING:
    case CALL_DUE:
        make_due(rpc, call);
        return;
    case CALL_FLYING:
    case CALL_LOCAL:
        fail_attempt(rpc, call, INF_ETIMEDOUT, now_ms);
        return;
    case CALL_ENDED:
        break;
    }
    inf_heap_remove(&rpc->waits, &call->wait);
}

/* ---- look, send -------------------------------------------------------- */

inf_rpc_call *inf_rpc_due(inf_rpc *rpc) {
    if (inf_list_empty(&rpc->due)) return NULL;
    inf_list *first = rpc->due.next;
    inf_list_remove(first);
    return INF_LIST_OWNER(first, inf_rpc_call, place);
}

const inf_target *inf_rpc_call_target(const inf_rpc_call *call) {
    return &call->target;
}

void inf_rpc_missing(inf_rpc *rpc, inf_rpc_call *call, int status,
                     uint64_t now_ms) {
    (void)inf_retry_spend(&call->retry, &call->policy);
    if (status == INF_ENOENT && call->target.node.len == 0) {
        wait_for_name(rpc, call, now_ms);
    } else {
        end_call(rpc, call, status, now_ms);
    }
}

void inf_rpc_lost(inf_rpc *rpc, inf_rpc_call *call, inf_slice node,
                  uint64_t now_ms) {
    inf_rpc_missing(rpc, call, INF_EUNREACHABLE, now_ms);
    call->cause = INF_EUNREACHABLE;
    set_peer(call, inf_rpc_peer_of(rpc, node));
}

/* Lists an uncertain call by its id; a fresh id is the largest. */
static void owe(inf_rpc_peer *peer, inf_rpc_call *call) {
    inf_list *where = &peer->owed;
    while (where->prev != &peer->owed &&
           INF_LIST_OWNER(where->prev, inf_rpc_call, owed)->id > call->id) {
        where = where->prev;
    }
    inf_list_remove(&call->owed);
    inf_list_insert(where, &call->owed);
}

/* The same for one that another peer may have carried out. */
static void note_move(inf_rpc *rpc, inf_rpc_call *call) {
    if (!inf_list_empty(&call->moved)) return;
    inf_list *where = &rpc->moved;
    while (where->prev != &rpc->moved &&
           INF_LIST_OWNER(where->prev, inf_rpc_call, moved)->id > call->id) {
        where = where->prev;
    }
    inf_list_insert(where, &call->moved);
}

/* Gives the call an id under which `peer` may answer it. */
static int launch(inf_rpc *rpc, inf_rpc_call *call, inf_rpc_peer *peer) {
    bool moved = call->peer != peer;
    call->before = call->uncertain;
    if (!call->uncertain) {
        call->id = ++rpc->last_id;
        if (inf_map_set(&rpc->flying, inf_rpc_id_key(&call->id), call) != 0) {
            call->id = 0;
            return INF_ENOMEM;
        }
    }
    if (moved && call->uncertain) note_move(rpc, call);
    set_peer(call, peer);
    if (moved || !call->uncertain) owe(peer, call);
    call->uncertain = true;
    call->copies++;
    return 0;
}

/* Moves acks to the frame. `low` says most of them, but it does not reach what
   ended out of order, nor what still runs. */
static void take_acks(inf_rpc_peer *peer, inf_rpc_frame *frame) {
    while (peer->ack_count != 0 && frame->ack_count < INF_RPC_ACKS_MAX) {
        uint64_t id = peer->acks[peer->ack_first];
        peer->ack_first = (peer->ack_first + 1) % INF_RPC_OWED_ACKS;
        peer->ack_count--;
        frame->acks[frame->ack_count++] = id;
    }
}

static void write_call(const inf_rpc *rpc, const inf_rpc_call *call,
                       uint64_t now_ms, inf_rpc_send *send) {
    inf_rpc_peer *peer = call->peer;
    inf_rpc_frame frame;
    frame.type = INF_RPC_CALL;
    frame.id = call->id;
    frame.low = low_of(rpc, peer);
    uint64_t end_ms = inf_retry_end_ms(&call->retry, &call->policy);
    frame.remaining_ms = end_ms == INF_NEVER ? 0 : end_ms - now_ms;
    frame.body = call->body;
    frame.ack_count = 0;
    take_acks(peer, &frame);
    send->link = peer->out;
    send->head_len = inf_rpc_frame_head(send->head, &frame);
    send->body = call->body;
}

bool inf_rpc_ack(inf_rpc *rpc, inf_rpc_send *send) {
    while (!inf_list_empty(&rpc->ackers)) {
        inf_rpc_peer *peer =
            INF_LIST_OWNER(rpc->ackers.next, inf_rpc_peer, acker);
        inf_list_remove(&peer->acker);
        bool owed = peer->ack_count != 0 || peer->acks_lost;
        if (peer->out == NULL || !owed) continue;
        peer->acks_lost = false;
        inf_rpc_frame frame;
        frame.type = INF_RPC_ACK;
        frame.low = low_of(rpc, peer);
        frame.body = (inf_slice){NULL, 0};
        frame.ack_count = 0;
        take_acks(peer, &frame);
        send->link = peer->out;
        send->head_len = inf_rpc_frame_head(send->head, &frame);
        send->body = frame.body;
        return true;
    }
    return false;
}

static bool is_self(const inf_rpc *rpc, inf_slice node) {
    return inf_slice_eq(node, inf_slice_of(rpc->name, rpc->name_len));
}

/* A call to this node: a request without a link. One that runs since an
   earlier attempt goes on running. */
static void found_here(inf_rpc *rpc, inf_rpc_call *call, uint64_t now_ms) {
    inf_rpc_peer *peer = inf_rpc_peer_of(
        rpc, inf_slice_of(rpc->name, rpc->name_len)); /* a name for results */
    if (peer != NULL && !call->uncertain) set_peer(call, peer);
    int rc = 0;
    if (call->request == NULL) rc = inf_rpc_request_local(rpc, call);
    if (rc != 0) {
        fail_attempt(rpc, call, rc, now_ms);
        return;
    }
    wait_until(rpc, call, CALL_LOCAL, now_ms + call->policy.rpc_timeout_ms);
}

bool inf_rpc_found(inf_rpc *rpc, inf_rpc_call *call, inf_slice node,
                   uint64_t now_ms, inf_rpc_send *send) {
    uint64_t end_ms = inf_retry_end_ms(&call->retry, &call->policy);
    bool spent = !inf_retry_spend(&call->retry, &call->policy);
    if (spent || now_ms >= end_ms) {
        end_call(rpc, call, spent ? INF_EEXHAUSTED : INF_ETIMEDOUT, now_ms);
        return false;
    }
    call->retry.misses = 0;
    if (is_self(rpc, node)) {
        found_here(rpc, call, now_ms);
        return false;
    }
    inf_rpc_peer *peer = inf_rpc_peer_of(rpc, node);
    if (peer == NULL || launch(rpc, call, peer) != 0) {
        fail_attempt(rpc, call, INF_ENOMEM, now_ms);
        return false;
    }
    wait_until(rpc, call, CALL_FLYING, now_ms + call->policy.rpc_timeout_ms);
    write_call(rpc, call, now_ms, send);
    return true;
}

void inf_rpc_unsent(inf_rpc *rpc, inf_rpc_call *call, int status,
                    uint64_t now_ms) {
    call->copies--;
    if (!call->before) settle(rpc, call);
    fail_attempt(rpc, call, status, now_ms);
}

/* ---- answers and other news -------------------------------------------- */

bool inf_rpc_nothing_ran(int status) {
    return status == INF_ENOENT || status == INF_EFULL ||
           status == INF_ENOTREADY;
}

void inf_rpc_call_answered(inf_rpc *rpc, inf_rpc_call *call, int status,
                           inf_slice body, uint64_t now_ms,
                           inf_rpc_news *news) {
    bool to_name = call->target.node.len == 0;
    if (inf_rpc_nothing_ran(status) && (status != INF_ENOENT || to_name)) {
        /* Another copy may be on its way, and run: then only the same id is
           safe, whoever is asked next. This node itself has no copies. */
        if (news != NULL && call->copies <= 1) settle(rpc, call);
        if (status == INF_ENOENT) {
            wait_for_name(rpc, call, now_ms);
        } else {
            fail_attempt(rpc, call, status, now_ms);
        }
        return;
    }
    inf_rpc_peer *peer = call->peer;
    end_call(rpc, call, status, now_ms);
    if (news != NULL && body.len >= INF_RPC_ACK_BYTES) {
        inf_list_push(&rpc->ackers, &peer->acker);
    }
    if (news != NULL) {
        inf_rpc_call_tell(rpc, call, news);
        news->result.body = body;
        return;
    }
    if (body.len == 0) return;
    call->answer = inf_malloc(rpc->mem, body.len);
    if (call->answer == NULL) {
        call->status = INF_ENOMEM;
        return;
    }
    memcpy(call->answer, body.data, body.len);
    call->answer_len = body.len;
}

static void wake_ring(inf_rpc *rpc, inf_slice key) {
    inf_rpc_call *call = NULL;
    while ((call = inf_map_get(&rpc->waiting, key)) != NULL)
        make_due(rpc, call);
}

void inf_rpc_name_arrived(inf_rpc *rpc, inf_slice branch, inf_slice name) {
    uint8_t key[2 * INF_NAME_MAX + 1];
    if (rpc->waiting.count == 0) return;
    if (branch.len > INF_NAME_MAX || name.len > INF_NAME_MAX) return;
    if (branch.len != 0) memcpy(key, branch.data, branch.len);
    key[branch.len] = '\0';
    if (name.len != 0) memcpy(key + branch.len + 1, name.data, name.len);
    wake_ring(rpc, inf_slice_of(key, branch.len + 1 + name.len));
}

bool inf_rpc_awaits_names(const inf_rpc *rpc) {
    return rpc->waiting.count != 0;
}

void inf_rpc_names_arrived(inf_rpc *rpc) {
    size_t at = 0;
    inf_rpc_call *call = NULL;
    while ((call = inf_map_next(&rpc->waiting, &at)) != NULL) {
        wake_ring(rpc, call->key);
        at--; /* another may have moved into its slot */
    }
}

void inf_rpc_node_gone(inf_rpc *rpc, inf_slice node, uint64_t now_ms) {
    inf_rpc_peer *peer = inf_map_get(&rpc->peers, node);
    if (peer == NULL) return;
    inf_list *item = peer->owed.next;
    while (item != &peer->owed) {
        inf_rpc_call *call = INF_LIST_OWNER(item, inf_rpc_call, owed);
        item = item->next;
        call->cause = INF_EUNREACHABLE;
        if (call->target.node.len != 0) {
            end_call(rpc, call, INF_EUNREACHABLE, now_ms);
        } else if (call->state == CALL_FLYING || call->state == CALL_PAUSING) {
            make_due(rpc, call);
        }
    }
}

void inf_rpc_link_broken(inf_rpc *rpc, inf_rpc_peer *peer, bool left,
                         int status, uint64_t now_ms) {
    inf_list *item = peer->owed.next;
    while (item != &peer->owed) {
        inf_rpc_call *call = INF_LIST_OWNER(item, inf_rpc_call, owed);
        item = item->next;
        if (call->state != CALL_FLYING) continue;
        if (!left && !call->before) settle(rpc, call);
        fail_attempt(rpc, call, status, now_ms);
    }
}

void inf_rpc_close(inf_rpc *rpc, int status, uint64_t now_ms) {
    inf_heap_item *wait = NULL;
    while ((wait = inf_heap_first(&rpc->waits)) != NULL) {
        end_call(rpc, INF_LIST_OWNER(wait, inf_rpc_call, wait), status, now_ms);
    }
}

size_t inf_rpc_call_count(const inf_rpc *rpc) {
    return rpc->call_count;
}
