/* SPDX-License-Identifier: MIT */
/* embed_rows.c: names and rings for a C program. What is shown has been copied
   out of the node: the C program's functions run without the lock. */
#include "base/error.h"
#include "bind/embed.h"
#include "core/ring.h"

/* ---- names --------------------------------------------------------------- */

static bool is_open(const inf_cluster *cluster) {
    return cluster->host != NULL && !cluster->closing;
}

int inf_cluster_branch(inf_cluster *cluster, const char *branch) {
    if (!is_open(cluster)) return INF_ECLOSED;
    inf_node *node = inf_host_lock(cluster->host);
    int rc = inf_node_branch_add(node, inf_slice_str(branch),
                                 inf_host_now_ms(cluster->host));
    inf_host_unlock(cluster->host);
    return rc;
}

int inf_cluster_claim(inf_cluster *cluster, const char *branch,
                      const char *name, size_t name_len,
                      const char *implementation, char *ref) {
    inf_row row = {.ref = 0};
    if (!is_open(cluster)) return INF_ECLOSED;
    inf_node *node = inf_host_lock(cluster->host);
    int rc = inf_node_claim(
        node, inf_slice_str(branch), inf_slice_of(name, name_len),
        inf_slice_str(implementation), inf_host_now_ms(cluster->host), &row);
    if (rc == 0) inf_ref_format(&row, ref);
    inf_host_unlock(cluster->host);
    return rc;
}

int inf_cluster_release(inf_cluster *cluster, const char *branch,
                        const char *name, size_t name_len, const char *ref) {
    inf_row row = {.ref = 0};
    int rc = inf_ref_parse(inf_slice_str(ref), &row);
    if (!is_open(cluster)) rc = INF_ECLOSED;
    if (rc != 0) return rc;
    inf_node *node = inf_host_lock(cluster->host);
    rc = inf_node_release(node, inf_slice_str(branch),
                          inf_slice_of(name, name_len), row.ref,
                          inf_host_now_ms(cluster->host));
    inf_host_unlock(cluster->host);
    return rc;
}

/* A row outside the lock, with terminators. */
typedef struct copied_row {
    char name[INF_NAME_MAX + 1];
    char implementation[INF_NAME_MAX + 1];
    char node[INF_NODE_ROOM];
    char ref[INF_REF_ROOM];
    size_t name_len;
} copied_row;

static size_t copy_text(char *to, size_t room, inf_slice from) {
    size_t len = from.len < room ? from.len : room - 1;
    if (len != 0) memcpy(to, from.data, len);
    to[len] = '\0';
    return len;
}

static void copy_row(copied_row *to, const inf_row *from) {
    to->name_len = copy_text(to->name, sizeof to->name, from->name);
    (void)copy_text(to->implementation, sizeof to->implementation,
                    from->implementation);
    (void)copy_text(to->node, sizeof to->node, from->node);
    inf_ref_format(from, to->ref);
}

static inf_cluster_row shown_row(const copied_row *row) {
    return (inf_cluster_row){.name = row->name,
                             .name_len = row->name_len,
                             .implementation = row->implementation,
                             .node = row->node,
                             .ref = row->ref};
}

static void show_row(const copied_row *row,
                     void (*show)(void *ctx, const inf_cluster_row *),
                     void *ctx) {
    inf_cluster_row shown = shown_row(row);
    if (show != NULL) show(ctx, &shown);
}

void inf_embed_tell_lost(inf_cluster *cluster, const inf_effect *event) {
    const inf_row *winner = &event->rows[0];
    const inf_row *ours = &event->rows[1];
    char branch[INF_NAME_MAX + 1];
    char ref[INF_REF_ROOM];
    copied_row copy;
    if (cluster->on_lost == NULL || !is_open(cluster)) return;
    inf_node *node = inf_host_lock(cluster->host);
    bool yields = inf_node_yields(node, event->branch, winner->name, ours->ref,
                                  winner, inf_host_now_ms(cluster->host));
    inf_host_unlock(cluster->host);
    if (!yields) return; /* the winner is gone again */
    copy_row(&copy, winner);
    inf_ref_format(ours, ref);
    (void)copy_text(branch, sizeof branch, event->branch);
    inf_cluster_row shown = shown_row(&copy);
    cluster->on_lost(cluster->ctx, branch, &shown, ref);
}

