/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "core/node.h"

/* ---- a small world: nodes, a perfect network, one clock --------------------
 */

enum { NODES = 4, EVENTS = 256 };

typedef enum thing_kind {
    PACKET,
    ACCEPT,
    CONNECTED,
    BYTES,
    DRAINED,
    CLOSED
} thing_kind;

typedef struct thing {
    thing_kind kind;
    uint64_t due_ms;
    int node;
    int from;
    uint64_t stream; /* as `node` knows it; ACCEPT: the dialler's */
    int status;
    uint8_t *bytes;
    size_t len;
} thing;

typedef struct stream_end {
    int node;
    uint64_t stream;
    int peer;
    uint64_t peer_stream;
} stream_end;

typedef struct seen {
    inf_effect_kind kind;
    inf_change change;
    int status;
    uint64_t count;
    uint64_t token;
    char name[128];
} seen;

typedef struct world {
    inf_node *node[NODES];
    inf_addr addr[NODES];
    bool cut[NODES]; /* reaches nobody, is reached by nobody */
    uint64_t now_ms;
    thing *things;
    size_t count;
    size_t cap;
    stream_end ends[4096];
    size_t end_count;
    seen log[NODES][EVENTS];
    size_t logged[NODES];
    uint64_t written;
} world;

static world *the_world;

static void later(world *w, thing t, const void *bytes, size_t len) {
    if (w->count == w->cap) {
        w->cap = w->cap == 0 ? 256 : w->cap * 2;
        w->things = realloc(w->things, w->cap * sizeof *w->things);
        assert_non_null(w->things);
    }
    t.bytes = NULL;
    t.len = len;
    if (len != 0) {
        t.bytes = malloc(len);
        assert_non_null(t.bytes);
        memcpy(t.bytes, bytes, len);
    }
    w->things[w->count++] = t;
}

static int node_at(const world *w, const inf_addr *addr) {
    for (int i = 0; i < NODES; i++) {
        if (inf_addr_eq(&w->addr[i], addr)) return i;
    }
    return -1;
}

static stream_end *end_of(world *w, int node, uint64_t stream) {
    for (size_t i = 0; i < w->end_count; i++) {
        if (w->ends[i].node == node && w->ends[i].stream == stream) {
            return &w->ends[i];
        }
    }
    return NULL;
}

static void forget_end(world *w, stream_end *end) {
    *end = w->ends[--w->end_count];
}

static void log_effect(world *w, int node, const inf_effect *e) {
    if (w->logged[node] == EVENTS) return;
    seen *s = &w->log[node][w->logged[node]++];
    *s = (seen){e->kind, e->change, e->status, e->count, e->token, ""};
    inf_slice name = e->row_count != 0 ? e->rows[0].name : e->name;
    if (e->kind == INF_EFFECT_LOG) name = e->bytes;
    (void)snprintf(s->name, sizeof s->name, "%.*s", (int)name.len,
                   (const char *)name.data);
}

static void carry_out(world *w, int node, const inf_effect *e) {
    uint64_t at = w->now_ms + 1;
    stream_end *end;
    int peer;
    switch (e->kind) {
    case INF_EFFECT_PACKET:
        peer = node_at(w, &e->addr);
        if (peer < 0) return;
        later(w,
              (thing){.kind = PACKET, .due_ms = at, .node = peer, .from = node},
              e->bytes.data, e->bytes.len);
        return;
    case INF_EFFECT_DIAL:
        peer = node_at(w, &e->addr);
        if (peer < 0 || w->node[peer] == NULL) {
            later(w,
                  (thing){.kind = CLOSED,
                          .due_ms = at,
                          .node = node,
                          .stream = e->stream,
                          .status = INF_EUNREACHABLE},
                  NULL, 0);
            return;
        }
        later(w,
              (thing){.kind = ACCEPT,
                      .due_ms = at,
                      .node = peer,
                      .from = node,
                      .stream = e->stream},
              NULL, 0);
        return;
    case INF_EFFECT_WRITE:
        end = end_of(w, node, e->stream);
        if (end == NULL) return;
        w->written += e->bytes.len;
        later(w,
              (thing){.kind = BYTES,
                      .due_ms = at,
                      .node = end->peer,
                      .from = node,
                      .stream = end->peer_stream},
              e->bytes.data, e->bytes.len);
        later(w,
              (thing){.kind = DRAINED,
                      .due_ms = at,
                      .node = node,
                      .from = node,
                      .stream = e->stream},
              NULL, 0);
        return;
    case INF_EFFECT_CLOSE:
        end = end_of(w, node, e->stream);
        if (end == NULL) return;
        later(w,
              (thing){.kind = CLOSED,
                      .due_ms = at,
                      .node = end->peer,
                      .from = node,
                      .stream = end->peer_stream},
              NULL, 0);
        forget_end(w, end);
        return;
    case INF_EFFECT_MEMBER:
    case INF_EFFECT_ROWS:
    case INF_EFFECT_LOST:
    case INF_EFFECT_USER:
    case INF_EFFECT_DONE:
    case INF_EFFECT_LOG:
        log_effect(w, node, e);
        return;
    }
}

