/* SPDX-License-Identifier: MIT */
/* ring.c: each node of weight w stands at w points of a circle of 2^64; a key
   belongs to the first point at or after its own hash, and after the last point
   comes the first. Points are the hash of (length of the name, name, number)
   under the seed; where two nodes meet in a point, the smaller name stands
   first: so nothing depends on who came when.

   Points are kept sorted in two arrays, hashes apart from owners, so a search
   touches few lines of cache. A change merges one node's sorted points in, or
   filters them out. */
#include "core/ring.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/hash.h"

typedef struct ring_node {
    inf_slice name; /* owned */
    uint32_t weight;
} ring_node;

typedef struct points {
    uint64_t *hashes; /* sorted */
    uint16_t *nodes;  /* places in ring->nodes */
    size_t count;
} points;

struct inf_ring {
    inf_alloc *mem;
    uint64_t seed;
    ring_node *nodes; /* sorted by name */
    size_t count;
    size_t cap;
    points points;
};

int inf_ring_new(inf_ring **out, inf_alloc *mem, uint64_t seed) {
    inf_ring *ring = inf_zalloc(mem, sizeof *ring);
    if (ring == NULL) return INF_ENOMEM;
    ring->mem = mem;
    ring->seed = seed;
    *out = ring;
    return 0;
}

static void points_free(inf_ring *ring, points *p) {
    inf_free(ring->mem, p->hashes);
    inf_free(ring->mem, p->nodes);
    *p = (points){0};
}

static int points_new(inf_ring *ring, points *p, size_t count) {
    *p = (points){0};
    if (count == 0) return 0;
    p->hashes = inf_malloc(ring->mem, count * sizeof *p->hashes);
    p->nodes = inf_malloc(ring->mem, count * sizeof *p->nodes);
    if (p->hashes != NULL && p->nodes != NULL) return 0;
    points_free(ring, p);
    return INF_ENOMEM;
}

void inf_ring_free(inf_ring *ring) {
    if (ring == NULL) return;
    for (size_t i = 0; i < ring->count; i++)
        inf_free(ring->mem, (void *)(uintptr_t)ring->nodes[i].name.data);
    inf_free(ring->mem, ring->nodes);
    points_free(ring, &ring->points);
    inf_free(ring->mem, ring);
}

/* ---- nodes ------------------------------------------------------------- */

