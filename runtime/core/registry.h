/* SPDX-License-Identifier: MIT */
/* registry.h: which FSM lives where, for one branch, as this node sees it.
   Pure data: no I/O, no clock, no chance. Each node owns the rows of the FSMs
   it runs and nobody else writes them; of every other owner this node keeps
   the state after that owner's first `cur` changes. What is visible is the
   preferred claim of a name over the owners that are up. */
#ifndef INF_CORE_REGISTRY_H
#define INF_CORE_REGISTRY_H

#include "base/buf.h"
#include "base/hash.h"
#include "base/span.h"

/* Bounds of one registry. */
#define INF_REGISTRY_OWNERS_MAX 65534  /* nodes ever heard of */
#define INF_REGISTRY_HINTS_MAX  4096   /* hints of one owner */
#define INF_REGISTRY_DELETES    16384  /* deletes remembered, by default */
#define INF_REGISTRY_SKEW_MS    120000 /* clocks ahead by more are not adopted */

/** A hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014):
    48 bits of milliseconds, 16 bits of counter, never falling. */
typedef struct inf_hlc {
    uint64_t last;
} inf_hlc;

/** The next stamp: above all earlier ones, above `above`, and not behind the
    wall clock. */
uint64_t inf_hlc_next(inf_hlc *hlc, uint64_t wall_ms, uint64_t above);
/** Takes note of another node's stamp, unless it is absurdly far ahead. */
void inf_hlc_observe(inf_hlc *hlc, uint64_t wall_ms, uint64_t stamp);

/** Which of two claims to one name stands. */
typedef enum inf_prefer {
    INF_PREFER_LAST, /* the newest: last writer wins */
    INF_PREFER_FIRST /* the oldest: the longer history stays */
} inf_prefer;

/** What names one registration: fixed when it is made, never changed. `stamp`
    is also the reference of the FSM, unique in the owner's life. */
typedef struct inf_claim {
    uint64_t stamp;
    uint64_t node;
    uint64_t boot;
} inf_claim;

/** One row as seen from outside; slices are valid until the next change. */
typedef struct inf_entry {
    inf_slice name;
    inf_slice implementation;
    inf_slice owner; /* the owner's name */
    inf_claim claim;
    uint64_t seq; /* the owner's change that wrote it; 0 for a hint */
    uint16_t worker;
} inf_entry;

/** What happened to a name. */
typedef enum inf_registry_change {
    INF_ROW_SHOWN,   /* `entry` is visible now */
    INF_ROW_HIDDEN,  /* `entry` is visible no more */
    INF_ROW_CONFLICT /* two owners claim the name: `entry` stays, `lost` not */
} inf_registry_change;

/** Told of each change of what is visible, while the structure is consistent;
    may read the registry, may not change it. `lost` is NULL but for a conflict.
 */
typedef struct inf_registry_listener {
    void *ctx;
    void (*changed)(void *ctx, inf_registry_change change,
                    const inf_entry *entry, const inf_entry *lost);
} inf_registry_listener;

/** What a registry is born with. */
typedef struct inf_registry_config {
    inf_alloc *mem;
    inf_slice node;       /* this node's name */
    uint64_t boot;        /* this life of it */
    uint64_t first_seq;   /* where the count of own changes starts */
    inf_hash_key key;     /* secret, of the index */
    uint32_t rows_max;    /* over all owners */
    uint32_t owners_max;  /* nodes kept in mind; 0: as many as there can be */
    uint32_t deletes_max; /* remembered of one owner, besides a quarter of its
                             rows */
    inf_prefer prefer;
    inf_registry_listener listener; /* changed may be NULL */
} inf_registry_config;

typedef struct inf_registry inf_registry;

/** 0 and *out, or INF_ENOMEM. */
int inf_registry_new(inf_registry **out, const inf_registry_config *config);
/** NULL is fine. */
void inf_registry_free(inf_registry *registry);

/** Changes which claims are preferred; INF_EEXISTS when there are rows. */
int inf_registry_set_prefer(inf_registry *registry, inf_prefer prefer);
/** The id of a node: the hash of its name, the same everywhere. */
uint64_t inf_node_id(inf_slice name);

/* ---- own rows ---------------------------------------------------------- */

/**
 * Writes a row of this node. The claim outranks every claim of that name seen.
 * The caller has checked that the name is free if it cares; an own row of that
 * name is replaced.
 * @return 0 and *out, or INF_ENAME, INF_EFULL, INF_ENOMEM, then nothing
 * changed.
 */
int inf_registry_put(inf_registry *registry, inf_slice name,
                     inf_slice implementation, uint16_t worker, inf_hlc *hlc,
                     uint64_t wall_ms, inf_entry *out);
/** Removes the own row of the name whose stamp is `stamp`; else INF_ENOENT. */
int inf_registry_remove(inf_registry *registry, inf_slice name, uint64_t stamp);
/** Removes all own rows. */
void inf_registry_clear(inf_registry *registry);
/** The own row of a name, visible or not: 0 or INF_ENOENT. */
int inf_registry_own(const inf_registry *registry, inf_slice name,
                     inf_entry *out);
/** Marks an own row as being stopped: it confirms nothing any more. */
void inf_registry_yield(inf_registry *registry, inf_slice name, uint64_t stamp);
/** Takes that back: it is not stopped after all. */
void inf_registry_unyield(inf_registry *registry, inf_slice name,
                          uint64_t stamp);
