/* SPDX-License-Identifier: MIT */
/* rpc_requests.c: the callee's side. A request is found by its token while it
   runs, by its id for as long as its caller may ask again, and among the done
   of its caller, oldest first, once it is answered. */
#include "core/rpc_parts.h"

/* ---- tokens ------------------------------------------------------------ */

static int grow_slots(inf_rpc *rpc) {
    size_t cap = rpc->slot_cap == 0 ? 64 : rpc->slot_cap * 2;
    inf_rpc_slot *slots =
        inf_realloc(rpc->mem, rpc->slots, cap * sizeof *slots);
    if (slots == NULL) return INF_ENOMEM;
    for (size_t i = cap; i > rpc->slot_cap; i--) {
        slots[i - 1] = (inf_rpc_slot){.next_free = rpc->free_slot};
        rpc->free_slot = (uint32_t)i;
    }
    rpc->slots = slots;
    rpc->slot_cap = cap;
    return 0;
}

/* A new request that runs; NULL: no memory. */
static inf_rpc_request *new_request(inf_rpc *rpc) {
    if (rpc->free_slot == 0 && grow_slots(rpc) != 0) return NULL;
    inf_rpc_request *request = inf_malloc(rpc->mem, sizeof *request);
    if (request == NULL) return NULL;
    uint32_t index = rpc->free_slot;
    inf_rpc_slot *slot = &rpc->slots[index - 1];
    rpc->free_slot = slot->next_free;
    slot->request = request;
    slot->generation++;
    *request =
        (inf_rpc_request){.token = (uint64_t)slot->generation << 32 | index};
    inf_list_init(&request->place);
    rpc->request_count++;
    return request;
}

static inf_rpc_slot *slot_of(const inf_rpc *rpc, uint64_t token) {
    uint64_t index = token & UINT32_MAX;
    if (index == 0 || index > rpc->slot_cap) return NULL;
    inf_rpc_slot *slot = &rpc->slots[index - 1];
    if (slot->request == NULL || slot->request->token != token) return NULL;
    return slot;
}

/* The request does not run any more: its token leads nowhere. */
static void drop_token(inf_rpc *rpc, inf_rpc_request *request) {
    inf_rpc_slot *slot = slot_of(rpc, request->token);
    if (slot == NULL) return;
    slot->request = NULL;
    slot->next_free = rpc->free_slot;
    rpc->free_slot = (uint32_t)(request->token & UINT32_MAX);
    request->token = 0;
    rpc->request_count--;
}

/* ---- what a caller may ask for again ----------------------------------- */

/* Forgets a request altogether. */
static void forget(inf_rpc *rpc, inf_rpc_request *request) {
    inf_rpc_peer *peer = request->peer;
    drop_token(rpc, request);
    if (peer != NULL) {
        (void)inf_map_remove(&peer->requests, inf_rpc_id_key(&request->id));
        if (!inf_list_empty(&request->place)) {
            peer->done_count--;
            peer->done_bytes -= request->answer_len;
        }
    }
    if (request->call != NULL) request->call->request = NULL;
    inf_list_remove(&request->place);
    inf_free(rpc->mem, request->answer);
    inf_free(rpc->mem, request);
}

uint64_t inf_rpc_requests_forget(inf_rpc *rpc, inf_rpc_peer *peer) {
    uint64_t last = peer->low;
    size_t at = 0;
    inf_rpc_request *request = NULL;
    while ((request = inf_map_next(&peer->requests, &at)) != NULL) {
        if (request->id > last) last = request->id;
    }
    while (!inf_list_empty(&peer->done)) {
        forget(rpc, INF_LIST_OWNER(peer->done.next, inf_rpc_request, place));
    }
    at = 0;
    while ((request = inf_map_next(&peer->requests, &at)) != NULL) {
        request->peer = NULL; /* it runs on, and is answered in vain */
    }
    inf_hash_key key = peer->requests.key;
    inf_map_deinit(&peer->requests);
    inf_map_init(&peer->requests, rpc->mem, key);
    peer->low = peer->ended = 0;
    return last;
}

void inf_rpc_requests_free(inf_rpc *rpc) {
    for (size_t i = 0; i < rpc->slot_cap; i++) {
        if (rpc->slots[i].request != NULL) forget(rpc, rpc->slots[i].request);
    }
    inf_free(rpc->mem, rpc->slots);
}