static void drain(world *w, int node) {
    inf_effect e;
    while (w->node[node] != NULL && inf_node_poll(w->node[node], &e)) {
        carry_out(w, node, &e);
        inf_effect_deinit(&e);
    }
}

static void accept_stream(world *w, const thing *t) {
    uint64_t stream = 0;
    if (inf_node_accepted(w->node[t->node], &w->addr[t->from], w->now_ms,
                          &stream) != 0) {
        return;
    }
    assert_true(w->end_count + 2 <= INF_COUNT(w->ends));
    w->ends[w->end_count++] = (stream_end){t->node, stream, t->from, t->stream};
    w->ends[w->end_count++] = (stream_end){t->from, t->stream, t->node, stream};
    later(w,
          (thing){.kind = CONNECTED,
                  .due_ms = w->now_ms,
                  .node = t->from,
                  .from = t->node,
                  .stream = t->stream},
          NULL, 0);
}

static void happen(world *w, const thing *t) {
    inf_node *node = w->node[t->node];
    inf_slice bytes = inf_slice_of(t->bytes, t->len);
    bool crossing = t->node != t->from && t->kind != CLOSED;
    if (node == NULL) return;
    if (crossing && (w->cut[t->node] || w->cut[t->from])) return;
    stream_end *end;
    switch (t->kind) {
    case PACKET:
        inf_node_packet(node, &w->addr[t->from], bytes, w->now_ms);
        break;
    case ACCEPT:
        accept_stream(w, t);
        break;
    case CONNECTED:
        inf_node_connected(node, t->stream, w->now_ms);
        break;
    case BYTES:
        inf_node_bytes(node, t->stream, bytes, w->now_ms);
        break;
    case DRAINED:
        inf_node_drained(node, t->stream, w->now_ms);
        break;
    case CLOSED:
        end = end_of(w, t->node, t->stream);
        if (end != NULL) forget_end(w, end);
        inf_node_closed(node, t->stream, t->status, w->now_ms);
        break;
    }
    drain(w, t->node);
}

static void step(world *w) {
    for (size_t i = 0; i < w->count;) {
        thing t = w->things[i];
        if (t.due_ms > w->now_ms) {
            i++;
            continue;
        }
        memmove(w->things + i, w->things + i + 1,
                (w->count - i - 1) * sizeof t);
        w->count--;
        happen(w, &t);
        free(t.bytes);
    }
    for (int i = 0; i < NODES; i++) {
        if (w->node[i] == NULL) continue;
        if (inf_node_deadline(w->node[i]) <= w->now_ms) {
            inf_node_tick(w->node[i], w->now_ms);
        }
        drain(w, i);
    }
    w->now_ms++;
}

static void run_ms(world *w, uint64_t ms) {
    for (uint64_t i = 0; i < ms; i++)
        step(w);
}

typedef bool condition(world *w);

static bool run_until(world *w, condition *met, uint64_t limit_ms) {
    for (uint64_t i = 0; i < limit_ms; i++) {
        if (met(w)) return true;
        step(w);
    }
    return met(w);
}

/* ---- nodes of the world
 * ------------------------------------------------------ */

static const char *const node_names[NODES] = {"anna", "berta", "clara", "dora"};
#define BRANCH inf_slice_str("orders")
#define IMPL   inf_slice_str("order")

