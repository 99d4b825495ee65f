/* SPDX-License-Identifier: MIT */
/* rpc_parts.h: what rpc.c, rpc_calls.c and rpc_requests.c share. */
#ifndef INF_CORE_RPC_PARTS_H
#define INF_CORE_RPC_PARTS_H

#include "base/error.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "core/rpc.h"

#define INF_RPC_OWED_ACKS 128 /* ids that ended, not yet told to the callee */

struct inf_rpc_request;

typedef enum inf_rpc_state {
    CALL_DUE,     /* in rpc->due: its target must be looked up */
    CALL_WAITING, /* for its name, in rpc->waiting */
    CALL_PAUSING, /* after a failure */
    CALL_FLYING,  /* sent; an answer may come */
    CALL_LOCAL,   /* its target is this node: a request carries it */
    CALL_ENDED    /* in rpc->ended, to be told */
} inf_rpc_state;

struct inf_rpc_call {
    inf_list place;     /* in rpc->due or rpc->ended, or among the waiters */
    inf_list owed;      /* in peer->owed */
    inf_list moved;     /* in rpc->moved: another peer may have run it, too */
    inf_heap_item wait; /* next timeout of its state, or its end */
    inf_rpc_state state;
    uint64_t id;     /* of the last send; 0: none yet */
    bool uncertain;  /* sent under `id`, and may have been carried out */
    bool before;     /* what `uncertain` was before the last send */
    uint32_t copies; /* sent under `id`, on any link */
    uint64_t tag;
    inf_retry_policy policy;
    inf_retry retry;
    int status;   /* once ended */
    int cause;    /* of the last failure */
    bool unknown; /* once ended: whether it was carried out */
    inf_target target;
    inf_slice key;      /* branch, 0, name: of rpc->waiting */
    inf_slice body;     /* all slices lie behind the structure */
    inf_rpc_peer *peer; /* where it was sent last; counted in peer->refs */
    struct inf_rpc_request *request; /* CALL_LOCAL: what carries it */
    uint8_t *answer;                 /* of a local request; owned */
    size_t answer_len;
    uint64_t ended_ms;
};

/** Another node: calls owed by it, and requests that it made. */
struct inf_rpc_peer {
    inf_list place; /* in rpc->all */
    inf_slice name; /* behind the structure */
    uint32_t refs;  /* calls and links that point here */
    /* as the callee of this node */
    inf_rpc_link *out;                /* the link dialled to it, or NULL */
    inf_list owed;                    /* uncertain calls, by id */
    uint64_t acks[INF_RPC_OWED_ACKS]; /* a ring of ids it may forget */
    size_t ack_first;
    size_t ack_count;
    bool
        acks_lost; /* acks may not have arrived, or have moved on: tell `low` */
    inf_list acker; /* in rpc->ackers: they are to be told without a CALL */
    /* as a caller of this node */
    inf_rpc_link *in; /* its newest link, or NULL */
    uint64_t boot;    /* of the caller */
    uint64_t epoch;   /* of its newest link */
    inf_map requests; /* id -> request, running or answered */
    inf_list done;    /* answered, oldest first */
    size_t done_count;
    size_t done_bytes;
    uint64_t low;     /* the largest id whose answer was given up */
    uint64_t ended;   /* below it, it wants no answer any more */
    uint64_t left_ms; /* when `in` went */
};

/** A call as its callee sees it. */
typedef struct inf_rpc_request {
    inf_list place;     /* in rpc->local, or in peer->done */
    inf_rpc_peer *peer; /* NULL: local, or of a former life of the caller */
    inf_rpc_call *call; /* local, and the caller has not given up */
    uint64_t id;
    uint64_t token;  /* 0: answered */
    bool abandoned;  /* the caller wants no answer any more */
    int status;      /* once answered */
    uint8_t *answer; /* owned */
    size_t answer_len;
} inf_rpc_request;

/** Where a token leads. */
typedef struct inf_rpc_slot {
    inf_rpc_request *request; /* NULL: free */
    uint32_t generation;
    uint32_t next_free; /* 1-based; 0: the last one */
} inf_rpc_slot;

struct inf_rpc {
    inf_alloc *mem;
    uint8_t name[INF_NODE_NAME_MAX];
    size_t name_len;
    uint64_t boot;
    uint64_t last_id;
    uint64_t last_epoch;
    uint64_t sweep_ms; /* next look for peers that can go */
    inf_rng rng;
    inf_map peers;   /* name -> peer */
    inf_map flying;  /* id -> call */
    inf_map waiting; /* key -> one call of a ring that waits for it */
    inf_heap waits;
    inf_list due;
    inf_list ended;
    inf_list local;  /* requests of this node to itself, not yet taken */
    inf_list ackers; /* peers that owe acks */
    inf_list moved;  /* uncertain calls that had another peer before, by id */
    inf_list all;    /* peers */
    size_t call_count;
    size_t call_bytes;
    inf_rpc_slot *slots;
    size_t slot_cap;
    size_t request_count; /* not yet answered */
    uint32_t free_slot;   /* 1-based */
};

/** The map key of an id. */
static inline inf_slice inf_rpc_id_key(const uint64_t *id) {
    return inf_slice_of(id, sizeof *id);
}

/** The peer of that name, made when new; NULL: no memory, or too many. */
inf_rpc_peer *inf_rpc_peer_of(inf_rpc *rpc, inf_slice name);

/** Looks at the peers some time from now, unless it will anyway. */
void inf_rpc_sweep_by(inf_rpc *rpc, uint64_t now_ms);

/* rpc_calls.c */
void inf_rpc_call_free(inf_rpc *rpc, inf_rpc_call *call);
/** Makes news, which then own it, of a call that has ended. */
void inf_rpc_call_tell(inf_rpc *rpc, inf_rpc_call *call, inf_rpc_news *news);
/** What the call waited for has not come in time. */
void inf_rpc_call_timeout(inf_rpc *rpc, inf_rpc_call *call, uint64_t now_ms);
/** True when the status says that nothing was carried out. */
bool inf_rpc_nothing_ran(int status);
/** What its callee refused or answered: ends it, or it is tried again. With
    `news` the end is told there, `body` borrowed; without, later, copied. */
void inf_rpc_call_answered(inf_rpc *rpc, inf_rpc_call *call, int status,
                           inf_slice body, uint64_t now_ms, inf_rpc_news *news);
/** The link to the peer has gone: what was on it is tried again. */
void inf_rpc_link_broken(inf_rpc *rpc, inf_rpc_peer *peer, bool left,
                         int status, uint64_t now_ms);

/* rpc_requests.c */
int inf_rpc_hello_input(inf_rpc *rpc, inf_rpc_link *link,
                        const inf_rpc_frame *frame, inf_rpc_news *news);
void inf_rpc_ack_input(inf_rpc *rpc, inf_rpc_link *link,
                       const inf_rpc_frame *frame);
int inf_rpc_call_input(inf_rpc *rpc, inf_rpc_link *link,
                       const inf_rpc_frame *frame, inf_rpc_news *news);
/** Queues the call as a request of this node to itself. */
int inf_rpc_request_local(inf_rpc *rpc, inf_rpc_call *call);
/** Gives the oldest local request; false: there is none. */
bool inf_rpc_request_take(inf_rpc *rpc, inf_rpc_news *news);
/** Frees what the peer asked; what runs is left to be answered in vain. Returns
    the largest id forgotten. */
uint64_t inf_rpc_requests_forget(inf_rpc *rpc, inf_rpc_peer *peer);
void inf_rpc_requests_free(inf_rpc *rpc);

#endif
