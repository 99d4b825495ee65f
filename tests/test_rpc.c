/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdlib.h>

#include "core/rpc_parts.h"

/* Two nodes, "a" and "b", that hand each other frames. */
typedef struct pair {
    inf_rpc *a;
    inf_rpc *b;
    inf_rpc_link out; /* a's end of the link a -> b */
    inf_rpc_link in;  /* b's end */
    uint64_t now_ms;
} pair;

enum { BOOT_A = 1000, BOOT_B = 2000 };

static const inf_slice nothing = {NULL, 0};

static inf_rpc *new_rpc(const char *name, uint64_t boot, inf_alloc *mem) {
    inf_rpc *rpc = NULL;
    inf_rpc_config config = {
        .mem = mem, .node = inf_slice_str(name), .boot = boot, .seed = boot};
    assert_int_equal(inf_rpc_new(&rpc, &config), 0);
    return rpc;
}

/* Dials b, whose end becomes `in`; returns what b said to the HELLO. */
static int dial(pair *p, inf_rpc_link *in, inf_rpc_news *news) {
    inf_buf hello;
    inf_buf_init(&hello, inf_alloc_libc());
    *in = (inf_rpc_link){0};
    int rc = inf_rpc_link_dialled(p->a, &p->out, inf_slice_str("b"), &hello);
    assert_int_equal(rc, 0);
    rc = inf_rpc_input(p->b, in, inf_buf_view(&hello), p->now_ms, news);
    inf_buf_deinit(&hello);
    return rc;
}

static int setup(void **state) {
    pair *p = calloc(1, sizeof *p);
    inf_rpc_news news;
    p->a = new_rpc("a", BOOT_A, NULL);
    p->b = new_rpc("b", BOOT_B, NULL);
    p->now_ms = 5000;
    assert_int_equal(dial(p, &p->in, &news), 0);
    assert_int_equal(news.kind, INF_RPC_NOTHING);
    *state = p;
    return 0;
}

static int teardown(void **state) {
    pair *p = *state;
    inf_rpc_link_down(p->a, &p->out, true, INF_ECLOSED, p->now_ms);
    inf_rpc_link_down(p->b, &p->in, true, INF_ECLOSED, p->now_ms);
    inf_rpc_free(p->a);
    inf_rpc_free(p->b);
    free(p);
    return 0;
}

static inf_retry_policy policy_of(uint32_t attempts) {
    inf_retry_policy policy = inf_retry_policy_default();
    policy.attempts = attempts;
    return policy;
}

static void call_name(pair *p, const char *name, const char *body,
                      const inf_retry_policy *policy, uint64_t tag) {
    inf_target target = {.branch = inf_slice_str("main"),
                         .name = inf_slice_str(name)};
    assert_int_equal(inf_rpc_call_new(p->a, &target, inf_slice_str(body),
                                      policy, tag, p->now_ms),
                     0);
}

/* Finds the next due call of a on b; false: nothing is to be written. */
static bool find_on_b(pair *p, inf_rpc_send *send) {
    inf_rpc_call *call = inf_rpc_due(p->a);
    assert_non_null(call);
    return inf_rpc_found(p->a, call, inf_slice_str("b"), p->now_ms, send);
}

/* Delivers what was written by one side to the other. */
static int deliver(inf_rpc *to, inf_rpc_link *link, const inf_rpc_send *send,
                   uint64_t now_ms, inf_rpc_news *news) {
    inf_buf bytes;
    inf_buf_init(&bytes, inf_alloc_libc());
    inf_buf_put(&bytes, send->head, send->head_len);
    inf_buf_slice(&bytes, send->body);
    /* The copy is freed at once: nobody may keep a borrowed slice. */
    int rc = inf_rpc_input(to, link, inf_buf_view(&bytes), now_ms, news);
    inf_buf_deinit(&bytes);
    return rc;
}

