/* SPDX-License-Identifier: MIT */
/* What came twice, and the links it came on. */
#include "rpc_pair.h"

#include <stdlib.h>

/* ---- twice ------------------------------------------------------------- */

static void a_lost_answer_is_given_again_and_nothing_runs_twice(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(10);
    inf_rpc_send send;
    inf_rpc_news news;
    pair_call(p, "order-7", "ship", &policy, 42);
    uint64_t token = pair_run(p);
    assert_int_equal(inf_rpc_answer(p->b, token, 0, inf_slice_str("shipped"),
                                    p->now_ms, &send),
                     1);
    pair_relink(p); /* and the answer was on the old link */

    assert_true(pair_find(p, &send));
    assert_int_equal(pair_deliver(p->b, &p->in, &send, p->now_ms, &news), 0);
    assert_int_equal(news.kind, INF_RPC_AGAIN);
    assert_ptr_equal(news.send.link, &p->in);
    assert_true(inf_slice_eq(news.send.body, inf_slice_str("shipped")));
    send = news.send;
    assert_int_equal(pair_deliver(p->a, &p->out, &send, p->now_ms, &news), 0);
    assert_int_equal(news.result.attempts, 2);
    pair_check_result(&news, 42, 0);
}

static void what_moved_on_and_comes_back_runs_once(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(10);
    inf_rpc_send send;
    inf_rpc_news news;
    pair_call(p, "order-7", "ship", &policy, 1);
    uint64_t token = pair_run(p);
    assert_int_equal(inf_rpc_answer(p->b, token, 0, inf_slice_str("shipped"),
                                    p->now_ms, &send),
                     1);
    pair_relink(p); /* the answer is lost, and then order-7 seems to be on c */
    inf_rpc_call *call = inf_rpc_due(p->a);
    assert_true(
        inf_rpc_found(p->a, call, inf_slice_str("c"), p->now_ms, &send));
    assert_null(send.link);
    inf_rpc_unsent(p->a, call, INF_EUNREACHABLE, p->now_ms);

    pair_call(p, "order-8", "ship", &policy, 2); /* tells b what to forget */
    pair_answer(p, pair_run(p), 0, "", &news);
    pair_check_result(&news, 2, 0);

    p->now_ms += 2000;
    inf_rpc_tick(p->a, p->now_ms);
    assert_true(pair_find(p, &send));
    assert_int_equal(pair_deliver(p->b, &p->in, &send, p->now_ms, &news), 0);
    assert_int_equal(news.kind, INF_RPC_AGAIN);
    assert_true(inf_slice_eq(news.send.body, inf_slice_str("shipped")));

    /* Answered by c in the end: b is told that it may forget. */
    call = NULL;
    pair_relink(p);
    call = inf_rpc_due(p->a);
    assert_true(
        inf_rpc_found(p->a, call, inf_slice_str("c"), p->now_ms, &send));
    inf_rpc_missing(p->a, call, INF_EUNREACHABLE, p->now_ms);
    pair_check_told(p, 1, INF_EUNREACHABLE, INF_EUNREACHABLE);
    assert_true(inf_rpc_ack(p->a, &send));
    assert_int_equal(pair_deliver(p->b, &p->in, &send, p->now_ms, &news), 0);
    assert_int_equal(pair_remembered(p), 0);
}

static void what_was_answered_too_long_ago_is_refused(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(10);
    inf_rpc_send send;
    inf_rpc_news news;
    pair_call(p, "order-7", "ship", &policy, 1);
    uint64_t token = pair_run(p);
    assert_int_equal(inf_rpc_answer(p->b, token, 0, inf_slice_str("shipped"),
                                    p->now_ms, &send),
                     1);
    inf_rpc_link_down(p->a, &p->out, true, 0, p->now_ms);
    inf_rpc_link_down(p->b, &p->in, true, 0, p->now_ms);
    p->now_ms += UINT64_C(2) * INF_RPC_HOLD_MS;
    inf_rpc_tick(p->b, p->now_ms);
    inf_rpc_tick(p->a, p->now_ms);
    assert_int_equal(pair_dial(p, &p->in, &news), 0);
    assert_int_equal(pair_remembered(p), 0);
    assert_true(pair_find(p, &send));
    assert_int_equal(pair_deliver(p->b, &p->in, &send, p->now_ms, &news), 0);
    assert_int_equal(news.kind, INF_RPC_AGAIN);
    send = news.send;
    assert_int_equal(pair_deliver(p->a, &p->out, &send, p->now_ms, &news), 0);
    pair_check_result(&news, 1, INF_ESTALE);
}

