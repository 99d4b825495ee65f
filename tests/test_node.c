/* SPDX-License-Identifier: MIT */
#include "node_world.h"

#include <stdio.h>

#include "core/member.h"

/* ---- tests ------------------------------------------------------------- */

static void a_name_claimed_on_one_node_is_seen_on_all(void **state) {
    world *w = *state;
    nodes_claim(w, 1, "order-7");
    nodes_run_ms(w, 10);
    for (int i = 0; i < NODES; i++) {
        assert_int_equal(nodes_owner(w, i, "order-7"), 1);
        assert_int_equal(inf_node_count(w->node[i], BRANCH), 1);
        const seen *join_event =
            nodes_find_event(w, i, INF_EFFECT_ROWS, INF_CHANGE_JOIN);
        assert_non_null(join_event);
        assert_string_equal(join_event->name, "order-7");
    }
}

static void a_taken_name_is_refused_with_its_owner(void **state) {
    world *w = *state;
    nodes_claim(w, 1, "order-7");
    nodes_run_ms(w, 10);
    inf_row row;
    assert_int_equal(inf_node_claim(w->node[2], BRANCH,
                                    inf_slice_str("order-7"), IMPL, w->now_ms,
                                    &row),
                     INF_EEXISTS);
    assert_true(inf_slice_eq(row.node, inf_slice_str("berta")));
}

static void a_released_name_goes_from_all_views(void **state) {
    world *w = *state;
    uint64_t ref = nodes_claim(w, 1, "order-7");
    nodes_run_ms(w, 10);
    assert_int_equal(inf_node_release(w->node[1], BRANCH,
                                      inf_slice_str("order-7"), ref + 1,
                                      w->now_ms),
                     INF_ENOENT);
    assert_int_equal(inf_node_release(w->node[1], BRANCH,
                                      inf_slice_str("order-7"), ref, w->now_ms),
                     0);
    nodes_run_ms(w, 10);
    for (int i = 0; i < NODES; i++)
        assert_int_equal(nodes_owner(w, i, "order-7"), -1);
}

static bool dead_rows_are_gone(world *w) {
    return nodes_owner(w, 0, "order-7") == -1 &&
           nodes_owner(w, 2, "order-7") == -1;
}

static void the_rows_of_a_killed_node_go_at_once(void **state) {
    world *w = *state;
    nodes_claim(w, 1, "order-7");
    nodes_run_ms(w, 10);
    nodes_kill(w, 1);
    assert_true(nodes_run_until(w, dead_rows_are_gone, 200));
}

static bool nothing_is_left(world *w) {
    return inf_node_count(w->node[0], BRANCH) == 0 &&
           inf_node_deadline(w->node[0]) > w->now_ms + 1;
}

/* Of the many, monitors hear a part at a time, and of all. */
static void the_many_rows_of_a_killed_node_go_one_after_another(void **state) {
    world *w = *state;
    char name[32];
    for (int i = 0; i < 3000; i++) {
        (void)snprintf(name, sizeof name, "order-%d", i);
        nodes_claim(w, 1, name);
    }
    nodes_run_ms(w, 200);
    assert_int_equal(inf_node_count(w->node[0], BRANCH), 3000);
    w->logged[0] = 0;
    nodes_kill(w, 1);
    assert_true(nodes_run_until(w, nothing_is_left, 1000));
    uint64_t gone = 0;
    for (size_t i = 0; i < w->logged[0]; i++) {
        const seen *event = &w->log[0][i];
        bool rows =
            event->kind == INF_EFFECT_ROWS && event->change == INF_CHANGE_LEAVE;
        if (rows) gone += event->count;
    }
    assert_int_equal(gone, 3000);
}

static bool everybody_knows_four(world *w) {
    for (int i = 0; i < NODES; i++) {
        if (inf_node_count(w->node[i], BRANCH) != 4) return false;
    }
    return true;
}

