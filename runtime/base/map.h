/* SPDX-License-Identifier: MIT */
/* map.h: bytes -> pointer, for keys that come from outside. Open addressing
   with robin-hood probing; keys are borrowed from the values, which must keep
   them alive and unchanged while they are in the map. */
#ifndef INF_BASE_MAP_H
#define INF_BASE_MAP_H

#include "base/alloc.h"
#include "base/hash.h"

typedef struct inf_map_slot {
    inf_slice key; /* borrowed; key.data NULL: empty slot */
    void *value;
    uint64_t hash;
} inf_map_slot;

typedef struct inf_map {
    inf_map_slot *slots; /* owned; a power of two of them, or NULL */
    size_t count;
    size_t cap;
    inf_hash_key key; /* secret */
    inf_alloc *mem;   /* borrowed */
} inf_map;

/** `key` should be random where the keys come from strangers. */
void inf_map_init(inf_map *map, inf_alloc *mem, inf_hash_key key);
void inf_map_deinit(inf_map *map);
/** The value of a key, or NULL. An empty key is never in the map. */
void *inf_map_get(const inf_map *map, inf_slice key);
/** Sets or replaces; 0 or INF_ENOMEM, then nothing has changed. `value` is not
    NULL, `key` not empty. */
int inf_map_set(inf_map *map, inf_slice key, void *value);
/** Takes a key out and returns its value, or NULL. */
void *inf_map_remove(inf_map *map, inf_slice key);
/** Visits all values in no particular order: start with *at = 0; NULL at the
    end. The map must not change meanwhile. */
void *inf_map_next(const inf_map *map, size_t *at);

#endif
