/* SPDX-License-Identifier: MIT */
/* synch_impl.h: the inside of synch, shared by its own files: synch.c (peers,
   streams, timers), synch_read.c (frames in), synch_write.c (frames out),
   synch_request.c (reconciling on demand). */
#ifndef INF_CORE_SYNCH_IMPL_H
#define INF_CORE_SYNCH_IMPL_H

#include "base/error.h"
#include "base/hash.h"
#include "base/heap.h"
#include "base/map.h"
#include "base/rng.h"
#include "core/synch.h"

#define JOBS_MAX        4096 /* transfers waiting on one stream */
#define OWN_EVERY_MS    1    /* between two looks at own changes */
#define ACKS_AFTER_MS   100  /* nobody waits for them */
#define REDIAL_FIRST_MS 50
#define REDIAL_MAX_MS   5000
#define STUCK_MS        15000 /* what is not acknowledged for so long is lost */
#define HANGING_MS      500   /* a dial to somebody who lives takes no longer */

typedef struct peer peer;
typedef struct flow flow;

/* A deadline of one of three things. */
typedef struct timer {
    inf_heap_item item; /* first: the heap hands it back */
    enum { TIMER_PEER, TIMER_LINK, TIMER_REQUEST } kind;
} timer;

/* How far a peer has been told about this node's rows of one scope, on the
   stream that this node dialled; or, on the one it accepted, how far it has
   told us. */
struct flow {
    inf_diff_cursor cursor;
    uint64_t acked;
    uint64_t was_acked; /* dialled: as of still_ms, when it last moved */
    uint64_t was_at;
    uint64_t still_ms;
    uint64_t seen; /* accepted: where we were when we last looked behind */
    bool on;       /* dialled: it asked for them; accepted: we asked */
    bool ack_due;
};

typedef enum job_kind { JOB_TRANSFER, JOB_DONE } job_kind;

/* Something to be sent in order. */
typedef struct job {
    job_kind kind;
    unsigned slot;
    uint64_t node;
    uint64_t request;
    uint64_t until; /* JOB_DONE: not before this much of our own is acked, or
                       sent from the cursor; 0: at once */
    inf_diff_cursor cursor;
} job;

typedef struct link {
    timer due; /* of the greeting */
    uint64_t stream;
    peer *peer;        /* NULL: not known yet, or not any more */
    uint64_t their_id; /* once greeted */
    uint64_t their_boot;
    bool dialled;
    bool open;
    bool greeted;      /* their HELLO is in */
    uint64_t since_ms; /* greeted, or before that: dialled */
    bool writing;      /* the host has not said drained yet */
    bool behind;       /* there was more of our own than fitted into a write */
    bool dead;         /* closed by us: gone at the end of the call */
    inf_buf in;        /* part of a frame */
    inf_buf out;       /* small frames waiting */
    flow flows[INF_SYNCH_SCOPES];
    job *jobs; /* owned; those from job_first on wait */
    size_t job_first;
    size_t job_count;
    size_t job_cap;
    struct link *next; /* all links */
    struct link *prev;
} link;

struct peer {
    timer due; /* of the next dialling */
    uint64_t id;
    uint64_t boot;
    inf_slice name; /* owned */
    inf_addr addr;
    uint64_t scopes;
    link *dialled;
    link *accepted;
    uint32_t backoff_ms;
    peer *next; /* all peers */
    peer *prev;
};

typedef struct target {
    uint64_t peer;
    bool answered;
    bool failed;
} target;

typedef struct request {
    timer due;
    uint64_t id;
    uint64_t token;
    unsigned slot;
    size_t target_count;
    target *targets;   /* owned */
    inf_slice unknown; /* owned */
    struct request *next;
} request;

struct inf_synch {
    inf_alloc *mem;
    inf_outbox *outbox;
    inf_slice name; /* owned */
    uint64_t id;
    uint64_t boot;
    inf_rng rng;
    uint32_t repair_ms;
    uint32_t timeout_ms;
    uint32_t write_max;
    inf_synch_store store;
    inf_heap timers;
    inf_map peers_by_id;
    inf_map links_by_stream;
    peer *peers;
    size_t peer_count;
    link *links;
    request *requests;
    size_t request_count;
    uint64_t last_request;
    uint64_t repair_at_ms;
    uint64_t now_ms; /* of the call under way */
    size_t link_count;
    uint64_t scopes; /* bit = slot in use */
    uint64_t scope_ids[INF_SYNCH_SCOPES];
    uint32_t mismatches[INF_SYNCH_SCOPES];
    bool unflushed;
    bool own_waits;      /* for own_at_ms: own changes are looked at then */
    uint64_t own_at_ms;  /* own changes go out from then on */
    uint64_t acks_at_ms; /* acks go out then; INF_NEVER: none is due */
    inf_buf scratch;     /* ops of a frame */
    inf_buf write;       /* what goes out at once */
};

/* ---- synch.c ----------------------------------------------------------- */

void synch_now(inf_synch *synch, uint64_t now_ms);
/* Frees the links that have been dropped. */
void bury(inf_synch *synch);

peer *peer_find(const inf_synch *synch, uint64_t id);
/* The open stream to use for what begins with us: the dialled one. */
link *peer_link(const peer *p);
int slot_of(const inf_synch *synch, uint64_t scope);
/* Closes the stream; the link goes at the end of the call. */
void link_drop(inf_synch *synch, link *l);
/* A greeted, accepted link and its peer find each other. */
void link_attach(inf_synch *synch, link *l, peer *p);
/* Asks the peer, on the stream it dialled, for its own rows. */
void pull_own(inf_synch *synch, link *l, unsigned slot);

/* ---- synch_read.c ------------------------------------------------------ */

/* Acts on one frame; the link may be dropped by it. */
void frame_in(inf_synch *synch, link *l, const inf_frame *frame);

/* ---- synch_write.c ----------------------------------------------------- */

/* When acks, or own changes that had to wait, are to be written. */
uint64_t inf_synch_written_ms(const inf_synch *synch);
/* Queues a small frame; false when too many wait. */
bool say(inf_synch *synch, link *l, const inf_frame *frame);
void say_vector(inf_synch *synch, link *l, unsigned slot, uint64_t number);
/* Queues a transfer of that owner's changes after `at`; nothing when it waits
   already or too many do. */
void job_transfer(inf_synch *synch, link *l, unsigned slot, uint64_t node,
                  inf_diff_cursor cursor);
void job_done(inf_synch *synch, link *l, unsigned slot, uint64_t number,
              uint64_t until, inf_diff_cursor cursor);
/* The flow of our own rows to the peer; NULL when it has not asked for them. */
const flow *own_flow(const link *l, unsigned slot);
/* True when the owner's stream brings its changes, and has since the last
   look. */
bool flows_by_itself(inf_synch *synch, unsigned slot, const inf_version *have);

/* ---- synch_request.c --------------------------------------------------- */

/* Asks what is still to be asked on a link that has just come up. */
void requests_linked(inf_synch *synch, peer *p);
void requests_lost(inf_synch *synch, uint64_t peer_id);
void request_need(inf_synch *synch, link *l, uint64_t number);
void request_answered(inf_synch *synch, uint64_t peer_id, uint64_t number);
void request_end(inf_synch *synch, request *r);

#endif
