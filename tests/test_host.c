/* SPDX-License-Identifier: MIT */
/* Several nodes in one process, on real sockets: each has a control thread of
   its own, all share one worker loop. */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "host/host.h"
#include "host/socket.h"

enum { NODES = 4, HELD_MAX = 64, WAIT_MS = 20000 };

typedef enum manners {
    ANSWER,   /* answer at once with what was asked */
    KEEP,   /* answer when told */
    DENY, /* nothing is carried out: not here */
} manners;

struct world;

typedef struct node {
    struct world *world;
    inf_host *host;
    char name[8];
    manners manners;
    unsigned requests; /* that came in */
    uint64_t held[HELD_MAX];
    size_t held_count;
    unsigned joins, fails, rows_came, rows_went, dones, logs;
    int done_status;
    uint64_t done_count;
    bool closing;
} node;

typedef struct world {
    uv_loop_t loop;
    uv_timer_t beat; /* so that the loop looks around now and then */
    node nodes[NODES];
    unsigned results; /* calls that ended */
    uint64_t sum_of_tags;
    int status; /* of the last one */
    int cause;
    uint32_t attempts;
    uint64_t elapsed_ms;
    char body[64];
    size_t body_len;
    char by[INF_NODE_NAME_MAX + 1];
    unsigned calls_left; /* made from inside on_result */
} world;

static const inf_slice nothing = {NULL, 0};
static const char branch_name[] = "main";

static inf_slice branch(void) {
    return inf_slice_str(branch_name);
}

/* ---- what the nodes do ------------------------------------------------- */

static void on_request(void *ctx, uint64_t token, inf_slice body) {
    node *n = ctx;
    n->requests++;
    if (n->manners == ANSWER) {
        assert_int_equal(inf_host_reply(n->host, token, body), 0);
        assert_int_equal(inf_host_reply(n->host, token, body), INF_ENOENT);
    } else if (n->manners == DENY) {
        assert_int_equal(inf_host_refuse(n->host, token, INF_ENOENT), 0);
    } else {
        assert_true(n->held_count < HELD_MAX);
        n->held[n->held_count++] = token;
    }
}

static inf_retry_policy policy_of(uint32_t attempts) {
    inf_retry_policy policy = inf_retry_policy_default();
    policy.attempts = attempts;
    return policy;
}

static void call_node(node *from, const char *to, inf_slice body,
                      uint64_t tag) {
    inf_target target = {.branch = branch(), .node = inf_slice_str(to)};
    inf_retry_policy policy = policy_of(1000);
    assert_int_equal(inf_host_call(from->host, &target, body, &policy, tag), 0);
}

static void call_name(node *from, const char *name, uint32_t attempts,
                      uint64_t tag) {
    inf_target target = {.branch = branch(), .name = inf_slice_str(name)};
    inf_retry_policy policy = policy_of(attempts);
    unsigned before = from->world->results;
    assert_int_equal(
        inf_host_call(from->host, &target, inf_slice_str(name), &policy, tag),
        0);
    assert_int_equal(from->world->results, before); /* never from inside */
}

static void on_result(void *ctx, uint64_t tag, const inf_call_result *result) {
    node *n = ctx;
    world *w = n->world;
    w->results++;
    w->sum_of_tags += tag;
    w->status = result->status;
    w->cause = result->cause;
    w->attempts = result->attempts;
    w->elapsed_ms = result->elapsed_ms;
    w->body_len = result->body.len;
    if (result->body.len != 0 && result->body.len <= sizeof w->body) {
        memcpy(w->body, result->body.data, result->body.len);
    }
    assert_true(result->node.len < sizeof w->by);
    if (result->node.len != 0) {
        memcpy(w->by, result->node.data, result->node.len);
    }
    w->by[result->node.len] = '\0';
    if (w->calls_left != 0) {
        w->calls_left--;
        call_node(n, "b", inf_slice_str("again"), tag);
    }
}