static void a_new_life_learns_all_and_is_learnt(void **state) {
    world *w = *state;
    char name[2] = "a";
    for (int i = 0; i < NODES; i++, name[0]++)
        nodes_claim(w, i, name);
    nodes_run_ms(w, 10);
    assert_true(everybody_knows_four(w));
    nodes_kill(w, 1);
    nodes_run_ms(w, 500);
    nodes_birth(w, 1, 101);
    assert_int_equal(inf_node_branch_add(w->node[1], BRANCH, w->now_ms), 0);
    nodes_join(w, 1);
    nodes_run_ms(w, 1500);
    assert_int_equal(nodes_owner(w, 0, "b"), -1);
    assert_int_equal(inf_node_count(w->node[1], BRANCH), 3);
    nodes_claim(w, 1, "e");
    assert_true(nodes_run_until(w, everybody_knows_four, 100));
}

static void who_does_not_run_the_branch_holds_no_rows_of_it(void **state) {
    world *w = *state;
    inf_slice other = inf_slice_str("invoices");
    inf_row row;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(inf_node_branch_add(w->node[i], other, w->now_ms), 0);
    }
    nodes_run_ms(w, 2000);
    assert_int_equal(inf_node_claim(w->node[0], other, inf_slice_str("i-1"),
                                    IMPL, w->now_ms, &row),
                     0);
    assert_int_equal(inf_node_claim(w->node[3], other, inf_slice_str("i-2"),
                                    IMPL, w->now_ms, &row),
                     INF_ENOENT);
    nodes_run_ms(w, 20);
    assert_int_equal(inf_node_count(w->node[2], other), 1);
    assert_int_equal(inf_node_count(w->node[3], other), 0);
    assert_true(inf_node_runs(w->node[3], inf_slice_str("anna"), other));
    assert_false(inf_node_runs(w->node[0], inf_slice_str("dora"), other));
    assert_int_equal(inf_node_branch_remove(w->node[0], other, w->now_ms), 0);
    nodes_run_ms(w, 2000);
    assert_int_equal(inf_node_count(w->node[2], other), 0);
    assert_int_equal(inf_node_branch_add(w->node[0], other, w->now_ms), 0);
    nodes_run_ms(w, 2000);
    assert_int_equal(inf_node_claim(w->node[0], other, inf_slice_str("i-3"),
                                    IMPL, w->now_ms, &row),
                     0);
    nodes_run_ms(w, 20);
    assert_int_equal(inf_node_count(w->node[2], other), 1);
}

/* What anna, who comes to the branch and goes again, claims is seen by clara.
 */
static void anna_comes_and_goes(world *w, inf_slice branch) {
    inf_row row;
    assert_int_equal(inf_node_branch_add(w->node[0], branch, w->now_ms), 0);
    nodes_run_ms(w, 1000);
    assert_int_equal(inf_node_claim(w->node[0], branch, inf_slice_str("row"),
                                    IMPL, w->now_ms, &row),
                     0);
    nodes_run_ms(w, 100);
    assert_int_equal(inf_node_count(w->node[2], branch), 1);
    assert_int_equal(inf_node_branch_remove(w->node[0], branch, w->now_ms), 0);
    nodes_run_ms(w, 1000);
    assert_int_equal(inf_node_count(w->node[2], branch), 0);
}

static void branches_that_have_stopped_take_no_room(void **state) {
    world *w = *state;
    inf_slice kept = inf_slice_str("kept");
    char text[16];
    assert_int_equal(inf_node_branch_add(w->node[2], kept, w->now_ms), 0);
    anna_comes_and_goes(w, kept);
    for (int i = 0; i < 2 * INF_BRANCHES_MAX; i++) {
        (void)snprintf(text, sizeof text, "tenant-%d", i);
        inf_slice tenant = inf_slice_str(text);
        assert_int_equal(inf_node_branch_add(w->node[2], tenant, w->now_ms), 0);
        anna_comes_and_goes(w, tenant);
        assert_int_equal(inf_node_branch_remove(w->node[2], tenant, w->now_ms),
                         0);
    }
    anna_comes_and_goes(w, kept);
}

