/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/rng.h"
#include "core/registry.h"

/* ---- fixture: a few registries of one branch -------------------------------
 */

enum { NODES = 3 };

typedef struct world {
    inf_registry *at[NODES];
    inf_slice name[NODES];
    uint64_t boot[NODES];
    inf_hlc hlc[NODES];
    int shown[NODES];
    int hidden[NODES];
    int conflicts[NODES];
} world;

typedef struct ear {
    world *w;
    int node;
} ear;

static world the_world;
static ear ears[NODES];

static void heard(void *ctx, inf_registry_change change,
                  const inf_entry *entry) {
    const ear *e = ctx;
    assert_true(entry->name.len != 0 && entry->owner.len != 0);
    switch (change) {
    case INF_ROW_SHOWN:
        e->w->shown[e->node]++;
        break;
    case INF_ROW_HIDDEN:
        e->w->hidden[e->node]++;
        break;
    case INF_ROW_CONFLICT:
        e->w->conflicts[e->node]++;
        break;
    }
}

static inf_registry *make(world *w, int node, uint64_t boot,
                          uint32_t deletes_max, inf_prefer prefer) {
    inf_registry *registry = NULL;
    ears[node] = (ear){w, node};
    inf_registry_config config = {
        .mem = inf_alloc_libc(),
        .node = w->name[node],
        .boot = boot,
        .key = {{(uint8_t)node, 7}},
        .rows_max = 1u << 20,
        .deletes_max = deletes_max,
        .prefer = prefer,
        .listener = {&ears[node], heard},
    };
    assert_int_equal(inf_registry_new(&registry, &config), 0);
    return registry;
}

static void everybody_up(world *w) {
    for (int a = 0; a < NODES; a++) {
        for (int b = 0; b < NODES; b++) {
            if (a == b) continue;
            assert_int_equal(inf_registry_up(w->at[a], w->name[b], w->boot[b]),
                             0);
        }
    }
}

static int begin(void **state, uint32_t deletes_max, inf_prefer prefer) {
    static const char *const names[NODES] = {"anna", "berta", "clara"};
    the_world = (world){0};
    for (int i = 0; i < NODES; i++) {
        the_world.name[i] = inf_slice_str(names[i]);
        the_world.boot[i] = 100;
        the_world.at[i] = make(&the_world, i, 100, deletes_max, prefer);
    }
    everybody_up(&the_world);
    *state = &the_world;
    return 0;
}

static int setup(void **state) {
    return begin(state, 1000, INF_PREFER_LAST);
}

static int setup_forgetful(void **state) {
    return begin(state, 2, INF_PREFER_LAST);
}

static int setup_first(void **state) {
    return begin(state, 1000, INF_PREFER_FIRST);
}

static int teardown(void **state) {
    world *w = *state;
    for (int i = 0; i < NODES; i++)
        inf_registry_free(w->at[i]);
    return 0;
}

static uint64_t id_of(const world *w, int node) {
    return inf_node_id(w->name[node]);
}

static inf_entry put_at(world *w, int node, const char *name,
                        uint64_t wall_ms) {
    inf_entry entry;
    assert_int_equal(inf_registry_put(w->at[node], inf_slice_str(name),
                                      inf_slice_str("order"), 0, &w->hlc[node],
                                      wall_ms, &entry),
                     0);
    return entry;
}

static void drop_at(world *w, int node, const char *name) {
    inf_entry mine;
    inf_slice slice = inf_slice_str(name);
    assert_int_equal(inf_registry_own(w->at[node], slice, &mine), 0);
    assert_int_equal(inf_registry_remove(w->at[node], slice, mine.claim.stamp),
                     0);
}

/* Carries what `to` lacks of `owner` from `from`, `cap` bytes a run, at most
   `runs` runs; returns how many runs were applied. */
