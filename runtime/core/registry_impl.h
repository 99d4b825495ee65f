/* SPDX-License-Identifier: MIT */
/* registry_impl.h: the inside of the registry, shared by its own files:
   registry_rows.c (rows, names, index), registry.c (owners, what shows),
   registry_diff.c (changes out and in). */
#ifndef INF_CORE_REGISTRY_IMPL_H
#define INF_CORE_REGISTRY_IMPL_H

#include "base/error.h"
#include "base/map.h"
#include "core/registry.h"

#define ROWS_A_CHUNK 4096u
#define NAME_CHUNK   65536u
#define NAME_CLASSES 64u
#define NO_NAME      UINT32_MAX

enum { ROW_DEAD = 1, ROW_HINT = 2, ROW_YIELDED = 4 };

/* 48 bytes. Numbers of rows are 1-based; 0 is none. */
typedef struct row {
    uint64_t seq;   /* the owner's change that wrote it */
    uint64_t stamp; /* the claim, with owner and the owner's boot */
    uint32_t name;  /* place in the names */
    uint32_t hash;  /* of the name, under the secret key */
    uint32_t chain; /* next in the bucket; of a delete: the next younger one;
                       of a free row: the next free one */
    uint32_t prev;  /* the owner's rows, by seq */
    uint32_t next;
    uint32_t shown; /* 1-based place among the visible, 0: not visible */
    uint16_t owner; /* place of the owner */
    uint16_t implementation;
    uint16_t worker;
    uint8_t name_len;
    uint8_t flags;
} row;

typedef struct row_list {
    uint32_t first;
    uint32_t last;
} row_list;

typedef struct impl_entry {
    inf_slice name; /* owned */
    uint32_t rows;  /* 0: the place is free */
} impl_entry;

/* Where rows, names and implementations live. */
typedef struct row_store {
    inf_alloc *mem;
    row **chunks;
    uint32_t chunk_count;
    uint32_t chunk_cap;
    uint32_t used; /* rows ever used */
    uint32_t free_row;
    uint32_t live; /* rows in use, deletes and hints included */
    uint8_t **names;
    uint32_t name_count;
    uint32_t name_cap;
    uint32_t name_used; /* bytes used of the last chunk */
    uint32_t free_name[NAME_CLASSES + 1];
    uint32_t *buckets;
    uint32_t bucket_count;
    uint32_t bucket_cap;
    uint32_t bucket_mask; /* of a hash: 2^n - 1, not below bucket_count - 1 */
    uint32_t indexed;
    impl_entry *impls;
    uint32_t impl_count;
    uint32_t impl_cap;
    inf_map impl_index; /* name -> place + 1 */
    inf_hash_key key;
    uint32_t rows_max;
} row_store;

typedef struct owner {
    uint64_t id;
    inf_slice name; /* owned */
    uint64_t boot;
    uint64_t cur;
    uint64_t goal;
    uint64_t high;
    uint64_t floor;  /* deletes up to here may be forgotten */
    uint64_t stamp;  /* newest stamp as of cur */
    uint64_t digest; /* sum over live rows */
    uint64_t down_at_ms;
    uint64_t purged;      /* turn of the purge, to forget the oldest first */
    uint64_t full_source; /* who sends the full transfer under way */
    uint32_t full;        /* its number, 0: none */
    row_list list;        /* rows and remembered deletes, by seq */
    row_list old;         /* during a full transfer: rows not yet confirmed */
    row_list hints;
    row_list dead; /* remembered deletes, oldest first, linked by chain */
    uint32_t rows;
    uint32_t shown; /* of its rows and hints */
    uint32_t dead_count;
    uint32_t hint_count;
    uint16_t place;
    bool up;
    bool unsettled; /* not all of its rows show, or hide, as `up` wants */
} owner;