static void on_event(void *ctx, const inf_effect *event) {
    node *n = ctx;
    bool join = event->change == INF_CHANGE_JOIN;
    switch (event->kind) {
    case INF_EFFECT_MEMBER:
        if (join) n->joins++;
        if (event->change == INF_CHANGE_FAIL) n->fails++;
        break;
    case INF_EFFECT_ROWS:
        if (join) n->rows_came += (unsigned)event->row_count;
        if (event->change == INF_CHANGE_LEAVE) {
            n->rows_went += (unsigned)event->row_count;
        }
        break;
    case INF_EFFECT_DONE:
        n->dones++;
        n->done_status = event->status;
        n->done_count = event->count;
        break;
    case INF_EFFECT_LOG:
        n->logs++;
        break;
    case INF_EFFECT_LOST:
    case INF_EFFECT_USER:
        break;
    case INF_EFFECT_PACKET:
    case INF_EFFECT_DIAL:
    case INF_EFFECT_WRITE:
    case INF_EFFECT_CLOSE:
        fail_msg("an effect for the control thread came to the worker");
    }
}

/* ---- the world --------------------------------------------------------- */

static void on_beat(uv_timer_t *beat) {
    (void)beat;
}

typedef bool condition(world *w);

static bool run_until(world *w, condition *holds) {
    uint64_t end_ms = uv_hrtime() / 1000000 + WAIT_MS;
    while (!holds(w)) {
        if (uv_hrtime() / 1000000 > end_ms) return false;
        (void)uv_run(&w->loop, UV_RUN_ONCE);
    }
    return true;
}

static inf_host_config config_of(world *w, size_t i) {
    node *n = &w->nodes[i];
    inf_host_config config = {.loop = &w->loop};
    n->world = w;
    (void)snprintf(n->name, sizeof n->name, "%c", (char)('a' + i));
    assert_int_equal(inf_addr_parse(&config.bind, "127.0.0.1:0", 0), 0);
    config.node.name = inf_slice_str(n->name);
    config.node.profile = INF_PROFILE_LOCAL;
    config.node.seed = i + 1;
    config.handler = (inf_host_handler){.ctx = n,
                                        .on_request = on_request,
                                        .on_result = on_result,
                                        .on_event = on_event};
    return config;
}

static void start_with(world *w, size_t i, const inf_host_config *config) {
    char problem[INF_PROBLEM_MAX];
    node *n = &w->nodes[i];
    int rc = inf_host_start(&n->host, config, problem);
    if (rc != 0) print_message("%s\n", problem);
    assert_int_equal(rc, 0);
    inf_node *core = inf_host_lock(n->host);
    rc = inf_node_branch_add(core, branch(), inf_host_now_ms(n->host));
    inf_host_unlock(n->host);
    assert_int_equal(rc, 0);
    n->closing = false;
}

static void start(world *w, size_t i) {
    inf_host_config config = config_of(w, i);
    start_with(w, i, &config);
}

static void on_closed(void *ctx) {
    node *n = ctx;
    n->host = NULL;
}

/* Without a goodbye, as if it had been killed. */
static void stop(node *n) {
    n->closing = true;
    inf_host_close(n->host, on_closed, n);
}

static size_t running(const world *w) {
    size_t count = 0;
    for (size_t i = 0; i < NODES; i++)
        count += w->nodes[i].host != NULL;
    return count;
}

static bool none_runs(world *w) {
    return running(w) == 0;
}

static size_t live_members(node *n) {
    size_t at = 0, live = 0;
    inf_member_view member;
    inf_node *core = inf_host_lock(n->host);
    while (inf_node_member_next(core, &at, &member))
        live += member.state == INF_MEMBER_ALIVE;
    inf_host_unlock(n->host);
    return live;
}

static bool all_see_all(world *w) {
    for (size_t i = 0; i < NODES; i++) {
        node *n = &w->nodes[i];
        if (n->host != NULL && live_members(n) != running(w)) return false;
    }
    return true;
}

static void join(world *w, size_t from, size_t to) {
    node *n = &w->nodes[from];
    inf_addr addr = inf_host_gossip_addr(w->nodes[to].host);
    inf_node *core = inf_host_lock(n->host);
    int rc = inf_node_join(core, &addr, 1, 77, inf_host_now_ms(n->host));
    inf_host_unlock(n->host);
    assert_int_equal(rc, 0);
}

static void start_three(world *w) {
    for (size_t i = 0; i < 3; i++) {
        start(w, i);
        if (i != 0) join(w, i, 0);
    }
    assert_true(run_until(w, all_see_all));
}