static int carry(world *w, int from, int to, int owner, size_t cap, int runs) {
    inf_version have;
    inf_version theirs;
    uint64_t id = id_of(w, owner);
    assert_int_equal(inf_registry_owner(w->at[to], id, &have), 0);
    assert_int_equal(inf_registry_owner(w->at[from], id, &theirs), 0);
    inf_diff_cursor cursor = {.boot = have.boot, .at = have.cur};
    if (have.boot != theirs.boot) cursor = (inf_diff_cursor){0};
    int applied = 0;
    for (; applied < runs; applied++) {
        inf_buf ops;
        inf_span span;
        inf_buf_init(&ops, inf_alloc_libc());
        int rc = inf_registry_diff(w->at[from], id, &cursor, cap, &span, &ops);
        if (rc == 1) {
            assert_int_equal(inf_registry_apply(w->at[to], id_of(w, from),
                                                &span, inf_buf_view(&ops)),
                             0);
        }
        inf_buf_deinit(&ops);
        if (rc != 1) break;
    }
    return applied;
}

static void carry_all(world *w) {
    for (int a = 0; a < NODES; a++) {
        for (int b = 0; b < NODES; b++) {
            if (a != b) (void)carry(w, a, b, a, 1u << 16, 1000);
        }
    }
}

static int owner_of(const world *w, int seen_from, const char *name) {
    inf_entry entry;
    if (inf_registry_find(w->at[seen_from], inf_slice_str(name), &entry) != 0) {
        return -1;
    }
    for (int i = 0; i < NODES; i++) {
        if (inf_slice_eq(entry.owner, w->name[i])) return i;
    }
    return -2;
}

static void assert_same(const world *w) {
    for (int i = 1; i < NODES; i++) {
        assert_int_equal(inf_registry_root(w->at[0]),
                         inf_registry_root(w->at[i]));
        assert_int_equal(inf_registry_count(w->at[0]),
                         inf_registry_count(w->at[i]));
    }
}

/* ---- own rows
 * ---------------------------------------------------------------- */

static void a_row_is_found_until_it_is_removed(void **state) {
    world *w = *state;
    inf_entry entry = put_at(w, 0, "order-7", 1000);
    inf_entry found;
    inf_slice name = inf_slice_str("order-7");

    assert_int_equal(inf_registry_find(w->at[0], name, &found), 0);
    assert_int_equal(found.claim.stamp, entry.claim.stamp);
    assert_true(inf_slice_eq(found.implementation, inf_slice_str("order")));
    assert_int_equal(inf_registry_count(w->at[0]), 1);

    assert_int_equal(inf_registry_remove(w->at[0], name, 1), INF_ENOENT);
    drop_at(w, 0, "order-7");
    assert_int_equal(inf_registry_find(w->at[0], name, &found), INF_ENOENT);
    assert_int_equal(inf_registry_count(w->at[0]), 0);
    assert_int_equal(w->shown[0], 1);
    assert_int_equal(w->hidden[0], 1);
}

static void names_have_1_to_255_bytes(void **state) {
    world *w = *state;
    char text[257];
    memset(text, 'x', sizeof text);
    inf_entry entry;
    for (size_t len = 0; len <= 256; len++) {
        int want = len == 0 || len == 256 ? INF_ENAME : 0;
        assert_int_equal(inf_registry_put(w->at[0], inf_slice_of(text, len),
                                          inf_slice_str("order"), 0, &w->hlc[0],
                                          1, &entry),
                         want);
    }
    assert_int_equal(inf_registry_count(w->at[0]), 255);
    for (size_t len = 1; len <= 255; len++) {
        assert_int_equal(
            inf_registry_find(w->at[0], inf_slice_of(text, len), &entry), 0);
        assert_int_equal(entry.name.len, len);
    }
}

static void stamps_rise_whatever_the_clock_does(void **state) {
    world *w = *state;
    uint64_t first = put_at(w, 0, "a", 5000).claim.stamp;
    uint64_t second = put_at(w, 0, "b", 5000).claim.stamp;
    uint64_t third = put_at(w, 0, "c", 10).claim.stamp;
    assert_true(first < second && second < third);
    assert_int_equal(first >> 16, 5000);
}

static void a_put_outranks_every_claim_it_has_seen(void **state) {
    world *w = *state;
    uint64_t far = put_at(w, 1, "order-7", 900000000).claim.stamp;
    carry_all(w);
    inf_registry_down(w->at[0], id_of(w, 1), 1);
    uint64_t ours = put_at(w, 0, "order-7", 1000).claim.stamp;
    assert_true(ours > far);
}

