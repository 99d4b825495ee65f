/* SPDX-License-Identifier: MIT */
#include "rpc_pair.h"

/* ---- one call ---------------------------------------------------------- */

static void a_call_is_answered_and_told_once(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(10);
    inf_rpc_news news;
    inf_rpc_send send;
    pair_call(p, "order-7", "ship", &policy, 42);
    assert_true(pair_find(p, &send));
    assert_true(inf_slice_eq(send.body, inf_slice_str("ship")));
    assert_int_equal(pair_deliver(p->b, &p->in, &send, p->now_ms, &news), 0);
    assert_int_equal(news.kind, INF_RPC_REQUEST);
    uint64_t token = news.token;
    p->now_ms += 30;
    assert_int_equal(inf_rpc_answer(p->b, token, 0, inf_slice_str("shipped"),
                                    p->now_ms, &send),
                     1);
    inf_buf bytes;
    inf_buf_init(&bytes, inf_alloc_libc());
    inf_buf_put(&bytes, send.head, send.head_len);
    inf_buf_slice(&bytes, send.body);

    assert_int_equal(
        inf_rpc_input(p->a, &p->out, inf_buf_view(&bytes), p->now_ms, &news),
        0);
    assert_true(inf_slice_eq(news.result.body, inf_slice_str("shipped")));
    assert_true(inf_slice_eq(news.result.node, inf_slice_str("b")));
    assert_int_equal(news.result.attempts, 1);
    assert_int_equal(news.result.elapsed_ms, 30);
    pair_check_result(&news, 42, 0);
    assert_int_equal(
        inf_rpc_input(p->a, &p->out, inf_buf_view(&bytes), p->now_ms, &news),
        0);
    assert_int_equal(news.kind, INF_RPC_NOTHING);
    assert_int_equal(inf_rpc_answer(p->b, token, 0, nothing, p->now_ms, &send),
                     INF_ENOENT);
    assert_int_equal(inf_rpc_call_count(p->a), 0);
    inf_buf_deinit(&bytes);
}

static void a_call_to_this_node_needs_no_link(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(10);
    inf_rpc_send send;
    inf_rpc_news news;
    pair_call(p, "order-7", "ship", &policy, 1);
    assert_false(inf_rpc_found(p->a, inf_rpc_due(p->a), inf_slice_str("a"),
                               p->now_ms, &send));
    assert_true(inf_rpc_take(p->a, &news));
    assert_int_equal(news.kind, INF_RPC_REQUEST);
    assert_true(inf_slice_eq(news.body, inf_slice_str("ship")));
    assert_false(inf_rpc_pending(p->a));

    assert_int_equal(inf_rpc_answer(p->a, news.token, 0, inf_slice_str("done"),
                                    p->now_ms, &send),
                     0);
    assert_true(inf_rpc_take(p->a, &news));
    assert_true(inf_slice_eq(news.result.body, inf_slice_str("done")));
    assert_true(inf_slice_eq(news.result.node, inf_slice_str("a")));
    pair_check_result(&news, 1, 0);
}

static void a_slow_call_to_this_node_runs_once(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(10);
    inf_rpc_send send;
    inf_rpc_news news;
    pair_call(p, "order-7", "ship", &policy, 1);
    (void)inf_rpc_found(p->a, inf_rpc_due(p->a), inf_slice_str("a"), p->now_ms,
                        &send);
    assert_true(inf_rpc_take(p->a, &news));
    uint64_t token = news.token;

    p->now_ms += policy.rpc_timeout_ms;
    inf_rpc_tick(p->a, p->now_ms); /* the attempt is over: a pause */
    p->now_ms += 2000;
    inf_rpc_tick(p->a, p->now_ms);
    (void)inf_rpc_found(p->a, inf_rpc_due(p->a), inf_slice_str("a"), p->now_ms,
                        &send);
    assert_false(inf_rpc_take(p->a, &news));

    assert_int_equal(inf_rpc_answer(p->a, token, 0, nothing, p->now_ms, &send),
                     0);
    assert_true(inf_rpc_take(p->a, &news));
    assert_int_equal(news.result.attempts, 2);
    pair_check_result(&news, 1, 0);
}