static int setup(void **state) {
    world *w = calloc(1, sizeof *w);
    assert_int_equal(uv_loop_init(&w->loop), 0);
    (void)uv_timer_init(&w->loop, &w->beat);
    (void)uv_timer_start(&w->beat, on_beat, 1, 2);
    *state = w;
    return 0;
}

/* Whatever a test did, everything closes and nothing is left in the loop. */
static int teardown(void **state) {
    world *w = *state;
    for (size_t i = 0; i < NODES; i++) {
        node *n = &w->nodes[i];
        if (n->host != NULL && !n->closing) stop(n);
    }
    assert_true(run_until(w, none_runs));
    uv_close((uv_handle_t *)&w->beat, NULL);
    (void)uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    free(w);
    return 0;
}

static void claim(node *n, const char *name) {
    inf_row row;
    inf_node *core = inf_host_lock(n->host);
    int rc =
        inf_node_claim(core, branch(), inf_slice_str(name),
                       inf_slice_str("order"), inf_host_now_ms(n->host), &row);
    inf_host_unlock(n->host);
    assert_int_equal(rc, 0);
}

static bool knows(node *n, const char *name, const char *owner) {
    inf_row row;
    inf_node *core = inf_host_lock(n->host);
    int rc = inf_node_whereis(core, branch(), inf_slice_str(name), &row);
    bool right = rc == 0 && inf_slice_eq(row.node, inf_slice_str(owner));
    inf_host_unlock(n->host);
    return right;
}

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
    start_three(w);
    assert_true(run_until(w, all_were_told));
    for (size_t i = 0; i < 3; i++) {
        const node *n = &w->nodes[i];
        assert_int_equal(n->dones, i == 0 ? 0 : 1);
        assert_int_equal(n->done_status, 0);
        assert_int_equal(n->done_count, i == 0 ? 0 : 1);
    }
}

static bool order_7_is_everywhere(world *w) {
    return knows(&w->nodes[0], "order-7", "b") &&
           knows(&w->nodes[1], "order-7", "b") &&
           knows(&w->nodes[2], "order-7", "b");
}

static bool order_7_is_nowhere(world *w) {
    for (size_t i = 0; i < NODES; i++) {
        node *n = &w->nodes[i];
        if (n->host != NULL && knows(n, "order-7", "b")) return false;
    }
    return true;
}

static bool c_was_told_of_a_row(world *w) {
    return w->nodes[2].rows_came != 0;
}

static void a_row_is_seen_everywhere_and_leaves_with_its_owner(void **state) {
    world *w = *state;
    start_three(w);
    claim(&w->nodes[1], "order-7");
    assert_true(run_until(w, order_7_is_everywhere));
    assert_true(run_until(w, c_was_told_of_a_row));

    stop(&w->nodes[1]); /* no goodbye */
    assert_true(run_until(w, order_7_is_nowhere));
    assert_true(run_until(w, all_see_all));
    assert_true(w->nodes[0].fails + w->nodes[2].fails >= 1);
}

/* ---- calls ------------------------------------------------------------- */

static bool one_result(world *w) {
    return w->results == 1;
}

static bool two_results(world *w) {
    return w->results == 2;
}

static void everybody_can_call_everybody(void **state) {
    world *w = *state;
    start_three(w);
    claim(&w->nodes[1], "order-7");
    assert_true(run_until(w, order_7_is_everywhere));
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < 3; j++) {
            w->results = 0;
            call_node(&w->nodes[i], w->nodes[j].name, inf_slice_str("hi"), 1);
            assert_true(run_until(w, one_result));
            assert_int_equal(w->status, 0);
            assert_string_equal(w->by, w->nodes[j].name);
            assert_memory_equal(w->body, "hi", 2);
        }
        w->results = 0;
        call_name(&w->nodes[i], "order-7", 1000, 1);
        assert_true(run_until(w, one_result));
        assert_int_equal(w->status, 0);
        assert_string_equal(w->by, "b");
        assert_int_equal(w->attempts, 1);
    }
}

static void a_name_nobody_has_is_exhausted_after_its_attempts(void **state) {
    world *w = *state;
    start(w, 0);
    call_name(&w->nodes[0], "nobody", 50, 1);
    assert_true(run_until(w, one_result));
    assert_int_equal(w->status, INF_EEXHAUSTED);
    assert_int_equal(w->cause, INF_ENOENT);
    assert_int_equal(w->attempts, 50);
    assert_in_range(w->elapsed_ms, 49, 2000);
}