static void rows_may_be_as_many_as_allowed_and_no_more(void **state) {
    (void)state;
    inf_registry *registry = NULL;
    inf_hlc hlc = {0};
    inf_entry entry;
    inf_registry_config config = {.mem = inf_alloc_libc(),
                                  .node = inf_slice_str("a"),
                                  .boot = 1,
                                  .rows_max = 2,
                                  .deletes_max = 1};
    assert_int_equal(inf_registry_new(&registry, &config), 0);
    inf_slice impl = inf_slice_str("order");
    for (int i = 0; i < 3; i++) {
        char name[2] = {(char)('a' + i), 0};
        assert_int_equal(inf_registry_put(registry, inf_slice_str(name), impl,
                                          0, &hlc, 1, &entry),
                         i < 2 ? 0 : INF_EFULL);
    }
    assert_int_equal(inf_registry_count(registry), 2);
    inf_registry_free(registry);
}

/* ---- transfer
 * ------------------------------------------------------------------ */

static void changes_reach_a_peer_in_order(void **state) {
    world *w = *state;
    put_at(w, 0, "a", 1);
    put_at(w, 0, "b", 2);
    carry_all(w);
    assert_int_equal(owner_of(w, 1, "a"), 0);
    drop_at(w, 0, "a");
    put_at(w, 0, "c", 3);
    carry_all(w);
    assert_int_equal(owner_of(w, 1, "a"), -1);
    assert_int_equal(owner_of(w, 2, "b"), 0);
    assert_int_equal(owner_of(w, 2, "c"), 0);
    assert_same(w);
}

static void a_row_changed_often_is_told_once(void **state) {
    world *w = *state;
    for (int i = 0; i < 50; i++) {
        put_at(w, 0, "busy", 1);
        drop_at(w, 0, "busy");
    }
    put_at(w, 0, "busy", 1);
    assert_int_equal(carry(w, 0, 1, 0, 1u << 16, 10), 1);
    assert_int_equal(w->shown[1], 1);
    assert_int_equal(w->hidden[1], 0);
}

static void nothing_to_tell_is_nothing(void **state) {
    world *w = *state;
    put_at(w, 0, "a", 1);
    carry_all(w);
    assert_int_equal(carry(w, 0, 1, 0, 1u << 16, 10), 0);
}

static void a_gap_is_refused_and_changes_nothing(void **state) {
    world *w = *state;
    put_at(w, 0, "a", 1);
    inf_span span = {
        .node = id_of(w, 0), .boot = 100, .from = 5, .to = 6, .goal = 6};
    assert_int_equal(
        inf_registry_apply(w->at[1], id_of(w, 0), &span, (inf_slice){0}),
        INF_EGAP);
    inf_version have;
    assert_int_equal(inf_registry_owner(w->at[1], id_of(w, 0), &have), 0);
    assert_int_equal(have.cur, 0);
}

static void a_long_transfer_stops_anywhere_and_goes_on(void **state) {
    world *w = *state;
    char name[16];
    for (int i = 0; i < 500; i++) {
        (void)snprintf(name, sizeof name, "order-%d", i);
        put_at(w, 0, name, 1);
    }
    int runs = 0;
    while (carry(w, 0, 1, 0, 64, 1) == 1) {
        runs++;
        inf_version have;
        assert_int_equal(inf_registry_owner(w->at[1], id_of(w, 0), &have), 0);
        if (have.cur < have.goal) { /* it passes nothing on meanwhile */
            assert_int_equal(carry(w, 1, 2, 0, 64, 1), 0);
        }
    }
    assert_true(runs > 100);
    (void)carry(w, 1, 2, 0, 1u << 20, 10);
    assert_same(w);
}

