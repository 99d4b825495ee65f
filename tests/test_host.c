/* SPDX-License-Identifier: MIT */
#include "host_world.h"

#include <stdlib.h>

/* ---- members and rows -------------------------------------------------- */

static bool all_were_told(world *w) {
    for (size_t i = 0; i < 3; i++) {
        if (w->nodes[i].joins < 2) return false;
        if (i != 0 && w->nodes[i].dones == 0) return false;
    }
    return true;
}

static void three_nodes_meet_and_are_told(void **state) {
    world *w = *state;
    world_start_three(w);
    assert_true(world_run_until(w, all_were_told));
    for (size_t i = 0; i < 3; i++) {
        const node *n = &w->nodes[i];
        assert_int_equal(n->dones, i == 0 ? 0 : 1);
        assert_int_equal(n->done_status, 0);
        assert_int_equal(n->done_count, i == 0 ? 0 : 1);
    }
}

static bool order_7_is_everywhere(world *w) {
    return node_knows(&w->nodes[0], "order-7", "b") &&
           node_knows(&w->nodes[1], "order-7", "b") &&
           node_knows(&w->nodes[2], "order-7", "b");
}

static bool order_7_is_nowhere(world *w) {
    for (size_t i = 0; i < NODES; i++) {
        node *n = &w->nodes[i];
        if (n->host != NULL && node_knows(n, "order-7", "b")) return false;
    }
    return true;
}

static bool c_was_told_of_a_row(world *w) {
    return w->nodes[2].rows_came != 0;
}

static void a_row_is_seen_everywhere_and_leaves_with_its_owner(void **state) {
    world *w = *state;
    world_start_three(w);
    node_claim(&w->nodes[1], "order-7");
    assert_true(world_run_until(w, order_7_is_everywhere));
    assert_true(world_run_until(w, c_was_told_of_a_row));

    node_stop(&w->nodes[1]); /* no goodbye */
    assert_true(world_run_until(w, order_7_is_nowhere));
    assert_true(world_run_until(w, world_all_see_all));
    assert_true(w->nodes[0].fails + w->nodes[2].fails >= 1);
}

/* ---- calls ------------------------------------------------------------- */

static bool one_result(world *w) {
    return w->results == 1;
}

static bool two_results(world *w) {
    return w->results == 2;
}

static bool nothing_is_pending(node *n) {
    bool pending = inf_node_pending(inf_host_lock(n->host));
    inf_host_unlock(n->host);
    return !pending;
}

/* The loop gets its turn, however much there is to be told. */
static void a_slow_script_hears_of_many_rows_over_many_turns(void **state) {
    world *w = *state;
    enum { ROWS = 200 };
    char name[16];
    world_start(w, 0);
    node *n = &w->nodes[0];
    n->rows_take_ms = 1;
    for (int i = 0; i < ROWS; i++) {
        (void)snprintf(name, sizeof name, "order-%d", i);
        node_claim(n, name);
    }
    for (int ms = 0; !nothing_is_pending(n); ms++) {
        assert_true(ms < WAIT_MS);
        uv_sleep(1);
    }
    for (int turn = 0; n->rows_came < ROWS && turn < WAIT_MS; turn++) {
        unsigned before = n->rows_came;
        (void)uv_run(&w->loop, UV_RUN_ONCE);
        assert_true(n->rows_came - before <= 2);
    }
    assert_int_equal(n->rows_came, ROWS);
}

static void everybody_can_call_everybody(void **state) {
    world *w = *state;
    world_start_three(w);
    node_claim(&w->nodes[1], "order-7");
    assert_true(world_run_until(w, order_7_is_everywhere));
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < 3; j++) {
            w->results = 0;
            node_call(&w->nodes[i], w->nodes[j].name, inf_slice_str("hi"), 1);
            assert_true(world_run_until(w, one_result));
            assert_int_equal(w->status, 0);
            assert_string_equal(w->by, w->nodes[j].name);
            assert_memory_equal(w->body, "hi", 2);
        }
        w->results = 0;
        node_call_name(&w->nodes[i], "order-7", 1000, 1);
        assert_true(world_run_until(w, one_result));
        assert_int_equal(w->status, 0);
        assert_string_equal(w->by, "b");
        assert_int_equal(w->attempts, 1);
    }
}

static void a_name_nobody_has_is_exhausted_after_its_attempts(void **state) {
    world *w = *state;
    world_start(w, 0);
    node_call_name(&w->nodes[0], "nobody", 50, 1);
    assert_true(world_run_until(w, one_result));
    assert_int_equal(w->status, INF_EEXHAUSTED);
    assert_int_equal(w->cause, INF_ENOENT);
    assert_int_equal(w->attempts, 50);
    assert_in_range(w->elapsed_ms, 49, 2000);
}

