/* SPDX-License-Identifier: MIT */
#include "node_world.h"

#include <stdio.h>
#include <stdlib.h>

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

static void carry_packet(world *w, int node, const inf_effect *e) {
    int peer = node_at(w, &e->addr);
    if (peer < 0) return;
    later(w,
          (thing){.kind = PACKET,
                  .due_ms = w->now_ms + 1,
                  .node = peer,
                  .from = node},
          e->bytes.data, e->bytes.len);
}

static void carry_dial(world *w, int node, const inf_effect *e) {
    int peer = node_at(w, &e->addr);
    bool there = peer >= 0 && w->node[peer] != NULL;
    later(w,
          (thing){.kind = there ? ACCEPT : CLOSED,
                  .due_ms = w->now_ms + 1,
                  .node = there ? peer : node,
                  .from = node,
                  .stream = e->stream,
                  .status = there ? 0 : INF_EUNREACHABLE},
          NULL, 0);
}

static void carry_write(world *w, int node, const inf_effect *e) {
    const stream_end *end = end_of(w, node, e->stream);
    if (end == NULL) return;
    w->written += e->bytes.len;
    later(w,
          (thing){.kind = BYTES,
                  .due_ms = w->now_ms + 1,
                  .node = end->peer,
                  .from = node,
                  .stream = end->peer_stream},
          e->bytes.data, e->bytes.len);
    later(w,
          (thing){.kind = DRAINED,
                  .due_ms = w->now_ms + 1,
                  .node = node,
                  .from = node,
                  .stream = e->stream},
          NULL, 0);
}

static void carry_close(world *w, int node, const inf_effect *e) {
    stream_end *end = end_of(w, node, e->stream);
    if (end == NULL) return;
    later(w,
          (thing){.kind = CLOSED,
                  .due_ms = w->now_ms + 1,
                  .node = end->peer,
                  .from = node,
                  .stream = end->peer_stream},
          NULL, 0);
    forget_end(w, end);
}

static void carry_out(world *w, int node, const inf_effect *e) {
    switch (e->kind) {
    case INF_EFFECT_PACKET:
        carry_packet(w, node, e);
        return;
    case INF_EFFECT_DIAL:
        carry_dial(w, node, e);
        return;
    case INF_EFFECT_WRITE:
        carry_write(w, node, e);
        return;
    case INF_EFFECT_CLOSE:
        carry_close(w, node, e);
        return;
    case INF_EFFECT_MEMBER:
    case INF_EFFECT_ROWS:
    case INF_EFFECT_LOST:
    case INF_EFFECT_CONTEST:
    case INF_EFFECT_USER:
    case INF_EFFECT_DONE:
    case INF_EFFECT_LOG:
        log_effect(w, node, e);
        return;
    }
}

void nodes_drain(world *w, int node) {
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
    nodes_drain(w, t->node);
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
        nodes_drain(w, i);
    }
    w->now_ms++;
}

void nodes_run_ms(world *w, uint64_t ms) {
    for (uint64_t i = 0; i < ms; i++)
        step(w);
}

bool nodes_run_until(world *w, condition *met, uint64_t limit_ms) {
    for (uint64_t i = 0; i < limit_ms; i++) {
        if (met(w)) return true;
        step(w);
    }
    return met(w);
}

/* ---- nodes of the world ------------------------------------------------ */

const char *const node_names[NODES] = {"anna", "berta", "clara", "dora"};

void nodes_birth(world *w, int i, uint64_t boot) {
    inf_node_config config = {.name = inf_slice_str(node_names[i]),
                              .advertise = w->addr[i],
                              .rpc_port = (uint16_t)(9000 + i),
                              .boot = boot,
                              .seed = (uint64_t)i + boot,
                              .wall_ms = 1700000000000 + w->now_ms,
                              .hold_ms = 30000};
    assert_int_equal(inf_node_new(&w->node[i], &config, w->now_ms), 0);
}

void nodes_join(world *w, int i) {
    assert_int_equal(inf_node_join(w->node[i], &w->addr[0], 1, 77, w->now_ms),
                     0);
    nodes_drain(w, i);
}

/* All four nodes run the branch in one cluster. */
int nodes_setup(void **state) {
    world *w = calloc(1, sizeof *w);
    if (w == NULL) return -1;
    w->now_ms = 1000;
    for (int i = 0; i < NODES; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "10.0.0.%d:7946", i + 1);
        assert_int_equal(inf_addr_parse(&w->addr[i], text, 0), 0);
        nodes_birth(w, i, 100);
        assert_int_equal(inf_node_branch_add(w->node[i], BRANCH, w->now_ms), 0);
        if (i != 0) nodes_join(w, i);
        nodes_run_ms(w, 100);
    }
    nodes_run_ms(w, 3000);
    *state = w;
    return 0;
}

void nodes_kill(world *w, int i) {
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

int nodes_teardown(void **state) {
    world *w = *state;
    for (int i = 0; i < NODES; i++)
        inf_node_free(w->node[i]);
    for (size_t i = 0; i < w->count; i++)
        free(w->things[i].bytes);
    free(w->things);
    free(w);
    return 0;
}

uint64_t nodes_claim(world *w, int i, const char *name) {
    inf_row row;
    assert_int_equal(inf_node_claim(w->node[i], BRANCH, inf_slice_str(name),
                                    IMPL, w->now_ms, &row),
                     0);
    uint64_t ref = row.ref;
    nodes_drain(w, i);
    return ref;
}

int nodes_owner(const world *w, int i, const char *name) {
    inf_row row;
    if (inf_node_whereis(w->node[i], BRANCH, inf_slice_str(name), &row) != 0) {
        return -1;
    }
    for (int n = 0; n < NODES; n++) {
        if (inf_slice_eq(row.node, inf_slice_str(node_names[n]))) return n;
    }
    return -2;
}

const seen *nodes_find_event(const world *w, int node, inf_effect_kind kind,
                             inf_change change) {
    for (size_t i = 0; i < w->logged[node]; i++) {
        const seen *s = &w->log[node][i];
        if (s->kind == kind && s->change == change) return s;
    }
    return NULL;
}

const seen *nodes_done(const world *w, int node, uint64_t token) {
    for (size_t i = 0; i < w->logged[node]; i++) {
        const seen *s = &w->log[node][i];
        if (s->kind == INF_EFFECT_DONE && s->token == token) return s;
    }
    return NULL;
}