static void whoever_is_too_far_behind_gets_all_by_difference(void **state) {
    world *w = *state;
    char name[16];
    for (int i = 0; i < 40; i++) {
        (void)snprintf(name, sizeof name, "order-%d", i);
        put_at(w, 0, name, 1);
    }
    carry_all(w);
    int shown = w->shown[1];
    for (int i = 0; i < 30; i++) {
        (void)snprintf(name, sizeof name, "order-%d", i);
        drop_at(w, 0, name);
    }
    put_at(w, 0, "new", 2);
    assert_true(carry(w, 0, 1, 0, 40, 1000) > 3);
    assert_int_equal(inf_registry_count(w->at[1]), 11);
    assert_int_equal(w->shown[1], shown + 1); /* what stayed never blinked */
    assert_int_equal(w->hidden[1], 30);
    (void)carry(w, 0, 2, 0, 1u << 20, 10);
    assert_same(w);
}

static void a_full_transfer_is_taken_from_one_sender_only(void **state) {
    world *w = *state;
    char name[16];
    for (int i = 0; i < 40; i++) {
        (void)snprintf(name, sizeof name, "order-%d", i);
        put_at(w, 0, name, 1);
    }
    carry_all(w);
    for (int i = 0; i < 30; i++) {
        (void)snprintf(name, sizeof name, "order-%d", i);
        drop_at(w, 0, name);
    }
    uint64_t id = id_of(w, 0);
    inf_diff_cursor cursor = {.boot = 100, .at = 40};
    inf_span first;
    inf_span second;
    inf_buf ops;
    inf_buf_init(&ops, inf_alloc_libc());
    assert_int_equal(inf_registry_diff(w->at[0], id, &cursor, 40, &first, &ops),
                     1);
    assert_int_not_equal(first.full, 0);
    assert_int_equal(first.from, 0);
    assert_int_equal(
        inf_registry_apply(w->at[1], id, &first, inf_buf_view(&ops)), 0);
    inf_buf_clear(&ops);
    assert_int_equal(
        inf_registry_diff(w->at[0], id, &cursor, 40, &second, &ops), 1);

    assert_int_equal(
        inf_registry_apply(w->at[1], id_of(w, 2), &second, inf_buf_view(&ops)),
        INF_ESTALE);
    assert_int_equal(
        inf_registry_apply(w->at[2], id, &second, inf_buf_view(&ops)),
        INF_EGAP);
    assert_int_equal(
        inf_registry_apply(w->at[1], id, &second, inf_buf_view(&ops)), 0);
    inf_buf_deinit(&ops);
}

static void a_relay_that_forgot_deletes_does_not_hide_them(void **state) {
    world *w = *state;
    for (char c = 'a'; c <= 'j'; c++)
        put_at(w, 0, (char[2]){c, 0}, 1);
    carry_all(w);
    for (char c = 'a'; c <= 'i'; c++)
        drop_at(w, 0, (char[2]){c, 0});
    (void)carry(w, 0, 1, 0, 1u << 16, 10); /* a full one: no deletes there */
    (void)carry(w, 1, 2, 0, 1u << 16, 10);
    assert_int_equal(inf_registry_count(w->at[2]), 1);
    assert_same(w);
}

static void late_changes_of_an_older_life_are_dropped(void **state) {
    world *w = *state;
    put_at(w, 0, "old", 1);
    inf_diff_cursor cursor = {0};
    inf_span span;
    inf_buf ops;
    inf_buf_init(&ops, inf_alloc_libc());
    uint64_t id = id_of(w, 0);
    assert_int_equal(
        inf_registry_diff(w->at[0], id, &cursor, 1000, &span, &ops), 1);
    assert_int_equal(inf_registry_up(w->at[1], w->name[0], 101), 0);
    assert_int_equal(
        inf_registry_apply(w->at[1], id, &span, inf_buf_view(&ops)),
        INF_ESTALE);
    assert_int_equal(inf_registry_count(w->at[1]), 0);
    inf_buf_deinit(&ops);
}

static void nobody_else_speaks_for_this_node(void **state) {
    world *w = *state;
    inf_span span = {.node = id_of(w, 0), .boot = 900, .to = 4, .goal = 4};
    assert_int_equal(
        inf_registry_apply(w->at[0], id_of(w, 1), &span, (inf_slice){0}),
        INF_ENOENT);
}

