/* SPDX-License-Identifier: MIT */
#include "rows_world.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- own rows ---------------------------------------------------------- */

static void a_row_is_found_until_it_is_removed(void **state) {
    rows_world *w = *state;
    inf_entry entry = rows_put_at(w, 0, "order-7", 1000);
    inf_entry found;
    inf_slice name = inf_slice_str("order-7");

    assert_int_equal(inf_registry_find(w->at[0], name, &found), 0);
    assert_int_equal(found.claim.stamp, entry.claim.stamp);
    assert_true(inf_slice_eq(found.implementation, inf_slice_str("order")));
    assert_int_equal(inf_registry_count(w->at[0]), 1);

    assert_int_equal(inf_registry_remove(w->at[0], name, 1), INF_ENOENT);
    rows_drop_at(w, 0, "order-7");
    assert_int_equal(inf_registry_find(w->at[0], name, &found), INF_ENOENT);
    assert_int_equal(inf_registry_count(w->at[0]), 0);
    assert_int_equal(w->shown[0], 1);
    assert_int_equal(w->hidden[0], 1);
}

static void names_have_1_to_255_bytes(void **state) {
    rows_world *w = *state;
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
    rows_world *w = *state;
    uint64_t first = rows_put_at(w, 0, "a", 5000).claim.stamp;
    uint64_t second = rows_put_at(w, 0, "b", 5000).claim.stamp;
    uint64_t third = rows_put_at(w, 0, "c", 10).claim.stamp;
    assert_true(first < second && second < third);
    assert_int_equal(first >> 16, 5000);
}

static void a_put_outranks_every_claim_it_has_seen(void **state) {
    rows_world *w = *state;
    uint64_t far = rows_put_at(w, 1, "order-7", 900000000).claim.stamp;
    rows_carry_all(w);
    inf_registry_down(w->at[0], rows_id_of(w, 1), 1);
    uint64_t ours = rows_put_at(w, 0, "order-7", 1000).claim.stamp;
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

/* ---- what membership says ---------------------------------------------- */

static void the_dead_are_hidden_and_come_back_as_they_were(void **state) {
    rows_world *w = *state;
    rows_put_at(w, 0, "a", 1);
    rows_put_at(w, 0, "b", 1);
    rows_carry_all(w);
    inf_registry_down(w->at[1], rows_id_of(w, 0), 1000);
    assert_int_equal(inf_registry_count(w->at[1]), 0);
    assert_int_equal(inf_registry_held(w->at[1]), 1);
    inf_registry_purge_due(w->at[1], 1500, 1000);
    assert_int_equal(inf_registry_held(w->at[1]), 1);
    assert_int_equal(inf_registry_up(w->at[1], w->name[0], 100), 0);
    assert_int_equal(inf_registry_count(w->at[1]), 2);
    rows_assert_same(w);
}

static void after_the_purge_only_newer_rows_are_taken(void **state) {
    rows_world *w = *state;
    rows_put_at(w, 0, "a", 1);
    rows_carry_all(w);
    rows_put_at(w, 0, "b", 1);
    (void)rows_carry(w, 0, 1, 0, 1000, 10); /* node 2 is one change behind */
    inf_registry_down(w->at[1], rows_id_of(w, 0), 1000);
    inf_registry_purge_due(w->at[1], 2000, 1000);
    assert_int_equal(inf_registry_held(w->at[1]), 0);
    assert_int_equal(inf_registry_up(w->at[1], w->name[0], 100), 0);
    assert_int_equal(inf_registry_count(w->at[1]), 0);

    inf_diff_cursor cursor = {0};
    inf_span span;
    inf_buf ops;
    inf_buf_init(&ops, inf_alloc_libc());
    uint64_t id = rows_id_of(w, 0);
    assert_int_equal(
        inf_registry_diff(w->at[2], id, &cursor, 1000, &span, &ops), 1);
    assert_int_equal(inf_registry_apply(w->at[1], rows_id_of(w, 2), &span,
                                        inf_buf_view(&ops)),
                     INF_ESTALE);
    inf_buf_deinit(&ops);
    rows_carry_all(w);
    assert_int_equal(inf_registry_count(w->at[1]), 2);
}

static void of_too_many_owners_the_longest_gone_is_forgotten(void **state) {
    (void)state;
    inf_registry *registry = NULL;
    inf_registry_config config = {.mem = inf_alloc_libc(),
                                  .node = inf_slice_str("self"),
                                  .boot = 1,
                                  .rows_max = 10,
                                  .owners_max = 4};
    assert_int_equal(inf_registry_new(&registry, &config), 0);
    char name[16];
    inf_version have;
    for (int i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof name, "peer-%d", i);
        assert_int_equal(inf_registry_up(registry, inf_slice_str(name), 7), 0);
    }
    inf_slice late = inf_slice_str("late");
    assert_int_equal(inf_registry_up(registry, late, 7), INF_EFULL);
    inf_registry_purge(registry, inf_node_id(inf_slice_str("peer-1")));
    inf_registry_purge(registry, inf_node_id(inf_slice_str("peer-0")));
    assert_int_equal(inf_registry_up(registry, late, 7), 0);
    assert_int_equal(inf_registry_owner(registry, inf_node_id(late), &have), 0);
    inf_slice gone = inf_slice_str("peer-1");
    assert_int_equal(inf_registry_owner(registry, inf_node_id(gone), &have),
                     INF_ENOENT);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "guest-%d", i);
        inf_slice guest = inf_slice_str(name);
        assert_int_equal(inf_registry_up(registry, guest, 7), 0);
        assert_int_equal(
            inf_registry_owner(registry, inf_node_id(guest), &have), 0);
        inf_registry_purge(registry, inf_node_id(guest));
    }
    gone = inf_slice_str("peer-2");
    assert_int_equal(inf_registry_owner(registry, inf_node_id(gone), &have), 0);
    inf_registry_free(registry);
}