/* ---- looking, waiting, giving up --------------------------------------- */

static void
an_unknown_name_is_polled_until_the_attempts_are_spent(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(1000);
    uint64_t began_ms = p->now_ms;
    inf_rpc_news news;
    pair_call(p, "nobody", "x", &policy, 5);
    while (!inf_rpc_pending(p->a)) {
        inf_rpc_call *call = inf_rpc_due(p->a);
        if (call != NULL) {
            inf_rpc_missing(p->a, call, INF_ENOENT, p->now_ms);
        } else {
            p->now_ms = p->a->waits.items[0]->due_ms;
            inf_rpc_tick(p->a, p->now_ms);
        }
    }
    assert_true(inf_rpc_take(p->a, &news));
    assert_int_equal(news.result.cause, INF_ENOENT);
    assert_int_equal(news.result.attempts, 1000);
    assert_int_equal(p->now_ms - began_ms, 999);
    pair_check_result(&news, 5, INF_EEXHAUSTED);
}

static void a_name_that_arrives_wakes_those_who_wait_for_it(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(1000);
    inf_slice branch = inf_slice_str("main");
    inf_rpc_call *call = NULL;
    for (uint64_t i = 0; i < 6; i++) {
        pair_call(p, i < 3 ? "early" : "late", "x", &policy, i);
    }
    while ((call = inf_rpc_due(p->a)) != NULL) {
        inf_rpc_missing(p->a, call, INF_ENOENT, p->now_ms);
    }
    inf_rpc_name_arrived(p->a, inf_slice_str("other"), inf_slice_str("early"));
    inf_rpc_name_arrived(p->a, branch, inf_slice_str("earl"));
    assert_null(inf_rpc_due(p->a));

    inf_rpc_name_arrived(p->a, branch, inf_slice_str("early"));
    for (uint64_t i = 0; i < 3; i++) {
        call = inf_rpc_due(p->a);
        assert_non_null(call);
        assert_int_equal(call->tag, i);
    }
    assert_null(inf_rpc_due(p->a));
}

static void names_that_are_not_named_wake_everybody(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(1000);
    inf_rpc_call *call = NULL;
    size_t due = 0;
    for (uint64_t i = 0; i < 600; i++) {
        char name[16] = {(char)('a' + i % 26), (char)('a' + i % 17), '\0'};
        pair_call(p, name, "x", &policy, i);
    }
    while ((call = inf_rpc_due(p->a)) != NULL) {
        inf_rpc_missing(p->a, call, INF_ENOENT, p->now_ms);
    }
    inf_rpc_names_arrived(p->a);
    while (inf_rpc_due(p->a) != NULL)
        due++;
    assert_int_equal(due, 600);
    assert_int_equal(p->a->waiting.count, 0);
}

static void gone_from_there_it_is_looked_up_again(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(1000);
    inf_rpc_news news;
    pair_call(p, "order-7", "ship", &policy, 1);
    pair_answer(p, pair_run(p), INF_ENOENT, "", &news);
    assert_int_equal(news.kind, INF_RPC_NOTHING);
    assert_int_equal(pair_remembered(p), 0);
    assert_null(inf_rpc_due(p->a));

    inf_rpc_name_arrived(p->a, inf_slice_str("main"), inf_slice_str("order-7"));
    pair_answer(p, pair_run(p), 0, "", &news);
    assert_int_equal(p->a->last_id, 2); /* nothing had run: a fresh id */
    pair_check_result(&news, 1, 0);
}