static void a_call_waits_for_a_name_and_is_woken_by_it(void **state) {
    world *w = *state;
    start_three(w);
    inf_target target = {.branch = branch(), .name = inf_slice_str("order-7")};
    inf_retry_policy policy = policy_of(2);
    policy.poll_interval_ms = WAIT_MS * 2; /* looking again would be too late */
    assert_int_equal(
        inf_host_call(w->nodes[0].host, &target, nothing, &policy, 1), 0);
    claim(&w->nodes[1], "order-7");
    assert_true(run_until(w, one_result));
    assert_int_equal(w->status, 0);
    assert_string_equal(w->by, "b");
}

static bool b_holds_one(world *w) {
    return w->nodes[1].held_count == 1;
}

static void a_call_outlives_a_restart_of_the_owner(void **state) {
    world *w = *state;
    start_three(w);
    claim(&w->nodes[1], "order-7");
    assert_true(run_until(w, order_7_is_everywhere));
    w->nodes[1].manners = KEEP; /* the call is on its way when b dies */
    call_name(&w->nodes[0], "order-7", 100000, 1);
    assert_true(run_until(w, b_holds_one));
    stop(&w->nodes[1]);
    assert_true(run_until(w, order_7_is_nowhere));

    w->nodes[1].manners = ANSWER;
    start(w, 1);
    join(w, 1, 2);
    claim(&w->nodes[1], "order-7");
    assert_true(run_until(w, one_result));
    assert_int_equal(w->status, 0);
    assert_string_equal(w->by, "b");
    assert_int_equal(w->nodes[1].requests, 2); /* one in each life */
}

static void a_call_to_a_dead_node_ends_as_soon_as_it_is_known(void **state) {
    world *w = *state;
    start_three(w);
    w->nodes[1].manners = KEEP;
    call_node(&w->nodes[0], "b", nothing, 1);
    assert_true(run_until(w, b_holds_one));
    stop(&w->nodes[1]);
    assert_true(run_until(w, one_result));
    assert_int_equal(w->status, INF_EUNREACHABLE);
    assert_string_equal(w->by, "b");

    call_node(&w->nodes[0], "b", nothing, 2);
    call_node(&w->nodes[0], "never-heard-of", nothing, 3);
    w->results = 0;
    assert_true(run_until(w, two_results));
    assert_int_equal(w->status, INF_EUNREACHABLE);
    assert_true(w->elapsed_ms < 1000);
}

static void where_it_is_not_it_is_looked_for_again(void **state) {
    world *w = *state;
    start_three(w);
    claim(&w->nodes[1], "order-7");
    assert_true(run_until(w, order_7_is_everywhere));
    w->nodes[1].manners = DENY; /* the view is behind: it has just ended */
    call_name(&w->nodes[0], "order-7", 20, 1);
    assert_true(run_until(w, one_result));
    assert_int_equal(w->status, INF_EEXHAUSTED);
    assert_int_equal(w->cause, INF_ENOENT);
    assert_in_range(w->nodes[1].requests, 2, 20);
}

static void an_answer_may_come_late(void **state) {
    world *w = *state;
    start_three(w);
    w->nodes[1].manners = KEEP;
    call_node(&w->nodes[0], "b", inf_slice_str("hold on"), 1);
    assert_true(run_until(w, b_holds_one));
    assert_int_equal(w->results, 0);
    assert_int_equal(inf_host_reply(w->nodes[1].host, w->nodes[1].held[0],
                                    inf_slice_str("at last")),
                     0);
    assert_int_equal(inf_host_reply(w->nodes[1].host, w->nodes[1].held[0],
                                    inf_slice_str("at last")),
                     INF_ENOENT);
    assert_true(run_until(w, one_result));
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
    start_three(w);
    for (uint64_t tag = 1; tag <= MANY; tag++) {
        sum += tag;
        call_node(&w->nodes[0], tag % 2 == 0 ? "b" : "c",
                  inf_slice_str("one of many"), tag);
    }
    assert_true(run_until(w, many_results));
    assert_int_equal(w->sum_of_tags, sum);
    assert_int_equal(w->nodes[1].requests + w->nodes[2].requests, MANY);
    assert_int_equal(w->status, 0);
}