/* a's next due call goes to b, which runs it: its token there. */
static uint64_t run_on_b(pair *p) {
    inf_rpc_send send;
    inf_rpc_news news;
    assert_true(find_on_b(p, &send));
    assert_ptr_equal(send.link, &p->out);
    assert_int_equal(deliver(p->b, &p->in, &send, p->now_ms, &news), 0);
    assert_int_equal(news.kind, INF_RPC_REQUEST);
    return news.token;
}

/* b answers a token, and a hears of it in `news`. */
static void answer(pair *p, uint64_t token, int status, const char *body,
                   inf_rpc_news *news) {
    inf_rpc_send send;
    assert_int_equal(inf_rpc_answer(p->b, token, status, inf_slice_str(body),
                                    p->now_ms, &send),
                     1);
    assert_int_equal(deliver(p->a, &p->out, &send, p->now_ms, news), 0);
}

static void check_result(inf_rpc_news *news, uint64_t tag, int status) {
    assert_int_equal(news->kind, INF_RPC_RESULT);
    assert_int_equal(news->tag, tag);
    assert_int_equal(news->result.status, status);
    inf_rpc_news_deinit(news);
}

/* The next end of a's that came without a frame. */
static void check_told(pair *p, uint64_t tag, int status, int cause) {
    inf_rpc_news news;
    assert_true(inf_rpc_take(p->a, &news));
    assert_int_equal(news.result.cause, cause);
    check_result(&news, tag, status);
}

/* The link breaks on both sides and a dials again, some time later. */
static void relink(pair *p) {
    inf_rpc_news news;
    inf_rpc_link_down(p->a, &p->out, true, INF_EUNREACHABLE, p->now_ms);
    inf_rpc_link_down(p->b, &p->in, true, INF_EUNREACHABLE, p->now_ms);
    assert_int_equal(dial(p, &p->in, &news), 0);
    p->now_ms += 2000; /* longer than any pause */
    inf_rpc_tick(p->a, p->now_ms);
    inf_rpc_tick(p->b, p->now_ms);
}

static size_t remembered(const pair *p) {
    const inf_rpc_peer *peer = p->in.peer;
    return peer->requests.count;
}

/* ---- one call ---------------------------------------------------------- */

static void a_call_is_answered_and_told_once(void **state) {
    pair *p = *state;
    inf_retry_policy policy = policy_of(10);
    inf_rpc_news news;
    inf_rpc_send send;
    call_name(p, "order-7", "ship", &policy, 42);
    assert_true(find_on_b(p, &send));
    assert_true(inf_slice_eq(send.body, inf_slice_str("ship")));
    assert_int_equal(deliver(p->b, &p->in, &send, p->now_ms, &news), 0);
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
    check_result(&news, 42, 0);
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
    inf_retry_policy policy = policy_of(10);
    inf_rpc_send send;
    inf_rpc_news news;
    call_name(p, "order-7", "ship", &policy, 1);
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
    check_result(&news, 1, 0);
}

static void a_slow_call_to_this_node_runs_once(void **state) {
    pair *p = *state;
    inf_retry_policy policy = policy_of(10);
    inf_rpc_send send;
    inf_rpc_news news;
    call_name(p, "order-7", "ship", &policy, 1);
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
    check_result(&news, 1, 0);
}

/* ---- twice ------------------------------------------------------------- */

static void a_lost_answer_is_given_again_and_nothing_runs_twice(void **state) {
    pair *p = *state;
    inf_retry_policy policy = policy_of(10);
    inf_rpc_send send;
    inf_rpc_news news;
    call_name(p, "order-7", "ship", &policy, 42);
    uint64_t token = run_on_b(p);
    assert_int_equal(inf_rpc_answer(p->b, token, 0, inf_slice_str("shipped"),
                                    p->now_ms, &send),
                     1);
    relink(p); /* and the answer was on the old link */

    assert_true(find_on_b(p, &send));
    assert_int_equal(deliver(p->b, &p->in, &send, p->now_ms, &news), 0);
    assert_int_equal(news.kind, INF_RPC_AGAIN);
    assert_ptr_equal(news.send.link, &p->in);
    assert_true(inf_slice_eq(news.send.body, inf_slice_str("shipped")));
    send = news.send;
    assert_int_equal(deliver(p->a, &p->out, &send, p->now_ms, &news), 0);
    assert_int_equal(news.result.attempts, 2);
    check_result(&news, 42, 0);
}