/** True when the own row is there, has that stamp, and is not being stopped. */
bool inf_registry_confirms(const inf_registry *registry, inf_slice name,
                           uint64_t stamp);
/** How many own rows are not visible because another owner's claim wins. */
uint64_t inf_registry_losing(const inf_registry *registry);
/** Visits own rows that lose and have not been yielded: start with *at = 0;
    false at the end. */
bool inf_registry_losing_next(const inf_registry *registry, uint64_t *at,
                              inf_entry *mine, inf_entry *winner);
/** Forgets own deletes up to `seq`: every peer has them. */
void inf_registry_stable(inf_registry *registry, uint64_t seq);

/* ---- reading ----------------------------------------------------------- */

/** The visible row of a name: 0 or INF_ENOENT. */
int inf_registry_find(const inf_registry *registry, inf_slice name,
                      inf_entry *out);
/** A row of the name that is not visible because its owner is down; for a name
    that has no visible row. 0 or INF_ENOENT. */
int inf_registry_lost(const inf_registry *registry, inf_slice name,
                      inf_entry *out);
/** The row of the name that this owner has, visible or not, while the owner is
    up; a hint counts. 0 or INF_ENOENT. */
int inf_registry_claimed(const inf_registry *registry, inf_slice name,
                         uint64_t node, inf_entry *out);
uint64_t inf_registry_count(const inf_registry *registry);
/** Visits visible rows: start with *at = 0. Rows that are visible all the time
    are visited exactly once, whatever changes in between. */
bool inf_registry_next(const inf_registry *registry, uint64_t *at,
                       inf_entry *out);
/** A visible row drawn by `chance`; INF_ENOENT when there is none. */
int inf_registry_random(const inf_registry *registry, uint64_t chance,
                        inf_entry *out);

/* ---- hints ------------------------------------------------------------- */

/** A row learnt from a reply before the owner's stream brought it. It shows
    like a row and goes when the stream passes it or the owner's life ends.
    `boot` 0 stands for the owner's present life. 0, or INF_ENOENT (the owner is
    not up), INF_ESTALE (the stream has passed it), INF_EFULL, INF_ENAME,
    INF_ENOMEM. */
int inf_registry_hint(inf_registry *registry, const inf_entry *row);

/* ---- owners, as membership says ---------------------------------------- */

/** The owner is a live member: its rows show. A larger boot than known empties
    what was there; a smaller one is INF_ESTALE. INF_EEXISTS: another name has
    the same id; INF_EFULL: too many owners; INF_ENOMEM. */
int inf_registry_up(inf_registry *registry, inf_slice node, uint64_t boot);
/** The owner is dead: its rows are kept and hidden. */
void inf_registry_down(inf_registry *registry, uint64_t node, uint64_t now_ms);
/** The owner left, or was down too long: its rows go, what is known of its
    life and its count stays. */
void inf_registry_purge(inf_registry *registry, uint64_t node);
/** Purges owners that have been down for `hold_ms`. */
void inf_registry_purge_due(inf_registry *registry, uint64_t now_ms,
                            uint64_t hold_ms);
/** Shows or hides the next rows of owners that came up or went down with so
    many that it is not done in one go; none of those that are still to be
    hidden is found or counted. @return true while there are more. */
bool inf_registry_settle(inf_registry *registry);
/** Owners that are down and still hold rows. */
uint32_t inf_registry_held(const inf_registry *registry);

/* ---- versions and transfer --------------------------------------------- */

/** One word for all owners that are up: equal words, equal registries. */
uint64_t inf_registry_root(const inf_registry *registry);
/** Visits owners, this node included: start with *at = 0. */
bool inf_registry_owner_next(const inf_registry *registry, size_t *at,
                             inf_version *out);
/** The name behind an id, empty when it has never been heard of. */
inf_slice inf_registry_owner_name(const inf_registry *registry, uint64_t node);
/** 0 or INF_ENOENT. */
int inf_registry_owner(const inf_registry *registry, uint64_t node,
                       inf_version *out);

/**
 * Appends to `ops` the owner's next changes after the cursor, oldest first, at
 * most about `cap` bytes of them, and moves the cursor.
 * @return 1 when there was something, 0 when the peer is up to date,
 *         INF_ENOENT (no such owner, or this node is itself in the middle of a
 *         transfer and may not serve it), INF_ENOMEM; then nothing was added.
 */
int inf_registry_diff(inf_registry *registry, uint64_t node,
                      inf_diff_cursor *cursor, size_t cap, inf_span *span,
                      inf_buf *ops);
/**
 * Applies changes that `source` sent. Any bytes are safe.
 * @return 0; INF_ESTALE (nothing new), INF_EGAP (changes before these are
 *         missing: pull from what is there), INF_ENOENT (unknown owner, or this
 *         node), INF_EMALFORMED: then nothing has changed; INF_EFULL or
 *         INF_ENOMEM: a shorter run has been applied, pull again later.
 */
int inf_registry_apply(inf_registry *registry, uint64_t source,
                       const inf_span *span, inf_slice ops);
/** Empties an owner whose rows turned out wrong, so that they come anew. */
void inf_registry_distrust(inf_registry *registry, uint64_t node);

#endif