/* Clara takes numbers that she has seen for old news. */
static void a_forgotten_branch_counts_its_changes_on(void **state) {
    world *w = *state;
    inf_slice branch = BRANCH;
    char text[16];
    nodes_claim(w, 0, "one");
    nodes_claim(w, 0, "two");
    nodes_run_ms(w, 100);
    assert_int_equal(inf_node_count(w->node[2], branch), 2);
    assert_int_equal(inf_node_branch_remove(w->node[0], branch, w->now_ms), 0);
    for (int i = 0; i < INF_BRANCHES_MAX; i++) {
        (void)snprintf(text, sizeof text, "tenant-%d", i);
        inf_slice tenant = inf_slice_str(text);
        assert_int_equal(inf_node_branch_add(w->node[0], tenant, w->now_ms), 0);
        assert_int_equal(inf_node_branch_remove(w->node[0], tenant, w->now_ms),
                         0);
    }
    assert_int_equal(inf_node_branch_add(w->node[0], branch, w->now_ms), 0);
    nodes_claim(w, 0, "three");
    nodes_run_ms(w, 10000); /* the next repair of streams */
    assert_int_equal(nodes_owner(w, 2, "three"), 0);
    assert_int_equal(inf_node_count(w->node[2], branch), 1);
}

static void a_branch_that_is_refused_takes_no_room(void **state) {
    world *w = *state;
    char text[24];
    int rc = 0;
    for (int i = 0; i < 2 * INF_BRANCHES_MAX; i++) {
        (void)snprintf(text, sizeof text, "a-long-name-%d", i);
        rc = inf_node_branch_add(w->node[0], inf_slice_str(text), w->now_ms);
    }
    assert_int_equal(rc, INF_ETOOBIG);
    assert_int_equal(inf_node_branch_remove(w->node[0],
                                            inf_slice_str("a-long-name-100"),
                                            w->now_ms),
                     INF_ENOENT);
    assert_int_equal(inf_node_branch_remove(
                         w->node[0], inf_slice_str("a-long-name-0"), w->now_ms),
                     0);
    assert_int_equal(
        inf_node_branch_add(w->node[0], inf_slice_str("a-long-nam"), w->now_ms),
        0);
}

static bool clara_runs_it_for_all(world *w) {
    for (int i = 0; i < NODES; i++) {
        if (nodes_owner(w, i, "order-7") != 2) return false;
    }
    return nodes_find_event(w, 0, INF_EFFECT_LOST, INF_CHANGE_JOIN) != NULL;
}

static void a_name_claimed_on_both_sides_ends_with_one_owner(void **state) {
    world *w = *state;
    w->cut[0] = true;
    uint64_t first = nodes_claim(w, 0, "order-7");
    nodes_run_ms(w, 30000);
    assert_int_equal(nodes_owner(w, 1, "order-7"), -1);
    nodes_claim(w, 2, "order-7");
    nodes_run_ms(w, 100);
    assert_int_equal(nodes_owner(w, 0, "order-7"), 0);
    assert_int_equal(nodes_owner(w, 1, "order-7"), 2);
    w->cut[0] = false;
    assert_true(nodes_run_until(w, clara_runs_it_for_all, 60000));
    assert_int_equal(inf_node_release(w->node[0], BRANCH,
                                      inf_slice_str("order-7"), first,
                                      w->now_ms),
                     0);
    assert_null(nodes_find_event(w, 2, INF_EFFECT_LOST, INF_CHANGE_JOIN));
}

