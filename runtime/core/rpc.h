/* SPDX-License-Identifier: MIT */
/* rpc.h: calls in flight, and recognising a call that came twice.

   A call is looked up, sent, and answered; each of the three may fail, and
   then it is tried again as its policy says, until it ends. It ends exactly
   once. The host is told what to do and says what came of it:

       inf_rpc_call ---> due: look -----> found ----> flying ----> result
                          ^   |                        |  |  |
                          |   +-> missing: waiting ----|--|--|--- name arrives
                          |                            |  |  |
                          +---- pause <---- unsent, refused, silent

   What never left, or was refused, may be sent again under a fresh id. What
   left and was not answered may have been carried out: it is sent again under
   the same id only, and the callee, which keeps each answer until the caller
   says that it has it, answers a repeated id from memory. Links carry frames
   in order and a newer link of a caller ends the older one, so an id that the
   callee does not know has never been carried out there: except below `low`,
   up to which answers were forgotten for want of room (INF_RPC_DONE_MAX,
   INF_RPC_DONE_BYTES a caller). Such a repetition is refused as INF_ESTALE,
   never run.

   Used by the worker's thread alone. No I/O, no clock: time is an argument. */
#ifndef INF_CORE_RPC_H
#define INF_CORE_RPC_H

#include "core/retry.h"
#include "core/rpc_frame.h"

/* Bounds: reached ones are refused, never dropped silently. */
#define INF_RPC_CALLS_MAX    (128u << 10) /* calls that have not ended */
#define INF_RPC_BYTES_MAX    (64u << 20)  /* their bodies */
#define INF_RPC_REQUESTS_MAX (64u << 10)  /* requests not yet answered */
#define INF_RPC_DONE_MAX     8192         /* answers kept for one caller */
#define INF_RPC_DONE_BYTES   (8u << 20)   /* their bodies */
#define INF_RPC_PEERS_MAX    (64u << 10)
/** An answer of this size is acknowledged at once. */
#define INF_RPC_ACK_BYTES (64u << 10)
/** Answers of a caller that has no link are kept this long. */
#define INF_RPC_HOLD_MS 60000
/** After that, for as long, they are known to have been given: a repetition is
    refused. */
#define INF_RPC_KNOWN_MS 86400000

/** Whom a call is for: the owner of `name` in `branch`, wherever it is at each
    attempt, or, with `node` not empty, that node. */
typedef struct inf_target {
    inf_slice branch;
    inf_slice name;
    inf_slice node;
} inf_target;

/** What became of a call. */
typedef struct inf_call_result {
    int status;        /* 0: `body` is the answer; else INF_E... */
    int cause;         /* of INF_EEXHAUSTED, INF_ETIMEDOUT: why the last attempt
                          failed: INF_ENOENT (nobody has the name),
                          INF_EUNREACHABLE, INF_ETIMEDOUT (no answer),
                          INF_EFULL; 0: none had failed yet */
    bool uncertain;    /* it failed, and may have been carried out */
    inf_slice body;    /* borrowed for the callback */
    inf_slice node;    /* who answered, or was tried last; may be empty */
    uint32_t attempts; /* how often it was tried */
    uint64_t elapsed_ms;
} inf_call_result;

typedef struct inf_rpc inf_rpc;
typedef struct inf_rpc_call inf_rpc_call;
typedef struct inf_rpc_peer inf_rpc_peer;

/** One link as calls see it; embedded in the host's. Zero it. The host ends it
    with inf_rpc_link_down before the memory goes. */
typedef struct inf_rpc_link {
    inf_rpc_peer *peer; /* NULL: accepted, and no HELLO yet */
    bool dialled;
} inf_rpc_link;

/** Bytes to be written on a link, in two pieces. */
typedef struct inf_rpc_send {
    inf_rpc_link *link; /* NULL: there is none yet to that node: dial */
    uint8_t head[INF_RPC_HEAD_MAX];
    size_t head_len;
    inf_slice body; /* borrowed until the rpc is next changed */
} inf_rpc_send;

typedef enum inf_rpc_news_kind {
    INF_RPC_NOTHING,
    INF_RPC_REQUEST,  /* carry out `body`, then inf_rpc_answer(`token`) */
    INF_RPC_RESULT,   /* the call with `tag` ended: `result` */
    INF_RPC_AGAIN,    /* write `send`: a repeated call's answer */
    INF_RPC_REPLACED, /* close `send.link`: its caller has a newer one */
    INF_RPC_GOODBYE   /* the callee ends the link; `status`, `body` is why */
} inf_rpc_news_kind;

/** Something for the host or its user. Borrowed slices are valid until the
    rpc is next given anything; inf_rpc_news_deinit ends it. */
typedef struct inf_rpc_news {
    inf_rpc_news_kind kind;
    uint64_t token;
    uint64_t tag;
    int status;
    inf_slice body;
    inf_call_result result;
    inf_rpc_send send;
    inf_rpc_call *call; /* owned; what `result` borrows from */
    inf_rpc *rpc;
} inf_rpc_news;

typedef struct inf_rpc_config {
    inf_alloc *mem; /* NULL: the C library's */
    inf_slice node; /* this node's name; copied */
    uint64_t boot;  /* this node's boot generation */
    uint64_t seed;
} inf_rpc_config;

int inf_rpc_new(inf_rpc **out, const inf_rpc_config *config);
/** Calls that have not ended are forgotten: see inf_rpc_close. NULL is fine. */
void inf_rpc_free(inf_rpc *rpc);
void inf_rpc_news_deinit(inf_rpc_news *news);

