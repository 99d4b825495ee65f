/* SPDX-License-Identifier: MIT */
#include "rows_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"

/* ---- transfer ---------------------------------------------------------- */

static void changes_reach_a_peer_in_order(void **state) {
    rows_world *w = *state;
    rows_put_at(w, 0, "a", 1);
    rows_put_at(w, 0, "b", 2);
    rows_carry_all(w);
    assert_int_equal(rows_owner_of(w, 1, "a"), 0);
    rows_drop_at(w, 0, "a");
    rows_put_at(w, 0, "c", 3);
    rows_carry_all(w);
    assert_int_equal(rows_owner_of(w, 1, "a"), -1);
    assert_int_equal(rows_owner_of(w, 2, "b"), 0);
    assert_int_equal(rows_owner_of(w, 2, "c"), 0);
    rows_assert_same(w);
}

static void a_row_changed_often_is_told_once(void **state) {
    rows_world *w = *state;
    for (int i = 0; i < 50; i++) {
        rows_put_at(w, 0, "busy", 1);
        rows_drop_at(w, 0, "busy");
    }
    rows_put_at(w, 0, "busy", 1);
    assert_int_equal(rows_carry(w, 0, 1, 0, 1u << 16, 10), 1);
    assert_int_equal(w->shown[1], 1);
    assert_int_equal(w->hidden[1], 0);
}

static void nothing_to_tell_is_nothing(void **state) {
    rows_world *w = *state;
    rows_put_at(w, 0, "a", 1);
    rows_carry_all(w);
    assert_int_equal(rows_carry(w, 0, 1, 0, 1u << 16, 10), 0);
}

static void a_gap_is_refused_and_changes_nothing(void **state) {
    rows_world *w = *state;
    rows_put_at(w, 0, "a", 1);
    inf_span span = {
        .node = rows_id_of(w, 0), .boot = 100, .from = 5, .to = 6, .goal = 6};
    assert_int_equal(
        inf_registry_apply(w->at[1], rows_id_of(w, 0), &span, (inf_slice){0}),
        INF_EGAP);
    inf_version have;
    assert_int_equal(inf_registry_owner(w->at[1], rows_id_of(w, 0), &have), 0);
    assert_int_equal(have.cur, 0);
}

static void a_long_transfer_stops_anywhere_and_goes_on(void **state) {
    rows_world *w = *state;
    char name[16];
    for (int i = 0; i < 500; i++) {
        (void)snprintf(name, sizeof name, "order-%d", i);
        rows_put_at(w, 0, name, 1);
    }
    int runs = 0;
    while (rows_carry(w, 0, 1, 0, 64, 1) == 1) {
        runs++;
        inf_version have;
        assert_int_equal(inf_registry_owner(w->at[1], rows_id_of(w, 0), &have),
                         0);
        if (have.cur < have.goal) { /* it passes nothing on meanwhile */
            assert_int_equal(rows_carry(w, 1, 2, 0, 64, 1), 0);
        }
    }
    assert_true(runs > 100);
    (void)rows_carry(w, 1, 2, 0, 1u << 20, 10);
    rows_assert_same(w);
}

static void whoever_is_too_far_behind_gets_all_by_difference(void **state) {
    rows_world *w = *state;
    char name[16];
    for (int i = 0; i < 40; i++) {
        (void)snprintf(name, sizeof name, "order-%d", i);
        rows_put_at(w, 0, name, 1);
    }
    rows_carry_all(w);
    int shown = w->shown[1];
    for (int i = 0; i < 30; i++) {
        (void)snprintf(name, sizeof name, "order-%d", i);
        rows_drop_at(w, 0, name);
    }
    rows_put_at(w, 0, "new", 2);
    assert_true(rows_carry(w, 0, 1, 0, 40, 1000) > 3);
    assert_int_equal(inf_registry_count(w->at[1]), 11);
    assert_int_equal(w->shown[1], shown + 1); /* what stayed never blinked */
    assert_int_equal(w->hidden[1], 30);
    (void)rows_carry(w, 0, 2, 0, 1u << 20, 10);
    rows_assert_same(w);
}

static void a_full_transfer_is_taken_from_one_sender_only(void **state) {
    rows_world *w = *state;
    char name[16];
    for (int i = 0; i < 40; i++) {
        (void)snprintf(name, sizeof name, "order-%d", i);
        rows_put_at(w, 0, name, 1);
    }
    rows_carry_all(w);
    for (int i = 0; i < 30; i++) {
        (void)snprintf(name, sizeof name, "order-%d", i);
        rows_drop_at(w, 0, name);
    }
    uint64_t id = rows_id_of(w, 0);
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

    assert_int_equal(inf_registry_apply(w->at[1], rows_id_of(w, 2), &second,
                                        inf_buf_view(&ops)),
                     INF_ESTALE);
    assert_int_equal(
        inf_registry_apply(w->at[2], id, &second, inf_buf_view(&ops)),
        INF_EGAP);
    assert_int_equal(
        inf_registry_apply(w->at[1], id, &second, inf_buf_view(&ops)), 0);
    inf_buf_deinit(&ops);
}

