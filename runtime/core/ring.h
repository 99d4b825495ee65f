/* SPDX-License-Identifier: MIT */
/* ring.h: who owns a key. Consistent hashing with virtual nodes (Karger et al.,
   "Consistent Hashing and Random Trees", 1997): a pure function of the set of
   (name, weight) and the seed, whatever the order in which it was made. */
#ifndef INF_CORE_RING_H
#define INF_CORE_RING_H

#include "base/alloc.h"
#include "base/def.h"

#define INF_RING_WEIGHT     128   /* points of a node, by default */
#define INF_RING_WEIGHT_MAX 65535 /* points of one node */
#define INF_RING_NODES_MAX  65535

typedef struct inf_ring inf_ring;

/** An empty ring. Rings agree when their seeds do. 0 or INF_ENOMEM. */
int inf_ring_new(inf_ring **out, inf_alloc *mem, uint64_t seed);
/** NULL is fine. */
void inf_ring_free(inf_ring *ring);

/**
 * Adds a node, or changes its weight: its number of points. Weight 0: it is
 * known, but draining, and owns nothing.
 * @return 0, or INF_ENAME (1 to INF_NAME_MAX bytes), INF_EINVAL (the weight),
 *         INF_EFULL, INF_ENOMEM; then nothing has changed.
 */
int inf_ring_add(inf_ring *ring, inf_slice node, uint32_t weight);
/** 0, or INF_ENOENT; INF_ENOMEM: nothing has changed. */
int inf_ring_remove(inf_ring *ring, inf_slice node);
size_t inf_ring_count(const inf_ring *ring);
/** Visits nodes by name: start with *at = 0; false at the end. */
bool inf_ring_next(const inf_ring *ring, size_t *at, inf_slice *node,
                   uint32_t *weight);
/** The owner of a key: 0, or INF_ENOENT when nobody owns anything. The name is
    valid until the ring changes. */
int inf_ring_key_to_node(const inf_ring *ring, inf_slice key, inf_slice *node);
/** Up to `count` different nodes in the order in which they would own the key;
    returns how many there are: all, when the ring has that many. */
size_t inf_ring_key_to_nodes(const inf_ring *ring, inf_slice key,
                             inf_slice *nodes, size_t count);
/** One word for the set and the seed: equal words, equal owners. */
uint64_t inf_ring_id(const inf_ring *ring);
/** The smallest and the largest share of the keys that a node owns, each in
    relation to what its weight is due: 1 and 1 would be perfect. Both 0 when
    nobody owns anything. */
void inf_ring_spread(const inf_ring *ring, double *least, double *most);

#endif
