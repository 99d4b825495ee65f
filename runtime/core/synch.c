/* SPDX-License-Identifier: MIT */
/* synch.c: peers, their streams and the timers.

   A stream to a peer carries this node's rows to it. The peer opens the tap
   itself, scope by scope, with PULL from where it is; from then on each change
   goes out as a run of changes, one write at a time, so a slow peer costs a
   cursor and not a queue, and changes made meanwhile travel together. A gap at
   the peer is one more PULL. There is no state of synchronisation that could
   get stuck: each message may be lost with its stream, and the next stream
   begins with where each side really is.

   Every repair_ms one live peer is told one word per shared scope. When words
   differ twice in a row a vector of versions follows, and each side sends what
   the other lacks, of any owner: so a node that an owner cannot reach still
   learns its rows. */
#include "core/synch_impl.h"

#define GREETING_MS 10000

/* ---- birth and death --------------------------------------------------- */

static inf_hash_key secret_key(inf_rng *rng) {
    inf_hash_key key;
    for (size_t i = 0; i < sizeof key.bytes; i++)
        key.bytes[i] = (uint8_t)(inf_rng_next(rng) >> 24);
    return key;
}

void synch_now(inf_synch *synch, uint64_t now_ms) {
    if (now_ms > synch->now_ms) synch->now_ms = now_ms;
}

static void next_repair(inf_synch *synch) {
    uint64_t base = synch->repair_ms - synch->repair_ms / 4;
    synch->repair_at_ms = synch->now_ms + base +
                          inf_rng_below(&synch->rng, synch->repair_ms / 4 + 1);
}

int inf_synch_new(inf_synch **out, const inf_synch_config *config,
                  uint64_t now_ms) {
    inf_synch *synch = inf_zalloc(config->mem, sizeof *synch);
    uint8_t *name = inf_malloc(config->mem, config->name.len);
    if (synch == NULL || name == NULL) {
        inf_free(config->mem, synch);
        inf_free(config->mem, name);
        return INF_ENOMEM;
    }
    memcpy(name, config->name.data, config->name.len);
    synch->mem = config->mem;
    synch->outbox = config->outbox;
    synch->name = inf_slice_of(name, config->name.len);
    synch->id = config->id;
    synch->boot = config->boot;
    synch->repair_ms = config->repair_ms;
    synch->timeout_ms = config->timeout_ms;
    synch->write_max = config->write_max;
    synch->store = config->store;
    inf_rng_seed(&synch->rng, config->seed);
    inf_heap_init(&synch->timers, synch->mem);
    inf_map_init(&synch->peers_by_id, synch->mem, secret_key(&synch->rng));
    inf_map_init(&synch->links_by_stream, synch->mem, secret_key(&synch->rng));
    inf_buf_init(&synch->scratch, synch->mem);
    inf_buf_init(&synch->write, synch->mem);
    synch_now(synch, now_ms);
    synch->acks_at_ms = INF_NEVER;
    next_repair(synch);
    *out = synch;
    return 0;
}

static void link_free(inf_synch *synch, link *l) {
    inf_heap_remove(&synch->timers, &l->due.item);
    if (l->prev != NULL) l->prev->next = l->next;
    if (l->next != NULL) l->next->prev = l->prev;
    if (synch->links == l) synch->links = l->next;
    synch->link_count--;
    inf_buf_deinit(&l->in);
    inf_buf_deinit(&l->out);
    inf_free(synch->mem, l->jobs);
    inf_free(synch->mem, l);
}

static void peer_free(inf_synch *synch, peer *p) {
    inf_heap_remove(&synch->timers, &p->due.item);
    if (p->prev != NULL) p->prev->next = p->next;
    if (p->next != NULL) p->next->prev = p->prev;
    if (synch->peers == p) synch->peers = p->next;
    synch->peer_count--;
    inf_free(synch->mem, (void *)(uintptr_t)p->name.data);
    inf_free(synch->mem, p);
}

void inf_synch_free(inf_synch *synch) {
    if (synch == NULL) return;
    while (synch->requests != NULL) {
        request *r = synch->requests;
        synch->requests = r->next;
        inf_heap_remove(&synch->timers, &r->due.item);
        inf_free(synch->mem, (void *)(uintptr_t)r->unknown.data);
        inf_free(synch->mem, r->targets);
        inf_free(synch->mem, r);
    }
    while (synch->links != NULL)
        link_free(synch, synch->links);
    while (synch->peers != NULL)
        peer_free(synch, synch->peers);
    inf_heap_deinit(&synch->timers);
    inf_map_deinit(&synch->peers_by_id);
    inf_map_deinit(&synch->links_by_stream);
    inf_buf_deinit(&synch->scratch);
    inf_buf_deinit(&synch->write);
    inf_free(synch->mem, (void *)(uintptr_t)synch->name.data);
    inf_free(synch->mem, synch);
}

