/* SPDX-License-Identifier: MIT */
/* Membership in the simulated world: it notices what is so, and is not fooled
   by what only looks so. */
#include "../test.h"

#include "core/packet.h"
#include "sim.h"

enum { LAN_DETECT_MS = 30000 };

/* How often a node told of each change. */
typedef struct tally {
    unsigned seen[INF_CHANGE_CONFLICT + 1];
    unsigned done;
    unsigned events;
} tally;

static void watch(sim *s, size_t node, const inf_effect *effect) {
    tally *t = sim_ctx(s);
    if (effect->kind == INF_EFFECT_MEMBER) {
        static const char *const words[] = {"joined",   "changed", "is suspect",
                                            "is alive", "failed",  "left",
                                            "conflicts"};
        t->seen[effect->change]++;
        sim_note(s, "n%zu: %.*s %s", node, (int)effect->name.len,
                 (const char *)effect->name.data, words[effect->change]);
    }
    if (effect->kind == INF_EFFECT_DONE) t->done++;
    if (effect->kind == INF_EFFECT_USER) t->events++;
}

static tally told;
static sim *current; /* freed after the test, whatever became of it */

static sim *world_with(size_t nodes, sim_options options) {
    told = (tally){0};
    options.kind = &sim_member_kind;
    options.nodes = nodes;
    options.seed = sim_seed();
    options.ctx = &told;
    options.watch = watch;
    sim *s = current = sim_new(&options);
    for (size_t i = 0; i < nodes; i++)
        sim_start(s, i);
    for (size_t i = 1; i < nodes; i++)
        sim_join(s, i, 0);
    assert_true(sim_run_until(s, sim_agreed, 60000));
    sim_run_ms(s, 3000);
    return s;
}

static sim *world(size_t nodes) {
    return world_with(nodes, (sim_options){0});
}

static int end_world(void **state) {
    (void)state;
    sim_free(current);
    current = NULL;
    return 0;
}

static bool node_0_is_dead(sim *s) {
    return sim_all_know_dead(s, 0);
}

static void nodes_that_join_know_each_other(void **state) {
    (void)state;
    sim *s = world(10);
    assert_int_equal(told.seen[INF_CHANGE_JOIN], 90);
    assert_int_equal(told.done, 9);
    sim_run_ms(s, 120000);
    assert_true(sim_agreed(s));
    assert_int_equal(told.seen[INF_CHANGE_SUSPECT], 0);
    sim_passed(s);
}

static void a_silent_machine_is_found_dead_by_all(void **state) {
    (void)state;
    sim *s = world(10);
    sim_silence(s, 0);
    assert_false(node_0_is_dead(s));
    assert_true(sim_run_until(s, node_0_is_dead, LAN_DETECT_MS));
    assert_int_equal(told.seen[INF_CHANGE_FAIL], 9);
    assert_true(sim_agreed(s));
    sim_passed(s);
}

static void a_killed_process_is_found_dead_within_100_ms(void **state) {
    (void)state;
    sim *s = world(10);
    sim_kill(s, 0);
    sim_run_ms(s, 1);
    for (size_t i = 1; i < 10;
         i++) { /* what a broken link makes the owner do */
        inf_member_suspicious(sim_member(s, i), sim_name(0), INF_ECLOSED,
                              sim_node_ms(s, i));
        sim_settle(s, i);
    }
    assert_true(sim_run_until(s, node_0_is_dead, 100));
    sim_passed(s);
}

static void a_broken_link_to_a_living_process_costs_it_nothing(void **state) {
    (void)state;
    sim *s = world(5);
    for (size_t i = 1; i < 5; i++) {
        inf_member_suspicious(sim_member(s, i), sim_name(0), INF_ESYSTEM,
                              sim_node_ms(s, i));
        sim_settle(s, i);
    }
    sim_run_ms(s, 30000);
    assert_int_equal(told.seen[INF_CHANGE_SUSPECT], 0);
    assert_true(sim_agreed(s));
    sim_passed(s);
}