static void an_unknown_op_is_skipped_and_a_bad_one_refused(void **state) {
    world *w = *state;
    static const uint8_t unknown[] = {9, 2, 1, 1};
    static const uint8_t short_op[] = {2, 9, 1, 'x'};
    static const uint8_t no_step[] = {2, 2, 0, 'x'};
    static const uint8_t too_far[] = {2, 2, 9, 'x'};
    static const uint8_t no_name[] = {2, 1, 1};
    inf_span span = {.node = id_of(w, 0), .boot = 100, .to = 2, .goal = 2};
    const struct {
        inf_slice ops;
        int want;
    } cases[] = {
        {inf_slice_of(short_op, sizeof short_op), INF_EMALFORMED},
        {inf_slice_of(no_step, sizeof no_step), INF_EMALFORMED},
        {inf_slice_of(too_far, sizeof too_far), INF_EMALFORMED},
        {inf_slice_of(no_name, sizeof no_name), INF_EMALFORMED},
        {inf_slice_of(unknown, sizeof unknown), 0},
    };
    for (size_t i = 0; i < INF_COUNT(cases); i++) {
        assert_int_equal(
            inf_registry_apply(w->at[1], id_of(w, 0), &span, cases[i].ops),
            cases[i].want);
    }
}

/* ---- what membership says
 * --------------------------------------------------------- */

static void the_dead_are_hidden_and_come_back_as_they_were(void **state) {
    world *w = *state;
    put_at(w, 0, "a", 1);
    put_at(w, 0, "b", 1);
    carry_all(w);
    inf_registry_down(w->at[1], id_of(w, 0), 1000);
    assert_int_equal(inf_registry_count(w->at[1]), 0);
    assert_int_equal(inf_registry_held(w->at[1]), 1);
    inf_registry_purge_due(w->at[1], 1500, 1000);
    assert_int_equal(inf_registry_held(w->at[1]), 1);
    assert_int_equal(inf_registry_up(w->at[1], w->name[0], 100), 0);
    assert_int_equal(inf_registry_count(w->at[1]), 2);
    assert_same(w);
}

static void after_the_purge_only_newer_rows_are_taken(void **state) {
    world *w = *state;
    put_at(w, 0, "a", 1);
    carry_all(w);
    put_at(w, 0, "b", 1);
    (void)carry(w, 0, 1, 0, 1000, 10); /* node 2 is one change behind */
    inf_registry_down(w->at[1], id_of(w, 0), 1000);
    inf_registry_purge_due(w->at[1], 2000, 1000);
    assert_int_equal(inf_registry_held(w->at[1]), 0);
    assert_int_equal(inf_registry_up(w->at[1], w->name[0], 100), 0);
    assert_int_equal(inf_registry_count(w->at[1]), 0);

    inf_diff_cursor cursor = {0};
    inf_span span;
    inf_buf ops;
    inf_buf_init(&ops, inf_alloc_libc());
    uint64_t id = id_of(w, 0);
    assert_int_equal(
        inf_registry_diff(w->at[2], id, &cursor, 1000, &span, &ops), 1);
    assert_int_equal(
        inf_registry_apply(w->at[1], id_of(w, 2), &span, inf_buf_view(&ops)),
        INF_ESTALE);
    inf_buf_deinit(&ops);
    carry_all(w);
    assert_int_equal(inf_registry_count(w->at[1]), 2);
}

static void a_new_life_replaces_the_old_one(void **state) {
    world *w = *state;
    put_at(w, 0, "a", 1);
    carry_all(w);
    inf_registry_free(w->at[0]);
    w->boot[0] = 200;
    w->at[0] = make(w, 0, 200, 1000, INF_PREFER_LAST);
    everybody_up(w);
    assert_int_equal(inf_registry_count(w->at[1]), 0);
    put_at(w, 0, "b", 1);
    carry_all(w);
    assert_int_equal(owner_of(w, 1, "b"), 0);
    assert_int_equal(inf_registry_up(w->at[1], w->name[0], 100), INF_ESTALE);
    assert_same(w);
}

/* ---- conflicts
 * ----------------------------------------------------------------------- */