/* ---- looking up -------------------------------------------------------- */

peer *peer_find(const inf_synch *synch, uint64_t id) {
    return inf_map_get(&synch->peers_by_id, inf_slice_of(&id, sizeof id));
}

static link *link_find(const inf_synch *synch, uint64_t stream) {
    link *l = inf_map_get(&synch->links_by_stream,
                          inf_slice_of(&stream, sizeof stream));
    return l != NULL && !l->dead ? l : NULL;
}

link *peer_link(const peer *p) {
    link *l = p->dialled;
    return l != NULL && l->open && l->greeted ? l : NULL;
}

int slot_of(const inf_synch *synch, uint64_t scope) {
    for (unsigned slot = 0; slot < INF_SYNCH_SCOPES; slot++) {
        bool used = (synch->scopes >> slot & 1) != 0;
        if (used && synch->scope_ids[slot] == scope) return (int)slot;
    }
    return -1;
}

bool inf_synch_linked(const inf_synch *synch, uint64_t id) {
    const peer *p = peer_find(synch, id);
    return p != NULL && peer_link(p) != NULL && p->accepted != NULL;
}

/* ---- streams ----------------------------------------------------------- */

static link *link_new(inf_synch *synch, uint64_t stream) {
    link *l = inf_zalloc(synch->mem, sizeof *l);
    if (l == NULL) return NULL;
    l->stream = stream;
    l->due.kind = TIMER_LINK;
    inf_buf_init(&l->in, synch->mem);
    inf_buf_init(&l->out, synch->mem);
    inf_slice key = inf_slice_of(&l->stream, sizeof l->stream);
    if (inf_map_set(&synch->links_by_stream, key, l) != 0) {
        inf_free(synch->mem, l);
        return NULL;
    }
    l->next = synch->links;
    if (l->next != NULL) l->next->prev = l;
    synch->links = l;
    synch->link_count++;
    return l;
}

/* Cuts the link from peer and map; it lives until the end of the call. */
static void link_detach(inf_synch *synch, link *l) {
    peer *p = l->peer;
    l->dead = true;
    l->peer = NULL;
    synch->unflushed = true; /* the flush buries it */
    inf_heap_remove(&synch->timers, &l->due.item);
    (void)inf_map_remove(&synch->links_by_stream,
                         inf_slice_of(&l->stream, sizeof l->stream));
    if (p == NULL) return;
    if (p->accepted == l) p->accepted = NULL;
    if (p->dialled != l) return;
    p->dialled = NULL;
    bool lasted = l->greeted && synch->now_ms > l->since_ms + REDIAL_MAX_MS;
    if (lasted) p->backoff_ms = REDIAL_FIRST_MS;
    uint64_t pause_ms = inf_rng_below(&synch->rng, p->backoff_ms) + 1;
    (void)inf_heap_set(&synch->timers, &p->due.item, synch->now_ms + pause_ms);
    p->backoff_ms *= 2;
    if (p->backoff_ms > REDIAL_MAX_MS) p->backoff_ms = REDIAL_MAX_MS;
}

void link_drop(inf_synch *synch, link *l) {
    if (l->dead) return;
    inf_outbox_close(synch->outbox, l->stream);
    link_detach(synch, l);
}

void bury(inf_synch *synch) {
    link *l = synch->links;
    while (l != NULL) {
        link *next = l->next;
        if (l->dead) link_free(synch, l);
        l = next;
    }
}

static void greet(inf_synch *synch, link *l, uint64_t knows) {
    (void)say(synch, l,
              &(inf_frame){.kind = INF_FRAME_HELLO,
                           .version = INF_SYNCH_VERSION,
                           .name = synch->name,
                           .boot = synch->boot,
                           .knows = knows});
}

static void dial(inf_synch *synch, peer *p) {
    if (p->dialled != NULL) return;
    uint64_t stream =
        inf_outbox_dial_sealed(synch->outbox, &p->addr, synch->timeout_ms);
    link *l = link_new(synch, stream);
    if (l == NULL) {
        inf_outbox_close(synch->outbox, stream);
        (void)inf_heap_set(&synch->timers, &p->due.item,
                           synch->now_ms + REDIAL_MAX_MS);
        return;
    }
    l->dialled = true;
    l->since_ms = synch->now_ms;
    l->peer = p;
    p->dialled = l;
    (void)inf_heap_set(&synch->timers, &l->due.item,
                       synch->now_ms + synch->timeout_ms + GREETING_MS);
}

