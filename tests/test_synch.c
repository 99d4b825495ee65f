/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "synch_pair.h"

static void what_was_there_and_what_comes_reaches_the_peer(void **state) {
    pair *p = *state;
    p->at[0].store.own = 5;
    synch_pair_meet_both(p);
    assert_true(inf_synch_linked(p->at[0].synch, synch_pair_id("berta")));
    assert_int_equal(p->at[1].store.theirs, 5);
    assert_int_equal(p->at[0].store.linked, 1);
    synch_pair_change(p, 0, 3);
    synch_pair_change(p, 1, 2);
    synch_pair_pass_ms(p, 20);
    assert_int_equal(p->at[1].store.theirs, 8);
    assert_int_equal(p->at[0].store.theirs, 2);
}

static void a_stream_that_comes_before_its_member_waits_for_it(void **state) {
    pair *p = *state;
    p->at[0].store.own = 5;
    synch_pair_meet(p, 0, 1);
    synch_pair_settle(p);
    assert_int_equal(p->at[1].store.theirs, 0);
    synch_pair_meet(p, 1, 1);
    synch_pair_settle(p);
    assert_int_equal(p->at[1].store.theirs, 5);
}

static void one_write_is_under_way_and_changes_travel_together(void **state) {
    pair *p = *state;
    synch_pair_meet_both(p);
    p->stuck = true;
    synch_pair_change(p, 0, 1);
    synch_pair_settle(p);
    int before = p->at[0].writes;
    for (int i = 0; i < 100; i++) {
        synch_pair_change(p, 0, 1);
        synch_pair_settle(p);
    }
    assert_int_equal(p->at[0].writes, before);
    assert_int_equal(p->at[1].store.theirs, 1);
    p->stuck = false;
    inf_synch_drained(p->at[0].synch, p->at[0].dialled, p->now_ms);
    synch_pair_pass_ms(p, 20);
    assert_int_equal(p->at[1].store.theirs, 101);
}

static void changes_go_at_once_and_then_a_millisecond_apart(void **state) {
    pair *p = *state;
    synch_pair_meet_both(p);
    synch_pair_pass_ms(p, 20);
    synch_pair_change(p, 0, 1);
    assert_true(inf_synch_unflushed(p->at[0].synch));
    synch_pair_settle(p);
    assert_int_equal(p->at[1].store.theirs, 1);
    int before = p->at[0].writes;
    for (int i = 0; i < 100; i++) {
        synch_pair_change(p, 0, 1);
        assert_false(inf_synch_unflushed(p->at[0].synch));
        synch_pair_settle(p);
    }
    assert_int_equal(p->at[0].writes, before);
    assert_int_equal(inf_synch_deadline(p->at[0].synch), p->now_ms + 1);
    p->now_ms++;
    inf_synch_tick(p->at[0].synch, p->now_ms);
    synch_pair_settle(p);
    assert_true(p->at[0].writes > before);
    assert_int_equal(p->at[1].store.theirs, 101);
    synch_pair_pass_ms(p, 200); /* nothing is left to be done but repair */
    assert_true(inf_synch_deadline(p->at[0].synch) > p->now_ms + 100);
}

static void a_gap_is_pulled_at_once(void **state) {
    pair *p = *state;
    synch_pair_meet_both(p);
    synch_pair_change(p, 0, 4);
    synch_pair_settle(p);
    p->at[1].store.theirs = 2; /* it lost the last two */
    synch_pair_change(p, 0, 1);
    synch_pair_pass_ms(p, 40);
    assert_int_equal(p->at[1].store.theirs, 5);
}

static void what_no_change_shows_is_found_by_repair(void **state) {
    pair *p = *state;
    synch_pair_meet_both(p);
    synch_pair_change(p, 0, 4);
    synch_pair_settle(p);
    p->at[1].store.theirs = 2;
    synch_pair_pass_ms(p, 12000);
    assert_int_equal(p->at[1].store.theirs, 4);
}

static void rows_that_differ_at_the_same_count_come_anew(void **state) {
    pair *p = *state;
    synch_pair_meet_both(p);
    synch_pair_change(p, 0, 4);
    synch_pair_settle(p);
    p->at[1].store.skew = 77; /* bad memory, or a bug */
    synch_pair_pass_ms(p, 12000);
    assert_int_equal(p->at[1].store.distrusted, 1);
    assert_int_equal(p->at[1].store.theirs, 4);
    assert_int_equal(p->at[0].store.distrusted, 0);
}