static void a_call_that_still_runs_answers_on_the_newer_link(void **state) {
    pair *p = *state;
    inf_retry_policy policy = policy_of(10);
    inf_rpc_send send;
    inf_rpc_news news;
    call_name(p, "order-7", "ship", &policy, 42);
    uint64_t token = run_on_b(p);
    relink(p);
    assert_true(find_on_b(p, &send));
    assert_int_equal(deliver(p->b, &p->in, &send, p->now_ms, &news), 0);
    assert_int_equal(news.kind, INF_RPC_NOTHING);

    answer(p, token, 0, "shipped", &news);
    check_result(&news, 42, 0);
}

static void an_answer_is_kept_while_there_is_no_link(void **state) {
    pair *p = *state;
    inf_retry_policy policy = policy_of(10);
    inf_rpc_send send;
    inf_rpc_news news;
    call_name(p, "order-7", "ship", &policy, 42);
    uint64_t token = run_on_b(p);
    inf_rpc_link_down(p->b, &p->in, true, INF_EUNREACHABLE, p->now_ms);
    assert_int_equal(inf_rpc_answer(p->b, token, 0, inf_slice_str("shipped"),
                                    p->now_ms, &send),
                     0);
    relink(p);
    assert_true(find_on_b(p, &send));
    assert_int_equal(deliver(p->b, &p->in, &send, p->now_ms, &news), 0);
    assert_int_equal(news.kind, INF_RPC_AGAIN);
}

static void answers_are_forgotten_once_acknowledged(void **state) {
    pair *p = *state;
    inf_retry_policy policy = policy_of(10);
    inf_rpc_news news;
    call_name(p, "slow", "x", &policy, 1);
    uint64_t slow = run_on_b(p); /* holds `low` down all the time */
    for (uint64_t i = 0; i < 5000; i++) {
        call_name(p, "order-7", "ship", &policy, 2);
        uint64_t token = run_on_b(p);
        assert_in_range(remembered(p), 2, 3);
        answer(p, token, 0, "shipped", &news);
        check_result(&news, 2, 0);
    }
    answer(p, slow, 0, "", &news);
    check_result(&news, 1, 0);
}

static void a_burst_is_acknowledged_by_low_alone(void **state) {
    pair *p = *state;
    inf_retry_policy policy = policy_of(10);
    inf_rpc_news news;
    uint64_t tokens[1000];
    for (size_t i = 0; i < 1000; i++)
        call_name(p, "order-7", "ship", &policy, i);
    for (size_t i = 0; i < 1000; i++)
        tokens[i] = run_on_b(p);
    for (size_t i = 0; i < 1000; i++) {
        answer(p, tokens[i], 0, "shipped", &news);
        check_result(&news, i, 0);
    }
    assert_int_equal(remembered(p), 1000);
    call_name(p, "order-7", "ship", &policy, 1);
    (void)run_on_b(p);
    assert_int_equal(remembered(p), 1);
}

static void what_a_caller_gave_up_is_not_kept(void **state) {
    pair *p = *state;
    inf_retry_policy policy = policy_of(10);
    inf_rpc_send send;
    policy.timeout_ms = 100;
    call_name(p, "order-7", "ship", &policy, 1);
    uint64_t token = run_on_b(p);
    p->now_ms += 100;
    inf_rpc_tick(p->a, p->now_ms);
    check_told(p, 1, INF_ETIMEDOUT, INF_ETIMEDOUT);
    call_name(p, "order-8", "ship", &policy, 2);
    (void)run_on_b(p); /* tells b that nobody waits for the first */

    assert_int_equal(inf_rpc_answer(p->b, token, 0, nothing, p->now_ms, &send),
                     0);
    assert_int_equal(remembered(p), 1);
}