static void two_claims_have_one_winner_everywhere(void **state) {
    world *w = *state;
    put_at(w, 0, "order-7", 1000);
    put_at(w, 1, "order-7", 2000);
    carry_all(w);
    for (int i = 0; i < NODES; i++)
        assert_int_equal(owner_of(w, i, "order-7"), 1);
    assert_int_equal(inf_registry_losing(w->at[0]), 1);
    assert_int_equal(inf_registry_losing(w->at[1]), 0);
    assert_true(w->conflicts[0] == 1 && w->conflicts[2] == 1);

    uint64_t at = 0;
    inf_entry mine;
    inf_entry winner;
    assert_true(inf_registry_losing_next(w->at[0], &at, &mine, &winner));
    assert_true(inf_slice_eq(winner.owner, w->name[1]));
    inf_registry_yield(w->at[0], mine.name, mine.claim.stamp);
    assert_false(inf_registry_confirms(w->at[0], mine.name, mine.claim.stamp));
    at = 0;
    assert_false(inf_registry_losing_next(w->at[0], &at, &mine, &winner));
    drop_at(w, 0, "order-7");
    assert_int_equal(inf_registry_losing(w->at[0]), 0);
    carry_all(w);
    assert_same(w);
}

static void the_oldest_wins_where_that_is_wanted(void **state) {
    world *w = *state;
    put_at(w, 0, "order-7", 1000);
    put_at(w, 1, "order-7", 2000);
    carry_all(w);
    for (int i = 0; i < NODES; i++)
        assert_int_equal(owner_of(w, i, "order-7"), 0);
}

static void when_the_winner_goes_the_other_shows_again(void **state) {
    world *w = *state;
    put_at(w, 0, "order-7", 1000);
    put_at(w, 1, "order-7", 2000);
    carry_all(w);
    inf_registry_down(w->at[2], id_of(w, 1), 1);
    assert_int_equal(owner_of(w, 2, "order-7"), 0);
    assert_int_equal(inf_registry_up(w->at[2], w->name[1], 100), 0);
    assert_int_equal(owner_of(w, 2, "order-7"), 1);
}

/* ---- hints
 * ------------------------------------------------------------------------------
 */

static void a_hint_shows_at_once_and_becomes_the_row(void **state) {
    world *w = *state;
    inf_entry told = put_at(w, 0, "order-7", 1000);
    assert_int_equal(inf_registry_hint(w->at[1], &told), 0);
    assert_int_equal(owner_of(w, 1, "order-7"), 0);
    carry_all(w);
    assert_int_equal(w->shown[1], 1);
    assert_int_equal(w->hidden[1], 0);
    assert_int_equal(inf_registry_hint(w->at[1], &told), INF_ESTALE);
    assert_same(w);
}

static void a_hint_goes_when_the_stream_passes_it(void **state) {
    world *w = *state;
    inf_entry told = put_at(w, 0, "order-7", 1000);
    assert_int_equal(inf_registry_hint(w->at[1], &told), 0);
    drop_at(w, 0, "order-7");
    carry_all(w);
    assert_int_equal(owner_of(w, 1, "order-7"), -1);
    assert_same(w);
}

static void a_hint_dies_with_its_owners_life(void **state) {
    world *w = *state;
    inf_entry told = put_at(w, 0, "order-7", 1000);
    assert_int_equal(inf_registry_hint(w->at[1], &told), 0);
    inf_registry_down(w->at[1], id_of(w, 0), 1);
    assert_int_equal(owner_of(w, 1, "order-7"), -1);
    assert_int_equal(inf_registry_hint(w->at[1], &told), INF_ENOENT);
    assert_int_equal(inf_registry_up(w->at[1], w->name[0], 101), 0);
    assert_int_equal(owner_of(w, 1, "order-7"), -1);
    assert_int_equal(inf_registry_hint(w->at[1], &told), INF_ESTALE);
}

/* ---- reading
 * ------------------------------------------------------------------------------
 */

