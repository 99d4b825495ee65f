/* SPDX-License-Identifier: MIT */
/* registry_rows.c: where rows live. Rows sit in chunks that never move, so
   growing copies nothing; names sit in slots of 4, 8, ... 256 bytes that are
   used again by names of the same size, so nothing needs compacting; the index
   chains all rows of all owners by a keyed hash of the name, so that nobody
   can choose names that collide. */
#include "core/registry_impl.h"

#define NO_IMPLEMENTATION UINT16_MAX

void store_init(row_store *store, inf_alloc *mem, const inf_hash_key *key,
                uint32_t rows_max) {
    *store = (row_store){.mem = mem, .key = *key, .rows_max = rows_max};
    for (size_t i = 0; i <= NAME_CLASSES; i++)
        store->free_name[i] = NO_NAME;
    inf_map_init(&store->impl_index, mem, *key);
}

void store_deinit(row_store *store) {
    for (uint32_t i = 0; i < store->chunk_count; i++)
        inf_free(store->mem, store->chunks[i]);
    for (uint32_t i = 0; i < store->name_count; i++)
        inf_free(store->mem, store->names[i]);
    for (uint32_t i = 0; i < store->impl_count; i++)
        inf_free(store->mem, (void *)(uintptr_t)store->impls[i].name.data);
    inf_map_deinit(&store->impl_index);
    inf_free(store->mem, store->chunks);
    inf_free(store->mem, store->names);
    inf_free(store->mem, store->impls);
    inf_free(store->mem, store->buckets);
}

/* Adds a chunk to a growing list of chunks; NULL when memory is refused. */
static void *add_chunk(row_store *store, void ***chunks, uint32_t *count,
                       uint32_t *cap, size_t size) {
    if (*count == *cap) {
        uint32_t wanted = *cap == 0 ? 4 : *cap * 2;
        void **grown =
            inf_realloc(store->mem, *chunks, wanted * sizeof(void *));
        if (grown == NULL) return NULL;
        *chunks = grown;
        *cap = wanted;
    }
    void *chunk = inf_malloc(store->mem, size);
    if (chunk != NULL) (*chunks)[(*count)++] = chunk;
    return chunk;
}

/* ---- names ------------------------------------------------------------- */

static uint32_t name_class(size_t len) {
    return (uint32_t)((len + 3) / 4);
}

static uint8_t *name_at(const row_store *store, uint32_t place) {
    return store->names[place / NAME_CHUNK] + place % NAME_CHUNK;
}

static void name_give_back(row_store *store, uint32_t place, uint32_t class) {
    memcpy(name_at(store, place), &store->free_name[class], sizeof place);
    store->free_name[class] = place;
}

/* What is left of the last chunk becomes a free slot of its own size. */
static void use_up_chunk(row_store *store) {
    uint32_t left = NAME_CHUNK - store->name_used;
    if (store->name_count == 0 || left == 0) return;
    uint32_t place = (store->name_count - 1) * NAME_CHUNK + store->name_used;
    uint32_t class = left / 4 < NAME_CLASSES ? left / 4 : NAME_CLASSES;
    name_give_back(store, place, class);
}

static uint32_t name_take(row_store *store, inf_slice name) {
    uint32_t class = name_class(name.len);
    uint32_t place = store->free_name[class];
    if (place != NO_NAME) {
        memcpy(&store->free_name[class], name_at(store, place), sizeof place);
    } else {
        uint32_t size = class * 4;
        if (store->name_count == 0 || NAME_CHUNK - store->name_used < size) {
            if (store->name_count == UINT32_MAX / NAME_CHUNK) return NO_NAME;
            use_up_chunk(store);
            void **chunks = (void **)store->names;
            void *chunk = add_chunk(store, &chunks, &store->name_count,
                                    &store->name_cap, NAME_CHUNK);
            store->names = (uint8_t **)chunks;
            store->name_used = chunk != NULL ? 0 : NAME_CHUNK;
            if (chunk == NULL) return NO_NAME;
        }
        place = (store->name_count - 1) * NAME_CHUNK + store->name_used;
        store->name_used += size;
    }
    memcpy(name_at(store, place), name.data, name.len);
    return place;
}

inf_slice row_name(const row_store *store, const row *r) {
    return inf_slice_of(name_at(store, r->name), r->name_len);
}