/* The peer shows that it lives and is reached: a pause, or a dial from before,
   whose packets may be lost, is not waited for. */
static void dial_again(inf_synch *synch, peer *p) {
    link *l = p->dialled;
    p->backoff_ms = REDIAL_FIRST_MS;
    if (l != NULL && !l->greeted && synch->now_ms >= l->since_ms + HANGING_MS) {
        link_drop(synch, l);
    }
    dial(synch, p);
}

int inf_synch_accepted(inf_synch *synch, uint64_t stream, uint64_t now_ms) {
    synch_now(synch, now_ms);
    if (synch->link_count >= INF_SYNCH_LINKS) return INF_EFULL;
    link *l = link_new(synch, stream);
    if (l == NULL) return INF_ENOMEM;
    l->open = true;
    return inf_heap_set(&synch->timers, &l->due.item,
                        synch->now_ms + GREETING_MS);
}

void inf_synch_connected(inf_synch *synch, uint64_t stream, uint64_t now_ms) {
    synch_now(synch, now_ms);
    link *l = link_find(synch, stream);
    if (l == NULL || !l->dialled || l->open) return;
    l->open = true;
    (void)inf_heap_set(&synch->timers, &l->due.item,
                       synch->now_ms + GREETING_MS);
    inf_buf_u8(&l->out, INF_SYNCH_FIRST_BYTE);
    greet(synch, l, l->peer->boot);
}

void inf_synch_drained(inf_synch *synch, uint64_t stream, uint64_t now_ms) {
    synch_now(synch, now_ms);
    link *l = link_find(synch, stream);
    if (l == NULL) return;
    l->writing = false;
    synch->unflushed = true;
}

inf_slice inf_synch_closed(inf_synch *synch, uint64_t stream, uint64_t now_ms) {
    synch_now(synch, now_ms);
    link *l = link_find(synch, stream);
    inf_slice name = {NULL, 0};
    if (l == NULL) return name;
    if (l->peer != NULL) name = l->peer->name;
    link_detach(synch, l);
    return name;
}

void pull_own(inf_synch *synch, link *l, unsigned slot) {
    inf_version have = {0};
    peer *p = l->peer;
    if (synch->store.version(synch->store.ctx, slot, p->id, &have) != 0) return;
    l->flows[slot].on = true;
    l->flows[slot].seen = UINT64_MAX;
    (void)say(
        synch, l,
        &(inf_frame){
            .kind = INF_FRAME_PULL,
            .scope = synch->scope_ids[slot],
            .span = {.node = p->id, .boot = have.boot, .from = have.cur}});
}

/* Opens and closes taps as the scopes that are shared want it. */
static void settle_taps(inf_synch *synch, link *l) {
    uint64_t shared = l->peer->scopes & synch->scopes;
    for (unsigned slot = 0; slot < INF_SYNCH_SCOPES; slot++) {
        bool wanted = (shared >> slot & 1) != 0;
        if (wanted && !l->flows[slot].on) pull_own(synch, l, slot);
        if (!wanted) l->flows[slot] = (flow){.on = false};
    }
}

void link_attach(inf_synch *synch, link *l, peer *p) {
    if (p->accepted != NULL && p->accepted != l) link_drop(synch, p->accepted);
    l->peer = p;
    p->accepted = l;
    inf_heap_remove(&synch->timers, &l->due.item);
    greet(synch, l, p->boot);
    settle_taps(synch, l);
    dial_again(synch, p);
}

void inf_synch_bytes(inf_synch *synch, uint64_t stream, inf_slice bytes,
                     uint64_t now_ms) {
    synch_now(synch, now_ms);
    link *l = link_find(synch, stream);
    if (l == NULL) return;
    bool kept = l->in.len != 0;
    if (kept) inf_buf_slice(&l->in, bytes);
    inf_slice left = kept ? inf_buf_view(&l->in) : bytes;
    int rc = 1;
    while (rc > 0 && !l->dead) {
        inf_frame frame;
        size_t used = 0;
        rc = inf_frame_decode(left, &frame, &used);
        if (rc <= 0) break;
        left = inf_slice_of(left.data + used, left.len - used);
        if (frame.kind != 0) frame_in(synch, l, &frame);
    }
    if (l->dead) return;
    if (kept) {
        inf_buf_consume(&l->in, l->in.len - left.len);
    } else {
        inf_buf_slice(&l->in, left);
    }
    if (rc >= 0 && !l->in.failed) return;
    inf_outbox_log(synch->outbox, INF_LOG_WARN, "registry stream dropped: %s",
                   inf_strerror(rc < 0 ? rc : INF_ENOMEM));
    link_drop(synch, l);
}