static void a_relay_that_forgot_deletes_does_not_hide_them(void **state) {
    rows_world *w = *state;
    for (int c = 'a'; c <= 'j'; c++)
        rows_put_at(w, 0, (char[2]){(char)c, 0}, 1);
    rows_carry_all(w);
    for (int c = 'a'; c <= 'i'; c++)
        rows_drop_at(w, 0, (char[2]){(char)c, 0});
    (void)rows_carry(w, 0, 1, 0, 1u << 16,
                     10); /* a full one: no deletes there */
    (void)rows_carry(w, 1, 2, 0, 1u << 16, 10);
    assert_int_equal(inf_registry_count(w->at[2]), 1);
    rows_assert_same(w);
}

static void late_changes_of_an_older_life_are_dropped(void **state) {
    rows_world *w = *state;
    rows_put_at(w, 0, "old", 1);
    inf_diff_cursor cursor = {0};
    inf_span span;
    inf_buf ops;
    inf_buf_init(&ops, inf_alloc_libc());
    uint64_t id = rows_id_of(w, 0);
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
    rows_world *w = *state;
    inf_span span = {.node = rows_id_of(w, 0), .boot = 900, .to = 4, .goal = 4};
    assert_int_equal(
        inf_registry_apply(w->at[0], rows_id_of(w, 1), &span, (inf_slice){0}),
        INF_ENOENT);
}

static void an_unknown_op_is_skipped_and_a_bad_one_refused(void **state) {
    rows_world *w = *state;
    static const uint8_t unknown[] = {9, 2, 1, 1};
    static const uint8_t short_op[] = {2, 9, 1, 'x'};
    static const uint8_t no_step[] = {2, 2, 0, 'x'};
    static const uint8_t too_far[] = {2, 2, 9, 'x'};
    static const uint8_t no_name[] = {2, 1, 1};
    inf_span span = {.node = rows_id_of(w, 0), .boot = 100, .to = 2, .goal = 2};
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
            inf_registry_apply(w->at[1], rows_id_of(w, 0), &span, cases[i].ops),
            cases[i].want);
    }
}

/* ---- properties -------------------------------------------------------- */

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
        (void)rows_begin(&fresh, seed % 3 == 0 ? 4 : 1000, INF_PREFER_LAST);
        rows_world *w = fresh;
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
                    rows_drop_at(w, owner, name);
                } else {
                    rows_put_at(w, owner, name, 1 + inf_rng_below(&rng, 50));
                }
            }
            run *r = &runs[count];
            inf_buf_init(&r->ops, inf_alloc_libc());
            r->source = owner;
            if (inf_rng_below(&rng, 8) == 0) {
                cursors[owner] = (inf_diff_cursor){0};
            }
            if (inf_registry_diff(
                    w->at[owner], rows_id_of(w, owner), &cursors[owner],
                    16 + inf_rng_below(&rng, 100), &r->span, &r->ops) == 1) {
                count++;
            }
        }
        for (int i = 0; i < 300; i++) {
            const run *r = &runs[inf_rng_below(&rng, count)];
            (void)inf_registry_apply(w->at[2], rows_id_of(w, r->source),
                                     &r->span, inf_buf_view(&r->ops));
        }
        rows_carry_all(w);
        rows_assert_same(w);
        for (size_t i = 0; i < count; i++) {
            assert_int_not_equal(
                inf_registry_apply(w->at[2], rows_id_of(w, runs[i].source),
                                   &runs[i].span, inf_buf_view(&runs[i].ops)),
                0);
            inf_buf_deinit(&runs[i].ops);
        }
        rows_assert_same(w);
        (void)rows_teardown(&fresh);
    }
}

/* ---- scarcity ---------------------------------------------------------- */

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
    rows_world *w = *state;
    char name[16];
    for (int i = 0; i < 300; i++) {
        (void)snprintf(name, sizeof name, "order-%d", i);
        rows_put_at(w, 0, name, 1);
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
            assert_int_equal(inf_registry_diff(w->at[0], rows_id_of(w, 0),
                                               &cursor, 1u << 20, &span, &ops),
                             1);
            int rc = inf_registry_apply(registry, rows_id_of(w, 0), &span,
                                        inf_buf_view(&ops));
            inf_version have;
            assert_int_equal(
                inf_registry_owner(registry, rows_id_of(w, 0), &have), 0);
            assert_int_equal(have.rows, inf_registry_count(registry));
            if (rc != 0) {
                assert_int_equal(rc, INF_ENOMEM);
                assert_true(have.cur < have.goal);
                source.left = UINT64_MAX;
                cursor = (inf_diff_cursor){.boot = 100, .at = have.cur};
                inf_buf_clear(&ops);
                assert_int_equal(inf_registry_diff(w->at[0], rows_id_of(w, 0),
                                                   &cursor, 1u << 20, &span,
                                                   &ops),
                                 1);
                rc = inf_registry_apply(registry, rows_id_of(w, 0), &span,
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
#define T(f) cmocka_unit_test_setup_teardown(f, rows_setup, rows_teardown)
#define FEW(f)                                                                 \
    cmocka_unit_test_setup_teardown(f, rows_setup_forgetful, rows_teardown)
    const struct CMUnitTest tests[] = {
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
        cmocka_unit_test(merging_is_commutative_associative_and_idempotent),
        T(refused_memory_leaves_it_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