static void acks_that_were_lost_are_told_on_the_next_link(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(10);
    inf_rpc_send send;
    inf_rpc_news news;
    assert_false(inf_rpc_ack(p->a, &send));
    pair_call(p, "order-7", "ship", &policy, 1);
    pair_answer(p, pair_run(p), 0, "shipped", &news);
    pair_check_result(&news, 1, 0);
    p->now_ms += 60000;
    inf_rpc_tick(p->a, p->now_ms);
    assert_true(inf_rpc_ack(p->a, &send)); /* and it never arrives */
    assert_int_equal(pair_remembered(p), 1);
    pair_relink(p);
    assert_true(inf_rpc_ack(p->a, &send));
    assert_int_equal(pair_deliver(p->b, &p->in, &send, p->now_ms, &news), 0);
    assert_int_equal(pair_remembered(p), 0);
}

static void an_answer_that_nobody_wants_is_not_kept(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(1);
    inf_rpc_send send;
    pair_call(p, "order-7", "ship", &policy, 1);
    uint64_t slow = pair_run(p);
    p->now_ms += policy.rpc_timeout_ms;
    inf_rpc_tick(p->a, p->now_ms);
    pair_check_told(p, 1, INF_EEXHAUSTED, INF_ETIMEDOUT);
    p->now_ms += 60000;
    inf_rpc_tick(p->a, p->now_ms);
    assert_true(inf_rpc_ack(p->a, &send)); /* lost, but the next call says so */
    pair_call(p, "order-8", "ship", &policy, 2);
    pair_run(p);
    assert_int_equal(pair_remembered(p), 2);
    assert_int_equal(inf_rpc_answer(p->b, slow, 0, inf_slice_str("shipped"),
                                    p->now_ms, &send),
                     0);
    assert_int_equal(pair_remembered(p), 1);
}

static void a_call_that_still_runs_answers_on_the_newer_link(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(10);
    inf_rpc_send send;
    inf_rpc_news news;
    pair_call(p, "order-7", "ship", &policy, 42);
    uint64_t token = pair_run(p);
    pair_relink(p);
    assert_true(pair_find(p, &send));
    assert_int_equal(pair_deliver(p->b, &p->in, &send, p->now_ms, &news), 0);
    assert_int_equal(news.kind, INF_RPC_NOTHING);

    pair_answer(p, token, 0, "shipped", &news);
    pair_check_result(&news, 42, 0);
}

static void an_answer_is_kept_while_there_is_no_link(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(10);
    inf_rpc_send send;
    inf_rpc_news news;
    pair_call(p, "order-7", "ship", &policy, 42);
    uint64_t token = pair_run(p);
    inf_rpc_link_down(p->b, &p->in, true, INF_EUNREACHABLE, p->now_ms);
    assert_int_equal(inf_rpc_answer(p->b, token, 0, inf_slice_str("shipped"),
                                    p->now_ms, &send),
                     0);
    pair_relink(p);
    assert_true(pair_find(p, &send));
    assert_int_equal(pair_deliver(p->b, &p->in, &send, p->now_ms, &news), 0);
    assert_int_equal(news.kind, INF_RPC_AGAIN);
}