static void a_second_copy_keeps_the_id_when_the_first_is_refused(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(1000);
    inf_rpc_send first, second;
    inf_rpc_news news;
    pair_call(p, "order-7", "ship", &policy, 1);
    assert_true(pair_find(p, &first));
    p->now_ms += policy.rpc_timeout_ms;
    inf_rpc_tick(p->a, p->now_ms);
    p->now_ms += 2000;
    inf_rpc_tick(p->a, p->now_ms);
    assert_true(pair_find(p, &second));
    assert_int_equal(pair_deliver(p->b, &p->in, &first, p->now_ms, &news), 0);
    pair_answer(p, news.token, INF_ENOENT, "", &news);
    /* b runs the second copy: the name has just arrived there. */
    assert_int_equal(pair_deliver(p->b, &p->in, &second, p->now_ms, &news), 0);
    assert_int_equal(news.kind, INF_RPC_REQUEST);
    uint64_t token = news.token;
    inf_rpc_name_arrived(p->a, inf_slice_str("main"), inf_slice_str("order-7"));
    assert_true(pair_find(p, &second));
    assert_int_equal(pair_deliver(p->b, &p->in, &second, p->now_ms, &news), 0);
    assert_int_equal(news.kind, INF_RPC_NOTHING); /* no third run */
    pair_answer(p, token, 0, "", &news);
    pair_check_result(&news, 1, 0);
}

static void a_busy_callee_is_asked_again_later(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(2);
    inf_rpc_news news;
    pair_call(p, "order-7", "ship", &policy, 1);
    pair_answer(p, pair_run(p), INF_EFULL, "", &news);
    assert_int_equal(news.kind, INF_RPC_NOTHING);
    p->now_ms += 2000;
    inf_rpc_tick(p->a, p->now_ms);
    pair_answer(p, pair_run(p), INF_EFULL, "", &news);
    pair_check_told(p, 1, INF_EEXHAUSTED, INF_EFULL);
}

static void silence_is_retried_under_the_same_id_until_spent(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(3);
    inf_rpc_send send;
    pair_call(p, "order-7", "ship", &policy, 1);
    for (int i = 0; i < 3; i++) {
        assert_true(pair_find(p, &send));
        p->now_ms += policy.rpc_timeout_ms;
        inf_rpc_tick(p->a, p->now_ms);
        p->now_ms += 2000;
        inf_rpc_tick(p->a, p->now_ms);
    }
    assert_int_equal(p->a->last_id, 1);
    assert_null(inf_rpc_due(p->a));
    pair_check_told(p, 1, INF_EEXHAUSTED, INF_ETIMEDOUT);
}

static void the_total_time_is_never_exceeded(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(1000);
    inf_rpc_send send;
    policy.timeout_ms = 300;
    pair_call(p, "order-7", "ship", &policy, 1);
    pair_call(p, "nobody", "ship", &policy, 2);
    assert_true(pair_find(p, &send));
    inf_rpc_missing(p->a, inf_rpc_due(p->a), INF_ENOENT, p->now_ms);
    p->now_ms += 299;
    inf_rpc_tick(p->a, p->now_ms);
    inf_rpc_missing(p->a, inf_rpc_due(p->a), INF_ENOENT, p->now_ms);
    assert_false(inf_rpc_pending(p->a));
    p->now_ms += 1;
    inf_rpc_tick(p->a, p->now_ms);
    pair_check_told(p, 1, INF_ETIMEDOUT, INF_ETIMEDOUT);
    pair_check_told(p, 2, INF_ETIMEDOUT, INF_ENOENT);
}

static void calls_do_not_wait_for_a_dead_node(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(1000);
    inf_target target = {.node = inf_slice_str("b")};
    inf_rpc_send send;
    pair_call(p, "order-7", "ship", &policy, 1);
    assert_true(pair_find(p, &send));
    assert_int_equal(
        inf_rpc_call_new(p->a, &target, nothing, &policy, 2, p->now_ms), 0);
    assert_true(pair_find(p, &send));

    inf_rpc_node_gone(p->a, inf_slice_str("b"), p->now_ms);
    assert_non_null(inf_rpc_due(p->a)); /* the name may live elsewhere */
    pair_check_told(p, 2, INF_EUNREACHABLE, INF_EUNREACHABLE);
}