static void beyond_the_window_a_repetition_is_refused(void **state) {
    pair *p = *state;
    inf_retry_policy policy = policy_of(10);
    inf_rpc_send send;
    inf_rpc_news news;
    uint64_t first = 0;
    for (size_t i = 0; i <= INF_RPC_DONE_MAX; i++) {
        call_name(p, "order-7", "ship", &policy, i);
        uint64_t token = run_on_b(p);
        if (i == 0) first = p->a->last_id;
        assert_int_equal(
            inf_rpc_answer(p->b, token, 0, nothing, p->now_ms, &send), 1);
    }
    assert_int_equal(remembered(p), INF_RPC_DONE_MAX);
    relink(p);

    inf_rpc_call *call = NULL;
    do { /* pauses are uneven: the first call comes when it comes */
        call = inf_rpc_due(p->a);
        assert_non_null(call);
        assert_true(inf_rpc_found(p->a, call, inf_slice_str("b"), p->now_ms,
                                  &send));
    } while (call->tag != 0);
    assert_int_equal(p->a->last_id, first + INF_RPC_DONE_MAX);
    assert_int_equal(deliver(p->b, &p->in, &send, p->now_ms, &news), 0);
    assert_int_equal(news.kind, INF_RPC_AGAIN);
    send = news.send;
    assert_int_equal(deliver(p->a, &p->out, &send, p->now_ms, &news), 0);
    check_result(&news, 0, INF_ESTALE);
}

static void an_answer_to_a_former_life_is_not_taken(void **state) {
    pair *p = *state;
    inf_retry_policy policy = policy_of(10);
    inf_rpc_send send;
    inf_rpc_news news;
    call_name(p, "order-7", "ship", &policy, 1);
    assert_true(find_on_b(p, &send));
    inf_rpc_frame reply = {
        .type = INF_RPC_REPLY, .boot = BOOT_A - 1, .id = p->a->last_id};
    send.head_len = inf_rpc_frame_head(send.head, &reply);
    send.body = nothing;
    assert_int_equal(deliver(p->a, &p->out, &send, p->now_ms, &news), 0);
    assert_int_equal(news.kind, INF_RPC_NOTHING);
    reply.boot = BOOT_A;
    send.head_len = inf_rpc_frame_head(send.head, &reply);
    assert_int_equal(deliver(p->a, &p->out, &send, p->now_ms, &news), 0);
    check_result(&news, 1, 0);
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
    assert_int_equal(hello(p, &newer, BOOT_A, 9, "b", &news), 0);
    assert_int_equal(news.kind, INF_RPC_REPLACED);
    assert_ptr_equal(news.send.link, &p->in);

    /* A call that was still on its way on the old link must not run. */
    inf_retry_policy policy = policy_of(10);
    inf_rpc_send send;
    call_name(p, "order-7", "ship", &policy, 1);
    assert_true(find_on_b(p, &send));
    assert_int_equal(deliver(p->b, &p->in, &send, p->now_ms, &news),
                     INF_EMALFORMED);
    inf_rpc_link_down(p->b, &newer, true, 0, p->now_ms);
}

static void a_new_life_of_the_caller_starts_afresh(void **state) {
    pair *p = *state;
    inf_retry_policy policy = policy_of(10);
    inf_rpc_link newer;
    inf_rpc_news news;
    inf_rpc_send send;
    call_name(p, "order-7", "ship", &policy, 1);
    uint64_t token = run_on_b(p);
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
    inf_retry_policy policy = policy_of(10);
    inf_rpc_send send;
    inf_rpc_news news;
    call_name(p, "order-7", "ship", &policy, 1);
    assert_true(find_on_b(p, &send));
    assert_int_equal(deliver(p->b, &stranger, &send, p->now_ms, &news),
                     INF_EMALFORMED);
    assert_int_equal(deliver(p->a, &p->out, &send, p->now_ms, &news),
                     INF_EMALFORMED);
}

