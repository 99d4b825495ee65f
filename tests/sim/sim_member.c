/* SPDX-License-Identifier: MIT */
/* Membership alone, as something the world can drive. */
#include <stdio.h>
#include <stdlib.h>

#include "sim.h"

typedef struct unit {
    inf_member *member;
    inf_outbox outbox;
    inf_keyring *keys;
} unit;

/* Tags as a node of ours has them; each life has a larger boot generation. */
static void put_meta(sim *s, size_t node, inf_buf *meta) {
    static char boot[24];
    int len = snprintf(boot, sizeof boot, "%u", sim_life(s, node));
    inf_tag tags[] = {
        {inf_slice_str(INF_TAG_PROTOCOL), inf_slice_str("1")},
        {inf_slice_str(INF_TAG_RPC), inf_slice_str("7947")},
        {inf_slice_str(INF_TAG_BOOT), inf_slice_of(boot, (size_t)len)}};
    INF_ASSERT(inf_meta_encode(meta, tags, INF_COUNT(tags)) == 0);
}

static void *birth(sim *s, size_t node, uint64_t now_ms) {
    const sim_options *options = sim_options_of(s);
    unit *u = calloc(1, sizeof *u);
    INF_ASSERT(u != NULL);
    inf_outbox_init(&u->outbox, inf_alloc_libc());
    if (options->key_count != 0) {
        INF_ASSERT(inf_keyring_new(&u->keys, inf_alloc_libc()) == 0);
        for (size_t i = 0; i < options->key_count; i++)
            INF_ASSERT(inf_keyring_add(u->keys, options->keys[i]) == 0);
    }
    inf_buf meta;
    inf_buf_init(&meta, inf_alloc_libc());
    put_meta(s, node, &meta);
    inf_member_config config = {
        .outbox = &u->outbox,
        .keys = u->keys,
        .name = sim_name(node),
        .meta = inf_buf_view(&meta),
        .addr = sim_addr(s, node),
        .seed = inf_rng_next(sim_rng(s)),
        .tuning = options->tuning,
        .label = inf_slice_str(options->label != NULL ? options->label : "")};
    INF_ASSERT(inf_member_new(&u->member, &config, now_ms) == 0);
    inf_buf_deinit(&meta);
    return u;
}

static void death(void *ctx) {
    unit *u = ctx;
    inf_member_free(u->member);
    inf_outbox_deinit(&u->outbox);
    inf_keyring_free(u->keys);
    free(u);
}

static void packet(void *ctx, const inf_addr *from, inf_slice bytes,
                   uint64_t now_ms) {
    inf_member_packet(((unit *)ctx)->member, from, bytes, now_ms);
}

static int accepted(void *ctx, const inf_addr *from, uint64_t now_ms,
                    uint64_t *stream) {
    unit *u = ctx;
    *stream = inf_outbox_stream(&u->outbox);
    return inf_member_accepted(u->member, *stream, from, now_ms);
}

static void connected(void *ctx, uint64_t stream, uint64_t now_ms) {
    inf_member_connected(((unit *)ctx)->member, stream, now_ms);
}

static void bytes_came(void *ctx, uint64_t stream, inf_slice bytes,
                       uint64_t now_ms) {
    inf_member_bytes(((unit *)ctx)->member, stream, bytes, now_ms);
}

static void drained(void *ctx, uint64_t stream, uint64_t now_ms) {
    (void)ctx;
    (void)stream;
    (void)now_ms;
}

static void closed(void *ctx, uint64_t stream, int status, uint64_t now_ms) {
    inf_member_closed(((unit *)ctx)->member, stream, status, now_ms);
}

static void tick(void *ctx, uint64_t now_ms) {
    inf_member_tick(((unit *)ctx)->member, now_ms);
}

static uint64_t deadline(void *ctx) {
    return inf_member_deadline(((unit *)ctx)->member);
}

static bool poll(void *ctx, inf_effect *out) {
    unit *u = ctx;
    inf_member_change change;
    while (inf_member_take_change(u->member, &change)) {
    }
    return inf_outbox_take(&u->outbox, out);
}

const sim_kind sim_member_kind = {.birth = birth,
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

/* ---- what tests ask of members ------------------------------------------- */

inf_member *sim_member_of(void *ctx) {
    return ((unit *)ctx)->member;
}

inf_member *sim_member(const sim *s, size_t node) {
    unit *u = sim_unit(s, node);
    return u != NULL ? u->member : NULL;
}

inf_keyring *sim_keyring(const sim *s, size_t node) {
    unit *u = sim_unit(s, node);
    return u != NULL ? u->keys : NULL;
}

void sim_join(sim *s, size_t node, size_t to) {
    inf_addr addr = sim_addr(s, to);
    INF_ASSERT(inf_member_join(sim_member(s, node), &addr, 1, 1,
                               sim_node_ms(s, node)) == 0);
    sim_settle(s, node);
}

int sim_believes(const sim *s, size_t node, size_t about) {
    inf_member_view view;
    bool known = inf_member_find(sim_member(s, node), sim_name(about), &view);
    return known ? (int)view.state : INF_MEMBER_LEFT + 1;
}

static bool knows_all(const sim *s, size_t node, size_t running) {
    size_t at = 0;
    size_t alive = 0;
    inf_member_view view;
    while (inf_member_next(sim_member(s, node), &at, &view)) {
        if (view.state != INF_MEMBER_ALIVE) {
            if (view.state == INF_MEMBER_SUSPECT) return false;
            continue;
        }
        size_t other = sim_node_of(view.name);
        inf_addr addr = sim_addr(s, other);
        if (!sim_runs(s, other) || !inf_addr_eq(&addr, &view.addr)) {
            return false;
        }
        alive++;
    }
    return alive == running;
}

bool sim_agreed(sim *s) {
    size_t running = 0;
    for (size_t i = 0; i < sim_count(s); i++)
        running += sim_runs(s, i);
    for (size_t i = 0; i < sim_count(s); i++) { /* the cheap question first */
        if (sim_awake(s, i) && inf_member_live(sim_member(s, i)) != running) {
            return false;
        }
    }
    for (size_t i = 0; i < sim_count(s); i++) {
        if (sim_awake(s, i) && !knows_all(s, i, running)) return false;
    }
    return true;
}

bool sim_all_know_dead(const sim *s, size_t subject) {
    for (size_t i = 0; i < sim_count(s); i++) {
        if (i == subject || !sim_awake(s, i)) continue;
        int state = sim_believes(s, i, subject);
        if (state == INF_MEMBER_ALIVE || state == INF_MEMBER_SUSPECT) {
            return false;
        }
    }
    return true;
}