struct inf_registry {
    inf_alloc *mem;
    row_store store;
    owner **owners; /* by place; stays */
    uint16_t *by_id;
    uint32_t owner_count;
    uint32_t owner_cap;
    owner *self;
    uint32_t *shown; /* visible rows, dense */
    uint32_t shown_count;
    uint32_t shown_cap;
    uint32_t unsettled; /* owners */
    owner *settling;    /* one of them, or NULL */
    uint32_t settle_at; /* the last row that was looked at for it */
    uint32_t full_number;
    uint32_t deletes_max;
    uint32_t held;
    uint32_t owners_max;
    uint64_t purges;
    inf_prefer prefer;
    inf_registry_listener listener;
};

/* ---- registry_rows.c --------------------------------------------------- */

void store_init(row_store *store, inf_alloc *mem, const inf_hash_key *key,
                uint32_t rows_max);
void store_deinit(row_store *store);

static inline row *row_at(const row_store *store, uint32_t id) {
    return &store->chunks[(id - 1) / ROWS_A_CHUNK][(id - 1) % ROWS_A_CHUNK];
}

inf_slice row_name(const row_store *store, const row *r);
inf_slice row_implementation(const row_store *store, const row *r);
uint32_t name_hash(const row_store *store, inf_slice name);

/* A new row with name and implementation, in no list and not indexed. */
int row_new(row_store *store, inf_slice name, inf_slice impl, uint32_t *id);
void row_free(row_store *store, uint32_t id);
/* Gives the row another implementation; 0 or an error, then unchanged. */
int row_set_implementation(row_store *store, row *r, inf_slice impl);

/* Room in the buckets for one more; 0 or INF_ENOMEM. */
int index_reserve(row_store *store);
void index_add(row_store *store, uint32_t id);
void index_remove(row_store *store, uint32_t id);
/* The first row in the hash's bucket, whatever its name, or 0. */
uint32_t index_first(const row_store *store, uint32_t hash);
/* The next row of that name after `id` (0: from the start), or 0. */
uint32_t index_next(const row_store *store, uint32_t hash, inf_slice name,
                    uint32_t id);

void list_append(row_store *store, row_list *list, uint32_t id);
void list_unlink(row_store *store, row_list *list, uint32_t id);

/* ---- registry.c -------------------------------------------------------- */

void entry_of(const inf_registry *reg, const row *r, inf_entry *out);
inf_claim claim_of(const inf_registry *reg, const row *r);
/* The live row, or hint, of the owner under that name, or 0. */
uint32_t owned_row(const inf_registry *reg, const owner *o, uint32_t hash,
                   inf_slice name, bool hint);
/* Shows the row if its owner is up and its claim is preferred. */
void consider(inf_registry *reg, uint32_t id);
/* Hides the row, if it shows, and shows whoever is next. */
void withdraw(inf_registry *reg, uint32_t id);
/* A new row of the owner, indexed, in no list yet and not considered. */
int owner_add(inf_registry *reg, owner *o, const inf_entry *entry,
              uint8_t flags, uint32_t *out);
/* Writes a row of the owner as of change entry->seq. */
int owner_put(inf_registry *reg, owner *o, const inf_entry *entry);
/* Removes the owner's row of that name as of change `seq`, and remembers. */
void owner_delete(inf_registry *reg, owner *o, inf_slice name, uint64_t seq);
/* Removes hints that the owner's stream has passed. */
void owner_sweep_hints(inf_registry *reg, owner *o, uint64_t stamp);
/* Forgets every remembered delete. */
void owner_forget_deletes(inf_registry *reg, owner *o);
/* Rows kept from before a full transfer and not confirmed by it go. */
void owner_drop_old(inf_registry *reg, owner *o);
/* All rows go, and the count starts anew; life and high-water mark stay. */
void owner_empty(inf_registry *reg, owner *o);

/* ---- registry_owners.c ------------------------------------------------- */

owner *owner_find(const inf_registry *reg, uint64_t id);
/* Another, later life: nothing of the older one is left. */
void owner_reset(inf_registry *reg, owner *o, uint64_t boot);

#endif
