/* SPDX-License-Identifier: MIT */
/* Anna and clara both run a name, clara wrote last, and the user decides. */
#include "node_world.h"

#define NAME inf_slice_str("order-7")

enum { ANNA = 0, CLARA = 2 };

static uint64_t refs[NODES];

static bool asked(const world *w, int node) {
    return nodes_find_event(w, node, INF_EFFECT_CONTEST, INF_CHANGE_JOIN) !=
           NULL;
}

static bool lost(const world *w, int node) {
    return nodes_find_event(w, node, INF_EFFECT_LOST, INF_CHANGE_JOIN) != NULL;
}

static bool anna_is_asked(world *w) {
    return asked(w, ANNA);
}

static bool clara_is_asked(world *w) {
    return asked(w, CLARA);
}

static bool anna_loses(world *w) {
    return lost(w, ANNA);
}

static bool clara_loses(world *w) {
    return lost(w, CLARA);
}

static int answer(world *w, int node, inf_verdict verdict) {
    inf_row last = {.node = inf_slice_str(node_names[CLARA]),
                    .boot = 100,
                    .ref = refs[CLARA]};
    inf_row older = {.node = inf_slice_str(node_names[ANNA]),
                     .boot = 100,
                     .ref = refs[ANNA]};
    int rc = inf_node_verdict(w->node[node], BRANCH, NAME, &last, &older,
                              verdict, w->now_ms);
    nodes_drain(w, node);
    return rc;
}

/* A cut, both claim the name, the cut heals, anna is asked. */
static void conflict(world *w, bool clara_asks) {
    for (int i = 0; i < NODES; i++) {
        inf_resolve way =
            i == CLARA && !clara_asks ? INF_RESOLVE_LAST : INF_RESOLVE_ASK;
        assert_int_equal(inf_node_resolve(w->node[i], BRANCH, way), 0);
    }
    w->cut[ANNA] = true;
    refs[ANNA] = nodes_claim(w, ANNA, "order-7");
    nodes_run_ms(w, 30000);
    refs[CLARA] = nodes_claim(w, CLARA, "order-7");
    w->cut[ANNA] = false;
    assert_true(nodes_run_until(w, anna_is_asked, 60000));
}

static void stop(world *w, int node) {
    assert_int_equal(
        inf_node_release(w->node[node], BRANCH, NAME, refs[node], w->now_ms),
        0);
    nodes_drain(w, node);
    nodes_run_ms(w, 2000);
}

static void the_older_one_stays_when_both_nodes_say_so(void **state) {
    world *w = *state;
    conflict(w, true);
    nodes_run_ms(w, 3000);
    assert_false(lost(w, ANNA)); /* nobody goes before the answer */
    assert_int_equal(answer(w, ANNA, INF_KEEP_OLDER), 0);
    assert_true(nodes_run_until(w, clara_is_asked, 2000));
    assert_false(lost(w, CLARA));
    assert_int_equal(answer(w, CLARA, INF_KEEP_OLDER), 0);
    assert_true(nodes_run_until(w, clara_loses, 100));
    stop(w, CLARA);
    for (int i = 0; i < NODES; i++)
        assert_int_equal(nodes_owner(w, i, "order-7"), ANNA);
    assert_false(lost(w, ANNA));
    assert_int_equal(answer(w, ANNA, INF_KEEP_LAST), INF_ENOENT);
}

static void the_last_writer_stays_when_the_user_says_so(void **state) {
    world *w = *state;
    conflict(w, true);
    assert_int_equal(answer(w, ANNA, INF_KEEP_LAST), 0);
    assert_true(nodes_run_until(w, anna_loses, 2000));
    assert_false(asked(w, CLARA));
}

static void the_last_writer_stays_when_the_nodes_disagree(void **state) {
    world *w = *state;
    conflict(w, true);
    assert_int_equal(answer(w, ANNA, INF_KEEP_OLDER), 0);
    assert_true(nodes_run_until(w, clara_is_asked, 2000));
    assert_int_equal(answer(w, CLARA, INF_KEEP_LAST), 0);
    assert_true(nodes_run_until(w, anna_loses, 2000));
    stop(w, ANNA);
    assert_false(lost(w, CLARA));
    assert_int_equal(nodes_owner(w, ANNA, "order-7"), CLARA);
}

