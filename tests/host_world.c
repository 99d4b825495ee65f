/* SPDX-License-Identifier: MIT */
#include "host_world.h"

#include <stdio.h>
#include <stdlib.h>

static const char branch_name[] = "main";

inf_slice world_branch(void) {
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

inf_retry_policy world_policy(uint32_t attempts) {
    inf_retry_policy policy = inf_retry_policy_default();
    policy.attempts = attempts;
    return policy;
}

void node_call(node *from, const char *to, inf_slice body, uint64_t tag) {
    inf_target target = {.branch = world_branch(), .node = inf_slice_str(to)};
    inf_retry_policy policy = world_policy(1000);
    assert_int_equal(inf_host_call(from->host, &target, body, &policy, tag), 0);
}

void node_call_name(node *from, const char *name, uint32_t attempts,
                    uint64_t tag) {
    inf_target target = {.branch = world_branch(), .name = inf_slice_str(name)};
    inf_retry_policy policy = world_policy(attempts);
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
    if (result->status != 0) w->failures++;
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
        node_call(n, "b", inf_slice_str("again"), tag);
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
        if (n->rows_take_ms != 0) uv_sleep(n->rows_take_ms);
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
    case INF_EFFECT_CONTEST:
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

bool world_run_until(world *w, condition *holds) {
    uint64_t end_ms = uv_hrtime() / 1000000 + WAIT_MS;
    while (!holds(w)) {
        if (uv_hrtime() / 1000000 > end_ms) return false;
        (void)uv_run(&w->loop, UV_RUN_ONCE);
    }
    return true;
}

inf_host_config world_config(world *w, size_t i) {
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

void world_start_with(world *w, size_t i, const inf_host_config *config) {
    char problem[INF_PROBLEM_MAX];
    node *n = &w->nodes[i];
    int rc = inf_host_start(&n->host, config, problem);
    if (rc != 0) print_message("%s\n", problem);
    assert_int_equal(rc, 0);
    inf_node *core = inf_host_lock(n->host);
    rc = inf_node_branch_add(core, world_branch(), inf_host_now_ms(n->host));
    inf_host_unlock(n->host);
    assert_int_equal(rc, 0);
    n->closing = false;
}

void world_start(world *w, size_t i) {
    inf_host_config config = world_config(w, i);
    world_start_with(w, i, &config);
}

static void on_closed(void *ctx) {
    node *n = ctx;
    n->host = NULL;
}

void node_stop(node *n) {
    n->closing = true;
    inf_host_close(n->host, on_closed, n);
}

size_t world_running(const world *w) {
    size_t count = 0;
    for (size_t i = 0; i < NODES; i++)
        count += w->nodes[i].host != NULL;
    return count;
}

static bool none_runs(world *w) {
    return world_running(w) == 0;
}

size_t node_live_members(node *n) {
    size_t at = 0, live = 0;
    inf_member_view member;
    inf_node *core = inf_host_lock(n->host);
    while (inf_node_member_next(core, &at, &member))
        live += member.state == INF_MEMBER_ALIVE;
    inf_host_unlock(n->host);
    return live;
}

bool world_all_see_all(world *w) {
    for (size_t i = 0; i < NODES; i++) {
        node *n = &w->nodes[i];
        if (n->host != NULL && node_live_members(n) != world_running(w))
            return false;
    }
    return true;
}

void world_join(world *w, size_t from, size_t to) {
    node *n = &w->nodes[from];
    inf_addr addr = inf_host_gossip_addr(w->nodes[to].host);
    inf_node *core = inf_host_lock(n->host);
    int rc = inf_node_join(core, &addr, 1, 77, inf_host_now_ms(n->host));
    inf_host_unlock(n->host);
    assert_int_equal(rc, 0);
}

void world_start_three(world *w) {
    for (size_t i = 0; i < 3; i++) {
        world_start(w, i);
        if (i != 0) world_join(w, i, 0);
    }
    assert_true(world_run_until(w, world_all_see_all));
}

int world_setup(void **state) {
    world *w = calloc(1, sizeof *w);
    assert_int_equal(uv_loop_init(&w->loop), 0);
    (void)uv_timer_init(&w->loop, &w->beat);
    (void)uv_timer_start(&w->beat, on_beat, 1, 2);
    *state = w;
    return 0;
}

int world_teardown(void **state) {
    world *w = *state;
    for (size_t i = 0; i < NODES; i++) {
        node *n = &w->nodes[i];
        if (n->host != NULL && !n->closing) node_stop(n);
    }
    assert_true(world_run_until(w, none_runs));
    uv_close((uv_handle_t *)&w->beat, NULL);
    (void)uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    free(w);
    return 0;
}

void node_claim(node *n, const char *name) {
    inf_row row;
    inf_node *core = inf_host_lock(n->host);
    int rc =
        inf_node_claim(core, world_branch(), inf_slice_str(name),
                       inf_slice_str("order"), inf_host_now_ms(n->host), &row);
    inf_host_unlock(n->host);
    assert_int_equal(rc, 0);
}

bool node_knows(node *n, const char *name, const char *owner) {
    inf_row row;
    inf_node *core = inf_host_lock(n->host);
    int rc = inf_node_whereis(core, world_branch(), inf_slice_str(name), &row);
    bool right = rc == 0 && inf_slice_eq(row.node, inf_slice_str(owner));
    inf_host_unlock(n->host);
    return right;
}