static bool a_hundred_results(world *w) {
    return w->results == 101;
}

static void a_result_may_call_again(void **state) {
    world *w = *state;
    start_three(w);
    w->calls_left = 100;
    call_node(&w->nodes[0], "b", inf_slice_str("first"), 1);
    assert_true(run_until(w, a_hundred_results));
    assert_int_equal(w->status, 0);
    assert_int_equal(w->nodes[1].requests, 101);
}

static void a_large_body_goes_there_and_back(void **state) {
    world *w = *state;
    size_t len = INF_RPC_FRAME_MAX - INF_RPC_HEAD_MAX;
    uint8_t *bytes = calloc(len + 1, 1);
    inf_target target = {.node = inf_slice_str("b")};
    inf_retry_policy policy = policy_of(10);
    start_three(w);
    call_node(&w->nodes[0], "b", inf_slice_of(bytes, len), 1);
    call_node(&w->nodes[0], "b", inf_slice_of(bytes, 3), 2);
    assert_true(run_until(w, two_results));
    assert_int_equal(w->status, 0);
    assert_int_equal(w->nodes[1].requests, 2);
    assert_int_equal(inf_host_call(w->nodes[0].host, &target,
                                   inf_slice_of(bytes, len + 1), &policy, 1),
                     INF_ETOOBIG);
    free(bytes);
}

static void closing_ends_the_calls_in_flight(void **state) {
    world *w = *state;
    start_three(w);
    w->nodes[1].manners = KEEP;
    call_node(&w->nodes[0], "b", nothing, 1);
    assert_true(run_until(w, b_holds_one));
    call_name(&w->nodes[0], "nobody", 100000, 2);
    stop(&w->nodes[0]);
    assert_int_equal(w->results, 0);
    inf_target target = {.node = inf_slice_str("b")};
    inf_retry_policy policy = policy_of(10);
    assert_int_equal(
        inf_host_call(w->nodes[0].host, &target, nothing, &policy, 3),
        INF_ECLOSED);
    assert_true(run_until(w, two_results));
    assert_int_equal(w->status, INF_ECLOSED);
    assert_int_equal(w->sum_of_tags, 3);
}

/* ---- a proxy that loses an answer -------------------------------------- */

typedef struct proxy {
    uv_tcp_t listener;
    uv_tcp_t near; /* the caller's side */
    uv_tcp_t far;  /* the callee's */
    uv_connect_t connect;
    inf_addr callee;
    unsigned links;   /* accepted so far */
    unsigned answers; /* lost so far */
    unsigned lose;    /* answers still to be lost, each with its link */
    char room[65536];
} proxy;

static void on_proxy_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf) {
    proxy *p = handle->data;
    (void)size;
    *buf = uv_buf_init(p->room, sizeof p->room);
}

static void cut(proxy *p) {
    if (!uv_is_closing((uv_handle_t *)&p->near)) {
        uv_close((uv_handle_t *)&p->near, NULL);
        uv_close((uv_handle_t *)&p->far, NULL);
    }
}

static void pass_on(proxy *p, uv_tcp_t *to, ssize_t len) {
    uv_buf_t buf = uv_buf_init(p->room, (unsigned)len);
    assert_int_equal(uv_try_write((uv_stream_t *)to, &buf, 1), len);
}

static void on_proxy_read(uv_stream_t *from, ssize_t len, const uv_buf_t *buf) {
    proxy *p = from->data;
    bool answer = from == (uv_stream_t *)&p->far;
    (void)buf;
    if (len < 0) {
        cut(p);
    } else if (answer && p->lose != 0) {
        p->lose--;
        p->answers++;
        cut(p);
    } else if (len > 0) {
        pass_on(p, answer ? &p->near : &p->far, len);
    }
}

static void on_proxy_connect(uv_connect_t *req, int status) {
    proxy *p = req->data;
    if (status != 0) return;
    (void)uv_read_start((uv_stream_t *)&p->near, on_proxy_alloc, on_proxy_read);
    (void)uv_read_start((uv_stream_t *)&p->far, on_proxy_alloc, on_proxy_read);
}