static void answers_are_forgotten_once_acknowledged(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(10);
    inf_rpc_news news;
    pair_call(p, "slow", "x", &policy, 1);
    uint64_t slow = pair_run(p); /* holds `low` down all the time */
    for (uint64_t i = 0; i < 5000; i++) {
        pair_call(p, "order-7", "ship", &policy, 2);
        uint64_t token = pair_run(p);
        assert_in_range(pair_remembered(p), 2, 3);
        pair_answer(p, token, 0, "shipped", &news);
        pair_check_result(&news, 2, 0);
    }
    pair_answer(p, slow, 0, "", &news);
    pair_check_result(&news, 1, 0);
}

static void a_burst_is_acknowledged_by_low_alone(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(10);
    inf_rpc_news news;
    uint64_t tokens[1000];
    for (size_t i = 0; i < 1000; i++)
        pair_call(p, "order-7", "ship", &policy, i);
    for (size_t i = 0; i < 1000; i++)
        tokens[i] = pair_run(p);
    for (size_t i = 0; i < 1000; i++) {
        pair_answer(p, tokens[i], 0, "shipped", &news);
        pair_check_result(&news, i, 0);
    }
    assert_int_equal(pair_remembered(p), 1000);
    pair_call(p, "order-7", "ship", &policy, 1);
    (void)pair_run(p);
    assert_int_equal(pair_remembered(p), 1);
}

/* Writes the acks that a owes, if any, to b; returns how many frames. */
static unsigned pass_acks(pair *p) {
    inf_rpc_send send;
    inf_rpc_news news;
    unsigned frames = 0;
    while (inf_rpc_ack(p->a, &send)) {
        assert_int_equal(pair_deliver(p->b, &p->in, &send, p->now_ms, &news),
                         0);
        assert_int_equal(news.kind, INF_RPC_NOTHING);
        frames++;
    }
    return frames;
}

static void an_answer_is_acknowledged_without_another_call(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(10);
    inf_rpc_news news;
    pair_call(p, "order-7", "ship", &policy, 1);
    pair_answer(p, pair_run(p), 0, "shipped", &news);
    pair_check_result(&news, 1, 0);
    assert_int_equal(pass_acks(p), 0); /* the next call may take it along */
    assert_int_equal(pair_remembered(p), 1);
    p->now_ms = inf_rpc_deadline(p->a);
    inf_rpc_tick(p->a, p->now_ms);
    assert_int_equal(pass_acks(p), 1);
    assert_int_equal(pair_remembered(p), 0);
}

static void a_large_answer_is_acknowledged_at_once(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(10);
    inf_rpc_news news;
    char *large = calloc(INF_RPC_ACK_BYTES + 1, 1);
    memset(large, 'x', INF_RPC_ACK_BYTES);
    pair_call(p, "slow", "x", &policy, 2);
    uint64_t slow = pair_run(p);
    pair_call(p, "order-7", "ship", &policy, 1);
    pair_answer(p, pair_run(p), 0, large, &news);
    pair_check_result(&news, 1, 0);
    assert_int_equal(pair_remembered(p), 2);
    assert_int_equal(pass_acks(p), 1);
    assert_int_equal(pair_remembered(p), 1); /* the one that runs */
    pair_answer(p, slow, 0, "", &news);
    pair_check_result(&news, 2, 0);
    free(large);
}

static void what_a_caller_gave_up_is_not_kept(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(10);
    inf_rpc_send send;
    policy.timeout_ms = 100;
    pair_call(p, "order-7", "ship", &policy, 1);
    uint64_t token = pair_run(p);
    p->now_ms += 100;
    inf_rpc_tick(p->a, p->now_ms);
    pair_check_told(p, 1, INF_ETIMEDOUT, INF_ETIMEDOUT);
    pair_call(p, "order-8", "ship", &policy, 2);
    (void)pair_run(p); /* tells b that nobody waits for the first */

    assert_int_equal(inf_rpc_answer(p->b, token, 0, nothing, p->now_ms, &send),
                     0);
    assert_int_equal(pair_remembered(p), 1);
}