static void acknowledged_changes_are_stable(void **state) {
    pair *p = *state;
    synch_pair_meet_both(p);
    synch_pair_change(p, 0, 4);
    synch_pair_settle(p);
    synch_pair_pass_ms(p, 2500);
    assert_int_equal(p->at[0].store.stable, 4);
}

static void a_broken_stream_is_dialled_again(void **state) {
    pair *p = *state;
    synch_pair_meet_both(p);
    uint64_t before = p->at[0].dialled;
    inf_slice peer =
        inf_synch_closed(p->at[0].synch, p->at[0].dialled, p->now_ms);
    assert_true(inf_slice_eq(peer, inf_slice_str("berta")));
    (void)inf_synch_closed(p->at[1].synch, p->at[1].accepted, p->now_ms);
    assert_false(inf_synch_linked(p->at[0].synch, synch_pair_id("berta")));
    synch_pair_change(p, 0, 4);
    synch_pair_pass_ms(p, 300);
    assert_true(p->at[0].dialled > before);
    assert_int_equal(p->at[1].store.theirs, 4);
}

static void malformed_changes_cost_the_stream(void **state) {
    pair *p = *state;
    synch_pair_meet_both(p);
    p->at[1].store.malformed = 1;
    synch_pair_change(p, 0, 1);
    synch_pair_settle(p);
    assert_int_equal(p->at[0].dialled, 0);
    p->at[1].store.malformed = 0;
    synch_pair_pass_ms(p, 1000);
    assert_int_equal(p->at[1].store.theirs, 1);
}

static void an_older_life_is_told_that_it_is_one(void **state) {
    pair *p = *state;
    synch_pair_meet(p, 1, 9); /* berta has heard of a later anna */
    synch_pair_meet(p, 0, 1);
    synch_pair_settle(p);
    assert_int_equal(p->at[0].store.superseded, 9);
    assert_int_equal(p->at[1].store.superseded, 0);
}

static void a_dead_peers_streams_are_closed(void **state) {
    pair *p = *state;
    synch_pair_meet_both(p);
    inf_synch_peer_down(p->at[0].synch, synch_pair_id("berta"), p->now_ms);
    synch_pair_settle(p);
    assert_int_equal(p->at[0].dialled, 0);
    assert_int_equal(p->at[0].accepted, 0);
    assert_false(inf_synch_linked(p->at[0].synch, synch_pair_id("berta")));
}

static void words_are_told_while_there_is_a_stream(void **state) {
    pair *p = *state;
    inf_slice word = inf_slice_str("hello");
    assert_false(
        inf_synch_tell(p->at[0].synch, 0, synch_pair_id("berta"), word));
    synch_pair_meet_both(p);
    assert_true(
        inf_synch_tell(p->at[0].synch, 0, synch_pair_id("berta"), word));
    synch_pair_settle(p);
    assert_string_equal(p->at[1].store.told, "hello");
    p->stuck = true;
    int said = 0;
    while (said < 1000000 &&
           inf_synch_tell(p->at[0].synch, 0, synch_pair_id("berta"), word)) {
        said++;
    }
    assert_in_range(said, 1000, 100000); /* bounded */
}

/* Anna's dial hangs, berta's comes in. */
static void meet_after(pair *p, uint64_t ms) {
    p->hanging = true;
    synch_pair_meet(p, 0, 1);
    synch_pair_pass_ms(p, ms + 10);
    p->hanging = false;
    synch_pair_meet(p, 1, 1);
    synch_pair_settle(p);
}

static void words_are_told_on_the_stream_that_came_in(void **state) {
    pair *p = *state;
    meet_after(p, 0);
    assert_int_equal(p->at[0].dialled, 0);
    inf_slice word = inf_slice_str("hello");
    assert_true(
        inf_synch_tell(p->at[0].synch, 0, synch_pair_id("berta"), word));
    synch_pair_settle(p);
    assert_string_equal(p->at[1].store.told, "hello");
}

static void a_dial_that_hangs_is_not_waited_for(void **state) {
    pair *p = *state;
    meet_after(p, 1000);
    assert_true(inf_synch_linked(p->at[0].synch, synch_pair_id("berta")));
    assert_true(inf_synch_linked(p->at[1].synch, synch_pair_id("anna")));
}