static void on_proxy_connection(uv_stream_t *listener, int status) {
    proxy *p = listener->data;
    struct sockaddr_storage to;
    assert_int_equal(status, 0);
    assert_true(p->links == 0 || uv_is_closing((uv_handle_t *)&p->near));
    p->links++;
    (void)uv_tcp_init(listener->loop, &p->near);
    (void)uv_tcp_init(listener->loop, &p->far);
    p->near.data = p->far.data = p->connect.data = p;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&p->near), 0);
    (void)inf_socket_from_addr(&p->callee, &to);
    assert_int_equal(uv_tcp_connect(&p->connect, &p->far,
                                    (struct sockaddr *)&to, on_proxy_connect),
                     0);
}

/* Returns the port that the caller is to dial. */
static uint16_t open_proxy(world *w, proxy *p) {
    inf_addr at;
    int fd = -1;
    assert_int_equal(inf_addr_parse(&at, "127.0.0.1:0", 0), 0);
    assert_int_equal(inf_socket_tcp(&at, &fd), 0);
    (void)uv_tcp_init(&w->loop, &p->listener);
    assert_int_equal(uv_tcp_open(&p->listener, fd), 0);
    p->listener.data = p;
    assert_int_equal(
        uv_listen((uv_stream_t *)&p->listener, 8, on_proxy_connection), 0);
    return at.port;
}

static void an_answer_that_is_lost_is_not_a_second_run(void **state) {
    world *w = *state;
    proxy *p = calloc(1, sizeof *p);
    p->lose = 3;
    start(w, 0);
    inf_host_config config = config_of(w, 1);
    config.rpc_advertise = open_proxy(w, p);
    start_with(w, 1, &config);
    p->callee = inf_host_rpc_addr(w->nodes[1].host);
    join(w, 1, 0);
    assert_true(run_until(w, all_see_all));

    call_node(&w->nodes[0], "b", inf_slice_str("pay once"), 1);
    assert_true(run_until(w, one_result));
    assert_int_equal(w->status, 0);
    assert_memory_equal(w->body, "pay once", 8);
    assert_int_equal(p->answers, 3); /* or the fault did not bite */
    assert_int_equal(p->links, 4);
    assert_true(w->attempts >= 4);
    assert_int_equal(w->nodes[1].requests, 1);

    cut(p);
    uv_close((uv_handle_t *)&p->listener, NULL);
    (void)uv_run(&w->loop, UV_RUN_NOWAIT);
    (void)uv_run(&w->loop, UV_RUN_NOWAIT);
    free(p);
}

/* ---- strangers --------------------------------------------------------- */

/* A plain socket, connected and blocking. */
static int stranger(const inf_addr *to) {
    struct sockaddr_storage addr;
    socklen_t len = inf_socket_from_addr(to, &addr);
    int fd = socket(addr.ss_family, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, len), 0);
    return fd;
}

static int stranger_fd;
static size_t stranger_got;

static bool stranger_is_closed(world *w) {
    char byte;
    (void)w;
    ssize_t len = recv(stranger_fd, &byte, 1, MSG_DONTWAIT);
    if (len > 0) stranger_got++;
    return len == 0 || (len < 0 && errno != EAGAIN);
}

static void strange_bytes_close_their_link_and_nothing_else(void **state) {
    world *w = *state;
    static const uint8_t garbage[] = "GET / HTTP/1.1\r\n\r\n";
    static const uint8_t call[] = {0, 0, 0, 5, 2, 1, 0, 0, 0};
    static const uint8_t version[] = {0, 0, 0, 2, 1, 99};
    static const struct {
        const uint8_t *bytes;
        size_t len;
    } tries[] = {{garbage, sizeof garbage - 1},
                 {call, sizeof call},
                 {version, sizeof version}};
    start_three(w);
    inf_addr at = inf_host_rpc_addr(w->nodes[0].host);
    for (size_t i = 0; i < INF_COUNT(tries); i++) {
        stranger_fd = stranger(&at);
        stranger_got = 0;
        assert_int_equal(send(stranger_fd, tries[i].bytes, tries[i].len, 0),
                         tries[i].len);
        assert_true(run_until(w, stranger_is_closed));
        if (i == 2) assert_true(stranger_got > 5); /* a BYE says why */
        (void)close(stranger_fd);
    }
    assert_int_equal(w->nodes[0].requests, 0);
    call_node(&w->nodes[1], "a", inf_slice_str("still there?"), 1);
    assert_true(run_until(w, one_result));
    assert_int_equal(w->status, 0);
}