static void birth(world *w, int i, uint64_t boot) {
    inf_node_config config = {.name = inf_slice_str(node_names[i]),
                              .advertise = w->addr[i],
                              .rpc_port = (uint16_t)(9000 + i),
                              .boot = boot,
                              .seed = (uint64_t)i + boot,
                              .wall_ms = 1700000000000 + w->now_ms,
                              .hold_ms = 30000};
    assert_int_equal(inf_node_new(&w->node[i], &config, w->now_ms), 0);
}

static void join(world *w, int i) {
    assert_int_equal(inf_node_join(w->node[i], &w->addr[0], 1, 77, w->now_ms),
                     0);
    drain(w, i);
}

/* All four nodes run the branch in one cluster. */
static int setup(void **state) {
    world *w = calloc(1, sizeof *w);
    if (w == NULL) return -1;
    the_world = w;
    w->now_ms = 1000;
    for (int i = 0; i < NODES; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "10.0.0.%d:7946", i + 1);
        assert_int_equal(inf_addr_parse(&w->addr[i], text, 0), 0);
        birth(w, i, 100);
        assert_int_equal(inf_node_branch_add(w->node[i], BRANCH, w->now_ms), 0);
        if (i != 0) join(w, i);
        run_ms(w, 100);
    }
    run_ms(w, 3000);
    *state = w;
    return 0;
}

static void kill_node(world *w, int i) {
    inf_node_free(w->node[i]);
    w->node[i] = NULL;
    for (size_t at = 0; at < w->end_count;) {
        stream_end end = w->ends[at];
        if (end.node != i) {
            at++;
            continue;
        }
        later(w,
              (thing){.kind = CLOSED,
                      .due_ms = w->now_ms + 1,
                      .node = end.peer,
                      .from = i,
                      .stream = end.peer_stream},
              NULL, 0);
        forget_end(w, &w->ends[at]);
    }
}

static int teardown(void **state) {
    world *w = *state;
    for (int i = 0; i < NODES; i++)
        inf_node_free(w->node[i]);
    for (size_t i = 0; i < w->count; i++)
        free(w->things[i].bytes);
    free(w->things);
    free(w);
    return 0;
}

static uint64_t claim(world *w, int i, const char *name) {
    inf_row row;
    assert_int_equal(inf_node_claim(w->node[i], BRANCH, inf_slice_str(name),
                                    IMPL, w->now_ms, &row),
                     0);
    uint64_t ref = row.ref;
    drain(w, i);
    return ref;
}

static int owner(const world *w, int i, const char *name) {
    inf_row row;
    if (inf_node_whereis(w->node[i], BRANCH, inf_slice_str(name), &row) != 0) {
        return -1;
    }
    for (int n = 0; n < NODES; n++) {
        if (inf_slice_eq(row.node, inf_slice_str(node_names[n]))) return n;
    }
    return -2;
}

static const seen *find_event(const world *w, int node, inf_effect_kind kind,
                              inf_change change) {
    for (size_t i = 0; i < w->logged[node]; i++) {
        const seen *s = &w->log[node][i];
        if (s->kind == kind && s->change == change) return s;
    }
    return NULL;
}

/* ---- tests
 * --------------------------------------------------------------------- */

static void a_name_claimed_on_one_node_is_seen_on_all(void **state) {
    world *w = *state;
    claim(w, 1, "order-7");
    run_ms(w, 10);
    for (int i = 0; i < NODES; i++) {
        assert_int_equal(owner(w, i, "order-7"), 1);
        assert_int_equal(inf_node_count(w->node[i], BRANCH), 1);
        const seen *join_event =
            find_event(w, i, INF_EFFECT_ROWS, INF_CHANGE_JOIN);
        assert_non_null(join_event);
        assert_string_equal(join_event->name, "order-7");
    }
}

static void a_taken_name_is_refused_with_its_owner(void **state) {
    world *w = *state;
    claim(w, 1, "order-7");
    run_ms(w, 10);
    inf_row row;
    assert_int_equal(inf_node_claim(w->node[2], BRANCH,
                                    inf_slice_str("order-7"), IMPL, w->now_ms,
                                    &row),
                     INF_EEXISTS);
    assert_true(inf_slice_eq(row.node, inf_slice_str("berta")));
}