/* Not sent to whoever has the name next: it may have been carried out. */
static void what_was_on_its_way_to_a_dead_node_ends_uncertain(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(1000);
    inf_slice b = inf_slice_str("b");
    inf_rpc_news news;
    inf_rpc_send send;
    pair_call(p, "order-7", "ship", &policy, 1);
    assert_true(pair_find(p, &send));
    pair_call(p, "order-8", "ship", &policy, 2);
    inf_rpc_call *unsent = inf_rpc_due(p->a);
    inf_rpc_lost(p->a, unsent, b, p->now_ms);
    inf_rpc_node_gone(p->a, b, p->now_ms);
    inf_rpc_lost(p->a, inf_rpc_due(p->a), b, p->now_ms);
    for (uint64_t tag = 2; tag >= 1; tag--) {
        assert_true(inf_rpc_take(p->a, &news));
        assert_true(inf_slice_eq(news.result.node, b));
        assert_int_equal(news.result.uncertain, tag == 1);
        pair_check_result(&news, tag, INF_EUNREACHABLE);
    }
}

static void closing_ends_every_call(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(1000);
    inf_rpc_send send;
    pair_call(p, "flying", "x", &policy, 1);
    assert_true(pair_find(p, &send));
    pair_call(p, "waiting", "x", &policy, 2);
    inf_rpc_missing(p->a, inf_rpc_due(p->a), INF_ENOENT, p->now_ms);
    pair_call(p, "due", "x", &policy, 3);
    inf_rpc_close(p->a, INF_ECLOSED, p->now_ms);
    for (int i = 0; i < 3; i++) {
        inf_rpc_news news;
        assert_true(inf_rpc_take(p->a, &news));
        pair_check_result(&news, news.tag, INF_ECLOSED);
    }
    assert_int_equal(inf_rpc_call_count(p->a), 0);
}

/* ---- bounds and memory ------------------------------------------------- */

static void what_is_out_of_bounds_is_refused(void **state) {
    pair *p = *state;
    static uint8_t bytes[INF_NAME_MAX + 1];
    inf_retry_policy policy = pair_policy(1000);
    inf_target target = {.branch = inf_slice_str("main")};
    assert_int_equal(inf_rpc_call_new(p->a, &target, nothing, &policy, 0, 0),
                     INF_EINVAL);
    target.name = inf_slice_of(bytes, sizeof bytes);
    assert_int_equal(inf_rpc_call_new(p->a, &target, nothing, &policy, 0, 0),
                     INF_ENAME);
    target.name = inf_slice_str("x");
    inf_slice big = inf_slice_of(bytes, INF_RPC_FRAME_MAX);
    assert_int_equal(inf_rpc_call_new(p->a, &target, big, &policy, 0, 0),
                     INF_ETOOBIG);
    size_t made = 0;
    int rc = 0;
    while (rc == 0) {
        rc = inf_rpc_call_new(p->a, &target, nothing, &policy, 0, 0);
        if (rc == 0) made++;
    }
    assert_int_equal(rc, INF_EFULL);
    assert_int_equal(made, INF_RPC_CALLS_MAX);
}

static void a_peer_nobody_talks_to_is_forgotten(void **state) {
    pair *p = *state;
    inf_retry_policy policy = pair_policy(10);
    inf_rpc_news news;
    pair_call(p, "order-7", "ship", &policy, 1);
    pair_answer(p, pair_run(p), 0, "", &news);
    pair_check_result(&news, 1, 0);
    inf_rpc_link_down(p->a, &p->out, true, 0, p->now_ms);
    inf_rpc_link_down(p->b, &p->in, true, 0, p->now_ms);
    p->now_ms += INF_RPC_HOLD_MS / 2;
    inf_rpc_tick(p->b, p->now_ms);
    assert_int_equal(p->b->peers.count, 1); /* it may come back and ask */
    p->now_ms += INF_RPC_HOLD_MS;
    inf_rpc_tick(p->a, p->now_ms);
    inf_rpc_tick(p->b, p->now_ms);
    assert_int_equal(p->a->peers.count, 0);
    assert_int_equal(p->b->peers.count, 1); /* what it asked stays done */
    p->now_ms += INF_RPC_KNOWN_MS;
    inf_rpc_tick(p->b, p->now_ms);
    assert_int_equal(p->b->peers.count, 0);
    assert_true(inf_rpc_deadline(p->b) == INF_NEVER);
}