static void beyond_the_window_a_repetition_is_refused(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(10);
    inf_rpc_send send;
    inf_rpc_news news;
    uint64_t first = 0;
    for (size_t i = 0; i <= INF_RPC_DONE_MAX; i++) {
        pair_call(p, "order-7", "ship", &policy, i);
        uint64_t token = pair_run(p);
        if (i == 0) first = p->a->last_id;
        assert_int_equal(
            inf_rpc_answer(p->b, token, 0, nothing, p->now_ms, &send), 1);
    }
    assert_int_equal(pair_remembered(p), INF_RPC_DONE_MAX);
    pair_relink(p);

    inf_rpc_call *call = NULL;
    do { /* pauses are uneven: the first call comes when it comes */
        call = inf_rpc_due(p->a);
        assert_non_null(call);
        assert_true(
            inf_rpc_found(p->a, call, inf_slice_str("b"), p->now_ms, &send));
    } while (call->tag != 0);
    assert_int_equal(p->a->last_id, first + INF_RPC_DONE_MAX);
    assert_int_equal(pair_deliver(p->b, &p->in, &send, p->now_ms, &news), 0);
    assert_int_equal(news.kind, INF_RPC_AGAIN);
    send = news.send;
    assert_int_equal(pair_deliver(p->a, &p->out, &send, p->now_ms, &news), 0);
    pair_check_result(&news, 0, INF_ESTALE);
}

static void an_answer_to_a_former_life_is_not_taken(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(10);
    inf_rpc_send send;
    inf_rpc_news news;
    pair_call(p, "order-7", "ship", &policy, 1);
    assert_true(pair_find(p, &send));
    inf_rpc_frame reply = {
        .type = INF_RPC_REPLY, .boot = BOOT_A - 1, .id = p->a->last_id};
    send.head_len = inf_rpc_frame_head(send.head, &reply);
    send.body = nothing;
    assert_int_equal(pair_deliver(p->a, &p->out, &send, p->now_ms, &news), 0);
    assert_int_equal(news.kind, INF_RPC_NOTHING);
    reply.boot = BOOT_A;
    send.head_len = inf_rpc_frame_head(send.head, &reply);
    assert_int_equal(pair_deliver(p->a, &p->out, &send, p->now_ms, &news), 0);
    pair_check_result(&news, 1, 0);
}

/* ---- links ------------------------------------------------------------- */

static int hello(pair *p, inf_rpc_link *link, uint64_t boot, uint64_t epoch,
                 const char *callee, inf_rpc_news *news) {
    inf_buf bytes;
    inf_rpc_frame frame = {.type = INF_RPC_HELLO,
                           .version = INF_RPC_VERSION,
                           .caller = inf_slice_str("a"),
                           .callee = inf_slice_str(callee),
                           .boot = boot,
                           .epoch = epoch};
    inf_buf_init(&bytes, inf_alloc_libc());
    inf_rpc_frame_encode(&bytes, &frame);
    *link = (inf_rpc_link){0};
    int rc = inf_rpc_input(p->b, link, inf_buf_view(&bytes), p->now_ms, news);
    inf_buf_deinit(&bytes);
    return rc;
}

static void only_the_newest_link_of_a_caller_counts(void **state) {
    pair *p = *state;
    inf_rpc_link other, newer;
    inf_rpc_news news;
    assert_int_equal(hello(p, &other, BOOT_A, 1, "b", &news), INF_ESTALE);
    assert_int_equal(hello(p, &other, BOOT_A - 1, 9, "b", &news), INF_ESTALE);
    assert_int_equal(hello(p, &other, BOOT_A, 9, "c", &news), INF_EUNREACHABLE);
    assert_ptr_equal(inf_rpc_link_from(p->b, inf_slice_str("a")), &p->in);
    assert_int_equal(hello(p, &newer, BOOT_A, 9, "b", &news), 0);
    assert_ptr_equal(inf_rpc_link_from(p->b, inf_slice_str("a")), &newer);
    assert_null(inf_rpc_link_from(p->b, inf_slice_str("c")));
    assert_int_equal(news.kind, INF_RPC_REPLACED);
    assert_ptr_equal(news.send.link, &p->in);

    /* A call that was still on its way on the old link must not run. */
    inf_retry_policy policy = pair_policy(10);
    inf_rpc_send send;
    pair_call(p, "order-7", "ship", &policy, 1);
    assert_true(pair_find(p, &send));
    assert_int_equal(pair_deliver(p->b, &p->in, &send, p->now_ms, &news),
                     INF_EMALFORMED);
    inf_rpc_link_down(p->b, &newer, true, 0, p->now_ms);
}

