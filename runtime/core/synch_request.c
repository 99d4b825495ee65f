/* SPDX-License-Identifier: MIT */
/* synch_request.c: reconciling on demand. One word goes to each peer named; who
   has the same answers at once, who has not asks for the vector and answers
   when it has sent what it has more. */
#include "core/synch_impl.h"

static void ask(inf_synch *synch, const request *r, link *l) {
    (void)say(
        synch, l,
        &(inf_frame){.kind = INF_FRAME_SYNCH,
                     .scope = synch->scope_ids[r->slot],
                     .request = r->id,
                     .root = synch->store.root(synch->store.ctx, r->slot)});
}

static void names_of_silent(inf_synch *synch, const request *r, inf_buf *out) {
    inf_buf_slice(out, r->unknown);
    for (size_t i = 0; i < r->target_count; i++) {
        if (r->targets[i].answered) continue;
        peer *p = peer_find(synch, r->targets[i].peer);
        if (p == NULL) continue;
        if (out->len != 0) inf_buf_u8(out, ',');
        inf_buf_slice(out, p->name);
    }
}

void request_end(inf_synch *synch, request *r) {
    request **at = &synch->requests;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    synch->request_count--;
    inf_heap_remove(&synch->timers, &r->due.item);
    uint64_t answered = 0;
    for (size_t i = 0; i < r->target_count; i++)
        answered += r->targets[i].answered ? 1 : 0;
    bool all = answered == r->target_count && r->unknown.len == 0;
    inf_buf names;
    inf_buf_init(&names, synch->mem);
    names_of_silent(synch, r, &names);
    inf_outbox_done(synch->outbox, r->token, all ? 0 : INF_ETIMEDOUT, answered,
                    inf_buf_view(&names));
    inf_buf_deinit(&names);
    inf_free(synch->mem, (void *)(uintptr_t)r->unknown.data);
    inf_free(synch->mem, r->targets);
    inf_free(synch->mem, r);
}

static void end_if_over(inf_synch *synch, request *r) {
    for (size_t i = 0; i < r->target_count; i++) {
        if (!r->targets[i].answered && !r->targets[i].failed) return;
    }
    request_end(synch, r);
}

static target *target_of(request *r, uint64_t peer_id) {
    for (size_t i = 0; i < r->target_count; i++) {
        if (r->targets[i].peer == peer_id) return &r->targets[i];
    }
    return NULL;
}

static request *request_find(const inf_synch *synch, uint64_t number) {
    request *r = synch->requests;
    while (r != NULL && r->id != number)
        r = r->next;
    return r;
}

void requests_linked(inf_synch *synch, peer *p) {
    for (request *r = synch->requests; r != NULL; r = r->next) {
        target *t = target_of(r, p->id);
        if (t != NULL && !t->answered) ask(synch, r, p->dialled);
    }
}

/* Adds the name of a target that went to the unknown ones, which outlive it. */
static void note_gone(inf_synch *synch, request *r, inf_slice name) {
    size_t len = r->unknown.len + name.len + 1;
    uint8_t *text = inf_malloc(synch->mem, len);
    if (text == NULL) return;
    size_t at = r->unknown.len;
    if (at != 0) {
        memcpy(text, r->unknown.data, at);
        text[at++] = ',';
    }
    memcpy(text + at, name.data, name.len);
    inf_free(synch->mem, (void *)(uintptr_t)r->unknown.data);
    r->unknown = inf_slice_of(text, at + name.len);
}

void requests_lost(inf_synch *synch, uint64_t peer_id) {
    request *r = synch->requests;
    const peer *p = peer_find(synch, peer_id);
    while (r != NULL) {
        request *next = r->next;
        target *t = target_of(r, peer_id);
        if (t != NULL && !t->answered) {
            note_gone(synch, r, p->name);
            t->failed = true;
            t->peer = 0;
            end_if_over(synch, r);
        }
        r = next;
    }
}

void request_need(inf_synch *synch, link *l, uint64_t number) {
    request *r = request_find(synch, number);
    if (r == NULL || l->peer == NULL) return;
    if (target_of(r, l->peer->id) == NULL) return;
    say_vector(synch, l, r->slot, number);
}

void request_answered(inf_synch *synch, uint64_t peer_id, uint64_t number) {
    request *r = request_find(synch, number);
    target *t = r != NULL ? target_of(r, peer_id) : NULL;
    if (t == NULL) return;
    t->answered = true;
    end_if_over(synch, r);
}

static request *request_new(inf_synch *synch, size_t count, inf_slice unknown) {
    request *r = inf_zalloc(synch->mem, sizeof *r);
    target *targets = inf_zalloc(synch->mem, (count + 1) * sizeof *targets);
    uint8_t *text = inf_malloc(synch->mem, unknown.len + 1);
    if (r == NULL || targets == NULL || text == NULL) {
        inf_free(synch->mem, r);
        inf_free(synch->mem, targets);
        inf_free(synch->mem, text);
        return NULL;
    }
    if (unknown.len != 0) memcpy(text, unknown.data, unknown.len);
    r->unknown = inf_slice_of(text, unknown.len);
    r->targets = targets;
    r->due.kind = TIMER_REQUEST;
    r->id = ++synch->last_request;
    return r;
}

int inf_synch_request(inf_synch *synch, unsigned slot, const uint64_t *peers,
                      size_t count, inf_slice unknown, uint32_t timeout_ms,
                      uint64_t token, uint64_t now_ms) {
    synch_now(synch, now_ms);
    if (synch->request_count >= INF_SYNCH_REQUESTS) return INF_EFULL;
    request *r = request_new(synch, count, unknown);
    if (r == NULL) return INF_ENOMEM;
    r->token = token;
    r->slot = slot;
    for (size_t i = 0; i < count; i++) {
        if (target_of(r, peers[i]) != NULL) continue;
        r->targets[r->target_count++].peer = peers[i];
    }
    r->next = synch->requests;
    synch->requests = r;
    synch->request_count++;
    (void)inf_heap_set(&synch->timers, &r->due.item,
                       synch->now_ms + timeout_ms);
    for (size_t i = 0; i < r->target_count; i++) {
        peer *p = peer_find(synch, r->targets[i].peer);
        link *l = p != NULL ? peer_link(p) : NULL;
        if (l != NULL) ask(synch, r, l);
        if (p == NULL) r->targets[i].failed = true;
    }
    end_if_over(synch, r);
    return 0;
}