static void a_new_life_replaces_the_old_one(void **state) {
    rows_world *w = *state;
    rows_put_at(w, 0, "a", 1);
    rows_carry_all(w);
    inf_registry_free(w->at[0]);
    w->boot[0] = 200;
    w->at[0] = rows_make(w, 0, 200, 1000, INF_PREFER_LAST);
    rows_everybody_up(w);
    assert_int_equal(inf_registry_count(w->at[1]), 0);
    rows_put_at(w, 0, "b", 1);
    rows_carry_all(w);
    assert_int_equal(rows_owner_of(w, 1, "b"), 0);
    assert_int_equal(inf_registry_up(w->at[1], w->name[0], 100), INF_ESTALE);
    rows_assert_same(w);
}

/* ---- conflicts --------------------------------------------------------- */

static void two_claims_have_one_winner_everywhere(void **state) {
    rows_world *w = *state;
    rows_put_at(w, 0, "order-7", 1000);
    rows_put_at(w, 1, "order-7", 2000);
    rows_carry_all(w);
    for (int i = 0; i < ROWS_NODES; i++)
        assert_int_equal(rows_owner_of(w, i, "order-7"), 1);
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
    rows_drop_at(w, 0, "order-7");
    assert_int_equal(inf_registry_losing(w->at[0]), 0);
    rows_carry_all(w);
    rows_assert_same(w);
}

static void the_oldest_wins_where_that_is_wanted(void **state) {
    rows_world *w = *state;
    rows_put_at(w, 0, "order-7", 1000);
    rows_put_at(w, 1, "order-7", 2000);
    rows_carry_all(w);
    for (int i = 0; i < ROWS_NODES; i++)
        assert_int_equal(rows_owner_of(w, i, "order-7"), 0);
}

/* Two claims meet: at anna and berta the other's is news, and clara hears of
   `first` before the other. */
static void meet(rows_world *w, int first, int winner) {
    int loser = 1 - winner;
    inf_claim claims[2] = {rows_put_at(w, 0, "order-7", 1000).claim,
                           rows_put_at(w, 1, "order-7", 2000).claim};
    (void)rows_carry(w, first, 2, first, 1u << 16, 1000);
    rows_carry_all(w);
    for (int i = 0; i < ROWS_NODES; i++) {
        assert_int_equal(w->conflicts[i], 1);
        assert_memory_equal(&w->stays[i], &claims[winner], sizeof(inf_claim));
        assert_memory_equal(&w->loses[i], &claims[loser], sizeof(inf_claim));
        assert_int_equal(rows_owner_of(w, i, "order-7"), winner);
    }
}

static void
a_conflict_is_the_same_news_where_the_winner_came_last(void **state) {
    meet(*state, 0, 1);
}

static void
a_conflict_is_the_same_news_where_the_loser_came_last(void **state) {
    meet(*state, 1, 1);
}

static void a_conflict_tells_of_the_oldest_where_it_stays(void **state) {
    meet(*state, 0, 0);
}

static void when_the_winner_goes_the_other_shows_again(void **state) {
    rows_world *w = *state;
    rows_put_at(w, 0, "order-7", 1000);
    rows_put_at(w, 1, "order-7", 2000);
    rows_carry_all(w);
    inf_registry_down(w->at[2], rows_id_of(w, 1), 1);
    assert_int_equal(rows_owner_of(w, 2, "order-7"), 0);
    assert_int_equal(inf_registry_up(w->at[2], w->name[1], 100), 0);
    assert_int_equal(rows_owner_of(w, 2, "order-7"), 1);
}