/* ---- peers ------------------------------------------------------------- */

static peer *peer_new(inf_synch *synch, inf_slice name, uint64_t id) {
    peer *p = inf_zalloc(synch->mem, sizeof *p);
    uint8_t *copy = inf_malloc(synch->mem, name.len);
    if (p == NULL || copy == NULL) goto fail;
    p->id = id;
    p->due.kind = TIMER_PEER;
    p->backoff_ms = REDIAL_FIRST_MS;
    inf_slice key = inf_slice_of(&p->id, sizeof p->id);
    if (inf_map_set(&synch->peers_by_id, key, p) != 0) goto fail;
    memcpy(copy, name.data, name.len);
    p->name = inf_slice_of(copy, name.len);
    p->next = synch->peers;
    if (p->next != NULL) p->next->prev = p;
    synch->peers = p;
    synch->peer_count++;
    return p;
fail:
    inf_free(synch->mem, p);
    inf_free(synch->mem, copy);
    return NULL;
}

/* Streams of another life, or to another place, are of no use. */
static void drop_streams(inf_synch *synch, peer *p) {
    link *both[] = {p->dialled, p->accepted};
    for (size_t i = 0; i < INF_COUNT(both); i++) {
        if (both[i] == NULL) continue;
        inf_outbox_close(synch->outbox, both[i]->stream);
        link_detach(synch, both[i]);
    }
    p->backoff_ms = REDIAL_FIRST_MS;
}

/* A stream that came in before its member was known finds it now. */
static void adopt_accepted(inf_synch *synch, peer *p) {
    for (link *l = synch->links; l != NULL; l = l->next) {
        if (!l->dead && !l->dialled && l->greeted && l->peer == NULL &&
            l->their_id == p->id && l->their_boot == p->boot) {
            link_attach(synch, l, p);
        }
    }
}

int inf_synch_peer_up(inf_synch *synch, inf_slice name, uint64_t id,
                      uint64_t boot, const inf_addr *addr, uint64_t scopes,
                      uint64_t now_ms) {
    synch_now(synch, now_ms);
    peer *p = peer_find(synch, id);
    if (p == NULL) p = peer_new(synch, name, id);
    if (p == NULL) return INF_ENOMEM;
    bool moved = p->boot != boot || !inf_addr_eq(&p->addr, addr);
    if (moved && p->boot != 0) drop_streams(synch, p);
    p->boot = boot;
    p->addr = *addr;
    p->scopes = scopes;
    if (p->accepted == NULL) adopt_accepted(synch, p);
    if (p->accepted != NULL) settle_taps(synch, p->accepted);
    dial_again(synch, p);
    return 0;
}

void inf_synch_peer_down(inf_synch *synch, uint64_t id, uint64_t now_ms) {
    synch_now(synch, now_ms);
    peer *p = peer_find(synch, id);
    if (p == NULL) return;
    requests_lost(synch, id);
    drop_streams(synch, p);
    (void)inf_map_remove(&synch->peers_by_id, inf_slice_of(&id, sizeof id));
    peer_free(synch, p);
}

void inf_synch_scope_open(inf_synch *synch, unsigned slot, uint64_t scope) {
    INF_ASSERT(slot < INF_SYNCH_SCOPES);
    synch->scopes |= UINT64_C(1) << slot;
    synch->scope_ids[slot] = scope;
    synch->mismatches[slot] = 0;
}

void inf_synch_scope_close(inf_synch *synch, unsigned slot) {
    synch->scopes &= ~(UINT64_C(1) << slot);
    for (link *l = synch->links; l != NULL; l = l->next) {
        l->flows[slot] = (flow){.on = false};
        for (size_t i = l->job_first; i < l->job_count; i++) {
            if (l->jobs[i].slot == slot) l->jobs[i].node = 0;
        }
    }
}

void inf_synch_changed(inf_synch *synch) {
    if (!synch->own_waits) synch->unflushed = true;
}

bool inf_synch_tell(inf_synch *synch, unsigned slot, uint64_t id,
                    inf_slice bytes) {
    peer *p = peer_find(synch, id);
    if (p == NULL) return false;
    link *l = peer_link(p) != NULL ? peer_link(p) : p->accepted;
    if (l == NULL) return false;
    return say(synch, l,
               &(inf_frame){.kind = INF_FRAME_TELL,
                            .scope = synch->scope_ids[slot],
                            .bytes = bytes});
}

