/* SPDX-License-Identifier: MIT */
#include "rpc_pair.h"

#include <stdlib.h>

static inf_rpc *new_rpc(const char *name, uint64_t boot, inf_alloc *mem) {
    inf_rpc *rpc = NULL;
    inf_rpc_config config = {
        .mem = mem, .node = inf_slice_str(name), .boot = boot, .seed = boot};
    assert_int_equal(inf_rpc_new(&rpc, &config), 0);
    return rpc;
}

int pair_dial(pair *p, inf_rpc_link *in, inf_rpc_news *news) {
    inf_buf hello;
    inf_buf_init(&hello, inf_alloc_libc());
    *in = (inf_rpc_link){0};
    int rc = inf_rpc_link_dialled(p->a, &p->out, inf_slice_str("b"), &hello);
    assert_int_equal(rc, 0);
    rc = inf_rpc_input(p->b, in, inf_buf_view(&hello), p->now_ms, news);
    inf_buf_deinit(&hello);
    return rc;
}

int pair_setup(void **state) {
    pair *p = calloc(1, sizeof *p);
    inf_rpc_news news;
    p->a = new_rpc("a", BOOT_A, NULL);
    p->b = new_rpc("b", BOOT_B, NULL);
    p->now_ms = 5000;
    assert_int_equal(pair_dial(p, &p->in, &news), 0);
    assert_int_equal(news.kind, INF_RPC_NOTHING);
    *state = p;
    return 0;
}

int pair_teardown(void **state) {
    pair *p = *state;
    inf_rpc_link_down(p->a, &p->out, true, INF_ECLOSED, p->now_ms);
    inf_rpc_link_down(p->b, &p->in, true, INF_ECLOSED, p->now_ms);
    inf_rpc_free(p->a);
    inf_rpc_free(p->b);
    free(p);
    return 0;
}

inf_retry_policy pair_policy(uint32_t attempts) {
    inf_retry_policy policy = inf_retry_policy_default();
    policy.attempts = attempts;
    return policy;
}

void pair_call(pair *p, const char *name, const char *body,
               const inf_retry_policy *policy, uint64_t tag) {
    inf_target target = {.branch = inf_slice_str("main"),
                         .name = inf_slice_str(name)};
    assert_int_equal(inf_rpc_call_new(p->a, &target, inf_slice_str(body),
                                      policy, tag, p->now_ms),
                     0);
}

bool pair_find(pair *p, inf_rpc_send *send) {
    inf_rpc_call *call = inf_rpc_due(p->a);
    assert_non_null(call);
    return inf_rpc_found(p->a, call, inf_slice_str("b"), p->now_ms, send);
}

int pair_deliver(inf_rpc *to, inf_rpc_link *link, const inf_rpc_send *send,
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

uint64_t pair_run(pair *p) {
    inf_rpc_send send;
    inf_rpc_news news;
    assert_true(pair_find(p, &send));
    assert_ptr_equal(send.link, &p->out);
    assert_int_equal(pair_deliver(p->b, &p->in, &send, p->now_ms, &news), 0);
    assert_int_equal(news.kind, INF_RPC_REQUEST);
    return news.token;
}

void pair_answer(pair *p, uint64_t token, int status, const char *body,
                 inf_rpc_news *news) {
    inf_rpc_send send;
    assert_int_equal(inf_rpc_answer(p->b, token, status, inf_slice_str(body),
                                    p->now_ms, &send),
                     1);
    assert_int_equal(pair_deliver(p->a, &p->out, &send, p->now_ms, news), 0);
}

void pair_check_result(inf_rpc_news *news, uint64_t tag, int status) {
    assert_int_equal(news->kind, INF_RPC_RESULT);
    assert_int_equal(news->tag, tag);
    assert_int_equal(news->result.status, status);
    inf_rpc_news_deinit(news);
}

void pair_check_told(pair *p, uint64_t tag, int status, int cause) {
    inf_rpc_news news;
    assert_true(inf_rpc_take(p->a, &news));
    assert_int_equal(news.result.cause, cause);
    pair_check_result(&news, tag, status);
}

void pair_relink(pair *p) {
    inf_rpc_news news;
    inf_rpc_link_down(p->a, &p->out, true, INF_EUNREACHABLE, p->now_ms);
    inf_rpc_link_down(p->b, &p->in, true, INF_EUNREACHABLE, p->now_ms);
    assert_int_equal(pair_dial(p, &p->in, &news), 0);
    p->now_ms += 2000; /* longer than any pause */
    inf_rpc_tick(p->a, p->now_ms);
    inf_rpc_tick(p->b, p->now_ms);
}

size_t pair_remembered(const pair *p) {
    const inf_rpc_peer *peer = p->in.peer;
    return peer->requests.count;
}