/* ---- starting ---------------------------------------------------------- */

static void check_refused(world *w, const inf_host_config *config, int status,
                          const char *words) {
    char problem[INF_PROBLEM_MAX];
    inf_host *host = NULL;
    assert_int_equal(inf_host_start(&host, config, problem), status);
    assert_null(host);
    if (strstr(problem, words) == NULL) {
        fail_msg("'%s' does not say '%s'", problem, words);
    }
    (void)w;
}

static void a_port_in_use_is_named(void **state) {
    world *w = *state;
    char text[INF_ADDR_TEXT_MAX];
    start(w, 0);
    inf_host_config config = config_of(w, 1);
    config.bind = inf_host_gossip_addr(w->nodes[0].host);
    check_refused(w, &config, INF_EINUSE, "gossip");
    check_refused(w, &config, INF_EINUSE, inf_addr_format(&config.bind, text));

    config = config_of(w, 1);
    config.rpc = inf_host_rpc_addr(w->nodes[0].host);
    check_refused(w, &config, INF_EINUSE, "rpc");
    check_refused(w, &config, INF_EINUSE, inf_addr_format(&config.rpc, text));
}

static void what_cannot_be_bound_or_named_is_refused(void **state) {
    world *w = *state;
    inf_host_config config = config_of(w, 0);
    assert_int_equal(inf_addr_parse(&config.bind, "192.0.2.1:0", 0), 0);
    check_refused(w, &config, INF_EADDRESS, "192.0.2.1");
    config.bind.len = 0;
    check_refused(w, &config, INF_EADDRESS, "gossip");
    config = config_of(w, 0);
    config.node.name = nothing;
    check_refused(w, &config, INF_ENAME, "name");
}

static void both_gossip_sockets_share_a_port(void **state) {
    world *w = *state;
    start(w, 0);
    inf_addr at = inf_host_gossip_addr(w->nodes[0].host);
    int fd = -1;
    assert_true(at.port != 0);
    assert_int_equal(inf_socket_tcp(&at, &fd), INF_EINUSE);
    int tcp = -1;
    assert_int_equal(inf_socket_both(&at, &tcp, &fd), INF_EINUSE);
    assert_int_equal(fd, -1);
}

static void a_node_that_leaves_is_done_and_gone(void **state) {
    world *w = *state;
    start_three(w);
    node *n = &w->nodes[1];
    unsigned fails = w->nodes[0].fails;
    inf_node *core = inf_host_lock(n->host);
    assert_int_equal(inf_node_leave(core, 9, inf_host_now_ms(n->host)), 0);
    inf_host_unlock(n->host);
    n->dones = 0;
    uint64_t end_ms = uv_hrtime() / 1000000 + WAIT_MS;
    while (n->dones == 0 && uv_hrtime() / 1000000 < end_ms) {
        (void)uv_run(&w->loop, UV_RUN_ONCE);
    }
    assert_int_equal(n->dones, 1);
    stop(n);
    assert_true(run_until(w, all_see_all));
    assert_int_equal(w->nodes[0].fails, fails);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(three_nodes_meet_and_are_told),
        TEST(a_row_is_seen_everywhere_and_leaves_with_its_owner),
        TEST(everybody_can_call_everybody),
        TEST(a_name_nobody_has_is_exhausted_after_its_attempts),
        TEST(a_call_waits_for_a_name_and_is_woken_by_it),
        TEST(a_call_outlives_a_restart_of_the_owner),
        TEST(a_call_to_a_dead_node_ends_as_soon_as_it_is_known),
        TEST(where_it_is_not_it_is_looked_for_again),
        TEST(an_answer_may_come_late),
        TEST(thousands_at_once_end_once_each),
        TEST(a_result_may_call_again),
        TEST(a_large_body_goes_there_and_back),
        TEST(closing_ends_the_calls_in_flight),
        TEST(an_answer_that_is_lost_is_not_a_second_run),
        TEST(strange_bytes_close_their_link_and_nothing_else),
        TEST(a_port_in_use_is_named),
        TEST(what_cannot_be_bound_or_named_is_refused),
        TEST(both_gossip_sockets_share_a_port),
        TEST(a_node_that_leaves_is_done_and_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
