/* SPDX-License-Identifier: MIT */
#include "core/rpc.h"

#include "core/rpc_parts.h"

/* How often peers are looked at that nobody has talked to, and acks sent that
   no call took along. */
#define SWEEP_MS 15000

static void random_key(inf_rpc *rpc, inf_map *map) {
    inf_hash_key key;
    for (size_t i = 0; i < sizeof key.bytes; i += 8) {
        uint64_t word = inf_rng_next(&rpc->rng);
        memcpy(key.bytes + i, &word, 8);
    }
    inf_map_init(map, rpc->mem, key);
}

int inf_rpc_new(inf_rpc **out, const inf_rpc_config *config) {
    if (config->node.len == 0 || config->node.len > INF_NODE_NAME_MAX) {
        return INF_ENAME;
    }
    inf_alloc *mem = config->mem != NULL ? config->mem : inf_alloc_libc();
    inf_rpc *rpc = inf_zalloc(mem, sizeof *rpc);
    if (rpc == NULL) return INF_ENOMEM;
    rpc->mem = mem;
    memcpy(rpc->name, config->node.data, config->node.len);
    rpc->name_len = config->node.len;
    rpc->boot = config->boot;
    rpc->sweep_ms = INF_NEVER;
    inf_rng_seed(&rpc->rng, config->seed);
    random_key(rpc, &rpc->peers);
    random_key(rpc, &rpc->flying);
    random_key(rpc, &rpc->waiting);
    inf_heap_init(&rpc->waits, mem);
    inf_list_init(&rpc->due);
    inf_list_init(&rpc->ended);
    inf_list_init(&rpc->local);
    inf_list_init(&rpc->all);
    inf_list_init(&rpc->ackers);
    inf_list_init(&rpc->moved);
    *out = rpc;
    return 0;
}

/* ---- peers ------------------------------------------------------------- */

inf_rpc_peer *inf_rpc_peer_of(inf_rpc *rpc, inf_slice name) {
    inf_rpc_peer *peer = inf_map_get(&rpc->peers, name);
    if (peer != NULL || rpc->peers.count >= INF_RPC_PEERS_MAX) return peer;
    peer = inf_zalloc(rpc->mem, sizeof *peer + name.len);
    if (peer == NULL) return NULL;
    memcpy(peer + 1, name.data, name.len);
    peer->name = inf_slice_of(peer + 1, name.len);
    inf_list_init(&peer->place);
    inf_list_init(&peer->owed);
    inf_list_init(&peer->acker);
    inf_list_init(&peer->done);
    random_key(rpc, &peer->requests);
    if (inf_map_set(&rpc->peers, peer->name, peer) != 0) {
        inf_free(rpc->mem, peer);
        return NULL;
    }
    inf_list_push(&rpc->all, &peer->place);
    return peer;
}

static void free_peer(inf_rpc *rpc, inf_rpc_peer *peer) {
    (void)inf_rpc_requests_forget(rpc, peer);
    inf_map_deinit(&peer->requests);
    (void)inf_map_remove(&rpc->peers, peer->name);
    inf_list_remove(&peer->place);
    inf_list_remove(&peer->acker);
    inf_free(rpc->mem, peer);
}

/* Nobody points here, and it asked nothing that it might ask again. */
static bool can_go(inf_rpc *rpc, inf_rpc_peer *peer, uint64_t now_ms) {
    if (peer->in == NULL && peer->requests.count != 0 &&
        now_ms >= peer->left_ms + INF_RPC_HOLD_MS) {
        peer->low = inf_rpc_requests_forget(rpc, peer);
    }
    if (peer->refs != 0 || peer->requests.count != 0) return false;
    return peer->low == 0 || now_ms >= peer->left_ms + INF_RPC_KNOWN_MS;
}

void inf_rpc_sweep_by(inf_rpc *rpc, uint64_t now_ms) {
    if (rpc->sweep_ms == INF_NEVER) rpc->sweep_ms = now_ms + SWEEP_MS;
}

static void sweep(inf_rpc *rpc, uint64_t now_ms) {
    inf_list *item = rpc->all.next;
    while (item != &rpc->all) {
        inf_rpc_peer *peer = INF_LIST_OWNER(item, inf_rpc_peer, place);
        item = item->next;
        if (peer->ack_count != 0) inf_list_push(&rpc->ackers, &peer->acker);
        if (can_go(rpc, peer, now_ms)) free_peer(rpc, peer);
    }
    bool empty = inf_list_empty(&rpc->all);
    rpc->sweep_ms = empty ? INF_NEVER : now_ms + SWEEP_MS;
}

void inf_rpc_free(inf_rpc *rpc) {
    if (rpc == NULL) return;
    inf_heap_item *wait = NULL;
    while ((wait = inf_heap_first(&rpc->waits)) != NULL) {
        inf_rpc_call_free(rpc, INF_LIST_OWNER(wait, inf_rpc_call, wait));
    }
    while (!inf_list_empty(&rpc->ended)) {
        inf_rpc_call_free(rpc,
                          INF_LIST_OWNER(rpc->ended.next, inf_rpc_call, place));
    }
    while (!inf_list_empty(&rpc->all)) {
        free_peer(rpc, INF_LIST_OWNER(rpc->all.next, inf_rpc_peer, place));
    }
    inf_rpc_requests_free(rpc);
    inf_map_deinit(&rpc->peers);
    inf_map_deinit(&rpc->flying);
    inf_map_deinit(&rpc->waiting);
    inf_heap_deinit(&rpc->waits);
    inf_free(rpc->mem, rpc);
}

/* ---- links ------------------------------------------------------------- */