static void all_place_a_name_on_the_same_member(void **state) {
    world *w = *state;
    int counts[NODES] = {0};
    for (int n = 0; n < 400; n++) {
        char name[16];
        (void)snprintf(name, sizeof name, "order-%d", n);
        inf_slice chosen[NODES];
        for (int i = 0; i < NODES; i++) {
            assert_int_equal(inf_node_place(w->node[i], BRANCH,
                                            inf_slice_str(name), &chosen[i]),
                             0);
            assert_true(inf_slice_eq(chosen[i], chosen[0]));
        }
        for (int i = 0; i < NODES; i++) {
            if (inf_slice_eq(chosen[0], inf_slice_str(node_names[i]))) {
                counts[i]++;
            }
        }
    }
    for (int i = 0; i < NODES; i++)
        assert_in_range(counts[i], 70, 130);
}

static void one_home_decides_and_views_settle(void **state) {
    world *w = *state;
    int homes = 0;
    for (int i = 0; i < NODES; i++) {
        inf_slice home;
        assert_true(inf_node_ready(w->node[i], BRANCH, w->now_ms));
        assert_int_equal(inf_node_view(w->node[i], BRANCH),
                         inf_node_view(w->node[0], BRANCH));
        homes +=
            inf_node_start_gate(w->node[i], BRANCH, inf_slice_str("order-7"),
                                w->now_ms, &home) == 0;
    }
    assert_int_equal(homes, 1);
}

static void synch_says_who_merged_and_who_did_not(void **state) {
    world *w = *state;
    inf_slice names[] = {inf_slice_str("berta"), inf_slice_str("nobody")};
    nodes_claim(w, 1, "order-7");
    assert_int_equal(
        inf_node_synch(w->node[0], BRANCH, NULL, 0, 1000, 5, w->now_ms), 0);
    assert_int_equal(
        inf_node_synch(w->node[0], BRANCH, names, 2, 1000, 6, w->now_ms), 0);
    nodes_drain(w, 0);
    nodes_run_ms(w, 50);
    assert_non_null(nodes_done(w, 0, 5));
    assert_int_equal(nodes_done(w, 0, 5)->status, 0);
    assert_int_equal(nodes_done(w, 0, 5)->count, 3);
    assert_int_equal(nodes_done(w, 0, 6)->status, INF_ETIMEDOUT);
    assert_int_equal(nodes_done(w, 0, 6)->count, 1);
    assert_string_equal(nodes_done(w, 0, 6)->name, "nobody");
    assert_int_equal(nodes_owner(w, 0, "order-7"), 1);
}

static void synch_with_a_silent_node_ends_in_time(void **state) {
    world *w = *state;
    w->cut[2] = true;
    assert_int_equal(
        inf_node_synch(w->node[0], BRANCH, NULL, 0, 700, 5, w->now_ms), 0);
    nodes_drain(w, 0);
    nodes_run_ms(w, 600);
    assert_null(nodes_done(w, 0, 5));
    nodes_run_ms(w, 200);
    assert_non_null(nodes_done(w, 0, 5));
    assert_int_equal(nodes_done(w, 0, 5)->status, INF_ETIMEDOUT);
    assert_string_equal(nodes_done(w, 0, 5)->name, "clara");
}

static void in_peace_only_roots_travel(void **state) {
    world *w = *state;
    char name[16];
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof name, "order-%d", i);
        nodes_claim(w, i % NODES, name);
    }
    nodes_run_ms(w, 3000);
    uint64_t before = w->written;
    uint64_t packets_only = 0;
    nodes_run_ms(w, 20000);
    packets_only = w->written - before;
    assert_in_range(packets_only, 1, 4000); /* pushes and pulls included */
    assert_int_equal(inf_node_count(w->node[3], BRANCH), 1000);
}

static void who_leaves_takes_its_rows_along(void **state) {
    world *w = *state;
    nodes_claim(w, 1, "order-7");
    nodes_run_ms(w, 10);
    assert_int_equal(inf_node_leave(w->node[1], 9, w->now_ms), 0);
    nodes_drain(w, 1);
    assert_true(nodes_run_until(w, dead_rows_are_gone, 100));
    nodes_run_ms(w, 10000);
    assert_non_null(nodes_done(w, 1, 9));
    inf_row row;
    assert_int_equal(inf_node_claim(w->node[1], BRANCH, inf_slice_str("x"),
                                    IMPL, w->now_ms, &row),
                     INF_ECLOSED);
}