static void a_node_that_stood_still_for_seconds_is_not_dead(void **state) {
    (void)state;
    sim *s = world(8);
    sim_freeze(s, 0);
    sim_run_ms(s, 3500);
    sim_thaw(s, 0);
    sim_run_ms(s, 60000);
    assert_int_equal(told.seen[INF_CHANGE_FAIL], 0);
    assert_true(sim_agreed(s));
    sim_passed(s);
}

static void a_node_that_slept_for_an_hour_blames_nobody(void **state) {
    (void)state;
    sim *s = world(8);
    sim_freeze(s, 0);
    sim_run_ms(s, 3600000);
    told = (tally){0};
    sim_thaw(s, 0);
    assert_true(sim_run_until(s, sim_agreed, 60000));
    sim_run_ms(s, 30000);
    assert_int_equal(told.seen[INF_CHANGE_FAIL], 0);
    assert_true(sim_agreed(s));
    sim_passed(s);
}

static void a_clock_that_jumps_ahead_kills_nobody(void **state) {
    (void)state;
    sim *s = world(5);
    for (int i = 0; i < 10; i++) {
        sim_jump(s, 1, 7200000);
        sim_run_ms(s, 700);
    }
    sim_jump(s, 1, -3600000);
    sim_run_ms(s, 20000);
    assert_int_equal(told.seen[INF_CHANGE_FAIL], 0);
    sim_passed(s);
}

static void bad_weather_kills_nobody(void **state) {
    (void)state;
    sim *s = world(12);
    sim_weather(s, (sim_link){.latency_us = 1000,
                              .jitter_us = 60000,
                              .loss = 0.2,
                              .twice = 0.1});
    sim_run_ms(s, 300000);
    assert_int_equal(told.seen[INF_CHANGE_FAIL], 0);
    sim_weather(s, (sim_link){.latency_us = 200, .jitter_us = 200});
    assert_true(sim_run_until(s, sim_agreed, 60000));
    sim_passed(s);
}

static void a_link_cut_one_way_is_bridged_by_helpers(void **state) {
    (void)state;
    sim *s = world(6);
    sim_cut(s, 1, 2);
    sim_run_ms(s, 120000);
    assert_int_equal(told.seen[INF_CHANGE_FAIL], 0);
    sim_heal(s);
    assert_true(sim_run_until(s, sim_agreed, 30000));
    sim_passed(s);
}

static void halves_of_a_partition_find_each_other_again(void **state) {
    (void)state;
    sim *s = world(10);
    sim_split(s, 4);
    sim_run_ms(s, 300000);
    assert_false(sim_agreed(s));
    for (size_t i = 4; i < 10; i++)
        assert_int_not_equal(sim_believes(s, 0, i), INF_MEMBER_ALIVE);
    sim_heal(s);
    assert_true(sim_run_until(s, sim_agreed, 400000));
    sim_passed(s);
}

static void who_leaves_has_left_for_all(void **state) {
    (void)state;
    sim *s = world(7);
    assert_int_equal(inf_member_leave(sim_member(s, 3), 99, sim_node_ms(s, 3)),
                     0);
    sim_settle(s, 3);
    sim_run_ms(s, 1500);
    assert_int_equal(told.seen[INF_CHANGE_LEAVE], 6);
    assert_int_equal(told.seen[INF_CHANGE_SUSPECT], 0);
    assert_int_equal(told.done, 7); /* six joins and the leave */
    sim_kill(s, 3);
    for (size_t i = 0; i < 7; i++) {
        if (i == 3) continue;
        assert_int_equal(sim_believes(s, i, 3), INF_MEMBER_LEFT);
    }
    sim_passed(s);
}

