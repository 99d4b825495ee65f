/* SPDX-License-Identifier: MIT */
/* fuzz_synch.c: any bytes as frames. The first byte chooses: frames alone,
   where what decodes must encode to the same again; the ops of a run, into a
   registry; or a whole stream, into a node that has a member of that name. */
#include <stdlib.h>

#include "base/error.h"
#include "core/registry.h"
#include "core/synch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
    if (!holds) abort();
}

/* decode(encode(x)) == x for whatever decodes. */
static void frames(inf_slice bytes) {
    inf_frame first;
    size_t used = 0;
    while (inf_frame_decode(bytes, &first, &used) == 1) {
        check(used >= 6 && used <= bytes.len);
        bytes = inf_slice_of(bytes.data + used, bytes.len - used);
        if (first.kind == 0) continue;
        inf_buf again;
        inf_frame second;
        inf_buf_init(&again, inf_alloc_libc());
        inf_frame_encode(&again, &first);
        check(inf_frame_decode(inf_buf_view(&again), &second, &used) == 1);
        check(second.kind == first.kind && second.scope == first.scope &&
              second.boot == first.boot && second.to == first.to &&
              second.count == first.count && second.root == first.root &&
              second.span.to == first.span.to &&
              second.span.goal == first.span.goal &&
              inf_slice_eq(second.name, first.name));
        inf_buf_deinit(&again);
    }
}

static inf_registry *registry_new(const char *name) {
    inf_registry *registry = NULL;
    inf_registry_config config = {.mem = inf_alloc_libc(),
                                  .node = inf_slice_str(name),
                                  .boot = 1,
                                  .rows_max = 4096,
                                  .deletes_max = 4};
    check(inf_registry_new(&registry, &config) == 0);
    check(inf_registry_up(registry, inf_slice_str("peer"), 1) == 0);
    return registry;
}

/* Runs that a peer could send; what is in must stay countable. */
static void ops(inf_slice bytes) {
    inf_registry *registry = registry_new("self");
    inf_cursor cursor = inf_cursor_of(bytes);
    uint64_t peer = inf_node_id(inf_slice_str("peer"));
    while (!cursor.failed && inf_cursor_left(&cursor) != 0) {
        inf_span span = {.node = peer,
                         .boot = inf_cursor_varint(&cursor),
                         .from = inf_cursor_varint(&cursor)};
        span.to = span.from + inf_cursor_u8(&cursor);
        span.goal = span.to + inf_cursor_u8(&cursor);
        span.full = inf_cursor_u8(&cursor);
        inf_slice run = inf_cursor_bytes(&cursor);
        int rc = inf_registry_apply(registry, peer, &span, run);
        check(rc == 0 || rc == INF_ESTALE || rc == INF_EGAP ||
              rc == INF_EMALFORMED || rc == INF_EFULL || rc == INF_ENOMEM);
        inf_version have;
        check(inf_registry_owner(registry, peer, &have) == 0);
        check(have.cur <= have.goal || have.goal == 0);
        check(have.rows == inf_registry_count(registry));
    }
    uint64_t seen = 0;
    uint64_t at = 0;
    inf_entry entry;
    while (inf_registry_next(registry, &at, &entry))
        seen++;
    check(seen == inf_registry_count(registry));
    inf_registry_free(registry);
}

/* ---- a whole stream ---------------------------------------------------- */

static uint64_t store_root(void *ctx, unsigned slot) {
    (void)slot;
    return inf_registry_root(ctx);
}

static bool store_next(void *ctx, unsigned slot, size_t *at, inf_version *out) {
    (void)slot;
    return inf_registry_owner_next(ctx, at, out);
}

static int store_version(void *ctx, unsigned slot, uint64_t node,
                         inf_version *out) {
    (void)slot;
    return inf_registry_owner(ctx, node, out);
}

static int store_diff(void *ctx, unsigned slot, uint64_t node,
                      inf_diff_cursor *cursor, size_t cap, inf_span *span,
                      inf_buf *out) {
    (void)slot;
    return inf_registry_diff(ctx, node, cursor, cap, span, out);
}