/* The caller has the answer of this id, or does not want it. */
static void acknowledge(inf_rpc *rpc, inf_rpc_peer *peer, uint64_t id) {
    inf_rpc_request *request =
        inf_map_get(&peer->requests, inf_rpc_id_key(&id));
    if (request == NULL) return;
    if (request->token != 0) {
        request->abandoned = true;
    } else {
        forget(rpc, request);
    }
}

static void acknowledge_all(inf_rpc *rpc, inf_rpc_peer *peer,
                            const inf_rpc_frame *frame) {
    for (size_t i = 0; i < frame->ack_count; i++) {
        acknowledge(rpc, peer, frame->acks[i]);
    }
    peer->ended = frame->low; /* falls when an older call moves here */
    while (!inf_list_empty(&peer->done)) {
        inf_rpc_request *oldest =
            INF_LIST_OWNER(peer->done.next, inf_rpc_request, place);
        if (oldest->id >= frame->low) break;
        forget(rpc, oldest);
    }
}

/* Gives up the oldest answers when a caller leaves too many behind. */
static void trim(inf_rpc *rpc, inf_rpc_peer *peer) {
    while (peer->done_count > 1 && (peer->done_count > INF_RPC_DONE_MAX ||
                                    peer->done_bytes > INF_RPC_DONE_BYTES)) {
        inf_rpc_request *oldest =
            INF_LIST_OWNER(peer->done.next, inf_rpc_request, place);
        if (oldest->id > peer->low) peer->low = oldest->id;
        forget(rpc, oldest);
    }
}

/* ---- frames ------------------------------------------------------------ */

static void write_reply(const inf_rpc_peer *peer, uint64_t id, int status,
                        inf_slice body, inf_rpc_send *send) {
    inf_rpc_frame frame;
    frame.type = INF_RPC_REPLY;
    frame.boot = peer->boot;
    frame.id = id;
    frame.status = status;
    frame.body = body;
    send->link = peer->in;
    send->head_len = inf_rpc_frame_head(send->head, &frame);
    send->body = body;
}

int inf_rpc_hello_input(inf_rpc *rpc, inf_rpc_link *link,
                        const inf_rpc_frame *frame, inf_rpc_news *news) {
    inf_slice self = {rpc->name, rpc->name_len};
    if (link->peer != NULL) return INF_EMALFORMED;
    if (!inf_slice_eq(frame->callee, self)) return INF_EUNREACHABLE;
    inf_rpc_peer *peer = inf_rpc_peer_of(rpc, frame->caller);
    if (peer == NULL) return INF_EFULL;
    if (frame->boot < peer->boot) return INF_ESTALE;
    if (frame->boot > peer->boot) {
        (void)inf_rpc_requests_forget(rpc, peer);
        peer->boot = frame->boot;
        peer->epoch = 0;
    }
    if (frame->epoch <= peer->epoch) return INF_ESTALE;
    peer->epoch = frame->epoch;
    if (peer->in != NULL) {
        news->kind = INF_RPC_REPLACED;
        news->send.link = peer->in;
        peer->in->peer = NULL;
        peer->refs--;
    }
    peer->in = link;
    peer->refs++;
    link->peer = peer;
    return 0;
}

static void answer_at_once(const inf_rpc_peer *peer, uint64_t id, int status,
                           inf_slice body, inf_rpc_news *news) {
    news->kind = INF_RPC_AGAIN;
    write_reply(peer, id, status, body, &news->send);
}

/* A call that this caller's memory does not know. */
static int run(inf_rpc *rpc, inf_rpc_peer *peer, const inf_rpc_frame *frame,
               inf_rpc_news *news) {
    inf_rpc_request *request = NULL;
    if (rpc->request_count < INF_RPC_REQUESTS_MAX) request = new_request(rpc);
    if (request != NULL) {
        request->id = frame->id;
        request->peer = peer;
        int rc =
            inf_map_set(&peer->requests, inf_rpc_id_key(&request->id), request);
        if (rc == 0) {
            news->kind = INF_RPC_REQUEST;
            news->token = request->token;
            news->body = frame->body;
            return 0;
        }
        request->peer = NULL;
        forget(rpc, request);
    }
    answer_at_once(peer, frame->id, INF_EFULL, (inf_slice){NULL, 0}, news);
    return 0;
}