static void what_never_left_goes_under_a_fresh_id(void **state) {
    pair *p = *state;
    inf_retry_policy policy = policy_of(10);
    inf_rpc_send send;
    call_name(p, "order-7", "ship", &policy, 1);
    assert_true(find_on_b(p, &send));
    inf_rpc_link_rests(p->a, &p->out, false, INF_EUNREACHABLE, p->now_ms);
    p->now_ms += 2000;
    inf_rpc_tick(p->a, p->now_ms);
    assert_true(find_on_b(p, &send));
    assert_int_equal(p->a->last_id, 2);

    inf_rpc_link_rests(p->a, &p->out, true, INF_EUNREACHABLE, p->now_ms);
    p->now_ms += 2000;
    inf_rpc_tick(p->a, p->now_ms);
    assert_true(find_on_b(p, &send));
    assert_int_equal(p->a->last_id, 2); /* it may have run: the same id */
}

/* ---- looking, waiting, giving up --------------------------------------- */

static void
an_unknown_name_is_polled_until_the_attempts_are_spent(void **state) {
    pair *p = *state;
    inf_retry_policy policy = policy_of(1000);
    uint64_t began_ms = p->now_ms;
    inf_rpc_news news;
    call_name(p, "nobody", "x", &policy, 5);
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
    check_result(&news, 5, INF_EEXHAUSTED);
}