static void a_released_name_goes_from_all_views(void **state) {
    world *w = *state;
    uint64_t ref = claim(w, 1, "order-7");
    run_ms(w, 10);
    assert_int_equal(inf_node_release(w->node[1], BRANCH,
                                      inf_slice_str("order-7"), ref + 1,
                                      w->now_ms),
                     INF_ENOENT);
    assert_int_equal(inf_node_release(w->node[1], BRANCH,
                                      inf_slice_str("order-7"), ref, w->now_ms),
                     0);
    run_ms(w, 10);
    for (int i = 0; i < NODES; i++)
        assert_int_equal(owner(w, i, "order-7"), -1);
}

static bool dead_rows_are_gone(world *w) {
    return owner(w, 0, "order-7") == -1 && owner(w, 2, "order-7") == -1;
}

static void the_rows_of_a_killed_node_go_at_once(void **state) {
    world *w = *state;
    claim(w, 1, "order-7");
    run_ms(w, 10);
    kill_node(w, 1);
    assert_true(run_until(w, dead_rows_are_gone, 200));
}

static bool everybody_knows_four(world *w) {
    for (int i = 0; i < NODES; i++) {
        if (inf_node_count(w->node[i], BRANCH) != 4) return false;
    }
    return true;
}

static void a_new_life_learns_all_and_is_learnt(void **state) {
    world *w = *state;
    char name[2] = "a";
    for (int i = 0; i < NODES; i++, name[0]++)
        claim(w, i, name);
    run_ms(w, 10);
    assert_true(everybody_knows_four(w));
    kill_node(w, 1);
    run_ms(w, 500);
    birth(w, 1, 101);
    assert_int_equal(inf_node_branch_add(w->node[1], BRANCH, w->now_ms), 0);
    join(w, 1);
    run_ms(w, 1500);
    assert_int_equal(owner(w, 0, "b"), -1);
    assert_int_equal(inf_node_count(w->node[1], BRANCH), 3);
    claim(w, 1, "e");
    assert_true(run_until(w, everybody_knows_four, 100));
}

static void who_does_not_run_the_branch_holds_no_rows_of_it(void **state) {
    world *w = *state;
    inf_slice other = inf_slice_str("invoices");
    inf_row row;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(inf_node_branch_add(w->node[i], other, w->now_ms), 0);
    }
    run_ms(w, 2000);
    assert_int_equal(inf_node_claim(w->node[0], other, inf_slice_str("i-1"),
                                    IMPL, w->now_ms, &row),
                     0);
    assert_int_equal(inf_node_claim(w->node[3], other, inf_slice_str("i-2"),
                                    IMPL, w->now_ms, &row),
                     INF_ENOENT);
    run_ms(w, 20);
    assert_int_equal(inf_node_count(w->node[2], other), 1);
    assert_int_equal(inf_node_count(w->node[3], other), 0);
    assert_true(inf_node_runs(w->node[3], inf_slice_str("anna"), other));
    assert_false(inf_node_runs(w->node[0], inf_slice_str("dora"), other));
    assert_int_equal(inf_node_branch_remove(w->node[0], other, w->now_ms), 0);
    run_ms(w, 2000);
    assert_int_equal(inf_node_count(w->node[2], other), 0);
    assert_int_equal(inf_node_branch_add(w->node[0], other, w->now_ms), 0);
    run_ms(w, 2000);
    assert_int_equal(inf_node_claim(w->node[0], other, inf_slice_str("i-3"),
                                    IMPL, w->now_ms, &row),
                     0);
    run_ms(w, 20);
    assert_int_equal(inf_node_count(w->node[2], other), 1);
}

static bool clara_runs_it_for_all(world *w) {
    for (int i = 0; i < NODES; i++) {
        if (owner(w, i, "order-7") != 2) return false;
    }
    return find_event(w, 0, INF_EFFECT_LOST, INF_CHANGE_JOIN) != NULL;
}