static int store_apply(void *ctx, unsigned slot, uint64_t source,
                       const inf_span *span, inf_slice bytes) {
    (void)slot;
    return inf_registry_apply(ctx, source, span, bytes);
}

static void store_stable(void *ctx, unsigned slot, uint64_t seq) {
    (void)slot;
    inf_registry_stable(ctx, seq);
}

static void store_distrust(void *ctx, unsigned slot, uint64_t node) {
    (void)slot;
    inf_registry_distrust(ctx, node);
}

static void store_told(void *ctx, unsigned slot, uint64_t peer,
                       inf_slice bytes) {
    (void)ctx;
    (void)slot;
    (void)peer;
    (void)bytes;
}

static void store_linked(void *ctx, uint64_t peer) {
    (void)ctx;
    (void)peer;
}

static void store_superseded(void *ctx, uint64_t boot) {
    (void)ctx;
    (void)boot;
}

static void drain(inf_outbox *outbox, inf_synch *synch) {
    inf_effect effect;
    size_t written = 0;
    inf_synch_flush(synch, 1000);
    while (inf_outbox_take(outbox, &effect)) {
        written += effect.bytes.len;
        inf_effect_deinit(&effect);
    }
    check(written < (8u << 20));
}

/* Bytes in three pieces on an accepted stream, and on a dialled one. */
static void stream(inf_slice bytes, bool dialled) {
    inf_outbox outbox;
    inf_outbox_init(&outbox, inf_alloc_libc());
    inf_registry *registry = registry_new("self");
    inf_hlc hlc = {0};
    inf_entry own;
    check(inf_registry_put(registry, inf_slice_str("mine"),
                           inf_slice_str("order"), 0, &hlc, 1, &own) == 0);
    inf_synch_store store = {.ctx = registry,
                             .root = store_root,
                             .next = store_next,
                             .version = store_version,
                             .diff = store_diff,
                             .apply = store_apply,
                             .stable = store_stable,
                             .distrust = store_distrust,
                             .told = store_told,
                             .linked = store_linked,
                             .superseded = store_superseded};
    inf_synch_config config = {.mem = inf_alloc_libc(),
                               .outbox = &outbox,
                               .name = inf_slice_str("self"),
                               .id = inf_node_id(inf_slice_str("self")),
                               .boot = 1,
                               .seed = 1,
                               .repair_ms = 2000,
                               .timeout_ms = 5000,
                               .write_max = 4096,
                               .store = store};
    inf_synch *synch = NULL;
    check(inf_synch_new(&synch, &config, 1000) == 0);
    inf_synch_scope_open(synch, 0, 7);
    inf_addr addr = {.len = 4, .ip = {10, 0, 0, 1}, .port = 7946};
    inf_slice peer = inf_slice_str("peer");
    check(inf_synch_peer_up(synch, peer, inf_node_id(peer), 1, &addr, 1,
                            1000) == 0);
    uint64_t id = 1; /* the first one dialled */
    if (dialled) {
        inf_synch_connected(synch, id, 1000);
    } else {
        id = inf_outbox_stream(&outbox);
        check(inf_synch_accepted(synch, id, 1000) == 0);
    }
    for (size_t part = 0; part < 3; part++) {
        size_t from = bytes.len * part / 3;
        size_t to = bytes.len * (part + 1) / 3;
        inf_synch_bytes(synch, id, inf_slice_of(bytes.data + from, to - from),
                        1000);
        drain(&outbox, synch);
        inf_synch_drained(synch, id, 1000);
    }
    inf_synch_tick(synch, 10000);
    drain(&outbox, synch);
    check(inf_registry_own(registry, inf_slice_str("mine"), &own) == 0);
    inf_synch_free(synch);
    inf_registry_free(registry);
    inf_outbox_deinit(&outbox);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    inf_slice bytes = inf_slice_of(data + 1, size - 1);
    switch (data[0] & 3) {
    case 0:
        frames(bytes);
        break;
    case 1:
        ops(bytes);
        break;
    case 2:
        stream(bytes, false);
        break;
    default:
        stream(bytes, true);
        break;
    }
    return 0;
}