static void a_walk_meets_what_stays_exactly_once(void **state) {
    world *w = *state;
    char name[24];
    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "order-%d", i);
        put_at(w, 0, name, 1);
    }
    int met[100] = {0};
    uint64_t at = 0;
    inf_entry entry;
    for (int step = 0; inf_registry_next(w->at[0], &at, &entry); step++) {
        int number = atoi((const char *)entry.name.data + 6);
        met[number]++;
        if (step % 10 != 0) continue;
        (void)snprintf(name, sizeof name, "extra-%d", step);
        put_at(w, 0, name, 1);
        drop_at(w, 0, name);
    }
    for (int i = 0; i < 100; i++)
        assert_int_equal(met[i], 1);
}

static void a_random_row_may_be_any_visible_one(void **state) {
    world *w = *state;
    inf_entry entry;
    assert_int_equal(inf_registry_random(w->at[0], 5, &entry), INF_ENOENT);
    put_at(w, 0, "a", 1);
    put_at(w, 1, "b", 1);
    carry_all(w);
    int seen[2] = {0};
    for (uint64_t chance = 0; chance < 10; chance++) {
        assert_int_equal(inf_registry_random(w->at[2], chance, &entry), 0);
        seen[entry.name.data[0] - 'a']++;
    }
    assert_int_equal(seen[0], 5);
    assert_int_equal(seen[1], 5);
}

/* ---- properties
 * ------------------------------------------------------------------------------
 */

typedef struct run {
    inf_span span;
    inf_buf ops;
    int source;
} run;

/* Any subset of runs, in any order, any number of times, and then all: what
   comes out is the same. */
static void merging_is_commutative_associative_and_idempotent(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        void *fresh = NULL;
        (void)begin(&fresh, seed % 3 == 0 ? 4 : 1000, INF_PREFER_LAST);
        world *w = fresh;
        inf_rng rng;
        inf_rng_seed(&rng, seed);
        run runs[64];
        size_t count = 0;
        inf_diff_cursor cursors[2] = {{0}};
        while (count < INF_COUNT(runs)) {
            int owner = (int)inf_rng_below(&rng, 2);
            for (uint64_t i = inf_rng_below(&rng, 6); i != 0; i--) {
                char name[2] = {(char)('a' + inf_rng_below(&rng, 8)), 0};
                inf_entry mine;
                inf_slice slice = inf_slice_str(name);
                if (inf_registry_own(w->at[owner], slice, &mine) == 0) {
                    drop_at(w, owner, name);
                } else {
                    put_at(w, owner, name, 1 + inf_rng_below(&rng, 50));
                }
            }
            run *r = &runs[count];
            inf_buf_init(&r->ops, inf_alloc_libc());
            r->source = owner;
            if (inf_rng_below(&rng, 8) == 0) {
                cursors[owner] = (inf_diff_cursor){0};
            }
            if (inf_registry_diff(
                    w->at[owner], id_of(w, owner), &cursors[owner],
                    16 + inf_rng_below(&rng, 100), &r->span, &r->ops) == 1) {
                count++;
            }
        }
        for (int i = 0; i < 300; i++) {
            const run *r = &runs[inf_rng_below(&rng, count)];
            (void)inf_registry_apply(w->at[2], id_of(w, r->source), &r->span,
                                     inf_buf_view(&r->ops));
        }
        carry_all(w);
        assert_same(w);
        for (size_t i = 0; i < count; i++) {
            assert_int_not_equal(
                inf_registry_apply(w->at[2], id_of(w, runs[i].source),
                                   &runs[i].span, inf_buf_view(&runs[i].ops)),
                0);
            inf_buf_deinit(&runs[i].ops);
        }
        assert_same(w);
        (void)teardown(&fresh);
    }
}

/* ---- scarcity
 * ---------------------------------------------------------------------------------
 */

typedef struct scarce {
    inf_alloc mem;
    uint64_t left;
} scarce;

static void *scarce_resize(void *ctx, void *block, size_t size) {
    scarce *s = ctx;
    if (size == 0) {
        free(block);
        return NULL;
    }
    if (s->left == 0) return NULL;
    s->left--;
    return realloc(block, size);
}