static void a_call_waits_for_a_name_and_is_woken_by_it(void **state) {
    world *w = *state;
    world_start_three(w);
    inf_target target = {.branch = world_branch(),
                         .name = inf_slice_str("order-7")};
    inf_retry_policy policy = world_policy(2);
    policy.poll_interval_ms = WAIT_MS * 2; /* looking again would be too late */
    assert_int_equal(
        inf_host_call(w->nodes[0].host, &target, nothing, &policy, 1), 0);
    node_claim(&w->nodes[1], "order-7");
    assert_true(world_run_until(w, one_result));
    assert_int_equal(w->status, 0);
    assert_string_equal(w->by, "b");
}

static bool b_holds_one(world *w) {
    return w->nodes[1].held_count == 1;
}

static void
a_call_ends_with_its_owner_and_the_next_finds_the_new_life(void **state) {
    world *w = *state;
    world_start_three(w);
    node_claim(&w->nodes[1], "order-7");
    assert_true(world_run_until(w, order_7_is_everywhere));
    w->nodes[1].manners = KEEP; /* the call is on its way when b dies */
    node_call_name(&w->nodes[0], "order-7", 100000, 1);
    assert_true(world_run_until(w, b_holds_one));
    node_stop(&w->nodes[1]);
    assert_true(world_run_until(w, order_7_is_nowhere));
    assert_true(world_run_until(w, one_result));
    assert_int_equal(w->status, INF_EUNREACHABLE); /* it may have been done */

    w->nodes[1].manners = ANSWER;
    world_start(w, 1);
    world_join(w, 1, 2);
    node_claim(&w->nodes[1], "order-7");
    assert_true(world_run_until(w, order_7_is_everywhere));
    node_call_name(&w->nodes[0], "order-7", 100000, 2);
    assert_true(world_run_until(w, two_results));
    assert_int_equal(w->status, 0);
    assert_string_equal(w->by, "b");
    assert_int_equal(w->nodes[1].requests, 2); /* one in each life */
}

static void a_call_to_a_dead_node_ends_as_soon_as_it_is_known(void **state) {
    world *w = *state;
    world_start_three(w);
    w->nodes[1].manners = KEEP;
    node_call(&w->nodes[0], "b", nothing, 1);
    assert_true(world_run_until(w, b_holds_one));
    node_stop(&w->nodes[1]);
    assert_true(world_run_until(w, one_result));
    assert_int_equal(w->status, INF_EUNREACHABLE);
    assert_string_equal(w->by, "b");

    node_call(&w->nodes[0], "b", nothing, 2);
    node_call(&w->nodes[0], "never-heard-of", nothing, 3);
    w->results = 0;
    assert_true(world_run_until(w, two_results));
    assert_int_equal(w->status, INF_EUNREACHABLE);
    assert_true(w->elapsed_ms < 1000);
}

static bool b_is_known_dead(world *w) {
    return w->nodes[0].fails != 0;
}

static void a_name_lost_with_its_node_is_answered_at_once(void **state) {
    world *w = *state;
    world_start_three(w);
    node_claim(&w->nodes[1], "order-7");
    assert_true(world_run_until(w, order_7_is_everywhere));
    node_stop(&w->nodes[1]);
    assert_true(world_run_until(w, b_is_known_dead));
    node_call_name(&w->nodes[0], "order-7", 1000, 1);
    assert_true(world_run_until(w, one_result));
    assert_int_equal(w->status, INF_EUNREACHABLE);
    assert_int_equal(w->attempts, 1);
    assert_string_equal(w->by, "b");
}

static void where_it_is_not_it_is_looked_for_again(void **state) {
    world *w = *state;
    world_start_three(w);
    node_claim(&w->nodes[1], "order-7");
    assert_true(world_run_until(w, order_7_is_everywhere));
    w->nodes[1].manners = DENY; /* the view is behind: it has just ended */
    node_call_name(&w->nodes[0], "order-7", 20, 1);
    assert_true(world_run_until(w, one_result));
    assert_int_equal(w->status, INF_EEXHAUSTED);
    assert_int_equal(w->cause, INF_ENOENT);
    assert_in_range(w->nodes[1].requests, 2, 20);
}

