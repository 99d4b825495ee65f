/* SPDX-License-Identifier: MIT */
/* synch.h: what two registries must tell each other, and no more. Pure
   protocol: it knows peers, streams and how far each has been told, and asks a
   store, through the table below, for the changes themselves.

   Every node dials every other of ours and pushes its own rows on the stream it
   dialled; answers come back on the same stream. */
#ifndef INF_CORE_SYNCH_H
#define INF_CORE_SYNCH_H

#include "base/span.h"
#include "core/effect.h"
#include "core/synch_frame.h"

#define INF_SYNCH_SCOPES   64           /* branches of this node, by slot */
#define INF_SYNCH_WRITE    (32u << 10)  /* usual write_max */
#define INF_SYNCH_WAITING  (256u << 10) /* small messages waiting on one */
#define INF_SYNCH_LINKS    4096         /* streams */
#define INF_SYNCH_REQUESTS 64           /* inf_synch_request under way */

/** Where the rows are. `slot` is a scope's; all must be set. */
typedef struct inf_synch_store {
    void *ctx;
    uint64_t (*root)(void *ctx, unsigned slot);
    bool (*next)(void *ctx, unsigned slot, size_t *at, inf_version *out);
    int (*version)(void *ctx, unsigned slot, uint64_t node, inf_version *out);
    int (*diff)(void *ctx, unsigned slot, uint64_t node,
                inf_diff_cursor *cursor, size_t cap, inf_span *span,
                inf_buf *ops);
    int (*apply)(void *ctx, unsigned slot, uint64_t source,
                 const inf_span *span, inf_slice ops);
    /** Every peer has this node's changes up to `seq`. */
    void (*stable)(void *ctx, unsigned slot, uint64_t seq);
    /** The rows of `node` are not what they should be. */
    void (*distrust)(void *ctx, unsigned slot, uint64_t node);
    /** A peer said something with inf_synch_tell. */
    void (*told)(void *ctx, unsigned slot, uint64_t peer, inf_slice bytes);
    /** The stream to the peer is open: it can be told something. */
    void (*linked)(void *ctx, uint64_t peer);
    /** A later life of this node's name has been seen. */
    void (*superseded)(void *ctx, uint64_t boot);
} inf_synch_store;

typedef struct inf_synch_config {
    inf_alloc *mem;
    inf_outbox *outbox; /* outlives the synch */
    inf_slice name;     /* this node */
    uint64_t id;
    uint64_t boot;
    uint64_t seed;
    uint32_t repair_ms;  /* between looks at whether a peer has the same */
    uint32_t timeout_ms; /* for dialling and greeting */
    uint32_t write_max;  /* bytes on their way on one stream */
    inf_synch_store store;
} inf_synch_config;

typedef struct inf_synch inf_synch;

int inf_synch_new(inf_synch **out, const inf_synch_config *config,
                  uint64_t now_ms);
void inf_synch_free(inf_synch *synch);

/* ---- streams ----------------------------------------------------------- */

/** A stream came in whose first byte, already taken, is INF_SYNCH_FIRST_BYTE.
    0 or INF_ENOMEM, INF_EFULL: the caller closes it. */
int inf_synch_accepted(inf_synch *synch, uint64_t stream, uint64_t now_ms);
/** The functions below ignore streams that are not this part's. */
void inf_synch_connected(inf_synch *synch, uint64_t stream, uint64_t now_ms);
void inf_synch_bytes(inf_synch *synch, uint64_t stream, inf_slice bytes,
                     uint64_t now_ms);
void inf_synch_drained(inf_synch *synch, uint64_t stream, uint64_t now_ms);
/** Returns the peer it led to, empty when it is not known; the slice is valid
    until the peer goes. */
inf_slice inf_synch_closed(inf_synch *synch, uint64_t stream, uint64_t now_ms);
void inf_synch_tick(inf_synch *synch, uint64_t now_ms);
uint64_t inf_synch_deadline(const inf_synch *synch);
/** Writes what is to be written, as far as streams take it. */
void inf_synch_flush(inf_synch *synch, uint64_t now_ms);
/** True when inf_synch_flush may write something. */
bool inf_synch_unflushed(const inf_synch *synch);

/* ---- peers and scopes -------------------------------------------------- */

/** A live member of ours: its life, where to dial it, and which of this node's
    scopes it shares (bit = slot). Again when one of these changes. */
int inf_synch_peer_up(inf_synch *synch, inf_slice name, uint64_t id,
                      uint64_t boot, const inf_addr *addr, uint64_t scopes,
                      uint64_t now_ms);
/** The member is dead or left: its streams are closed. */
void inf_synch_peer_down(inf_synch *synch, uint64_t id, uint64_t now_ms);
void inf_synch_scope_open(inf_synch *synch, unsigned slot, uint64_t scope);
void inf_synch_scope_close(inf_synch *synch, unsigned slot);
/** Own rows have changed. They are told at once, or a millisecond after the
    last ones were: what changes meanwhile travels together. */
void inf_synch_changed(inf_synch *synch);
/** Says something to a peer; false when it cannot be said now. */
bool inf_synch_tell(inf_synch *synch, unsigned slot, uint64_t peer,
                    inf_slice bytes);
/** The streams to and from that peer are open. */
bool inf_synch_linked(const inf_synch *synch, uint64_t peer);

/**
 * Reconciles a scope with peers by id; ends with one INF_EFFECT_DONE: `count`
 * merged, `name` the comma-separated names of those that did not answer.
 * `unknown` names somebody who was asked for and is no peer, or is empty.
 * 0 or INF_EFULL, INF_ENOMEM.
 */
int inf_synch_request(inf_synch *synch, unsigned slot, const uint64_t *peers,
                      size_t count, inf_slice unknown, uint32_t timeout_ms,
                      uint64_t token, uint64_t now_ms);

#endif