/* ---- owners of very many rows ------------------------------------------ */

enum { MANY = 5000, IN_ONE_GO = 1024 };

/* Anna has many rows, "order-0" and so on, which clara knows. */
static void give_many(rows_world *w) {
    char name[32];
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof name, "order-%d", i);
        rows_put_at(w, 0, name, 1000);
    }
    rows_carry_all(w);
    assert_int_equal(inf_registry_count(w->at[2]), MANY);
    assert_int_equal(w->shown[2], MANY);
}

static void settle_all(inf_registry *registry) {
    int steps = 1;
    while (inf_registry_settle(registry))
        steps++;
    assert_true(steps <= MANY / IN_ONE_GO + 2);
}

static void many_rows_are_gone_at_once_and_hidden_bit_by_bit(void **state) {
    rows_world *w = *state;
    inf_registry *clara = w->at[2];
    inf_entry entry;
    uint64_t at = 0;
    give_many(w);
    rows_put_at(w, 1, "other", 1000);
    rows_carry_all(w);
    inf_registry_down(clara, rows_id_of(w, 0), 1);
    assert_int_equal(w->hidden[2], IN_ONE_GO);
    assert_int_equal(inf_registry_count(clara), 1);
    assert_int_equal(rows_owner_of(w, 2, "order-4999"), -1);
    assert_true(inf_registry_next(clara, &at, &entry));
    assert_true(inf_slice_eq(entry.name, inf_slice_str("other")));
    assert_false(inf_registry_next(clara, &at, &entry));
    for (uint64_t chance = 0; chance < MANY; chance += 97) {
        assert_int_equal(inf_registry_random(clara, chance, &entry), 0);
        assert_true(inf_slice_eq(entry.name, inf_slice_str("other")));
    }
    settle_all(clara);
    assert_int_equal(w->hidden[2], MANY);
    assert_int_equal(inf_registry_count(clara), 1);
}

static void a_name_yet_to_be_hidden_is_free(void **state) {
    rows_world *w = *state;
    give_many(w);
    inf_registry_down(w->at[1], rows_id_of(w, 0), 1);
    inf_registry_down(w->at[2], rows_id_of(w, 0), 1);
    rows_put_at(w, 1, "order-4999", 500); /* loses, if both were there */
    (void)rows_carry(w, 1, 2, 1, 1u << 16, 1000);
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(rows_owner_of(w, i, "order-4999"), 1);
        assert_int_equal(w->conflicts[i], 0);
        settle_all(w->at[i]);
        assert_int_equal(rows_owner_of(w, i, "order-4999"), 1);
        assert_int_equal(inf_registry_count(w->at[i]), 1);
        assert_int_equal(w->hidden[i], MANY);
    }
}

static void who_comes_back_meanwhile_shows_all_in_the_end(void **state) {
    rows_world *w = *state;
    give_many(w);
    for (int flaps = 0; flaps < 3; flaps++) {
        inf_registry_down(w->at[2], rows_id_of(w, 0), 1);
        assert_true(inf_registry_settle(w->at[2]));
        assert_int_equal(inf_registry_up(w->at[2], w->name[0], 100), 0);
        if (flaps != 1) continue;
        settle_all(w->at[2]);
        assert_int_equal(inf_registry_count(w->at[2]), MANY);
    }
    settle_all(w->at[2]);
    assert_int_equal(inf_registry_count(w->at[2]), MANY);
    assert_int_equal(w->shown[2] - w->hidden[2], MANY);
    rows_assert_same(w);
}

static void who_is_purged_meanwhile_leaves_nothing(void **state) {
    rows_world *w = *state;
    give_many(w);
    inf_registry_down(w->at[2], rows_id_of(w, 0), 1);
    inf_registry_purge(w->at[2], rows_id_of(w, 0));
    assert_int_equal(inf_registry_count(w->at[2]), 0);
    assert_int_equal(w->hidden[2], MANY);
    settle_all(w->at[2]);
    assert_int_equal(inf_registry_up(w->at[2], w->name[0], 100), 0);
    rows_carry_all(w);
    assert_int_equal(inf_registry_count(w->at[2]), MANY);
}

/* ---- hints ------------------------------------------------------------- */

static void a_hint_shows_at_once_and_becomes_the_row(void **state) {
    rows_world *w = *state;
    inf_entry told = rows_put_at(w, 0, "order-7", 1000);
    assert_int_equal(inf_registry_hint(w->at[1], &told), 0);
    assert_int_equal(rows_owner_of(w, 1, "order-7"), 0);
    rows_carry_all(w);
    assert_int_equal(w->shown[1], 1);
    assert_int_equal(w->hidden[1], 0);
    assert_int_equal(inf_registry_hint(w->at[1], &told), INF_ESTALE);
    rows_assert_same(w);
}