int inf_rpc_link_dialled(inf_rpc *rpc, inf_rpc_link *link, inf_slice node,
                         inf_buf *hello) {
    inf_rpc_peer *peer = inf_rpc_peer_of(rpc, node);
    if (peer == NULL) return INF_ENOMEM;
    INF_ASSERT(peer->out == NULL);
    inf_rpc_frame frame = {.type = INF_RPC_HELLO,
                           .version = INF_RPC_VERSION,
                           .caller = {rpc->name, rpc->name_len},
                           .boot = rpc->boot,
                           .epoch = ++rpc->last_epoch,
                           .callee = peer->name};
    inf_rpc_frame_encode(hello, &frame);
    if (hello->failed) return INF_ENOMEM;
    *link = (inf_rpc_link){.peer = peer, .dialled = true};
    peer->out = link;
    peer->refs++;
    if (peer->acks_lost) inf_list_push(&rpc->ackers, &peer->acker);
    return 0;
}

void inf_rpc_link_rests(inf_rpc *rpc, inf_rpc_link *link, bool left, int status,
                        uint64_t now_ms) {
    if (link->peer == NULL || link->peer->out != link) return;
    inf_rpc_link_broken(rpc, link->peer, left, status, now_ms);
}

inf_rpc_link *inf_rpc_link_to(const inf_rpc *rpc, inf_slice node) {
    const inf_rpc_peer *peer = inf_map_get(&rpc->peers, node);
    return peer != NULL ? peer->out : NULL;
}

inf_rpc_link *inf_rpc_link_from(const inf_rpc *rpc, inf_slice node) {
    const inf_rpc_peer *peer = inf_map_get(&rpc->peers, node);
    return peer != NULL ? peer->in : NULL;
}

void inf_rpc_link_down(inf_rpc *rpc, inf_rpc_link *link, bool left, int status,
                       uint64_t now_ms) {
    inf_rpc_peer *peer = link->peer;
    if (peer == NULL) return;
    link->peer = NULL;
    if (peer->in == link) {
        peer->in = NULL;
        peer->left_ms = now_ms;
    }
    if (peer->out == link) {
        peer->out = NULL;
        peer->acks_lost = true;
        inf_rpc_link_broken(rpc, peer, left, status, now_ms);
    }
    peer->refs--;
    inf_rpc_sweep_by(rpc, now_ms);
}

/* An answer to a call of ours; late ones find nothing and mean nothing. */
static int reply_input(inf_rpc *rpc, inf_rpc_link *link,
                       const inf_rpc_frame *frame, uint64_t now_ms,
                       inf_rpc_news *news) {
    if (frame->boot != rpc->boot) return 0;
    inf_rpc_call *call = inf_map_get(&rpc->flying, inf_rpc_id_key(&frame->id));
    if (call == NULL || call->peer != link->peer) return 0;
    inf_rpc_call_answered(rpc, call, frame->status, frame->body, now_ms, news);
    return 0;
}

int inf_rpc_input(inf_rpc *rpc, inf_rpc_link *link, inf_slice bytes,
                  uint64_t now_ms, inf_rpc_news *news) {
    inf_rpc_frame frame;
    *news = (inf_rpc_news){.kind = INF_RPC_NOTHING};
    int rc = inf_rpc_frame_decode(bytes, &frame);
    if (rc != 0) return rc;
    bool from_callee = frame.type == INF_RPC_REPLY || frame.type == INF_RPC_BYE;
    if (from_callee != link->dialled) return INF_EMALFORMED;
    switch (frame.type) {
    case INF_RPC_HELLO:
        return inf_rpc_hello_input(rpc, link, &frame, news);
    case INF_RPC_CALL:
        return inf_rpc_call_input(rpc, link, &frame, news);
    case INF_RPC_REPLY:
        return reply_input(rpc, link, &frame, now_ms, news);
    case INF_RPC_ACK:
        inf_rpc_ack_input(rpc, link, &frame);
        return 0;
    case INF_RPC_BYE:
        news->kind = INF_RPC_GOODBYE;
        news->status = frame.status;
        news->body = frame.body;
        return 0;
    }
    return INF_EMALFORMED;
}

/* ---- time -------------------------------------------------------------- */

uint64_t inf_rpc_deadline(const inf_rpc *rpc) {
    uint64_t due_ms = inf_heap_due_ms(&rpc->waits);
    return due_ms < rpc->sweep_ms ? due_ms : rpc->sweep_ms;
}

void inf_rpc_tick(inf_rpc *rpc, uint64_t now_ms) {
    while (inf_heap_due_ms(&rpc->waits) <= now_ms) {
        inf_heap_item *wait = inf_heap_first(&rpc->waits);
        inf_rpc_call_timeout(rpc, INF_LIST_OWNER(wait, inf_rpc_call, wait),
                             now_ms);
    }
    if (rpc->sweep_ms <= now_ms) sweep(rpc, now_ms);
}

bool inf_rpc_pending(const inf_rpc *rpc) {
    return !inf_list_empty(&rpc->ended) || !inf_list_empty(&rpc->local);
}

bool inf_rpc_take(inf_rpc *rpc, inf_rpc_news *news) {
    *news = (inf_rpc_news){.kind = INF_RPC_NOTHING};
    if (inf_list_empty(&rpc->ended)) return inf_rpc_request_take(rpc, news);
    inf_rpc_call_tell(rpc, INF_LIST_OWNER(rpc->ended.next, inf_rpc_call, place),
                      news);
    return true;
}

void inf_rpc_news_deinit(inf_rpc_news *news) {
    if (news->call != NULL) inf_rpc_call_free(news->rpc, news->call);
    news->call = NULL;
}