static void a_new_life_of_the_caller_starts_afresh(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(10);
    inf_rpc_link newer;
    inf_rpc_news news;
    inf_rpc_send send;
    pair_call(p, "order-7", "ship", &policy, 1);
    uint64_t token = pair_run(p);
    assert_int_equal(hello(p, &newer, BOOT_A + 1, 1, "b", &news), 0);
    assert_int_equal(newer.peer->requests.count, 0);

    assert_int_equal(inf_rpc_answer(p->b, token, 0, nothing, p->now_ms, &send),
                     0);
    assert_int_equal(newer.peer->requests.count, 0);
    inf_rpc_link_down(p->b, &newer, true, 0, p->now_ms);
}

static void frames_of_the_wrong_side_end_the_link(void **state) {
    pair *p = *state;
    inf_rpc_link stranger = {0};
    inf_retry_policy policy = pair_policy(10);
    inf_rpc_send send;
    inf_rpc_news news;
    pair_call(p, "order-7", "ship", &policy, 1);
    assert_true(pair_find(p, &send));
    assert_int_equal(pair_deliver(p->b, &stranger, &send, p->now_ms, &news),
                     INF_EMALFORMED);
    assert_int_equal(pair_deliver(p->a, &p->out, &send, p->now_ms, &news),
                     INF_EMALFORMED);
}

static void what_never_left_goes_under_a_fresh_id(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(10);
    inf_rpc_send send;
    pair_call(p, "order-7", "ship", &policy, 1);
    assert_true(pair_find(p, &send));
    inf_rpc_link_rests(p->a, &p->out, false, INF_EUNREACHABLE, p->now_ms);
    p->now_ms += 2000;
    inf_rpc_tick(p->a, p->now_ms);
    assert_true(pair_find(p, &send));
    assert_int_equal(p->a->last_id, 2);

    inf_rpc_link_rests(p->a, &p->out, true, INF_EUNREACHABLE, p->now_ms);
    p->now_ms += 2000;
    inf_rpc_tick(p->a, p->now_ms);
    assert_true(pair_find(p, &send));
    assert_int_equal(p->a->last_id, 2); /* it may have run: the same id */
}

int main(void) {
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_lost_answer_is_given_again_and_nothing_runs_twice),
        TEST(a_call_that_still_runs_answers_on_the_newer_link),
        TEST(what_moved_on_and_comes_back_runs_once),
        TEST(an_answer_that_nobody_wants_is_not_kept),
        TEST(what_was_answered_too_long_ago_is_refused),
        TEST(acks_that_were_lost_are_told_on_the_next_link),
        TEST(an_answer_is_kept_while_there_is_no_link),
        TEST(answers_are_forgotten_once_acknowledged),
        TEST(a_burst_is_acknowledged_by_low_alone),
        TEST(an_answer_is_acknowledged_without_another_call),
        TEST(a_large_answer_is_acknowledged_at_once),
        TEST(what_a_caller_gave_up_is_not_kept),
        TEST(beyond_the_window_a_repetition_is_refused),
        TEST(an_answer_to_a_former_life_is_not_taken),
        TEST(only_the_newest_link_of_a_caller_counts),
        TEST(a_new_life_of_the_caller_starts_afresh),
        TEST(frames_of_the_wrong_side_end_the_link),
        TEST(what_never_left_goes_under_a_fresh_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