static void an_answer_may_come_late(void **state) {
    world *w = *state;
    world_start_three(w);
    w->nodes[1].manners = KEEP;
    node_call(&w->nodes[0], "b", inf_slice_str("hold on"), 1);
    assert_true(world_run_until(w, b_holds_one));
    assert_int_equal(w->results, 0);
    assert_int_equal(inf_host_reply(w->nodes[1].host, w->nodes[1].held[0],
                                    inf_slice_str("at last")),
                     0);
    assert_int_equal(inf_host_reply(w->nodes[1].host, w->nodes[1].held[0],
                                    inf_slice_str("at last")),
                     INF_ENOENT);
    assert_true(world_run_until(w, one_result));
    assert_int_equal(w->status, 0);
    assert_memory_equal(w->body, "at last", 7);
}

enum { MANY = 20000 };

static bool many_results(world *w) {
    return w->results >= MANY;
}

static void thousands_at_once_end_once_each(void **state) {
    world *w = *state;
    uint64_t sum = 0;
    world_start_three(w);
    for (uint64_t tag = 1; tag <= MANY; tag++) {
        sum += tag;
        node_call(&w->nodes[0], tag % 2 == 0 ? "b" : "c",
                  inf_slice_str("one of many"), tag);
    }
    assert_true(world_run_until(w, many_results));
    assert_int_equal(w->sum_of_tags, sum);
    assert_int_equal(w->nodes[1].requests + w->nodes[2].requests, MANY);
    assert_int_equal(w->status, 0);
}

static bool a_hundred_results(world *w) {
    return w->results == 101;
}

static void a_result_may_call_again(void **state) {
    world *w = *state;
    world_start_three(w);
    w->calls_left = 100;
    node_call(&w->nodes[0], "b", inf_slice_str("first"), 1);
    assert_true(world_run_until(w, a_hundred_results));
    assert_int_equal(w->status, 0);
    assert_int_equal(w->nodes[1].requests, 101);
}

static void a_large_body_goes_there_and_back(void **state) {
    world *w = *state;
    size_t len = INF_RPC_FRAME_MAX - INF_RPC_HEAD_MAX;
    uint8_t *bytes = calloc(len + 1, 1);
    inf_target target = {.node = inf_slice_str("b")};
    inf_retry_policy policy = world_policy(10);
    world_start_three(w);
    node_call(&w->nodes[0], "b", inf_slice_of(bytes, len), 1);
    node_call(&w->nodes[0], "b", inf_slice_of(bytes, 3), 2);
    assert_true(world_run_until(w, two_results));
    assert_int_equal(w->status, 0);
    assert_int_equal(w->nodes[1].requests, 2);
    assert_int_equal(inf_host_call(w->nodes[0].host, &target,
                                   inf_slice_of(bytes, len + 1), &policy, 1),
                     INF_ETOOBIG);
    free(bytes);
}

static void closing_ends_the_calls_in_flight(void **state) {
    world *w = *state;
    world_start_three(w);
    w->nodes[1].manners = KEEP;
    node_call(&w->nodes[0], "b", nothing, 1);
    assert_true(world_run_until(w, b_holds_one));
    node_call_name(&w->nodes[0], "nobody", 100000, 2);
    node_stop(&w->nodes[0]);
    assert_int_equal(w->results, 0);
    inf_target target = {.node = inf_slice_str("b")};
    inf_retry_policy policy = world_policy(10);
    assert_int_equal(
        inf_host_call(w->nodes[0].host, &target, nothing, &policy, 3),
        INF_ECLOSED);
    assert_true(world_run_until(w, two_results));
    assert_int_equal(w->status, INF_ECLOSED);
    assert_int_equal(w->sum_of_tags, 3);
}

int main(void) {
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(three_nodes_meet_and_are_told),
        TEST(a_row_is_seen_everywhere_and_leaves_with_its_owner),
        TEST(a_slow_script_hears_of_many_rows_over_many_turns),
        TEST(everybody_can_call_everybody),
        TEST(a_name_nobody_has_is_exhausted_after_its_attempts),
        TEST(a_call_waits_for_a_name_and_is_woken_by_it),
        TEST(a_call_ends_with_its_owner_and_the_next_finds_the_new_life),
        TEST(a_call_to_a_dead_node_ends_as_soon_as_it_is_known),
        TEST(a_name_lost_with_its_node_is_answered_at_once),
        TEST(where_it_is_not_it_is_looked_for_again),
        TEST(an_answer_may_come_late),
        TEST(thousands_at_once_end_once_each),
        TEST(a_result_may_call_again),
        TEST(a_large_body_goes_there_and_back),
        TEST(closing_ends_the_calls_in_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
