/* SPDX-License-Identifier: MIT */
/* The whole node, as something the world can drive. */
#include "sim_cluster_parts.h"

static void join_others(sim *s, size_t node, inf_node *unit, uint64_t now_ms) {
    inf_addr addrs[3];
    size_t count = 0;
    for (size_t i = 0; i < sim_count(s) && count < INF_COUNT(addrs); i++) {
        if (i != node) addrs[count++] = sim_addr(s, i);
    }
    if (count != 0) {
        INF_ASSERT(inf_node_join(unit, addrs, count, 1, now_ms) == 0);
    }
}

/* Rows, names and indices of a registry live in large blocks; of all else only
   the longest messages do. */
#define LARGE 16384

static void *resize(void *ctx, void *block, size_t size) {
    memory *m = ctx;
    cluster *c = m->cluster;
    if (size >= LARGE && sim_now_ms(c->world) < m->scarce_until_ms &&
        inf_rng_below(&c->rng, 2) == 0) {
        c->report.refusals++;
        return NULL;
    }
    return inf_alloc_libc()->resize(NULL, block, size);
}

static void *birth(sim *s, size_t node, uint64_t now_ms) {
    cluster *c = sim_ctx(s);
    c->memory[node].alloc = (inf_alloc){resize, &c->memory[node]};
    c->memory[node].cluster = c;
    uint64_t scarce_until_ms = c->memory[node].scarce_until_ms;
    c->memory[node].scarce_until_ms = 0;
    const sim_options *options = sim_options_of(s);
    inf_node *unit = NULL;
    uint64_t wall = 1700000000000 + sim_now_ms(s);
    inf_node_config config = {
        .mem = &c->memory[node].alloc,
        .name = sim_name(node),
        .advertise = sim_addr(s, node),
        .rpc_port = 7947,
        .boot = sim_life(s, node),
        .seed = inf_rng_next(sim_rng(s)),
        .wall_ms = (uint64_t)((int64_t)wall + c->skew_ms[node]),
        .keys = options->keys,
        .key_count = options->key_count,
        .hold_ms = c->options.hold_ms,
        .deletes_max = c->options.deletes_max,
        .stream_bytes = c->options.stream_bytes,
    };
    INF_ASSERT(inf_node_new(&unit, &config, now_ms) == 0);
    INF_ASSERT(inf_node_branch_add(unit, CLUSTER_BRANCH, now_ms) == 0);
    INF_ASSERT(inf_node_resolve(unit, CLUSTER_BRANCH, c->options.resolve) == 0);
    c->memory[node].scarce_until_ms = scarce_until_ms;
    join_others(s, node, unit, now_ms);
    return unit;
}

static void death(void *unit) {
    inf_node_free(unit);
}

static void packet(void *unit, const inf_addr *from, inf_slice bytes,
                   uint64_t now_ms) {
    inf_node_packet(unit, from, bytes, now_ms);
}

static int accepted(void *unit, const inf_addr *from, uint64_t now_ms,
                    uint64_t *stream) {
    return inf_node_accepted(unit, from, now_ms, stream);
}

static void connected(void *unit, uint64_t stream, uint64_t now_ms) {
    inf_node_connected(unit, stream, now_ms);
}

static void bytes_came(void *unit, uint64_t stream, inf_slice bytes,
                       uint64_t now_ms) {
    inf_node_bytes(unit, stream, bytes, now_ms);
}

static void drained(void *unit, uint64_t stream, uint64_t now_ms) {
    inf_node_drained(unit, stream, now_ms);
}

static void closed(void *unit, uint64_t stream, int status, uint64_t now_ms) {
    inf_node_closed(unit, stream, status, now_ms);
}

static void tick(void *unit, uint64_t now_ms) {
    inf_node_tick(unit, now_ms);
}

static uint64_t deadline(void *unit) {
    return inf_node_deadline(unit);
}

static bool poll(void *unit, inf_effect *out) {
    return inf_node_poll(unit, out);
}

const sim_kind sim_node_kind = {.birth = birth,
                                .death = death,
                                .packet = packet,
                                .accepted = accepted,
                                .connected = connected,
                                .bytes = bytes_came,
                                .drained = drained,
                                .closed = closed,
                                .tick = tick,
                                .deadline = deadline,
                                .poll = poll};