static void a_node_that_does_not_ask_keeps_the_last_writer(void **state) {
    world *w = *state;
    conflict(w, false);
    assert_int_equal(answer(w, ANNA, INF_KEEP_OLDER), 0);
    assert_true(nodes_run_until(w, anna_loses, 2000));
    assert_false(asked(w, CLARA));
}

static void a_user_who_is_silent_keeps_the_last_writer(void **state) {
    world *w = *state;
    conflict(w, true);
    nodes_run_ms(w, 9000);
    assert_false(lost(w, ANNA));
    assert_true(nodes_run_until(w, anna_loses, 3000));
}

static void a_node_that_is_silent_keeps_the_last_writer(void **state) {
    world *w = *state;
    conflict(w, true);
    assert_int_equal(answer(w, ANNA, INF_KEEP_OLDER), 0);
    nodes_run_ms(w, 9000);
    assert_false(lost(w, ANNA));
    assert_true(nodes_run_until(w, anna_loses, 3000));
    /* Too late: what has given in proves nothing more. */
    assert_int_equal(answer(w, CLARA, INF_KEEP_OLDER), 0);
    nodes_run_ms(w, 5000);
    assert_false(lost(w, CLARA));
}

/* Anna gives in while the two do not hear each other: what clara asks before
   anna has yielded finds no contest any more. */
static void who_has_given_in_proves_nothing_more(void **state) {
    world *w = *state;
    conflict(w, true);
    assert_int_equal(answer(w, ANNA, INF_KEEP_OLDER), 0);
    assert_true(nodes_run_until(w, clara_is_asked, 2000));
    nodes_run_ms(w, 7500);
    w->cut[ANNA] = true;
    nodes_run_ms(w, 3500);
    assert_false(lost(w, ANNA));
    w->cut[ANNA] = false;
    assert_int_equal(answer(w, CLARA, INF_KEEP_OLDER), 0);
    assert_true(nodes_run_until(w, anna_loses, 5000));
    nodes_run_ms(w, 2000);
    assert_false(lost(w, CLARA));
}

static void who_lost_to_one_that_is_gone_again_stays(void **state) {
    world *w = *state;
    conflict(w, true);
    assert_int_equal(answer(w, ANNA, INF_KEEP_LAST), 0);
    assert_true(nodes_run_until(w, anna_loses, 2000));
    inf_row winner = {.node = inf_slice_str(node_names[CLARA]),
                      .boot = 100,
                      .ref = refs[CLARA]};
    assert_true(inf_node_yields(w->node[ANNA], BRANCH, NAME, refs[ANNA],
                                &winner, w->now_ms));
    stop(w, CLARA);
    assert_false(inf_node_yields(w->node[ANNA], BRANCH, NAME, refs[ANNA],
                                 &winner, w->now_ms));
    assert_int_equal(nodes_owner(w, CLARA, "order-7"), ANNA);

    w->logged[ANNA] = 0; /* and the next conflict is one like any other */
    w->cut[ANNA] = true;
    nodes_run_ms(w, 30000);
    refs[CLARA] = nodes_claim(w, CLARA, "order-7");
    w->cut[ANNA] = false;
    assert_true(nodes_run_until(w, anna_is_asked, 60000));
}

static void a_contest_of_nonsense_harms_nobody(void **state) {
    world *w = *state;
    conflict(w, true);
    inf_row last = {.node = inf_slice_str("nobody"), .boot = 1, .ref = 2};
    assert_int_equal(inf_node_verdict(w->node[ANNA], BRANCH, NAME, &last, &last,
                                      INF_KEEP_OLDER, w->now_ms),
                     INF_ENOENT);
    assert_int_equal(inf_node_verdict(w->node[ANNA], BRANCH,
                                      inf_slice_str("other"), &last, &last,
                                      INF_KEEP_OLDER, w->now_ms),
                     INF_ENOENT);
    assert_int_equal(answer(w, ANNA, INF_KEEP_LAST), 0);
}

#define T(test)                                                                \
    cmocka_unit_test_setup_teardown(test, nodes_setup, nodes_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(the_older_one_stays_when_both_nodes_say_so),
        T(the_last_writer_stays_when_the_user_says_so),
        T(the_last_writer_stays_when_the_nodes_disagree),
        T(a_node_that_does_not_ask_keeps_the_last_writer),
        T(a_user_who_is_silent_keeps_the_last_writer),
        T(a_node_that_is_silent_keeps_the_last_writer),
        T(who_has_given_in_proves_nothing_more),
        T(who_lost_to_one_that_is_gone_again_stays),
        T(a_contest_of_nonsense_harms_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