static void a_stream_that_leads_nowhere_is_dialled_again(void **state) {
    pair *p = *state;
    synch_pair_meet_both(p);
    p->dead = p->at[0].dialled;
    synch_pair_change(p, 0, 5);
    synch_pair_pass_ms(p, 10000);
    assert_true(p->at[0].dialled == p->dead); /* it may just be slow */
    synch_pair_pass_ms(p, 10000);
    assert_true(p->at[0].dialled > p->dead);
    assert_int_equal(p->at[1].store.theirs, 5);
}

static void synch_in_sync_costs_a_word(void **state) {
    pair *p = *state;
    uint64_t peer = synch_pair_id("berta");
    synch_pair_meet_both(p);
    synch_pair_change(p, 0, 50);
    synch_pair_settle(p);
    uint64_t before = p->at[0].bytes + p->at[1].bytes;
    assert_int_equal(inf_synch_request(p->at[0].synch, 0, &peer, 1,
                                       (inf_slice){0}, 1000, 5, p->now_ms),
                     0);
    synch_pair_settle(p);
    assert_int_equal(p->at[0].done_token, 5);
    assert_int_equal(p->at[0].done_status, 0);
    assert_int_equal(p->at[0].done_count, 1);
    assert_in_range(p->at[0].bytes + p->at[1].bytes - before, 1, 48);
}

static void synch_behind_ends_when_merged(void **state) {
    pair *p = *state;
    uint64_t peer = synch_pair_id("berta");
    synch_pair_meet_both(p);
    synch_pair_change(p, 1, 50);
    synch_pair_settle(p);
    p->at[0].store.theirs = 10;
    assert_int_equal(inf_synch_request(p->at[0].synch, 0, &peer, 1,
                                       (inf_slice){0}, 1000, 6, p->now_ms),
                     0);
    synch_pair_settle(p);
    assert_int_equal(p->at[0].done_token, 6);
    assert_int_equal(p->at[0].done_status, 0);
    assert_int_equal(p->at[0].store.theirs, 50);
}

/* What is being told anyway is not told a second time. */
static void synch_waits_for_changes_that_are_under_way(void **state) {
    pair *p = *state;
    uint64_t peer = synch_pair_id("berta");
    synch_pair_meet_both(p);
    p->stuck = true;
    synch_pair_change(p, 1, 1);
    synch_pair_settle(p);
    synch_pair_change(p, 1, 49); /* these wait for the write before them */
    assert_int_equal(inf_synch_request(p->at[0].synch, 0, &peer, 1,
                                       (inf_slice){0}, 1000, 6, p->now_ms),
                     0);
    for (int i = 0; i < 4; i++) {
        synch_pair_settle(p);
        inf_synch_drained(p->at[0].synch, p->at[0].dialled, p->now_ms);
        inf_synch_drained(p->at[0].synch, p->at[0].accepted, p->now_ms);
        inf_synch_drained(p->at[1].synch, p->at[1].accepted, p->now_ms);
    }
    assert_int_equal(p->at[0].store.theirs, 1);
    assert_int_not_equal(p->at[0].done_token, 6);
    p->stuck = false;
    inf_synch_drained(p->at[1].synch, p->at[1].dialled, p->now_ms);
    synch_pair_pass_ms(p, 50);
    assert_int_equal(p->at[0].done_token, 6);
    assert_int_equal(p->at[0].done_status, 0);
    assert_int_equal(p->at[0].store.theirs, 50);
}

static void synch_with_who_is_gone_names_it(void **state) {
    pair *p = *state;
    uint64_t peer = synch_pair_id("berta");
    synch_pair_meet_both(p);
    p->stuck = true;
    assert_int_equal(inf_synch_request(p->at[0].synch, 0, &peer, 1,
                                       (inf_slice){0}, 1000, 7, p->now_ms),
                     0);
    inf_synch_peer_down(p->at[0].synch, peer, p->now_ms);
    synch_pair_settle(p);
    assert_int_equal(p->at[0].done_token, 7);
    assert_int_equal(p->at[0].done_status, INF_ETIMEDOUT);
    assert_int_equal(p->at[0].done_count, 0);
    assert_string_equal(p->at[0].done_name, "berta");
}

int main(void) {
#define T(f)                                                                   \
    cmocka_unit_test_setup_teardown(f, synch_pair_setup, synch_pair_teardown)
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
        T(synch_waits_for_changes_that_are_under_way),
        T(synch_with_who_is_gone_names_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