/* Refuses the n-th request for memory, once. */
static void *scarce(void *ctx, void *block, size_t size) {
    size_t *left = ctx;
    if (size != 0 && (*left)-- == 0) return NULL;
    return inf_alloc_libc()->resize(NULL, block, size);
}

/* One call, there and back, with whatever memory there is; 0 when all went
   well. */
static int round_trip(inf_alloc *mem) {
    pair p = {.now_ms = 1};
    inf_rpc_news news;
    inf_rpc_send send;
    inf_retry_policy policy = pair_policy(2);
    inf_target target = {.branch = inf_slice_str("m"),
                         .name = inf_slice_str("x")};
    inf_rpc_config a = {.mem = mem, .node = inf_slice_str("a"), .boot = 1};
    inf_rpc_config b = {.mem = mem, .node = inf_slice_str("b"), .boot = 2};
    inf_buf bytes;
    inf_buf_init(&bytes, inf_alloc_libc());
    int rc = inf_rpc_new(&p.a, &a);
    if (rc == 0) rc = inf_rpc_new(&p.b, &b);
    if (rc == 0) {
        rc = inf_rpc_link_dialled(p.a, &p.out, inf_slice_str("b"), &bytes);
    }
    if (rc == 0) {
        rc = inf_rpc_input(p.b, &p.in, inf_buf_view(&bytes), 1, &news);
    }
    if (rc == 0) {
        rc = inf_rpc_call_new(p.a, &target, inf_slice_str("b"), &policy, 1, 1);
    }
    if (rc == 0 && !pair_find(&p, &send)) rc = INF_ENOMEM;
    if (rc == 0) rc = pair_deliver(p.b, &p.in, &send, 1, &news);
    if (rc == 0 && news.kind == INF_RPC_REQUEST) {
        int sent =
            inf_rpc_answer(p.b, news.token, 0, inf_slice_str("ok"), 1, &send);
        assert_int_equal(sent, 1);
        rc = pair_deliver(p.a, &p.out, &send, 1, &news);
        if (rc == 0) rc = news.result.status;
        inf_rpc_news_deinit(&news);
    } else if (rc == 0) {
        rc = INF_EFULL; /* b had no memory to run it */
    }
    if (p.a != NULL) inf_rpc_link_down(p.a, &p.out, true, 0, 1);
    if (p.b != NULL) inf_rpc_link_down(p.b, &p.in, true, 0, 1);
    inf_rpc_free(p.a);
    inf_rpc_free(p.b);
    inf_buf_deinit(&bytes);
    return rc;
}

static void refused_memory_is_reported_and_leaks_nothing(void **state) {
    (void)state;
    size_t n = 0;
    int rc = -1;
    for (; rc != 0 && n < 200; n++) {
        size_t left = n;
        inf_alloc mem = {scarce, &left};
        rc = round_trip(&mem);
    }
    assert_int_equal(rc, 0);
    assert_in_range(n, 10, 100);
}

int main(void) {
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_answered_and_told_once),
        TEST(a_call_to_this_node_needs_no_link),
        TEST(a_slow_call_to_this_node_runs_once),
        TEST(an_unknown_name_is_polled_until_the_attempts_are_spent),
        TEST(a_name_that_arrives_wakes_those_who_wait_for_it),
        TEST(names_that_are_not_named_wake_everybody),
        TEST(gone_from_there_it_is_looked_up_again),
        TEST(a_second_copy_keeps_the_id_when_the_first_is_refused),
        TEST(a_busy_callee_is_asked_again_later),
        TEST(silence_is_retried_under_the_same_id_until_spent),
        TEST(the_total_time_is_never_exceeded),
        TEST(calls_do_not_wait_for_a_dead_node),
        TEST(what_was_on_its_way_to_a_dead_node_ends_uncertain),
        TEST(closing_ends_every_call),
        TEST(what_is_out_of_bounds_is_refused),
        TEST(a_peer_nobody_talks_to_is_forgotten),
        cmocka_unit_test(refused_memory_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