static void a_restart_on_the_same_address_is_a_new_life(void **state) {
    (void)state;
    sim *s = world(6);
    sim_kill(s, 2);
    sim_start(s, 2);
    sim_join(s, 2, 0);
    sim_run_ms(s, 2000);
    assert_true(sim_agreed(s));
    for (size_t i = 0; i < 6; i++) {
        inf_member_view view;
        assert_true(inf_member_find(sim_member(s, i), sim_name(2), &view));
        assert_int_equal(view.boot, 2);
    }
    assert_int_equal(told.seen[INF_CHANGE_FAIL], 5);
    sim_passed(s);
}

static void a_restart_on_another_address_takes_its_name_over(void **state) {
    (void)state;
    sim *s = world(6);
    sim_kill(s, 2);
    sim_move(s, 2);
    sim_start(s, 2);
    sim_join(s, 2, 0);
    assert_true(sim_run_until(s, sim_agreed, 2000));
    assert_int_equal(told.seen[INF_CHANGE_CONFLICT], 0);
    sim_passed(s);
}

static void tags_reach_all(void **state) {
    (void)state;
    sim *s = world(8);
    inf_buf meta;
    inf_buf_init(&meta, inf_alloc_libc());
    inf_tag tag = {inf_slice_str("role"), inf_slice_str("web")};
    assert_int_equal(inf_meta_encode(&meta, &tag, 1), 0);
    assert_int_equal(inf_member_set_meta(sim_member(s, 1), inf_buf_view(&meta),
                                         sim_node_ms(s, 1)),
                     0);
    inf_buf_deinit(&meta);
    sim_settle(s, 1);
    sim_run_ms(s, 1500);
    assert_int_equal(told.seen[INF_CHANGE_UPDATE], 7);
    for (size_t i = 0; i < 8; i++) {
        inf_member_view view;
        inf_slice value;
        assert_true(inf_member_find(sim_member(s, i), sim_name(1), &view));
        assert_true(inf_meta_tag(view.meta, inf_slice_str("role"), &value));
        assert_true(inf_slice_eq(value, inf_slice_str("web")));
    }
    sim_passed(s);
}

static void a_user_event_reaches_each_other_node_once(void **state) {
    (void)state;
    sim *s = world(9);
    assert_int_equal(
        inf_member_user_event(sim_member(s, 4), inf_slice_str("deploy"),
                              inf_slice_str("now"), sim_node_ms(s, 4)),
        0);
    sim_settle(s, 4);
    sim_run_ms(s, 5000);
    assert_int_equal(told.events, 8);
    sim_passed(s);
}

static void a_sealed_and_labelled_cluster_works_as_well(void **state) {
    (void)state;
    inf_slice key = inf_slice_of("0123456789abcdef", 16);
    sim *s = world_with(
        5, (sim_options){.keys = &key, .key_count = 1, .label = "lab"});
    sim_run_ms(s, 60000);
    assert_int_equal(told.seen[INF_CHANGE_SUSPECT], 0);
    sim_silence(s, 0);
    assert_true(sim_run_until(s, node_0_is_dead, LAN_DETECT_MS));
    sim_passed(s);
}

static void keys_rotate_while_the_cluster_lives(void **state) {
    (void)state;
    inf_slice old_key = inf_slice_of("0123456789abcdef", 16);
    inf_slice new_key = inf_slice_of("0123456789abcdef0123456789ABCDEF", 32);
    sim *s = world_with(6, (sim_options){.keys = &old_key, .key_count = 1});
    for (int step = 0; step < 3; step++) {
        for (size_t i = 0; i < 6; i++) { /* one after the other, unhurried */
            inf_keyring *keys = sim_keyring(s, i);
            if (step == 0) assert_int_equal(inf_keyring_add(keys, new_key), 0);
            if (step == 1) assert_int_equal(inf_keyring_use(keys, new_key), 0);
            if (step == 2) {
                assert_int_equal(inf_keyring_remove(keys, old_key), 0);
            }
            sim_run_ms(s, 5000);
        }
    }
    sim_run_ms(s, 60000);
    assert_true(sim_agreed(s));
    assert_int_equal(told.seen[INF_CHANGE_SUSPECT], 0);
    for (size_t i = 0; i < 6; i++) {
        inf_member_stats stats = inf_member_stats_of(sim_member(s, i));
        assert_int_equal(stats.sealed_alien, 0);
    }
    sim_passed(s);
}