static void a_name_claimed_on_both_sides_ends_with_one_owner(void **state) {
    world *w = *state;
    w->cut[0] = true;
    uint64_t first = claim(w, 0, "order-7");
    run_ms(w, 30000);
    assert_int_equal(owner(w, 1, "order-7"), -1);
    claim(w, 2, "order-7");
    run_ms(w, 100);
    assert_int_equal(owner(w, 0, "order-7"), 0);
    assert_int_equal(owner(w, 1, "order-7"), 2);
    w->cut[0] = false;
    assert_true(run_until(w, clara_runs_it_for_all, 60000));
    assert_int_equal(inf_node_release(w->node[0], BRANCH,
                                      inf_slice_str("order-7"), first,
                                      w->now_ms),
                     0);
    assert_null(find_event(w, 2, INF_EFFECT_LOST, INF_CHANGE_JOIN));
}

static void all_place_a_name_on_the_same_member(void **state) {
    world *w = *state;
    int counts[NODES] = {0};
    for (int n = 0; n < 400; n++) {
        char name[16];
        (void)snprintf(name, sizeof name, "order-%d", n);
        inf_slice chosen[NODES];
        for (int i = 0; i < NODES; i++) {
            assert_int_equal(inf_node_place(w->node[i], BRANCH,
                                            inf_slice_str(name), &chosen[i]),
                             0);
            assert_true(inf_slice_eq(chosen[i], chosen[0]));
        }
        for (int i = 0; i < NODES; i++) {
            if (inf_slice_eq(chosen[0], inf_slice_str(node_names[i]))) {
                counts[i]++;
            }
        }
    }
    for (int i = 0; i < NODES; i++)
        assert_in_range(counts[i], 70, 130);
}

static void one_home_decides_and_views_settle(void **state) {
    world *w = *state;
    int homes = 0;
    for (int i = 0; i < NODES; i++) {
        inf_slice home;
        assert_true(inf_node_ready(w->node[i], BRANCH, w->now_ms));
        assert_int_equal(inf_node_view(w->node[i], BRANCH),
                         inf_node_view(w->node[0], BRANCH));
        homes +=
            inf_node_start_gate(w->node[i], BRANCH, inf_slice_str("order-7"),
                                w->now_ms, &home) == 0;
    }
    assert_int_equal(homes, 1);
}

static const seen *done(const world *w, int node, uint64_t token) {
    for (size_t i = 0; i < w->logged[node]; i++) {
        const seen *s = &w->log[node][i];
        if (s->kind == INF_EFFECT_DONE && s->token == token) return s;
    }
    return NULL;
}

static void synch_says_who_merged_and_who_did_not(void **state) {
    world *w = *state;
    inf_slice names[] = {inf_slice_str("berta"), inf_slice_str("nobody")};
    claim(w, 1, "order-7");
    assert_int_equal(
        inf_node_synch(w->node[0], BRANCH, NULL, 0, 1000, 5, w->now_ms), 0);
    assert_int_equal(
        inf_node_synch(w->node[0], BRANCH, names, 2, 1000, 6, w->now_ms), 0);
    drain(w, 0);
    run_ms(w, 50);
    assert_non_null(done(w, 0, 5));
    assert_int_equal(done(w, 0, 5)->status, 0);
    assert_int_equal(done(w, 0, 5)->count, 3);
    assert_int_equal(done(w, 0, 6)->status, INF_ETIMEDOUT);
    assert_int_equal(done(w, 0, 6)->count, 1);
    assert_string_equal(done(w, 0, 6)->name, "nobody");
    assert_int_equal(owner(w, 0, "order-7"), 1);
}

static void synch_with_a_silent_node_ends_in_time(void **state) {
    world *w = *state;
    w->cut[2] = true;
    assert_int_equal(
        inf_node_synch(w->node[0], BRANCH, NULL, 0, 700, 5, w->now_ms), 0);
    drain(w, 0);
    run_ms(w, 600);
    assert_null(done(w, 0, 5));
    run_ms(w, 200);
    assert_non_null(done(w, 0, 5));
    assert_int_equal(done(w, 0, 5)->status, INF_ETIMEDOUT);
    assert_string_equal(done(w, 0, 5)->name, "clara");
}

