/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/hash.h"
#include "core/synch.h"

/* ---- two protocols, stores of numbers, streams by hand ----------------- */

enum { SCOPE = 7, WRITE_MAX = 64 };

/* A store whose changes are nothing but their count. */
typedef struct store {
    uint64_t self;
    uint64_t peer;
    uint64_t own;    /* changes made */
    uint64_t theirs; /* changes of the peer that are in */
    uint64_t stable;
    int distrusted;
    int malformed; /* so many runs will be found malformed */
    uint64_t skew; /* what the peer's rows here are wrong by */
    int linked;
    uint64_t superseded;
    char told[16];
} store;

typedef struct side {
    inf_synch *synch;
    inf_outbox outbox;
    store store;
    const char *name;
    uint64_t dialled;  /* the stream it dialled, 0: none */
    uint64_t accepted; /* the stream it accepted, 0: none */
    uint64_t bytes;    /* written */
    int writes;
    int done_status;
    uint64_t done_count;
    uint64_t done_token;
    char done_name[32];
} side;

typedef struct pair {
    side at[2];
    uint64_t now_ms;
    bool stuck;    /* the host never says that streams are drained */
    bool hanging;  /* dials are not answered */
    uint64_t dead; /* a stream of anna's that leads nowhere */
} pair;

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

static uint64_t id_of(const char *name) {
    return inf_hash(inf_slice_str(name), INF_NODE_ID_SEED);
}

static void side_init(side *s, const char *name, const char *peer) {
    s->name = name;
    inf_outbox_init(&s->outbox, inf_alloc_libc());
    s->store.self = id_of(name);
    s->store.peer = id_of(peer);
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
                               .id = id_of(name),
                               .boot = 1,
                               .seed = id_of(name),
                               .repair_ms = 2000,
                               .timeout_ms = 5000,
                               .write_max = WRITE_MAX,
                               .store = store_of};
    assert_int_equal(inf_synch_new(&s->synch, &config, 1000), 0);
    inf_synch_scope_open(s->synch, 0, SCOPE);
}

/* Two nodes that do not know of each other yet. */
static int setup(void **state) {
    pair *p = calloc(1, sizeof *p);
    if (p == NULL) return -1;
    p->now_ms = 1000;
    side_init(&p->at[0], "anna", "berta");
    side_init(&p->at[1], "berta", "anna");
    *state = p;
    return 0;
}

