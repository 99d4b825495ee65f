/* SPDX-License-Identifier: MIT */
/* node_store.c: what synch asks, the registries answer. */
#include "core/node_impl.h"

static inf_registry *registry_at(void *ctx, unsigned slot) {
    inf_node *node = ctx;
    return node->branches[slot].registry;
}

static uint64_t store_root(void *ctx, unsigned slot) {
    inf_registry *registry = registry_at(ctx, slot);
    return registry != NULL ? inf_registry_root(registry) : 0;
}

static bool store_next(void *ctx, unsigned slot, size_t *at, inf_version *out) {
    inf_registry *registry = registry_at(ctx, slot);
    return registry != NULL && inf_registry_owner_next(registry, at, out);
}

static int store_version(void *ctx, unsigned slot, uint64_t node,
                         inf_version *out) {
    inf_registry *registry = registry_at(ctx, slot);
    if (registry == NULL) return INF_ENOENT;
    return inf_registry_owner(registry, node, out);
}

static int store_diff(void *ctx, unsigned slot, uint64_t node,
                      inf_diff_cursor *cursor, size_t cap, inf_span *span,
                      inf_buf *ops) {
    inf_registry *registry = registry_at(ctx, slot);
    if (registry == NULL) return INF_ENOENT;
    return inf_registry_diff(registry, node, cursor, cap, span, ops);
}

static int store_apply(void *ctx, unsigned slot, uint64_t source,
                       const inf_span *span, inf_slice ops) {
    inf_node *node = ctx;
    inf_registry *registry = registry_at(ctx, slot);
    if (registry == NULL) return INF_ENOENT;
    int rc = inf_registry_apply(registry, source, span, ops);
    if (rc != 0) return rc;
    inf_hlc_observe(&node->hlc, node_wall_ms(node), span->stamp);
    if (inf_registry_losing(registry) != 0) {
        node_housekeep_by(node, node->now_ms + 1);
    }
    return 0;
}

static void store_stable(void *ctx, unsigned slot, uint64_t seq) {
    inf_registry *registry = registry_at(ctx, slot);
    if (registry != NULL) inf_registry_stable(registry, seq);
}

static void store_distrust(void *ctx, unsigned slot, uint64_t node) {
    inf_registry *registry = registry_at(ctx, slot);
    if (registry != NULL) inf_registry_distrust(registry, node);
}

static void store_told(void *ctx, unsigned slot, uint64_t peer,
                       inf_slice bytes) {
    inf_node *node = ctx;
    branch_state *b = &node->branches[slot];
    if (b->registry == NULL) return;
    inf_cursor body = inf_cursor_of(bytes);
    uint8_t kind = inf_cursor_u8(&body);
    if (kind == TOLD_VIEW) {
        node_view_told(node, b, peer, &body);
    } else if (kind == TOLD_CONTEST || kind == TOLD_REFUSAL) {
        node_contest_told(node, b, peer, kind, &body);
    } else {
        node_conflict_told(node, b, peer, kind, &body);
    }
}

static void store_linked(void *ctx, uint64_t peer) {
    inf_node *node = ctx;
    for (size_t i = 0; i < INF_BRANCHES_MAX; i++) {
        if (node->branches[i].registry == NULL) continue;
        node_view_to(node, &node->branches[i], peer);
    }
}

static void store_superseded(void *ctx, uint64_t boot) {
    node_superseded(ctx, boot);
}

inf_synch_store node_store(inf_node *node) {
    return (inf_synch_store){.ctx = node,
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
}