/* ---- the caller's side --------------------------------------------------- */

/** Begins a call; everything is copied. @return 0, INF_EFULL, INF_ETOOBIG,
    INF_EINVAL (neither a name nor a node), INF_ENOMEM. */
int inf_rpc_call_new(inf_rpc *rpc, const inf_target *target, inf_slice body,
                     const inf_retry_policy *policy, uint64_t tag,
                     uint64_t now_ms);
/** The next call whose target must be looked up, or NULL. The host answers
    with inf_rpc_found or inf_rpc_missing before it asks for the next. */
inf_rpc_call *inf_rpc_due(inf_rpc *rpc);
const inf_target *inf_rpc_call_target(const inf_rpc_call *call);
/**
 * The call's target is on `node`.
 * @return true: write `send`, dialling when `send->link` is NULL, and say
 *         inf_rpc_unsent when that fails; false: there is nothing to write (the
 *         call is for this very node, or it has ended).
 */
bool inf_rpc_found(inf_rpc *rpc, inf_rpc_call *call, inf_slice node,
                   uint64_t now_ms, inf_rpc_send *send);
/** Nobody is there. INF_ENOENT: the name is not in the view: wait for it.
    Anything else ends the call with that status. */
void inf_rpc_missing(inf_rpc *rpc, inf_rpc_call *call, int status,
                     uint64_t now_ms);
/** Nobody has the name, and the node that had it is down: the call ends with
    INF_EUNREACHABLE. One that was on its way does not wait for the next who
    has the name: the dead node may have carried it out. */
void inf_rpc_lost(inf_rpc *rpc, inf_rpc_call *call, inf_slice node,
                  uint64_t now_ms);
/** The call just found could not be written: not a byte of it has left. */
void inf_rpc_unsent(inf_rpc *rpc, inf_rpc_call *call, int status,
                    uint64_t now_ms);
/** A name is in the view now: whoever waits for it becomes due. */
void inf_rpc_name_arrived(inf_rpc *rpc, inf_slice branch, inf_slice name);
/** True while a call waits for its name. */
bool inf_rpc_awaits_names(const inf_rpc *rpc);
/** More names came than were named: whoever waits for any becomes due. */
void inf_rpc_names_arrived(inf_rpc *rpc);
/** Membership says the node is gone: calls that wait for its answer become
    due, those for the node itself end with INF_EUNREACHABLE. */
void inf_rpc_node_gone(inf_rpc *rpc, inf_slice node, uint64_t now_ms);
/** Ends every call with the status. */
void inf_rpc_close(inf_rpc *rpc, int status, uint64_t now_ms);
/** Calls that have not ended. */
size_t inf_rpc_call_count(const inf_rpc *rpc);

/** When inf_rpc_tick is wanted, or INF_NEVER. */
uint64_t inf_rpc_deadline(const inf_rpc *rpc);
void inf_rpc_tick(inf_rpc *rpc, uint64_t now_ms);
/** Takes the next call that ended without a frame, or request of this node to
    itself; false when there is none. */
bool inf_rpc_take(inf_rpc *rpc, inf_rpc_news *news);
/** True when inf_rpc_take would give something. */
bool inf_rpc_pending(const inf_rpc *rpc);

/* ---- links --------------------------------------------------------------- */

/** A link to `node` is being dialled: appends the HELLO to `hello`.
    @return 0, INF_EFULL, INF_ENOMEM. */
int inf_rpc_link_dialled(inf_rpc *rpc, inf_rpc_link *link, inf_slice node,
                         inf_buf *hello);
/** One whole frame came. @return 0 and what it means, or why the link must be
    closed (INF_EMALFORMED, INF_EVERSION, INF_ESTALE, ...); tell the peer with
    a BYE when it dialled. */
int inf_rpc_input(inf_rpc *rpc, inf_rpc_link *link, inf_slice frame,
                  uint64_t now_ms, inf_rpc_news *news);
/** The dialled link carries nothing for now: dialling failed, or it broke, and
    it rests before it may be dialled again. Calls on it pause; until
    inf_rpc_link_down further ones are given this link still. */
void inf_rpc_link_rests(inf_rpc *rpc, inf_rpc_link *link, bool left, int status,
                        uint64_t now_ms);
/** The link dialled to the node, or NULL. */
inf_rpc_link *inf_rpc_link_to(const inf_rpc *rpc, inf_slice node);
/** The newest link that the node has dialled, or NULL. */
inf_rpc_link *inf_rpc_link_from(const inf_rpc *rpc, inf_slice node);
/** Answers that are large, or old, are acknowledged without waiting for a call
    that takes the ack along: true when `send` is to be written. */
bool inf_rpc_ack(inf_rpc *rpc, inf_rpc_send *send);
/** The link ended. `left` is false when nothing written on it has left this
    machine: dialling failed. Calls on it pause and become due again. */
void inf_rpc_link_down(inf_rpc *rpc, inf_rpc_link *link, bool left, int status,
                       uint64_t now_ms);

/* ---- the callee's side --------------------------------------------------- */

/**
 * Answers a request. `status` 0: `body` is the answer. INF_ENOENT (it is not
 * here, look again), INF_EFULL and INF_ENOTREADY (later) say that nothing was
 * carried out, and are not remembered; any other status ends the call.
 * @return 1: write `send`; 0: nothing to write; INF_ENOENT: no such token, or
 *         answered before; INF_ETOOBIG.
 */
int inf_rpc_answer(inf_rpc *rpc, uint64_t token, int status, inf_slice body,
                   uint64_t now_ms, inf_rpc_send *send);

#endif