static void a_name_used_twice_is_reported_and_nobody_dies_of_it(void **state) {
    (void)state;
    sim *s = world(6);
    /* Another process called n5 with a later boot, at an address of its own. */
    inf_buf meta;
    inf_tag tags[] = {{inf_slice_str("inf"), inf_slice_str("1")},
                      {inf_slice_str("gen"), inf_slice_str("9")}};
    inf_buf_init(&meta, inf_alloc_libc());
    assert_int_equal(inf_meta_encode(&meta, tags, 2), 0);
    inf_buf word;
    inf_addr from = sim_addr(s, 3);
    inf_addr rival = {.len = 4, .ip = {10, 9, 9, 9}, .port = 1};
    inf_buf_init(&word, inf_alloc_libc());
    inf_message_encode(&word,
                       &(inf_message){.kind = INF_MESSAGE_ALIVE,
                                      .node = sim_name(5),
                                      .addr = inf_slice_of(rival.ip, 4),
                                      .port = rival.port,
                                      .incarnation = 1,
                                      .meta = inf_buf_view(&meta),
                                      .vsn = inf_slice_of("\1\5\2\2\5\5", 6)});
    inf_member_packet(sim_member(s, 0), &from, inf_buf_view(&word),
                      sim_node_ms(s, 0));
    sim_settle(s, 0);
    inf_buf_deinit(&word);
    inf_buf_deinit(&meta);
    sim_run_ms(s, 3000);
    assert_true(told.seen[INF_CHANGE_CONFLICT] >= 2); /* at n0 and at n5 */
    assert_true(sim_runs(s, 5));
    assert_int_equal(sim_believes(s, 5, 5), INF_MEMBER_ALIVE);
    sim_run_ms(s, 120000); /* the rival was never real: n5 has its name back */
    assert_true(sim_agreed(s));
    sim_passed(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nodes_that_join_know_each_other, end_world),
        cmocka_unit_test_teardown(a_silent_machine_is_found_dead_by_all,
                                  end_world),
        cmocka_unit_test_teardown(a_killed_process_is_found_dead_within_100_ms,
                                  end_world),
        cmocka_unit_test_teardown(
            a_broken_link_to_a_living_process_costs_it_nothing, end_world),
        cmocka_unit_test_teardown(
            a_node_that_stood_still_for_seconds_is_not_dead, end_world),
        cmocka_unit_test_teardown(a_node_that_slept_for_an_hour_blames_nobody,
                                  end_world),
        cmocka_unit_test_teardown(a_clock_that_jumps_ahead_kills_nobody,
                                  end_world),
        cmocka_unit_test_teardown(bad_weather_kills_nobody, end_world),
        cmocka_unit_test_teardown(a_link_cut_one_way_is_bridged_by_helpers,
                                  end_world),
        cmocka_unit_test_teardown(halves_of_a_partition_find_each_other_again,
                                  end_world),
        cmocka_unit_test_teardown(who_leaves_has_left_for_all, end_world),
        cmocka_unit_test_teardown(a_restart_on_the_same_address_is_a_new_life,
                                  end_world),
        cmocka_unit_test_teardown(
            a_restart_on_another_address_takes_its_name_over, end_world),
        cmocka_unit_test_teardown(tags_reach_all, end_world),
        cmocka_unit_test_teardown(a_user_event_reaches_each_other_node_once,
                                  end_world),
        cmocka_unit_test_teardown(keys_rotate_while_the_cluster_lives,
                                  end_world),
        cmocka_unit_test_teardown(
            a_name_used_twice_is_reported_and_nobody_dies_of_it, end_world),
        cmocka_unit_test_teardown(a_sealed_and_labelled_cluster_works_as_well,
                                  end_world)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