/* ---- time -------------------------------------------------------------- */

/* Tells the stable point of each scope: what every peer has acknowledged. */
static void tell_stable(inf_synch *synch, unsigned slot) {
    uint64_t least = UINT64_MAX;
    for (peer *p = synch->peers; p != NULL; p = p->next) {
        if ((p->scopes >> slot & 1) == 0) continue;
        const link *l = peer_link(p);
        bool flowing = l != NULL && l->flows[slot].on;
        uint64_t acked = flowing ? l->flows[slot].acked : 0;
        if (acked < least) least = acked;
    }
    if (least == UINT64_MAX) { /* alone: nobody will ever ask */
        inf_version mine;
        if (synch->store.version(synch->store.ctx, slot, synch->id, &mine) != 0)
            return;
        least = mine.cur;
    }
    if (least != 0) synch->store.stable(synch->store.ctx, slot, least);
}

/* Behind, and nothing has moved for long? */
static bool flow_stands(const inf_synch *synch, unsigned slot, flow *f) {
    inf_version mine = {.cur = 0};
    if (f->on) {
        (void)synch->store.version(synch->store.ctx, slot, synch->id, &mine);
    }
    if (f->acked >= mine.cur || f->acked != f->was_acked ||
        f->cursor.at != f->was_at) {
        f->was_acked = f->acked;
        f->was_at = f->cursor.at;
        f->still_ms = synch->now_ms;
    }
    return synch->now_ms >= f->still_ms + STUCK_MS;
}

/* A stream whose other end has gone without a word takes what is written on it
   for a quarter of an hour. */
static void drop_if_stuck(inf_synch *synch, link *l) {
    for (unsigned slot = 0; slot < INF_SYNCH_SCOPES; slot++) {
        if (!flow_stands(synch, slot, &l->flows[slot])) continue;
        link_drop(synch, l);
        return;
    }
}

/* One peer, by chance, is told one word for each scope shared with it. */
static void repair(inf_synch *synch) {
    for (unsigned slot = 0; slot < INF_SYNCH_SCOPES; slot++) {
        if ((synch->scopes >> slot & 1) != 0) tell_stable(synch, slot);
    }
    if (synch->peer_count == 0) return;
    for (peer *each = synch->peers; each != NULL; each = each->next) {
        if (peer_link(each) != NULL) drop_if_stuck(synch, each->dialled);
    }
    peer *p = synch->peers;
    uint64_t skip = inf_rng_below(&synch->rng, synch->peer_count);
    while (skip-- != 0)
        p = p->next;
    link *l = peer_link(p);
    if (l == NULL) return;
    for (unsigned slot = 0; slot < INF_SYNCH_SCOPES; slot++) {
        if ((p->scopes & synch->scopes) >> slot & 1) {
            (void)say(synch, l,
                      &(inf_frame){
                          .kind = INF_FRAME_ROOT,
                          .scope = synch->scope_ids[slot],
                          .root = synch->store.root(synch->store.ctx, slot)});
        }
    }
}

static void timer_due(inf_synch *synch, timer *due) {
    switch (due->kind) {
    case TIMER_PEER:
        dial(synch, (peer *)(void *)due);
        break;
    case TIMER_LINK: {
        link *l = (link *)(void *)due;
        inf_outbox_close(synch->outbox, l->stream);
        link_detach(synch, l);
        break;
    }
    case TIMER_REQUEST:
        request_end(synch, (request *)(void *)due);
        break;
    }
}

void inf_synch_tick(inf_synch *synch, uint64_t now_ms) {
    synch_now(synch, now_ms);
    if (now_ms >= synch->repair_at_ms) {
        next_repair(synch);
        repair(synch);
    }
    if (inf_synch_written_ms(synch) <= now_ms) synch->unflushed = true;
    while (inf_heap_due_ms(&synch->timers) <= now_ms) {
        inf_heap_item *item = inf_heap_first(&synch->timers);
        inf_heap_remove(&synch->timers, item);
        timer_due(synch, (timer *)(void *)item);
    }
    bury(synch);
}

uint64_t inf_synch_deadline(const inf_synch *synch) {
    uint64_t due_ms = inf_heap_due_ms(&synch->timers);
    if (synch->repair_at_ms < due_ms) due_ms = synch->repair_at_ms;
    uint64_t written_ms = inf_synch_written_ms(synch);
    return written_ms < due_ms ? written_ms : due_ms;
}