/* ---- implementations --------------------------------------------------- */

static int impl_place(row_store *store, uint32_t *place) {
    for (uint32_t i = 0; i < store->impl_count; i++) {
        if (store->impls[i].rows == 0) {
            *place = i;
            return 0;
        }
    }
    if (store->impl_count == NO_IMPLEMENTATION) return INF_EFULL;
    if (store->impl_count == store->impl_cap) {
        uint32_t cap = store->impl_cap == 0 ? 8 : store->impl_cap * 2;
        impl_entry *grown =
            inf_realloc(store->mem, store->impls, cap * sizeof *grown);
        if (grown == NULL) return INF_ENOMEM;
        store->impls = grown;
        store->impl_cap = cap;
    }
    *place = store->impl_count;
    store->impls[store->impl_count++] = (impl_entry){{NULL, 0}, 0};
    return 0;
}

/* Finds or adds the implementation and counts one more row of it. An empty
   name has no place. */
static int impl_use(row_store *store, inf_slice name, uint16_t *out) {
    *out = NO_IMPLEMENTATION;
    if (name.len == 0) return 0;
    uintptr_t known = (uintptr_t)inf_map_get(&store->impl_index, name);
    if (known != 0) {
        *out = (uint16_t)(known - 1);
        store->impls[*out].rows++;
        return 0;
    }
    uint32_t place = 0;
    int rc = impl_place(store, &place);
    if (rc != 0) return rc;
    uint8_t *copy = inf_malloc(store->mem, name.len);
    if (copy == NULL) return INF_ENOMEM;
    memcpy(copy, name.data, name.len);
    inf_slice kept = {copy, name.len};
    rc = inf_map_set(&store->impl_index, kept, (void *)(uintptr_t)(place + 1));
    if (rc != 0) {
        inf_free(store->mem, copy);
        return rc;
    }
    store->impls[place] = (impl_entry){kept, 1};
    *out = (uint16_t)place;
    return 0;
}

static void impl_unuse(row_store *store, uint16_t place) {
    if (place == NO_IMPLEMENTATION) return;
    impl_entry *impl = &store->impls[place];
    if (--impl->rows != 0) return;
    (void)inf_map_remove(&store->impl_index, impl->name);
    inf_free(store->mem, (void *)(uintptr_t)impl->name.data);
    impl->name = (inf_slice){NULL, 0};
}

inf_slice row_implementation(const row_store *store, const row *r) {
    if (r->implementation == NO_IMPLEMENTATION) return (inf_slice){NULL, 0};
    return store->impls[r->implementation].name;
}

int row_set_implementation(row_store *store, row *r, inf_slice impl) {
    if (inf_slice_eq(row_implementation(store, r), impl)) return 0;
    uint16_t place = NO_IMPLEMENTATION;
    int rc = impl_use(store, impl, &place);
    if (rc != 0) return rc;
    impl_unuse(store, r->implementation);
    r->implementation = place;
    return 0;
}

/* ---- rows -------------------------------------------------------------- */

static uint32_t row_take(row_store *store) {
    uint32_t id = store->free_row;
    if (id != 0) {
        store->free_row = row_at(store, id)->chain;
        return id;
    }
    if (store->used == store->chunk_count * ROWS_A_CHUNK) {
        void **chunks = (void **)store->chunks;
        void *chunk = add_chunk(store, &chunks, &store->chunk_count,
                                &store->chunk_cap, ROWS_A_CHUNK * sizeof(row));
        store->chunks = (row **)chunks;
        if (chunk == NULL) return 0;
    }
    return ++store->used;
}

static void row_put_back(row_store *store, uint32_t id) {
    *row_at(store, id) = (row){.chain = store->free_row, .flags = ROW_DEAD};
    store->free_row = id;
}

uint32_t name_hash(const row_store *store, inf_slice name) {
    return (uint32_t)inf_keyed_hash(&store->key, name);
}

