/* SPDX-License-Identifier: MIT */
#include "synch_pair.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/hash.h"

enum { SCOPE = 7, WRITE_MAX = 64 };

static uint64_t store_root(void *ctx, unsigned slot) {
    const store *s = ctx;
    (void)slot;
    return s->skew + (s->self < s->peer ? s->own * 1000 + s->theirs
                                        : s->theirs * 1000 + s->own);
}

static int store_version(void *ctx, unsigned slot, uint64_t node,
                         inf_version *out) {
    const store *s = ctx;
    (void)slot;
    if (node != s->self && node != s->peer) return INF_ENOENT;
    uint64_t cur = node == s->self ? s->own : s->theirs;
    uint64_t skew = node == s->self ? 0 : s->skew;
    *out = (inf_version){.node = node,
                         .boot = 1,
                         .cur = cur,
                         .goal = cur,
                         .high = cur,
                         .digest = cur + 1 + skew,
                         .up = true};
    return 0;
}

static bool store_next(void *ctx, unsigned slot, size_t *at, inf_version *out) {
    const store *s = ctx;
    uint64_t ids[] = {s->self, s->peer};
    return *at < 2 && store_version(ctx, slot, ids[(*at)++], out) == 0;
}

static int store_diff(void *ctx, unsigned slot, uint64_t node,
                      inf_diff_cursor *cursor, size_t cap, inf_span *span,
                      inf_buf *ops) {
    inf_version have;
    if (store_version(ctx, slot, node, &have) != 0) return INF_ENOENT;
    if (cursor->at >= have.cur) return 0;
    *span = (inf_span){.node = node,
                       .boot = 1,
                       .from = cursor->at,
                       .to = cursor->at + 1,
                       .goal = have.cur};
    cursor->at++;
    for (size_t i = 0; i < 16 && i < cap; i++)
        inf_buf_u8(ops, (uint8_t)i);
    return 1;
}

static int store_apply(void *ctx, unsigned slot, uint64_t source,
                       const inf_span *span, inf_slice ops) {
    store *s = ctx;
    (void)slot;
    (void)source;
    (void)ops;
    if (span->node != s->peer) return INF_ENOENT;
    if (s->malformed != 0) return INF_EMALFORMED;
    if (span->to <= s->theirs) return INF_ESTALE;
    if (span->from > s->theirs) return INF_EGAP;
    s->theirs = span->to;
    return 0;
}

static void store_stable(void *ctx, unsigned slot, uint64_t seq) {
    (void)slot;
    ((store *)ctx)->stable = seq;
}

static void store_distrust(void *ctx, unsigned slot, uint64_t node) {
    store *s = ctx;
    (void)slot;
    assert_int_equal(node, s->peer);
    s->distrusted++;
    s->skew = 0;
    s->theirs = 0;
}

static void store_told(void *ctx, unsigned slot, uint64_t peer,
                       inf_slice bytes) {
    store *s = ctx;
    (void)slot;
    assert_int_equal(peer, s->peer);
    (void)snprintf(s->told, sizeof s->told, "%.*s", (int)bytes.len,
                   (const char *)bytes.data);
}

static void store_linked(void *ctx, uint64_t peer) {
    store *s = ctx;
    assert_int_equal(peer, s->peer);
    s->linked++;
}

static void store_superseded(void *ctx, uint64_t boot) {
    ((store *)ctx)->superseded = boot;
}

uint64_t synch_pair_id(const char *name) {
    return inf_hash(inf_slice_str(name), INF_NODE_ID_SEED);
}

static void side_init(side *s, const char *name, const char *peer) {
    s->name = name;
    inf_outbox_init(&s->outbox, inf_alloc_libc());
    s->store.self = synch_pair_id(name);
    s->store.peer = synch_pair_id(peer);
    inf_synch_store store_of = {.ctx = &s->store,
                                .root = store_root,
                                .next = store_next,
                                .version = store_version,
                                .diff = store_diff,
                                .apply = store_apply,
                                .stable = store_stable,
                                .distrust = store_distrust,
                                .told = store_told,
                                .linked = store_linked,
                                .superseded = store_superseded};
    inf_synch_config config = {.mem = inf_alloc_libc(),
                               .outbox = &s->outbox,
                               .name = inf_slice_str(name),
                               .id = synch_pair_id(name),
                               .boot = 1,
                               .seed = synch_pair_id(name),
                               .repair_ms = 2000,
                               .timeout_ms = 5000,
                               .write_max = WRITE_MAX,
                               .store = store_of};
    assert_int_equal(inf_synch_new(&s->synch, &config, 1000), 0);
    inf_synch_scope_open(s->synch, 0, SCOPE);
}

