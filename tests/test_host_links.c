/* SPDX-License-Identifier: MIT */
/* What comes from outside: lost answers, peers that do not read, strangers,
   ports in use. */
#include "host_world.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/socket.h"

static bool one_result(world *w) {
    return w->results == 1;
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
    bool deaf;        /* takes nothing from the caller */
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
    if (status != 0 || p->deaf) return;
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

static void close_proxy(world *w, proxy *p) {
    cut(p);
    uv_close((uv_handle_t *)&p->listener, NULL);
    (void)uv_run(&w->loop, UV_RUN_NOWAIT);
    (void)uv_run(&w->loop, UV_RUN_NOWAIT);
    free(p);
}

/* Nodes a and b; a reaches b's calls through the proxy. */
static void start_two(world *w, proxy *p) {
    world_start(w, 0);
    inf_host_config config = world_config(w, 1);
    config.rpc_advertise = open_proxy(w, p);
    world_start_with(w, 1, &config);
    p->callee = inf_host_rpc_addr(w->nodes[1].host);
    world_join(w, 1, 0);
    assert_true(world_run_until(w, world_all_see_all));
}

static void an_answer_that_is_lost_is_not_a_second_run(void **state) {
    world *w = *state;
    proxy *p = calloc(1, sizeof *p);
    p->lose = 3;
    start_two(w, p);

    node_call(&w->nodes[0], "b", inf_slice_str("pay once"), 1);
    assert_true(world_run_until(w, one_result));
    assert_int_equal(w->status, 0);
    assert_memory_equal(w->body, "pay once", 8);
    assert_int_equal(p->answers, 3); /* or the fault did not bite */
    assert_int_equal(p->links, 4);
    assert_true(w->attempts >= 4);
    assert_int_equal(w->nodes[1].requests, 1);

    close_proxy(w, p);
}

/* ---- a peer that does not read ----------------------------------------- */

static unsigned accepted;

static bool all_have_ended(world *w) {
    return w->results == accepted;
}

static void a_deaf_peer_costs_bounded_memory_and_no_silence(void **state) {
    world *w = *state;
    proxy *p = calloc(1, sizeof *p);
    size_t len = 1u << 20;
    uint8_t *bytes = calloc(len, 1);
    inf_target target = {.node = inf_slice_str("b")};
    inf_retry_policy policy = world_policy(1000);
    policy.timeout_ms = 3000; /* filling up takes far less */
    p->deaf = true;
    start_two(w, p);
    int rc = 0;
    for (accepted = 0; rc == 0 && accepted < 1000; accepted += rc == 0) {
        rc = inf_host_call(w->nodes[0].host, &target, inf_slice_of(bytes, len),
                           &policy, 1);
        (void)uv_run(&w->loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(rc, INF_EFULL);
    assert_in_range(accepted, 32, INF_RPC_BYTES_MAX / len);
    assert_true(world_run_until(w, all_have_ended));
    assert_int_equal(w->sum_of_tags, accepted);
    assert_int_equal(w->status, INF_ETIMEDOUT);

    p->deaf = false; /* a new link finds it listening */
    cut(p);
    accepted++;
    node_call(&w->nodes[0], "b", inf_slice_str("and now?"), 1);
    assert_true(world_run_until(w, all_have_ended));
    assert_int_equal(w->status, 0);
    free(bytes);
    close_proxy(w, p);
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
    world_start_three(w);
    inf_addr at = inf_host_rpc_addr(w->nodes[0].host);
    for (size_t i = 0; i < INF_COUNT(tries); i++) {
        stranger_fd = stranger(&at);
        stranger_got = 0;
        assert_int_equal(send(stranger_fd, tries[i].bytes, tries[i].len, 0),
                         tries[i].len);
        assert_true(world_run_until(w, stranger_is_closed));
        if (i == 2) assert_true(stranger_got > 5); /* a BYE says why */
        (void)close(stranger_fd);
    }
    assert_int_equal(w->nodes[0].requests, 0);
    node_call(&w->nodes[1], "a", inf_slice_str("still there?"), 1);
    assert_true(world_run_until(w, one_result));
    assert_int_equal(w->status, 0);
}

/* A peer that has said all it wants, and still listens. */
static void who_closes_its_half_still_hears_its_answer(void **state) {
    world *w = *state;
    world_start(w, 0);
    inf_addr at = inf_host_gossip_addr(w->nodes[0].host);
    for (unsigned i = 0; i < 3; i++) {
        stranger_fd = stranger(&at);
        stranger_got = 0;
        assert_int_equal(send(stranger_fd, "\x06\x80", 2, 0), 2);
        assert_int_equal(shutdown(stranger_fd, SHUT_WR), 0);
        assert_true(world_run_until(w, stranger_is_closed));
        assert_true(stranger_got > 50); /* the list of members */
        (void)close(stranger_fd);
    }
}

/* ---- a key ------------------------------------------------------------- */

static const uint8_t key_bytes[32] = "a key of the cluster, 32 bytes.";

static void start_with_key(world *w, size_t i, size_t key_len) {
    inf_slice key = inf_slice_of(key_bytes, key_len);
    inf_host_config config = world_config(w, i);
    config.node.keys = &key;
    config.node.key_count = 1;
    world_start_with(w, i, &config);
}

static bool four_results(world *w) {
    return w->results == 4;
}

static bool fifty_one_results(world *w) {
    return w->results == 51;
}

static void a_large_secret_goes_there_and_back(void **state) {
    world *w = *state;
    size_t len = 5u << 20;
    uint8_t *bytes = calloc(len, 1);
    start_with_key(w, 0, 32);
    start_with_key(w, 1, 32);
    world_join(w, 1, 0);
    assert_true(world_run_until(w, world_all_see_all));
    for (int i = 0; i < 4; i++)
        node_call(&w->nodes[0], "b", inf_slice_of(bytes, len), 1);
    assert_true(world_run_until(w, four_results));
    assert_int_equal(w->status, 0);
    assert_int_equal(w->body_len, len);
    free(bytes);
}

static bool a_knows_order_7(world *w) {
    return node_knows(&w->nodes[0], "order-7", "b");
}

static bool c_has_tried(world *w) {
    return w->nodes[2].dones == 1;
}

static void with_a_key_only_who_knows_it_gets_in(void **state) {
    world *w = *state;
    static const uint8_t hello[] = {0, 0, 0, 0x0f, 1, 1, 1, 'x', 0,  0,
                                    0, 0, 0, 0,    0, 1, 1, 1,   'a'};
    start_with_key(w, 0, 32);
    start_with_key(w, 1, 32);
    world_join(w, 1, 0);
    assert_true(world_run_until(w, world_all_see_all));
    w->calls_left = 50;
    node_call(&w->nodes[0], "b", inf_slice_str("a secret"), 1);
    assert_true(world_run_until(w, fifty_one_results));
    assert_int_equal(w->status, 0);

    start_with_key(w, 2, 16);
    world_join(w, 2, 0);
    assert_true(world_run_until(w, c_has_tried));
    assert_true(w->nodes[2].done_status != 0);
    assert_int_equal(node_live_members(&w->nodes[0]), 2);

    node_claim(&w->nodes[1], "order-7");
    assert_true(world_run_until(w, a_knows_order_7));

    inf_addr at = inf_host_rpc_addr(w->nodes[0].host);
    unsigned logs = w->nodes[0].logs;
    stranger_fd = stranger(&at);
    assert_int_equal(send(stranger_fd, hello, sizeof hello, 0), sizeof hello);
    assert_true(world_run_until(w, stranger_is_closed));
    assert_true(w->nodes[0].logs > logs); /* and somebody is told */
    (void)close(stranger_fd);

    at = inf_host_gossip_addr(w->nodes[0].host);
    logs = w->nodes[0].logs;
    stranger_fd = stranger(&at);
    assert_int_equal(send(stranger_fd, "\xf1registry?", 10, 0), 10);
    assert_true(world_run_until(w, stranger_is_closed));
    while (w->nodes[0].logs == logs)
        (void)uv_run(&w->loop, UV_RUN_ONCE);
    (void)close(stranger_fd);
}

static unsigned results_wanted;

static bool as_many_results(world *w) {
    return w->results >= results_wanted;
}

/* Every node takes the step while calls go on; then as many end again. */
static void rotate(world *w, inf_key_step step, inf_slice key) {
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(inf_host_key(w->nodes[i].host, step, key), 0);
    results_wanted = w->results + 20;
    assert_true(world_run_until(w, as_many_results));
}

static void keys_rotate_under_way(void **state) {
    world *w = *state;
    inf_slice keys[2] = {inf_slice_of(key_bytes, 32),
                         inf_slice_of(key_bytes, 16)};
    for (size_t i = 0; i < 3; i++) {
        start_with_key(w, i, 32);
        if (i > 0) world_join(w, i, 0);
    }
    assert_true(world_run_until(w, world_all_see_all));
    w->calls_left = 100000;
    node_call(&w->nodes[0], "b", inf_slice_str("and so on"), 1);
    for (size_t round = 0; round < 6; round++) {
        inf_slice old = keys[round % 2], new = keys[1 - round % 2];
        rotate(w, INF_KEY_ADD, new);
        rotate(w, INF_KEY_USE, new);
        rotate(w, INF_KEY_REMOVE, old);
        assert_int_equal(inf_host_key(w->nodes[0].host, INF_KEY_USE, old),
                         INF_ENOENT);
    }
    w->calls_left = 0;
    assert_int_equal(w->failures, 0);
    assert_true(world_all_see_all(w));
    assert_int_equal(w->nodes[0].fails + w->nodes[1].fails + w->nodes[2].fails,
                     0);
    assert_int_equal(inf_host_keys_set(w->nodes[0].host, keys, 2), 0);
    assert_int_equal(inf_host_keys_set(w->nodes[0].host, keys, 0), INF_EINVAL);
}

static void an_open_node_takes_no_key(void **state) {
    world *w = *state;
    inf_slice key = inf_slice_of(key_bytes, 32);
    world_start(w, 0);
    assert_int_equal(inf_host_key(w->nodes[0].host, INF_KEY_ADD, key),
                     INF_ECRYPT);
    assert_int_equal(inf_host_keys_set(w->nodes[0].host, &key, 1), INF_ECRYPT);
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
    world_start(w, 0);
    inf_host_config config = world_config(w, 1);
    config.bind = inf_host_gossip_addr(w->nodes[0].host);
    check_refused(w, &config, INF_EINUSE, "gossip");
    check_refused(w, &config, INF_EINUSE, inf_addr_format(&config.bind, text));

    config = world_config(w, 1);
    config.rpc = inf_host_rpc_addr(w->nodes[0].host);
    check_refused(w, &config, INF_EINUSE, "rpc");
    check_refused(w, &config, INF_EINUSE, inf_addr_format(&config.rpc, text));
}

static void what_cannot_be_bound_or_named_is_refused(void **state) {
    world *w = *state;
    inf_host_config config = world_config(w, 0);
    assert_int_equal(inf_addr_parse(&config.bind, "192.0.2.1:0", 0), 0);
    check_refused(w, &config, INF_EADDRESS, "192.0.2.1");
    config.bind.len = 0;
    check_refused(w, &config, INF_EADDRESS, "gossip");
    config = world_config(w, 0);
    config.node.name = nothing;
    check_refused(w, &config, INF_ENAME, "name");
}

static void a_broken_pipe_does_not_end_the_process(void **state) {
    world *w = *state;
    struct sigaction now;
    (void)signal(SIGPIPE, SIG_DFL);
    world_start(w, 0);
    assert_int_equal(sigaction(SIGPIPE, NULL, &now), 0);
    assert_true(now.sa_handler == SIG_IGN);
}

static void nodes_meet_over_ipv6(void **state) {
    world *w = *state;
    inf_addr at;
    int fd = -1;
    assert_int_equal(inf_addr_parse(&at, "[::1]:0", 0), 0);
    if (inf_socket_tcp(&at, &fd) != 0) skip(); /* this machine has none */
    inf_socket_close(&fd);
    for (size_t i = 0; i < 2; i++) {
        inf_host_config config = world_config(w, i);
        assert_int_equal(inf_addr_parse(&config.bind, "[::1]:0", 0), 0);
        world_start_with(w, i, &config);
    }
    world_join(w, 1, 0);
    assert_true(world_run_until(w, world_all_see_all));
    node_call(&w->nodes[0], "b", inf_slice_str("six"), 1);
    assert_true(world_run_until(w, one_result));
    assert_int_equal(w->status, 0);
}

static bool none_runs(world *w) {
    return world_running(w) == 0;
}

static void nodes_may_close_at_any_moment_of_their_birth(void **state) {
    world *w = *state;
    for (int i = 0; i < 60; i++) {
        world_start(w, 0);
        world_start(w, 1);
        world_join(w, 1, 0);
        w->results = 0;
        node_call_name(&w->nodes[1], "nobody", 1000, 1);
        for (int turns = i; turns > 0; turns--)
            (void)uv_run(&w->loop, UV_RUN_ONCE);
        node_call(&w->nodes[0], "b", inf_slice_str("x"), 1);
        node_stop(&w->nodes[i % 2]);
        node_stop(&w->nodes[(i + 1) % 2]);
        assert_true(world_run_until(w, none_runs));
        assert_int_equal(w->results, 2);
    }
}

static void both_gossip_sockets_share_a_port(void **state) {
    world *w = *state;
    world_start(w, 0);
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
    world_start_three(w);
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
    node_stop(n);
    assert_true(world_run_until(w, world_all_see_all));
    assert_int_equal(w->nodes[0].fails, fails);
}

int main(void) {
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_answer_that_is_lost_is_not_a_second_run),
        TEST(a_deaf_peer_costs_bounded_memory_and_no_silence),
        TEST(strange_bytes_close_their_link_and_nothing_else),
        TEST(who_closes_its_half_still_hears_its_answer),
        TEST(with_a_key_only_who_knows_it_gets_in),
        TEST(a_large_secret_goes_there_and_back),
        TEST(keys_rotate_under_way),
        TEST(an_open_node_takes_no_key),
        TEST(a_port_in_use_is_named),
        TEST(what_cannot_be_bound_or_named_is_refused),
        TEST(a_broken_pipe_does_not_end_the_process),
        TEST(nodes_meet_over_ipv6),
        TEST(nodes_may_close_at_any_moment_of_their_birth),
        TEST(both_gossip_sockets_share_a_port),
        TEST(a_node_that_leaves_is_done_and_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