int inf_cluster_whereis(inf_cluster *cluster, const char *branch,
                        const char *name, size_t name_len,
                        void (*show)(void *ctx, const inf_cluster_row *),
                        void *ctx) {
    copied_row copy;
    inf_row row;
    if (!is_open(cluster)) return INF_ECLOSED;
    const inf_node *node = inf_host_lock(cluster->host);
    int rc = inf_node_whereis(node, inf_slice_str(branch),
                              inf_slice_of(name, name_len), &row);
    if (rc == 0) copy_row(&copy, &row);
    inf_host_unlock(cluster->host);
    if (rc == 0) show_row(&copy, show, ctx);
    return rc;
}

size_t inf_cluster_rows(inf_cluster *cluster, const char *branch,
                        void (*show)(void *ctx, const inf_cluster_row *),
                        void *ctx) {
    size_t count = 0;
    for (uint64_t at = 0; is_open(cluster); count++) {
        copied_row copy;
        inf_row row;
        const inf_node *node = inf_host_lock(cluster->host);
        bool more = inf_node_row_next(node, inf_slice_str(branch), &at, &row);
        if (more) copy_row(&copy, &row);
        inf_host_unlock(cluster->host);
        if (!more) break;
        show_row(&copy, show, ctx);
    }
    return count;
}

uint64_t inf_cluster_count(inf_cluster *cluster, const char *branch) {
    if (!is_open(cluster)) return 0;
    const inf_node *node = inf_host_lock(cluster->host);
    uint64_t count = inf_node_count(node, inf_slice_str(branch));
    inf_host_unlock(cluster->host);
    return count;
}

int inf_cluster_place(inf_cluster *cluster, const char *branch,
                      const char *name, size_t name_len, char *node) {
    inf_slice member = {NULL, 0};
    if (name_len == 0 || name_len > INF_NAME_MAX) return INF_ENAME;
    if (!is_open(cluster)) return INF_ECLOSED;
    const inf_node *core = inf_host_lock(cluster->host);
    int rc = inf_node_place(core, inf_slice_str(branch),
                            inf_slice_of(name, name_len), &member);
    if (rc == 0) (void)copy_text(node, INF_NODE_ROOM, member);
    inf_host_unlock(cluster->host);
    return rc;
}

/* ---- rings --------------------------------------------------------------- */

struct inf_hash_ring {
    inf_ring *ring; /* owned */
};

inf_hash_ring *inf_hash_ring_new(uint64_t seed) {
    inf_hash_ring *ring = inf_zalloc(inf_alloc_libc(), sizeof *ring);
    if (ring == NULL) return NULL;
    if (inf_ring_new(&ring->ring, inf_alloc_libc(), seed) == 0) return ring;
    inf_free(inf_alloc_libc(), ring);
    return NULL;
}

void inf_hash_ring_free(inf_hash_ring *ring) {
    if (ring == NULL) return;
    inf_ring_free(ring->ring);
    inf_free(inf_alloc_libc(), ring);
}

int inf_hash_ring_add(inf_hash_ring *ring, const char *node, uint32_t weight) {
    return inf_ring_add(ring->ring, inf_slice_str(node), weight);
}

int inf_hash_ring_remove(inf_hash_ring *ring, const char *node) {
    return inf_ring_remove(ring->ring, inf_slice_str(node));
}

int inf_hash_ring_owner(const inf_hash_ring *ring, const void *key,
                        size_t key_len, char *node) {
    inf_slice owner = {NULL, 0};
    int rc =
        inf_ring_key_to_node(ring->ring, inf_slice_of(key, key_len), &owner);
    if (rc == 0) (void)copy_text(node, INF_NAME_MAX + 1, owner);
    return rc;
}
