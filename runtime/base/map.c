/* SPDX-License-Identifier: MIT */
#include "base/map.h"

#include "base/error.h"

void inf_map_init(inf_map *map, inf_alloc *mem, inf_hash_key key) {
    *map = (inf_map){.mem = mem, .key = key};
}

void inf_map_deinit(inf_map *map) {
    inf_free(map->mem, map->slots);
    inf_map_init(map, map->mem, map->key);
}

/* How far a slot's content is from where its hash wants it. */
static size_t distance(const inf_map *map, size_t at, uint64_t hash) {
    return (at - (size_t)hash) & (map->cap - 1);
}

static inf_map_slot *find(const inf_map *map, inf_slice key) {
    if (map->count == 0 || key.len == 0) return NULL;
    uint64_t hash = inf_keyed_hash(&map->key, key);
    size_t at = (size_t)hash & (map->cap - 1);
    for (size_t steps = 0;; steps++, at = (at + 1) & (map->cap - 1)) {
        inf_map_slot *slot = &map->slots[at];
        if (slot->key.data == NULL) return NULL;
        if (distance(map, at, slot->hash) < steps) return NULL;
        if (slot->hash == hash && inf_slice_eq(slot->key, key)) return slot;
    }
}

void *inf_map_get(const inf_map *map, inf_slice key) {
    inf_map_slot *slot = find(map, key);
    return slot != NULL ? slot->value : NULL;
}

/* The richer slot gives way: no probe is much longer than the average. */
static void insert(inf_map *map, inf_map_slot entry) {
    size_t at = (size_t)entry.hash & (map->cap - 1);
    for (size_t steps = 0;; steps++, at = (at + 1) & (map->cap - 1)) {
        inf_map_slot *slot = &map->slots[at];
        if (slot->key.data == NULL) {
            *slot = entry;
            map->count++;
            return;
        }
        size_t theirs = distance(map, at, slot->hash);
        if (theirs < steps) {
            inf_map_slot poorer = *slot;
            *slot = entry;
            entry = poorer;
            steps = theirs;
        }
    }
}

static int grow(inf_map *map) {
    size_t cap = map->cap == 0 ? 16 : map->cap * 2;
    inf_map_slot *slots = inf_zalloc(map->mem, cap * sizeof *slots);
    if (slots == NULL) return INF_ENOMEM;
    inf_map_slot *old = map->slots;
    size_t old_cap = map->cap;
    map->slots = slots;
    map->cap = cap;
    map->count = 0;
    for (size_t i = 0; i < old_cap; i++) {
        if (old[i].key.data != NULL) insert(map, old[i]);
    }
    inf_free(map->mem, old);
    return 0;
}

int inf_map_set(inf_map *map, inf_slice key, void *value) {
    INF_ASSERT(key.len != 0 && value != NULL);
    inf_map_slot *slot = find(map, key);
    if (slot != NULL) {
        slot->key = key;
        slot->value = value;
        return 0;
    }
    if (map->count * 8 >= map->cap * 7 && grow(map) != 0) return INF_ENOMEM;
    insert(map, (inf_map_slot){key, value, inf_keyed_hash(&map->key, key)});
    return 0;
}

void *inf_map_remove(inf_map *map, inf_slice key) {
    inf_map_slot *slot = find(map, key);
    if (slot == NULL) return NULL;
    void *value = slot->value;
    size_t at = (size_t)(slot - map->slots);
    for (;;) { /* shift the run that follows back by one: no tombstones */
        size_t next = (at + 1) & (map->cap - 1);
        inf_map_slot *after = &map->slots[next];
        if (after->key.data == NULL || distance(map, next, after->hash) == 0) {
            break;
        }
        map->slots[at] = *after;
        at = next;
    }
    map->slots[at] = (inf_map_slot){0};
    map->count--;
    return value;
}

void *inf_map_next(const inf_map *map, size_t *at) {
    while (*at < map->cap) {
        inf_map_slot *slot = &map->slots[(*at)++];
        if (slot->key.data != NULL) return slot->value;
    }
    return NULL;
}