static void refused_memory_leaves_it_whole(void **state) {
    world *w = *state;
    char name[16];
    for (int i = 0; i < 300; i++) {
        (void)snprintf(name, sizeof name, "order-%d", i);
        put_at(w, 0, name, 1);
    }
    inf_buf ops;
    inf_span span;
    inf_buf_init(&ops, inf_alloc_libc());
    for (uint64_t allowed = 0; allowed < 60; allowed++) {
        scarce source = {.left = UINT64_MAX};
        source.mem = (inf_alloc){scarce_resize, &source};
        inf_registry *registry = NULL;
        inf_registry_config config = {.mem = &source.mem,
                                      .node = inf_slice_str("poor"),
                                      .boot = 1,
                                      .rows_max = 1000,
                                      .deletes_max = 10};
        source.left = allowed;
        if (inf_registry_new(&registry, &config) != 0) continue;
        if (inf_registry_up(registry, w->name[0], 100) == 0) {
            inf_diff_cursor cursor = {0};
            inf_buf_clear(&ops);
            assert_int_equal(inf_registry_diff(w->at[0], id_of(w, 0), &cursor,
                                               1u << 20, &span, &ops),
                             1);
            int rc = inf_registry_apply(registry, id_of(w, 0), &span,
                                        inf_buf_view(&ops));
            inf_version have;
            assert_int_equal(inf_registry_owner(registry, id_of(w, 0), &have),
                             0);
            assert_int_equal(have.rows, inf_registry_count(registry));
            if (rc != 0) {
                assert_int_equal(rc, INF_ENOMEM);
                assert_true(have.cur < have.goal);
                source.left = UINT64_MAX;
                cursor = (inf_diff_cursor){.boot = 100, .at = have.cur};
                inf_buf_clear(&ops);
                assert_int_equal(inf_registry_diff(w->at[0], id_of(w, 0),
                                                   &cursor, 1u << 20, &span,
                                                   &ops),
                                 1);
                rc = inf_registry_apply(registry, id_of(w, 0), &span,
                                        inf_buf_view(&ops));
            }
            assert_int_equal(rc, 0);
            assert_int_equal(inf_registry_count(registry), 300);
        }
        inf_registry_free(registry);
    }
    inf_buf_deinit(&ops);
}

int main(void) {
#define T(f)   cmocka_unit_test_setup_teardown(f, setup, teardown)
#define FEW(f) cmocka_unit_test_setup_teardown(f, setup_forgetful, teardown)
    const struct CMUnitTest tests[] = {
        T(a_row_is_found_until_it_is_removed),
        T(names_have_1_to_255_bytes),
        T(stamps_rise_whatever_the_clock_does),
        T(a_put_outranks_every_claim_it_has_seen),
        T(rows_may_be_as_many_as_allowed_and_no_more),
        T(changes_reach_a_peer_in_order),
        T(a_row_changed_often_is_told_once),
        T(nothing_to_tell_is_nothing),
        T(a_gap_is_refused_and_changes_nothing),
        T(a_long_transfer_stops_anywhere_and_goes_on),
        FEW(whoever_is_too_far_behind_gets_all_by_difference),
        FEW(a_full_transfer_is_taken_from_one_sender_only),
        FEW(a_relay_that_forgot_deletes_does_not_hide_them),
        T(late_changes_of_an_older_life_are_dropped),
        T(nobody_else_speaks_for_this_node),
        T(an_unknown_op_is_skipped_and_a_bad_one_refused),
        T(the_dead_are_hidden_and_come_back_as_they_were),
        T(after_the_purge_only_newer_rows_are_taken),
        T(a_new_life_replaces_the_old_one),
        T(two_claims_have_one_winner_everywhere),
        cmocka_unit_test_setup_teardown(the_oldest_wins_where_that_is_wanted,
                                        setup_first, teardown),
        T(when_the_winner_goes_the_other_shows_again),
        T(a_hint_shows_at_once_and_becomes_the_row),
        T(a_hint_goes_when_the_stream_passes_it),
        T(a_hint_dies_with_its_owners_life),
        T(a_walk_meets_what_stays_exactly_once),
        T(a_random_row_may_be_any_visible_one),
        cmocka_unit_test(merging_is_commutative_associative_and_idempotent),
        T(refused_memory_leaves_it_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