static int compare(inf_slice a, inf_slice b) {
    size_t len = a.len < b.len ? a.len : b.len;
    int order = memcmp(a.data, b.data, len);
    if (order != 0) return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

/* Where the node is, or would be; true when it is there. */
static bool find(const inf_ring *ring, inf_slice name, size_t *at) {
    size_t low = 0;
    size_t high = ring->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare(ring->nodes[middle].name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *at = low;
    return low < ring->count && inf_slice_eq(ring->nodes[low].name, name);
}

static uint64_t point_of(const inf_ring *ring, inf_slice name,
                         uint32_t number) {
    uint8_t bytes[2 + INF_NAME_MAX + 4];
    bytes[0] = (uint8_t)(name.len >> 8);
    bytes[1] = (uint8_t)name.len;
    memcpy(bytes + 2, name.data, name.len);
    for (size_t i = 0; i < 4; i++)
        bytes[2 + name.len + i] = (uint8_t)(number >> (24 - 8 * i));
    return inf_hash(inf_slice_of(bytes, name.len + 6), ring->seed);
}

static int by_hash(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* All points as they become when those of the node at `place` are replaced by
   `fresh`; `moved` is added to places from `place` on (a node comes or goes).
 */
static void merge(const inf_ring *ring, points *out, const uint64_t *fresh,
                  size_t fresh_count, size_t place, int moved, bool drop) {
    const points *old = &ring->points;
    size_t at = 0;
    for (size_t i = 0; i < old->count; i++) {
        size_t owner = old->nodes[i];
        if (drop && owner == place) continue;
        size_t now = owner >= place ? (size_t)((long)owner + moved) : owner;
        while (at < fresh_count &&
               (fresh[at] < old->hashes[i] ||
                (fresh[at] == old->hashes[i] && place < now))) {
            out->hashes[out->count] = fresh[at++];
            out->nodes[out->count++] = (uint16_t)place;
        }
        out->hashes[out->count] = old->hashes[i];
        out->nodes[out->count++] = (uint16_t)now;
    }
    while (at < fresh_count) {
        out->hashes[out->count] = fresh[at++];
        out->nodes[out->count++] = (uint16_t)place;
    }
}

static int sorted_points(const inf_ring *ring, inf_slice node, uint32_t weight,
                         uint64_t **out) {
    *out = inf_malloc(ring->mem, (weight + (size_t)1) * sizeof **out);
    if (*out == NULL) return INF_ENOMEM;
    for (uint32_t i = 0; i < weight; i++)
        (*out)[i] = point_of(ring, node, i);
    if (weight > 1) qsort(*out, weight, sizeof **out, by_hash);
    return 0;
}

static int nodes_reserve(inf_ring *ring) {
    if (ring->count < ring->cap) return 0;
    if (ring->count == INF_RING_NODES_MAX) return INF_EFULL;
    size_t cap = ring->cap == 0 ? 8 : ring->cap * 2;
    ring_node *grown = inf_realloc(ring->mem, ring->nodes, cap * sizeof *grown);
    if (grown == NULL) return INF_ENOMEM;
    ring->nodes = grown;
    ring->cap = cap;
    return 0;
}

/* Everything that may fail, before anything changes. */
static int prepare(inf_ring *ring, inf_slice node, uint32_t weight, bool known,
                   points *next, uint64_t **fresh, uint8_t **copy) {
    *fresh = NULL;
    *copy = NULL;
    int rc = known ? 0 : nodes_reserve(ring);
    if (rc == 0) rc = points_new(ring, next, ring->points.count + weight);
    if (rc == 0) rc = sorted_points(ring, node, weight, fresh);
    if (rc == 0 && !known) {
        *copy = inf_malloc(ring->mem, node.len);
        if (*copy == NULL) rc = INF_ENOMEM;
    }
    if (rc != 0) {
        points_free(ring, next);
        inf_free(ring->mem, *fresh);
    }
    return rc;
}

int inf_ring_add(inf_ring *ring, inf_slice node, uint32_t weight) {
    if (node.len == 0 || node.len > INF_NAME_MAX) return INF_ENAME;
    if (weight > INF_RING_WEIGHT_MAX) return INF_EINVAL;
    size_t place = 0;
    bool known = find(ring, node, &place);
    if (known && ring->nodes[place].weight == weight) return 0;
    points next = {0};
    uint64_t *fresh;
    uint8_t *copy;
    int rc = prepare(ring, node, weight, known, &next, &fresh, &copy);
    if (rc != 0) return rc;
    merge(ring, &next, fresh, weight, place, known ? 0 : 1, known);
    if (!known) {
        memcpy(copy, node.data, node.len);
        memmove(ring->nodes + place + 1, ring->nodes + place,
                (ring->count - place) * sizeof *ring->nodes);
        ring->nodes[place].name = inf_slice_of(copy, node.len);
        ring->count++;
    }
    ring->nodes[place].weight = weight;
    inf_free(ring->mem, fresh);
    points_free(ring, &ring->points);
    ring->points = next;
    return 0;
}

int inf_ring_remove(inf_ring *ring, inf_slice node) {
    size_t place = 0;
    if (!find(ring, node, &place)) return INF_ENOENT;
    points next = {0};
    int rc = points_new(ring, &next, ring->points.count);
    if (rc != 0) return rc;
    merge(ring, &next, NULL, 0, place, -1, true);
    inf_free(ring->mem, (void *)(uintptr_t)ring->nodes[place].name.data);
    ring->count--;
    memmove(ring->nodes + place, ring->nodes + place + 1,
            (ring->count - place) * sizeof *ring->nodes);
    points_free(ring, &ring->points);
    ring->points = next;
    return 0;
}

size_t inf_ring_count(const inf_ring *ring) {
    return ring->count;
}

bool inf_ring_next(const inf_ring *ring, size_t *at, inf_slice *node,
                   uint32_t *weight) {
    if (*at >= ring->count) return false;
    *node = ring->nodes[*at].name;
    *weight = ring->nodes[*at].weight;
    ++*at;
    return true;
}

/* ---- keys -------------------------------------------------------------- */

/* The first point at or after the key's hash; the last is followed by the
   first. There is at least one point. */
static size_t point_at(const inf_ring *ring, inf_slice key) {
    uint64_t hash = inf_hash(key, ring->seed);
    const uint64_t *hashes = ring->points.hashes;
    size_t low = 0;
    size_t high = ring->points.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (hashes[middle] < hash) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == ring->points.count ? 0 : low;
}

int inf_ring_key_to_node(const inf_ring *ring, inf_slice key, inf_slice *node) {
    if (ring->points.count == 0) return INF_ENOENT;
    *node = ring->nodes[ring->points.nodes[point_at(ring, key)]].name;
    return 0;
}

static bool among(const inf_slice *nodes, size_t count, inf_slice name) {
    for (size_t i = 0; i < count; i++) {
        if (nodes[i].data == name.data) return true;
    }
    return false;
}

size_t inf_ring_key_to_nodes(const inf_ring *ring, inf_slice key,
                             inf_slice *nodes, size_t count) {
    if (ring->points.count == 0 || count == 0) return 0;
    size_t found = 0;
    size_t at = point_at(ring, key);
    for (size_t step = 0; step < ring->points.count && found < count; step++) {
        inf_slice name = ring->nodes[ring->points.nodes[at]].name;
        if (!among(nodes, found, name)) nodes[found++] = name;
        at = at + 1 == ring->points.count ? 0 : at + 1;
    }
    return found;
}

uint64_t inf_ring_id(const inf_ring *ring) {
    uint64_t id = inf_hash_mix(ring->seed + 1);
    for (size_t i = 0; i < ring->count; i++) {
        uint64_t name = inf_hash(ring->nodes[i].name, ring->seed);
        id = inf_hash_mix(id ^ name) + ring->nodes[i].weight;
    }
    return inf_hash_mix(id);
}

void inf_ring_spread(const inf_ring *ring, double *least, double *most) {
    *least = *most = 0;
    size_t count = ring->points.count;
    double *share = inf_zalloc(ring->mem, (ring->count + 1) * sizeof *share);
    if (count == 0 || share == NULL) {
        inf_free(ring->mem, share);
        return;
    }
    const uint64_t *hashes = ring->points.hashes;
    for (size_t i = 0; i < count; i++) {
        uint64_t before = hashes[i == 0 ? count - 1 : i - 1];
        share[ring->points.nodes[i]] += (double)(hashes[i] - before);
    }
    *least = 2;
    for (size_t i = 0; i < ring->count; i++) {
        if (ring->nodes[i].weight == 0) continue;
        double due = (double)ring->nodes[i].weight / (double)count;
        double part = share[i] / 18446744073709551616.0 / due;
        if (count == 1) part = 1;
        if (part < *least) *least = part;
        if (part > *most) *most = part;
    }
    inf_free(ring->mem, share);
}