static void a_name_that_arrives_wakes_those_who_wait_for_it(void **state) {
    pair *p = *state;
    inf_retry_policy policy = policy_of(1000);
    inf_slice branch = inf_slice_str("main");
    inf_rpc_call *call = NULL;
    for (uint64_t i = 0; i < 6; i++) {
        call_name(p, i < 3 ? "early" : "late", "x", &policy, i);
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

static void gone_from_there_it_is_looked_up_again(void **state) {
    pair *p = *state;
    inf_retry_policy policy = policy_of(1000);
    inf_rpc_news news;
    call_name(p, "order-7", "ship", &policy, 1);
    answer(p, run_on_b(p), INF_ENOENT, "", &news);
    assert_int_equal(news.kind, INF_RPC_NOTHING);
    assert_int_equal(remembered(p), 0);
    assert_null(inf_rpc_due(p->a));

    inf_rpc_name_arrived(p->a, inf_slice_str("main"), inf_slice_str("order-7"));
    answer(p, run_on_b(p), 0, "", &news);
    assert_int_equal(p->a->last_id, 2); /* nothing had run: a fresh id */
    check_result(&news, 1, 0);
}

static void a_second_copy_keeps_the_id_when_the_first_is_refused(void **state) {
    pair *p = *state;
    inf_retry_policy policy = policy_of(1000);
    inf_rpc_send first, second;
    inf_rpc_news news;
    call_name(p, "order-7", "ship", &policy, 1);
    assert_true(find_on_b(p, &first));
    p->now_ms += policy.rpc_timeout_ms;
    inf_rpc_tick(p->a, p->now_ms);
    p->now_ms += 2000;
    inf_rpc_tick(p->a, p->now_ms);
    assert_true(find_on_b(p, &second));
    assert_int_equal(deliver(p->b, &p->in, &first, p->now_ms, &news), 0);
    answer(p, news.token, INF_ENOENT, "", &news);
    /* b runs the second copy: the name has just arrived there. */
    assert_int_equal(deliver(p->b, &p->in, &second, p->now_ms, &news), 0);
    assert_int_equal(news.kind, INF_RPC_REQUEST);
    uint64_t token = news.token;
    inf_rpc_name_arrived(p->a, inf_slice_str("main"), inf_slice_str("order-7"));
    assert_true(find_on_b(p, &second));
    assert_int_equal(deliver(p->b, &p->in, &second, p->now_ms, &news), 0);
    assert_int_equal(news.kind, INF_RPC_NOTHING); /* no third run */
    answer(p, token, 0, "", &news);
    check_result(&news, 1, 0);
}

static void a_busy_callee_is_asked_again_later(void **state) {
    pair *p = *state;
    inf_retry_policy policy = policy_of(2);
    inf_rpc_news news;
    call_name(p, "order-7", "ship", &policy, 1);
    answer(p, run_on_b(p), INF_EFULL, "", &news);
    assert_int_equal(news.kind, INF_RPC_NOTHING);
    p->now_ms += 2000;
    inf_rpc_tick(p->a, p->now_ms);
    answer(p, run_on_b(p), INF_EFULL, "", &news);
    check_told(p, 1, INF_EEXHAUSTED, INF_EFULL);
}

static void silence_is_retried_under_the_same_id_until_spent(void **state) {
    pair *p = *state;
    inf_retry_policy policy = policy_of(3);
    inf_rpc_send send;
    call_name(p, "order-7", "ship", &policy, 1);
    for (int i = 0; i < 3; i++) {
        assert_true(find_on_b(p, &send));
        p->now_ms += policy.rpc_timeout_ms;
        inf_rpc_tick(p->a, p->now_ms);
        p->now_ms += 2000;
        inf_rpc_tick(p->a, p->now_ms);
    }
    assert_int_equal(p->a->last_id, 1);
    assert_null(inf_rpc_due(p->a));
    check_told(p, 1, INF_EEXHAUSTED, INF_ETIMEDOUT);
}

static void the_total_time_is_never_exceeded(void **state) {
    pair *p = *state;
    inf_retry_policy policy = policy_of(1000);
    inf_rpc_send send;
    policy.timeout_ms = 300;
    call_name(p, "order-7", "ship", &policy, 1);
    call_name(p, "nobody", "ship", &policy, 2);
    assert_true(find_on_b(p, &send));
    inf_rpc_missing(p->a, inf_rpc_due(p->a), INF_ENOENT, p->now_ms);
    p->now_ms += 299;
    inf_rpc_tick(p->a, p->now_ms);
    inf_rpc_missing(p->a, inf_rpc_due(p->a), INF_ENOENT, p->now_ms);
    assert_false(inf_rpc_pending(p->a));
    p->now_ms += 1;
    inf_rpc_tick(p->a, p->now_ms);
    check_told(p, 1, INF_ETIMEDOUT, INF_ETIMEDOUT);
    check_told(p, 2, INF_ETIMEDOUT, INF_ENOENT);
}

static void calls_do_not_wait_for_a_dead_node(void **state) {
    pair *p = *state;
    inf_retry_policy policy = policy_of(1000);
    inf_target target = {.node = inf_slice_str("b")};
    inf_rpc_send send;
    call_name(p, "order-7", "ship", &policy, 1);
    assert_true(find_on_b(p, &send));
    assert_int_equal(
        inf_rpc_call_new(p->a, &target, nothing, &policy, 2, p->now_ms), 0);
    assert_true(find_on_b(p, &send));

    inf_rpc_node_gone(p->a, inf_slice_str("b"), p->now_ms);
    assert_non_null(inf_rpc_due(p->a)); /* the name may live elsewhere */
    check_told(p, 2, INF_EUNREACHABLE, INF_EUNREACHABLE);
}

static void closing_ends_every_call(void **state) {
    pair *p = *state;
    inf_retry_policy policy = policy_of(1000);
    inf_rpc_send send;
    call_name(p, "flying", "x", &policy, 1);
    assert_true(find_on_b(p, &send));
    call_name(p, "waiting", "x", &policy, 2);
    inf_rpc_missing(p->a, inf_rpc_due(p->a), INF_ENOENT, p->now_ms);
    call_name(p, "due", "x", &policy, 3);
    inf_rpc_close(p->a, INF_ECLOSED, p->now_ms);
    for (int i = 0; i < 3; i++) {
        inf_rpc_news news;
        assert_true(inf_rpc_take(p->a, &news));
        check_result(&news, news.tag, INF_ECLOSED);
    }
    assert_int_equal(inf_rpc_call_count(p->a), 0);
}

/* ---- bounds and memory ------------------------------------------------- */

static void what_is_out_of_bounds_is_refused(void **state) {
    pair *p = *state;
    static uint8_t bytes[INF_NAME_MAX + 1];
    inf_retry_policy policy = policy_of(1000);
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
    inf_retry_policy policy = policy_of(10);
    inf_rpc_news news;
    call_name(p, "order-7", "ship", &policy, 1);
    answer(p, run_on_b(p), 0, "", &news);
    check_result(&news, 1, 0);
    inf_rpc_link_down(p->a, &p->out, true, 0, p->now_ms);
    inf_rpc_link_down(p->b, &p->in, true, 0, p->now_ms);
    p->now_ms += INF_RPC_HOLD_MS / 2;
    inf_rpc_tick(p->b, p->now_ms);
    assert_int_equal(p->b->peers.count, 1); /* it may come back and ask */
    p->now_ms += INF_RPC_HOLD_MS;
    inf_rpc_tick(p->a, p->now_ms);
    inf_rpc_tick(p->b, p->now_ms);
    assert_int_equal(p->a->peers.count, 0);
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
    inf_retry_policy policy = policy_of(2);
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
    if (rc == 0 && !find_on_b(&p, &send)) rc = INF_ENOMEM;
    if (rc == 0) rc = deliver(p.b, &p.in, &send, 1, &news);
    if (rc == 0 && news.kind == INF_RPC_REQUEST) {
        int sent =
            inf_rpc_answer(p.b, news.token, 0, inf_slice_str("ok"), 1, &send);
        assert_int_equal(sent, 1);
        rc = deliver(p.a, &p.out, &send, 1, &news);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_answered_and_told_once),
        TEST(a_call_to_this_node_needs_no_link),
        TEST(a_slow_call_to_this_node_runs_once),
        TEST(a_lost_answer_is_given_again_and_nothing_runs_twice),
        TEST(a_call_that_still_runs_answers_on_the_newer_link),
        TEST(an_answer_is_kept_while_there_is_no_link),
        TEST(answers_are_forgotten_once_acknowledged),
        TEST(a_burst_is_acknowledged_by_low_alone),
        TEST(what_a_caller_gave_up_is_not_kept),
        TEST(beyond_the_window_a_repetition_is_refused),
        TEST(an_answer_to_a_former_life_is_not_taken),
        TEST(only_the_newest_link_of_a_caller_counts),
        TEST(a_new_life_of_the_caller_starts_afresh),
        TEST(frames_of_the_wrong_side_end_the_link),
        TEST(what_never_left_goes_under_a_fresh_id),
        TEST(an_unknown_name_is_polled_until_the_attempts_are_spent),
        TEST(a_name_that_arrives_wakes_those_who_wait_for_it),
        TEST(gone_from_there_it_is_looked_up_again),
        TEST(a_second_copy_keeps_the_id_when_the_first_is_refused),
        TEST(a_busy_callee_is_asked_again_later),
        TEST(silence_is_retried_under_the_same_id_until_spent),
        TEST(the_total_time_is_never_exceeded),
        TEST(calls_do_not_wait_for_a_dead_node),
        TEST(closing_ends_every_call),
        TEST(what_is_out_of_bounds_is_refused),
        TEST(a_peer_nobody_talks_to_is_forgotten),
        cmocka_unit_test(refused_memory_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