static void a_hint_is_seen_before_the_stream_brings_the_row(void **state) {
    world *w = *state;
    inf_row row;
    assert_int_equal(inf_node_claim(w->node[1], BRANCH, inf_slice_str("x"),
                                    IMPL, w->now_ms, &row),
                     0);
    assert_int_equal(nodes_owner(w, 0, "x"), -1);
    assert_int_equal(inf_node_hint(w->node[0], BRANCH, &row, w->now_ms), 0);
    assert_int_equal(nodes_owner(w, 0, "x"), 1);
    nodes_drain(w, 1);
    nodes_run_ms(w, 10);
    assert_int_equal(nodes_owner(w, 0, "x"), 1);
}

static void reserved_tags_are_refused_and_others_travel(void **state) {
    world *w = *state;
    inf_slice value;
    inf_member_view view;
    assert_int_equal(inf_node_set_tag(w->node[0], inf_slice_str("gen"),
                                      inf_slice_str("1"), w->now_ms),
                     INF_EINVAL);
    assert_int_equal(inf_node_set_tag(w->node[0], inf_slice_str("role"),
                                      inf_slice_str("web"), w->now_ms),
                     0);
    nodes_run_ms(w, 2000);
    assert_true(inf_node_member_find(w->node[3], inf_slice_str("anna"), &view));
    assert_true(inf_meta_tag(view.meta, inf_slice_str("role"), &value));
    assert_true(inf_slice_eq(value, inf_slice_str("web")));
    assert_int_equal(view.rpc_port, 9000);
}

static void bytes_of_nonsense_harm_nobody(void **state) {
    world *w = *state;
    uint64_t stream = 0;
    assert_int_equal(
        inf_node_accepted(w->node[0], &w->addr[1], w->now_ms, &stream), 0);
    static const uint8_t junk[] = {0xf1, 0xff, 0xff, 0xff, 0xff, 1, 2, 3};
    inf_node_bytes(w->node[0], stream, inf_slice_of(junk, sizeof junk),
                   w->now_ms);
    nodes_drain(w, 0);
    inf_node_bytes(w->node[0], stream, inf_slice_of(junk, 1), w->now_ms);
    inf_node_bytes(w->node[0], 999999, inf_slice_of(junk, 1), w->now_ms);
    inf_node_closed(w->node[0], stream, 0, w->now_ms);
    nodes_claim(w, 0, "order-7");
    nodes_run_ms(w, 10);
    assert_int_equal(nodes_owner(w, 1, "order-7"), 0);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, nodes_setup, nodes_teardown)
    const struct CMUnitTest tests[] = {
        T(a_name_claimed_on_one_node_is_seen_on_all),
        T(a_taken_name_is_refused_with_its_owner),
        T(a_released_name_goes_from_all_views),
        T(the_rows_of_a_killed_node_go_at_once),
        T(the_many_rows_of_a_killed_node_go_one_after_another),
        T(a_new_life_learns_all_and_is_learnt),
        T(who_does_not_run_the_branch_holds_no_rows_of_it),
        T(branches_that_have_stopped_take_no_room),
        T(a_forgotten_branch_counts_its_changes_on),
        T(a_branch_that_is_refused_takes_no_room),
        T(a_name_claimed_on_both_sides_ends_with_one_owner),
        T(all_place_a_name_on_the_same_member),
        T(one_home_decides_and_views_settle),
        T(synch_says_who_merged_and_who_did_not),
        T(synch_with_a_silent_node_ends_in_time),
        T(in_peace_only_roots_travel),
        T(who_leaves_takes_its_rows_along),
        T(a_hint_is_seen_before_the_stream_brings_the_row),
        T(reserved_tags_are_refused_and_others_travel),
        T(bytes_of_nonsense_harm_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