void inf_rpc_ack_input(inf_rpc *rpc, inf_rpc_link *link,
                       const inf_rpc_frame *frame) {
    if (link->peer != NULL) acknowledge_all(rpc, link->peer, frame);
}

int inf_rpc_call_input(inf_rpc *rpc, inf_rpc_link *link,
                       const inf_rpc_frame *frame, inf_rpc_news *news) {
    inf_rpc_peer *peer = link->peer;
    if (peer == NULL) return INF_EMALFORMED;
    acknowledge_all(rpc, peer, frame);
    inf_rpc_request *known =
        inf_map_get(&peer->requests, inf_rpc_id_key(&frame->id));
    if (known == NULL && frame->id <= peer->low) {
        answer_at_once(peer, frame->id, INF_ESTALE, (inf_slice){NULL, 0}, news);
        return 0;
    }
    if (known == NULL) return run(rpc, peer, frame, news);
    if (known->token != 0) return 0; /* it runs: one answer will do */
    answer_at_once(peer, known->id, known->status,
                   inf_slice_of(known->answer, known->answer_len), news);
    return 0;
}

/* ---- this node asks itself --------------------------------------------- */

int inf_rpc_request_local(inf_rpc *rpc, inf_rpc_call *call) {
    if (rpc->request_count >= INF_RPC_REQUESTS_MAX) return INF_EFULL;
    inf_rpc_request *request = new_request(rpc);
    if (request == NULL) return INF_ENOMEM;
    request->call = call;
    call->request = request;
    inf_list_push(&rpc->local, &request->place);
    return 0;
}

bool inf_rpc_request_take(inf_rpc *rpc, inf_rpc_news *news) {
    while (!inf_list_empty(&rpc->local)) {
        inf_rpc_request *request =
            INF_LIST_OWNER(rpc->local.next, inf_rpc_request, place);
        inf_list_remove(&request->place);
        if (request->call == NULL) { /* given up before it began */
            forget(rpc, request);
            continue;
        }
        *news = (inf_rpc_news){.kind = INF_RPC_REQUEST,
                               .token = request->token,
                               .body = request->call->body};
        return true;
    }
    return false;
}

/* ---- answers ----------------------------------------------------------- */

/* Keeps the answer for as long as the caller may ask again. Without memory it
   keeps that there was one. */
static void record(inf_rpc *rpc, inf_rpc_request *request, int status,
                   inf_slice body) {
    inf_rpc_peer *peer = request->peer;
    request->status = status;
    if (body.len != 0) {
        request->answer = inf_malloc(rpc->mem, body.len);
        if (request->answer == NULL) {
            request->status = INF_ENOMEM;
        } else {
            memcpy(request->answer, body.data, body.len);
            request->answer_len = body.len;
        }
    }
    drop_token(rpc, request);
    inf_list_push(&peer->done, &request->place);
    peer->done_count++;
    peer->done_bytes += request->answer_len;
    trim(rpc, peer);
}

static void answer_local(inf_rpc *rpc, inf_rpc_request *request, int status,
                         inf_slice body, uint64_t now_ms) {
    inf_rpc_call *call = request->call;
    forget(rpc, request);
    if (call != NULL) {
        inf_rpc_call_answered(rpc, call, status, body, now_ms, NULL);
    }
}

int inf_rpc_answer(inf_rpc *rpc, uint64_t token, int status, inf_slice body,
                   uint64_t now_ms, inf_rpc_send *send) {
    if (body.len > INF_RPC_FRAME_MAX - INF_RPC_HEAD_MAX) return INF_ETOOBIG;
    inf_rpc_slot *slot = slot_of(rpc, token);
    if (slot == NULL) return INF_ENOENT;
    inf_rpc_request *request = slot->request;
    inf_rpc_peer *peer = request->peer;
    if (peer == NULL) {
        answer_local(rpc, request, status, body, now_ms);
        return 0;
    }
    uint64_t id = request->id;
    bool wanted = !request->abandoned && id >= peer->ended;
    if (!wanted || inf_rpc_nothing_ran(status)) {
        forget(rpc, request);
    } else {
        record(rpc, request, status, body);
    }
    if (!wanted || peer->in == NULL) return 0;
    write_reply(peer, id, status, body, send);
    return 1;
}