static void a_hint_goes_when_the_stream_passes_it(void **state) {
    rows_world *w = *state;
    inf_entry told = rows_put_at(w, 0, "order-7", 1000);
    assert_int_equal(inf_registry_hint(w->at[1], &told), 0);
    rows_drop_at(w, 0, "order-7");
    rows_carry_all(w);
    assert_int_equal(rows_owner_of(w, 1, "order-7"), -1);
    rows_assert_same(w);
}

static void a_hint_dies_with_its_owners_life(void **state) {
    rows_world *w = *state;
    inf_entry told = rows_put_at(w, 0, "order-7", 1000);
    assert_int_equal(inf_registry_hint(w->at[1], &told), 0);
    inf_registry_down(w->at[1], rows_id_of(w, 0), 1);
    assert_int_equal(rows_owner_of(w, 1, "order-7"), -1);
    assert_int_equal(inf_registry_hint(w->at[1], &told), INF_ENOENT);
    assert_int_equal(inf_registry_up(w->at[1], w->name[0], 101), 0);
    assert_int_equal(rows_owner_of(w, 1, "order-7"), -1);
    assert_int_equal(inf_registry_hint(w->at[1], &told), INF_ESTALE);
}

/* ---- reading ----------------------------------------------------------- */

static void a_walk_meets_what_stays_exactly_once(void **state) {
    rows_world *w = *state;
    char name[24];
    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "order-%d", i);
        rows_put_at(w, 0, name, 1);
    }
    int met[100] = {0};
    uint64_t at = 0;
    inf_entry entry;
    for (int step = 0; inf_registry_next(w->at[0], &at, &entry); step++) {
        int number = atoi((const char *)entry.name.data + 6);
        met[number]++;
        if (step % 10 != 0) continue;
        (void)snprintf(name, sizeof name, "extra-%d", step);
        rows_put_at(w, 0, name, 1);
        rows_drop_at(w, 0, name);
    }
    for (int i = 0; i < 100; i++)
        assert_int_equal(met[i], 1);
}

static void a_random_row_may_be_any_visible_one(void **state) {
    rows_world *w = *state;
    inf_entry entry;
    assert_int_equal(inf_registry_random(w->at[0], 5, &entry), INF_ENOENT);
    rows_put_at(w, 0, "a", 1);
    rows_put_at(w, 1, "b", 1);
    rows_carry_all(w);
    int seen[2] = {0};
    for (uint64_t chance = 0; chance < 10; chance++) {
        assert_int_equal(inf_registry_random(w->at[2], chance, &entry), 0);
        seen[entry.name.data[0] - 'a']++;
    }
    assert_int_equal(seen[0], 5);
    assert_int_equal(seen[1], 5);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, rows_setup, rows_teardown)
    const struct CMUnitTest tests[] = {
        T(a_row_is_found_until_it_is_removed),
        T(names_have_1_to_255_bytes),
        T(stamps_rise_whatever_the_clock_does),
        T(a_put_outranks_every_claim_it_has_seen),
        T(rows_may_be_as_many_as_allowed_and_no_more),
        T(the_dead_are_hidden_and_come_back_as_they_were),
        T(after_the_purge_only_newer_rows_are_taken),
        cmocka_unit_test(of_too_many_owners_the_longest_gone_is_forgotten),
        T(a_new_life_replaces_the_old_one),
        T(two_claims_have_one_winner_everywhere),
        cmocka_unit_test_setup_teardown(the_oldest_wins_where_that_is_wanted,
                                        rows_setup_first, rows_teardown),
        T(a_conflict_is_the_same_news_where_the_winner_came_last),
        T(a_conflict_is_the_same_news_where_the_loser_came_last),
        cmocka_unit_test_setup_teardown(
            a_conflict_tells_of_the_oldest_where_it_stays, rows_setup_first,
            rows_teardown),
        T(when_the_winner_goes_the_other_shows_again),
        T(many_rows_are_gone_at_once_and_hidden_bit_by_bit),
        T(a_name_yet_to_be_hidden_is_free),
        T(who_comes_back_meanwhile_shows_all_in_the_end),
        T(who_is_purged_meanwhile_leaves_nothing),
        T(a_hint_shows_at_once_and_becomes_the_row),
        T(a_hint_goes_when_the_stream_passes_it),
        T(a_hint_dies_with_its_owners_life),
        T(a_walk_meets_what_stays_exactly_once),
        T(a_random_row_may_be_any_visible_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