static void in_peace_only_roots_travel(void **state) {
    world *w = *state;
    char name[16];
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof name, "order-%d", i);
        claim(w, i % NODES, name);
    }
    run_ms(w, 3000);
    uint64_t before = w->written;
    uint64_t packets_only = 0;
    run_ms(w, 20000);
    packets_only = w->written - before;
    assert_in_range(packets_only, 1, 4000); /* pushes and pulls included */
    assert_int_equal(inf_node_count(w->node[3], BRANCH), 1000);
}

static void who_leaves_takes_its_rows_along(void **state) {
    world *w = *state;
    claim(w, 1, "order-7");
    run_ms(w, 10);
    assert_int_equal(inf_node_leave(w->node[1], 9, w->now_ms), 0);
    drain(w, 1);
    assert_true(run_until(w, dead_rows_are_gone, 100));
    run_ms(w, 10000);
    assert_non_null(done(w, 1, 9));
    inf_row row;
    assert_int_equal(inf_node_claim(w->node[1], BRANCH, inf_slice_str("x"),
                                    IMPL, w->now_ms, &row),
                     INF_ECLOSED);
}

static void a_hint_is_seen_before_the_stream_brings_the_row(void **state) {
    world *w = *state;
    inf_row row;
    assert_int_equal(inf_node_claim(w->node[1], BRANCH, inf_slice_str("x"),
                                    IMPL, w->now_ms, &row),
                     0);
    assert_int_equal(owner(w, 0, "x"), -1);
    assert_int_equal(inf_node_hint(w->node[0], BRANCH, &row, w->now_ms), 0);
    assert_int_equal(owner(w, 0, "x"), 1);
    drain(w, 1);
    run_ms(w, 10);
    assert_int_equal(owner(w, 0, "x"), 1);
}

static void reserved_tags_are_refused_and_others_travel(void **state) {
    world *w = *state;
    inf_slice value;
    inf_member_view view;
    assert_int_equal(inf_node_set_tag(w->node[0], inf_slice_str("gen"),
                                      inf_slice_str("1"), w->now_ms),
                     INF_EINVAL);
    assert_int_equal(inf_node_set_tag(w->node[0], inf_slice_str("role"),
                                      inf_slice_str("web"), w->now_ms),
                     0);
    run_ms(w, 2000);
    assert_true(inf_node_member_find(w->node[3], inf_slice_str("anna"), &view));
    assert_true(inf_node_member_tag(&view, inf_slice_str("role"), &value));
    assert_true(inf_slice_eq(value, inf_slice_str("web")));
    assert_int_equal(view.rpc_port, 9000);
}

static void bytes_of_nonsense_harm_nobody(void **state) {
    world *w = *state;
    uint64_t stream = 0;
    assert_int_equal(
        inf_node_accepted(w->node[0], &w->addr[1], w->now_ms, &stream), 0);
    static const uint8_t junk[] = {0xf1, 0xff, 0xff, 0xff, 0xff, 1, 2, 3};
    inf_node_bytes(w->node[0], stream, inf_slice_of(junk, sizeof junk),
                   w->now_ms);
    drain(w, 0);
    inf_node_bytes(w->node[0], stream, inf_slice_of(junk, 1), w->now_ms);
    inf_node_bytes(w->node[0], 999999, inf_slice_of(junk, 1), w->now_ms);
    inf_node_closed(w->node[0], stream, 0, w->now_ms);
    claim(w, 0, "order-7");
    run_ms(w, 10);
    assert_int_equal(owner(w, 1, "order-7"), 0);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_name_claimed_on_one_node_is_seen_on_all),
        T(a_taken_name_is_refused_with_its_owner),
        T(a_released_name_goes_from_all_views),
        T(the_rows_of_a_killed_node_go_at_once),
        T(a_new_life_learns_all_and_is_learnt),
        T(who_does_not_run_the_branch_holds_no_rows_of_it),
        T(a_name_claimed_on_both_sides_ends_with_one_owner),
        T(all_place_a_name_on_the_same_member),
        T(one_home_decides_and_views_settle),
        T(synch_says_who_merged_and_who_did_not),
        T(synch_with_a_silent_node_ends_in_time),
        T(in_peace_only_roots_travel),
        T(who_leaves_takes_its_rows_along),
        T(a_hint_is_seen_before_the_stream_brings_the_row),
        T(reserved_tags_are_refused_and_others_travel),
        T(bytes_of_nonsense_harm_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