static int teardown(void **state) {
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

static void close_at(pair *p, int from, uint64_t stream) {
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
    if (e->kind == INF_EFFECT_CLOSE) close_at(p, from, e->stream);
    if (e->kind == INF_EFFECT_DONE) {
        me->done_token = e->token;
        me->done_status = e->status;
        me->done_count = e->count;
        (void)snprintf(me->done_name, sizeof me->done_name, "%.*s",
                       (int)e->name.len, (const char *)e->name.data);
    }
}

/* Until nobody has anything to say. */
static void settle(pair *p) {
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

static void pass_ms(pair *p, uint64_t ms) {
    for (uint64_t end = p->now_ms + ms; p->now_ms < end; p->now_ms += 10) {
        for (int i = 0; i < 2; i++) {
            if (inf_synch_deadline(p->at[i].synch) <= p->now_ms) {
                inf_synch_tick(p->at[i].synch, p->now_ms);
            }
        }
        settle(p);
    }
}

static void meet(pair *p, int at, uint64_t boot) {
    side *me = &p->at[at];
    const char *peer = p->at[1 - at].name;
    inf_addr addr = {
        .len = 4, .ip = {10, 0, 0, (uint8_t)(2 - at)}, .port = 7946};
    assert_int_equal(inf_synch_peer_up(me->synch, inf_slice_str(peer),
                                       id_of(peer), boot, &addr, 1, p->now_ms),
                     0);
}

static void meet_both(pair *p) {
    meet(p, 0, 1);
    meet(p, 1, 1);
    settle(p);
}

static void change(pair *p, int at, uint64_t count) {
    p->at[at].store.own += count;
    inf_synch_changed(p->at[at].synch);
}

/* ---- tests ------------------------------------------------------------- */

static void what_was_there_and_what_comes_reaches_the_peer(void **state) {
    pair *p = *state;
    p->at[0].store.own = 5;
    meet_both(p);
    assert_true(inf_synch_linked(p->at[0].synch, id_of("berta")));
    assert_int_equal(p->at[1].store.theirs, 5);
    assert_int_equal(p->at[0].store.linked, 1);
    change(p, 0, 3);
    change(p, 1, 2);
    pass_ms(p, 20);
    assert_int_equal(p->at[1].store.theirs, 8);
    assert_int_equal(p->at[0].store.theirs, 2);
}

static void a_stream_that_comes_before_its_member_waits_for_it(void **state) {
    pair *p = *state;
    p->at[0].store.own = 5;
    meet(p, 0, 1);
    settle(p);
    assert_int_equal(p->at[1].store.theirs, 0);
    meet(p, 1, 1);
    settle(p);
    assert_int_equal(p->at[1].store.theirs, 5);
}

static void one_write_is_under_way_and_changes_travel_together(void **state) {
    pair *p = *state;
    meet_both(p);
    p->stuck = true;
    change(p, 0, 1);
    settle(p);
    int before = p->at[0].writes;
    for (int i = 0; i < 100; i++) {
        change(p, 0, 1);
        settle(p);
    }
    assert_int_equal(p->at[0].writes, before);
    assert_int_equal(p->at[1].store.theirs, 1);
    p->stuck = false;
    inf_synch_drained(p->at[0].synch, p->at[0].dialled, p->now_ms);
    pass_ms(p, 20);
    assert_int_equal(p->at[1].store.theirs, 101);
}

static void changes_go_at_once_and_then_a_millisecond_apart(void **state) {
    pair *p = *state;
    meet_both(p);
    pass_ms(p, 20);
    change(p, 0, 1);
    assert_true(inf_synch_unflushed(p->at[0].synch));
    settle(p);
    assert_int_equal(p->at[1].store.theirs, 1);
    int before = p->at[0].writes;
    for (int i = 0; i < 100; i++) {
        change(p, 0, 1);
        assert_false(inf_synch_unflushed(p->at[0].synch));
        settle(p);
    }
    assert_int_equal(p->at[0].writes, before);
    assert_int_equal(inf_synch_deadline(p->at[0].synch), p->now_ms + 1);
    p->now_ms++;
    inf_synch_tick(p->at[0].synch, p->now_ms);
    settle(p);
    assert_true(p->at[0].writes > before);
    assert_int_equal(p->at[1].store.theirs, 101);
    pass_ms(p, 200); /* nothing is left to be done but repair */
    assert_true(inf_synch_deadline(p->at[0].synch) > p->now_ms + 100);
}

static void a_gap_is_pulled_at_once(void **state) {
    pair *p = *state;
    meet_both(p);
    change(p, 0, 4);
    settle(p);
    p->at[1].store.theirs = 2; /* it lost the last two */
    change(p, 0, 1);
    pass_ms(p, 40);
    assert_int_equal(p->at[1].store.theirs, 5);
}

static void what_no_change_shows_is_found_by_repair(void **state) {
    pair *p = *state;
    meet_both(p);
    change(p, 0, 4);
    settle(p);
    p->at[1].store.theirs = 2;
    pass_ms(p, 12000);
    assert_int_equal(p->at[1].store.theirs, 4);
}

static void rows_that_differ_at_the_same_count_come_anew(void **state) {
    pair *p = *state;
    meet_both(p);
    change(p, 0, 4);
    settle(p);
    p->at[1].store.skew = 77; /* bad memory, or a bug */
    pass_ms(p, 12000);
    assert_int_equal(p->at[1].store.distrusted, 1);
    assert_int_equal(p->at[1].store.theirs, 4);
    assert_int_equal(p->at[0].store.distrusted, 0);
}

static void acknowledged_changes_are_stable(void **state) {
    pair *p = *state;
    meet_both(p);
    change(p, 0, 4);
    settle(p);
    pass_ms(p, 2500);
    assert_int_equal(p->at[0].store.stable, 4);
}

static void a_broken_stream_is_dialled_again(void **state) {
    pair *p = *state;
    meet_both(p);
    uint64_t before = p->at[0].dialled;
    inf_slice peer =
        inf_synch_closed(p->at[0].synch, p->at[0].dialled, p->now_ms);
    assert_true(inf_slice_eq(peer, inf_slice_str("berta")));
    (void)inf_synch_closed(p->at[1].synch, p->at[1].accepted, p->now_ms);
    assert_false(inf_synch_linked(p->at[0].synch, id_of("berta")));
    change(p, 0, 4);
    pass_ms(p, 300);
    assert_true(p->at[0].dialled > before);
    assert_int_equal(p->at[1].store.theirs, 4);
}

static void malformed_changes_cost_the_stream(void **state) {
    pair *p = *state;
    meet_both(p);
    p->at[1].store.malformed = 1;
    change(p, 0, 1);
    settle(p);
    assert_int_equal(p->at[0].dialled, 0);
    p->at[1].store.malformed = 0;
    pass_ms(p, 1000);
    assert_int_equal(p->at[1].store.theirs, 1);
}

static void an_older_life_is_told_that_it_is_one(void **state) {
    pair *p = *state;
    meet(p, 1, 9); /* berta has heard of a later anna */
    meet(p, 0, 1);
    settle(p);
    assert_int_equal(p->at[0].store.superseded, 9);
    assert_int_equal(p->at[1].store.superseded, 0);
}

static void a_dead_peers_streams_are_closed(void **state) {
    pair *p = *state;
    meet_both(p);
    inf_synch_peer_down(p->at[0].synch, id_of("berta"), p->now_ms);
    settle(p);
    assert_int_equal(p->at[0].dialled, 0);
    assert_int_equal(p->at[0].accepted, 0);
    assert_false(inf_synch_linked(p->at[0].synch, id_of("berta")));
}

static void words_are_told_while_there_is_a_stream(void **state) {
    pair *p = *state;
    inf_slice word = inf_slice_str("hello");
    assert_false(inf_synch_tell(p->at[0].synch, 0, id_of("berta"), word));
    meet_both(p);
    assert_true(inf_synch_tell(p->at[0].synch, 0, id_of("berta"), word));
    settle(p);
    assert_string_equal(p->at[1].store.told, "hello");
    p->stuck = true;
    int said = 0;
    while (said < 1000000 &&
           inf_synch_tell(p->at[0].synch, 0, id_of("berta"), word)) {
        said++;
    }
    assert_in_range(said, 1000, 100000); /* bounded */
}

/* Anna's dial hangs, berta's comes in. */
static void meet_after(pair *p, uint64_t ms) {
    p->hanging = true;
    meet(p, 0, 1);
    pass_ms(p, ms + 10);
    p->hanging = false;
    meet(p, 1, 1);
    settle(p);
}

static void words_are_told_on_the_stream_that_came_in(void **state) {
    pair *p = *state;
    meet_after(p, 0);
    assert_int_equal(p->at[0].dialled, 0);
    inf_slice word = inf_slice_str("hello");
    assert_true(inf_synch_tell(p->at[0].synch, 0, id_of("berta"), word));
    settle(p);
    assert_string_equal(p->at[1].store.told, "hello");
}

static void a_dial_that_hangs_is_not_waited_for(void **state) {
    pair *p = *state;
    meet_after(p, 1000);
    assert_true(inf_synch_linked(p->at[0].synch, id_of("berta")));
    assert_true(inf_synch_linked(p->at[1].synch, id_of("anna")));
}

static void a_stream_that_leads_nowhere_is_dialled_again(void **state) {
    pair *p = *state;
    meet_both(p);
    p->dead = p->at[0].dialled;
    change(p, 0, 5);
    pass_ms(p, 10000);
    assert_true(p->at[0].dialled == p->dead); /* it may just be slow */
    pass_ms(p, 10000);
    assert_true(p->at[0].dialled > p->dead);
    assert_int_equal(p->at[1].store.theirs, 5);
}

static void synch_in_sync_costs_a_word(void **state) {
    pair *p = *state;
    uint64_t peer = id_of("berta");
    meet_both(p);
    change(p, 0, 50);
    settle(p);
    uint64_t before = p->at[0].bytes + p->at[1].bytes;
    assert_int_equal(inf_synch_request(p->at[0].synch, 0, &peer, 1,
                                       (inf_slice){0}, 1000, 5, p->now_ms),
                     0);
    settle(p);
    assert_int_equal(p->at[0].done_token, 5);
    assert_int_equal(p->at[0].done_status, 0);
    assert_int_equal(p->at[0].done_count, 1);
    assert_in_range(p->at[0].bytes + p->at[1].bytes - before, 1, 48);
}

static void synch_behind_ends_when_merged(void **state) {
    pair *p = *state;
    uint64_t peer = id_of("berta");
    meet_both(p);
    change(p, 1, 50);
    settle(p);
    p->at[0].store.theirs = 10;
    assert_int_equal(inf_synch_request(p->at[0].synch, 0, &peer, 1,
                                       (inf_slice){0}, 1000, 6, p->now_ms),
                     0);
    settle(p);
    assert_int_equal(p->at[0].done_token, 6);
    assert_int_equal(p->at[0].done_status, 0);
    assert_int_equal(p->at[0].store.theirs, 50);
}

static void synch_with_who_is_gone_names_it(void **state) {
    pair *p = *state;
    uint64_t peer = id_of("berta");
    meet_both(p);
    p->stuck = true;
    assert_int_equal(inf_synch_request(p->at[0].synch, 0, &peer, 1,
                                       (inf_slice){0}, 1000, 7, p->now_ms),
                     0);
    inf_synch_peer_down(p->at[0].synch, peer, p->now_ms);
    settle(p);
    assert_int_equal(p->at[0].done_token, 7);
    assert_int_equal(p->at[0].done_status, INF_ETIMEDOUT);
    assert_int_equal(p->at[0].done_count, 0);
    assert_string_equal(p->at[0].done_name, "berta");
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(what_was_there_and_what_comes_reaches_the_peer),
        T(a_stream_that_comes_before_its_member_waits_for_it),
        T(one_write_is_under_way_and_changes_travel_together),
        T(changes_go_at_once_and_then_a_millisecond_apart),
        T(a_gap_is_pulled_at_once),
        T(what_no_change_shows_is_found_by_repair),
        T(rows_that_differ_at_the_same_count_come_anew),
        T(acknowledged_changes_are_stable),
        T(a_broken_stream_is_dialled_again),
        T(malformed_changes_cost_the_stream),
        T(an_older_life_is_told_that_it_is_one),
        T(a_dead_peers_streams_are_closed),
        T(words_are_told_while_there_is_a_stream),
        T(a_stream_that_leads_nowhere_is_dialled_again),
        T(words_are_told_on_the_stream_that_came_in),
        T(a_dial_that_hangs_is_not_waited_for),
        T(synch_in_sync_costs_a_word),
        T(synch_behind_ends_when_merged),
        T(synch_with_who_is_gone_names_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