/* Two nodes that do not know of each other yet. */
int synch_pair_setup(void **state) {
    pair *p = calloc(1, sizeof *p);
    if (p == NULL) return -1;
    p->now_ms = 1000;
    side_init(&p->at[0], "anna", "berta");
    side_init(&p->at[1], "berta", "anna");
    *state = p;
    return 0;
}

int synch_pair_teardown(void **state) {
    pair *p = *state;
    for (int i = 0; i < 2; i++) {
        inf_synch_free(p->at[i].synch);
        inf_outbox_deinit(&p->at[i].outbox);
    }
    free(p);
    return 0;
}

/* ---- carrying ---------------------------------------------------------- */

static void accept_at(pair *p, int from, uint64_t stream) {
    side *to = &p->at[1 - from];
    p->at[from].dialled = stream;
    to->accepted = inf_outbox_stream(&to->outbox);
    inf_synch_connected(p->at[from].synch, stream, p->now_ms);
}

static void write_at(pair *p, int from, const inf_effect *e) {
    side *me = &p->at[from];
    side *to = &p->at[1 - from];
    me->bytes += e->bytes.len;
    me->writes++;
    inf_slice bytes = e->bytes;
    bool back =
        from == 1 && e->stream == me->accepted && to->dialled == p->dead;
    if (p->dead != 0 && (e->stream == p->dead ? from == 0 : back)) {
        inf_synch_drained(me->synch, e->stream, p->now_ms);
        return;
    }
    uint64_t there = to->dialled;
    if (e->stream == me->dialled) {
        there = to->accepted;
        if (bytes.data[0] == INF_SYNCH_FIRST_BYTE) {
            assert_int_equal(inf_synch_accepted(to->synch, there, p->now_ms),
                             0);
            bytes = inf_slice_of(bytes.data + 1, bytes.len - 1);
        }
    }
    inf_synch_bytes(to->synch, there, bytes, p->now_ms);
    if (!p->stuck) inf_synch_drained(me->synch, e->stream, p->now_ms);
}

void synch_pair_close(pair *p, int from, uint64_t stream) {
    side *me = &p->at[from];
    side *to = &p->at[1 - from];
    bool mine = stream == me->dialled;
    if (!mine && stream != me->accepted) return;
    inf_synch_closed(to->synch, mine ? to->accepted : to->dialled, p->now_ms);
    if (mine) {
        me->dialled = to->accepted = 0;
    } else {
        me->accepted = to->dialled = 0;
    }
}

static void effect_at(pair *p, int from, const inf_effect *e) {
    side *me = &p->at[from];
    if (e->kind == INF_EFFECT_DIAL && !p->hanging)
        accept_at(p, from, e->stream);
    if (e->kind == INF_EFFECT_WRITE) write_at(p, from, e);
    if (e->kind == INF_EFFECT_CLOSE) synch_pair_close(p, from, e->stream);
    if (e->kind == INF_EFFECT_DONE) {
        me->done_token = e->token;
        me->done_status = e->status;
        me->done_count = e->count;
        (void)snprintf(me->done_name, sizeof me->done_name, "%.*s",
                       (int)e->name.len, (const char *)e->name.data);
    }
}

/* Until nobody has anything to say. */
void synch_pair_settle(pair *p) {
    for (bool busy = true; busy;) {
        busy = false;
        for (int i = 0; i < 2; i++) {
            inf_effect e;
            inf_synch_flush(p->at[i].synch, p->now_ms);
            while (inf_outbox_take(&p->at[i].outbox, &e)) {
                effect_at(p, i, &e);
                inf_effect_deinit(&e);
                busy = true;
            }
        }
    }
}

void synch_pair_pass_ms(pair *p, uint64_t ms) {
    for (uint64_t end = p->now_ms + ms; p->now_ms < end; p->now_ms += 10) {
        for (int i = 0; i < 2; i++) {
            if (inf_synch_deadline(p->at[i].synch) <= p->now_ms) {
                inf_synch_tick(p->at[i].synch, p->now_ms);
            }
        }
        synch_pair_settle(p);
    }
}

void synch_pair_meet(pair *p, int at, uint64_t boot) {
    side *me = &p->at[at];
    const char *peer = p->at[1 - at].name;
    inf_addr addr = {
        .len = 4, .ip = {10, 0, 0, (uint8_t)(2 - at)}, .port = 7946};
    assert_int_equal(inf_synch_peer_up(me->synch, inf_slice_str(peer),
                                       synch_pair_id(peer), boot, &addr, 1,
                                       p->now_ms),
                     0);
}

void synch_pair_meet_both(pair *p) {
    synch_pair_meet(p, 0, 1);
    synch_pair_meet(p, 1, 1);
    synch_pair_settle(p);
}

void synch_pair_change(pair *p, int at, uint64_t count) {
    p->at[at].store.own += count;
    inf_synch_changed(p->at[at].synch);
}