int row_new(row_store *store, inf_slice name, inf_slice impl, uint32_t *id) {
    if (store->live >= store->rows_max) return INF_EFULL;
    uint32_t taken = row_take(store);
    if (taken == 0) return INF_ENOMEM;
    uint32_t place = name_take(store, name);
    if (place == NO_NAME) {
        row_put_back(store, taken);
        return INF_ENOMEM;
    }
    uint16_t impl_at = NO_IMPLEMENTATION;
    int rc = impl_use(store, impl, &impl_at);
    if (rc != 0) {
        name_give_back(store, place, name_class(name.len));
        row_put_back(store, taken);
        return rc;
    }
    *row_at(store, taken) = (row){.name = place,
                                  .name_len = (uint8_t)name.len,
                                  .hash = name_hash(store, name),
                                  .implementation = impl_at};
    store->live++;
    *id = taken;
    return 0;
}

void row_free(row_store *store, uint32_t id) {
    row *r = row_at(store, id);
    name_give_back(store, r->name, name_class(r->name_len));
    impl_unuse(store, r->implementation);
    row_put_back(store, id);
    store->live--;
}

/* ---- index ------------------------------------------------------------- */

static uint32_t *bucket_of(const row_store *store, uint32_t hash) {
    uint32_t at = hash & store->bucket_mask;
    if (at >= store->bucket_count) at &= store->bucket_mask >> 1;
    return &store->buckets[at];
}

/* One bucket more: what it shares with an older one is divided anew. */
static void split_bucket(row_store *store) {
    uint32_t fresh = store->bucket_count++;
    if (fresh > store->bucket_mask) {
        store->bucket_mask = store->bucket_mask << 1 | 1;
    }
    uint32_t *older = &store->buckets[fresh & store->bucket_mask >> 1];
    uint32_t id = *older;
    *older = store->buckets[fresh] = 0;
    while (id != 0) {
        row *r = row_at(store, id);
        uint32_t next = r->chain;
        uint32_t *bucket = bucket_of(store, r->hash);
        r->chain = *bucket;
        *bucket = id;
        id = next;
    }
}

int index_reserve(row_store *store) {
    if (store->indexed < store->bucket_count) return 0;
    if (store->bucket_count == store->bucket_cap) {
        uint32_t cap = store->bucket_cap == 0 ? 64 : store->bucket_cap * 2;
        uint32_t *grown =
            inf_realloc(store->mem, store->buckets, cap * sizeof *grown);
        if (grown == NULL) return INF_ENOMEM;
        if (store->bucket_cap == 0) grown[0] = 0;
        store->buckets = grown;
        store->bucket_cap = cap;
    }
    if (store->bucket_count == 0) {
        store->bucket_count = 1;
    } else {
        split_bucket(store);
    }
    return 0;
}

void index_add(row_store *store, uint32_t id) {
    row *r = row_at(store, id);
    uint32_t *bucket = bucket_of(store, r->hash);
    r->chain = *bucket;
    *bucket = id;
    store->indexed++;
}

void index_remove(row_store *store, uint32_t id) {
    row *r = row_at(store, id);
    uint32_t *link = bucket_of(store, r->hash);
    while (*link != id)
        link = &row_at(store, *link)->chain;
    *link = r->chain;
    r->chain = 0;
    store->indexed--;
}

uint32_t index_first(const row_store *store, uint32_t hash) {
    return store->bucket_count != 0 ? *bucket_of(store, hash) : 0;
}

uint32_t index_next(const row_store *store, uint32_t hash, inf_slice name,
                    uint32_t id) {
    id = id != 0 ? row_at(store, id)->chain : index_first(store, hash);
    while (id != 0) {
        const row *r = row_at(store, id);
        if (r->hash == hash && r->name_len == name.len &&
            memcmp(name_at(store, r->name), name.data, name.len) == 0) {
            return id;
        }
        id = r->chain;
    }
    return 0;
}

/* ---- lists ------------------------------------------------------------- */

void list_append(row_store *store, row_list *list, uint32_t id) {
    row *r = row_at(store, id);
    r->prev = list->last;
    r->next = 0;
    if (list->last != 0) {
        row_at(store, list->last)->next = id;
    } else {
        list->first = id;
    }
    list->last = id;
}

void list_unlink(row_store *store, row_list *list, uint32_t id) {
    row *r = row_at(store, id);
    if (r->prev != 0) row_at(store, r->prev)->next = r->next;
    if (r->next != 0) row_at(store, r->next)->prev = r->prev;
    if (list->first == id) list->first = r->next;
    if (list->last == id) list->last = r->prev;
}
