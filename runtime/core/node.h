/* SPDX-License-Identifier: MIT */
/* node.h: the core's face. A node is a deterministic state machine: bytes,
   commands and time go in, effects come out. Four verbs drive it:

       input     bytes came, a stream opened or closed
       tick      time passed
       deadline  when it wants the next tick
       poll      take the next effect

   No function here blocks, reads a clock or touches a socket. All take the
   present as `now_ms`, milliseconds of a monotonic clock; time that goes
   backwards is taken as standing still. Not thread-safe: the host holds one
   lock around each call. Every function that changes something may queue
   effects and move the deadline. */
#ifndef INF_CORE_NODE_H
#define INF_CORE_NODE_H

#include "base/rng.h"
#include "base/span.h"
#include "core/effect.h"
#include "core/member_tuning.h"
#include "core/member_view.h"

/* Bounds: reached ones are refused with INF_EFULL, never dropped silently. */
#define INF_MEMBERS_MAX  65535       /* members, dead ones included */
#define INF_STREAMS_MAX  4096        /* open TCP streams */
#define INF_BRANCHES_MAX 64          /* branches a node runs */
#define INF_ROWS_MAX     (16u << 20) /* rows in all */
#define INF_TAGS_MAX     512         /* bytes of encoded tags (Meta) */
#define INF_FRAME_MAX    (20u << 20) /* one message on a stream */

typedef struct inf_node inf_node;

/** What a node is born with. Everything pointed to is copied. */
typedef struct inf_node_config {
    inf_alloc *mem;     /* NULL: the C library's */
    inf_slice name;     /* 1 to INF_NODE_NAME_MAX bytes, printable */
    inf_addr advertise; /* where peers reach this node's gossip port */
    uint16_t rpc_port;  /* the worker's TCP port, 0: none */
    uint64_t boot;      /* boot generation: larger in each life of a name */
    uint64_t seed;      /* of all chance in this node */
    uint64_t wall_ms;   /* wall clock at `now_ms` of inf_node_new */
    inf_profile profile;
    const inf_member_tuning *membership; /* NULL: inf_node_tuning(profile) */
    inf_slice label; /* 0 to 255 bytes: whose datagrams lack it are strangers */
    const inf_tag *tags; /* the user's own */
    size_t tag_count;
    const inf_slice *keys; /* 16, 24 or 32 bytes each; the first one seals */
    size_t key_count;      /* 0: no encryption */
    uint32_t hold_ms;      /* rows of the dead are kept so long; 0: a minute */
    uint32_t deletes_max;  /* deletes remembered a branch; 0: 16384 */
    uint32_t stream_bytes; /* on their way on one stream; 0: 32 kB */
} inf_node_config;

/** The constants of membership that a node of the profile has. */
inf_member_tuning inf_node_tuning(inf_profile profile);
/**
 * Makes a node that is alone in its cluster; inf_node_join makes it meet
 * others.
 * @return 0 and *out, or INF_ENAME, INF_EADDRESS, INF_EINVAL, INF_ENOMEM.
 */
int inf_node_new(inf_node **out, const inf_node_config *config,
                 uint64_t now_ms);
/** NULL is fine. Effects not yet taken are lost. */
void inf_node_free(inf_node *node);

/* ---- input, tick, deadline, poll --------------------------------------- */

/** A datagram came. Bytes are borrowed for the call; any bytes are safe. */
void inf_node_packet(inf_node *node, const inf_addr *from, inf_slice bytes,
                     uint64_t now_ms);
/** A TCP connection came in. @return 0 and its name, or INF_EFULL: close it. */
int inf_node_accepted(inf_node *node, const inf_addr *from, uint64_t now_ms,
                      uint64_t *stream);
/** The stream of an INF_EFFECT_DIAL is open. */
void inf_node_connected(inf_node *node, uint64_t stream, uint64_t now_ms);
/** Bytes came on a stream. Unknown streams are ignored. */
void inf_node_bytes(inf_node *node, uint64_t stream, inf_slice bytes,
                    uint64_t now_ms);
/** Everything written on the stream so far is with the kernel. */
void inf_node_drained(inf_node *node, uint64_t stream, uint64_t now_ms);
/** The peer closed the stream, it broke, or dialling failed; `status` is 0
    for an orderly end, INF_EUNREACHABLE when the connection was refused,
    INF_ETIMEDOUT or INF_ESYSTEM otherwise. */
void inf_node_closed(inf_node *node, uint64_t stream, int status,
                     uint64_t now_ms);
void inf_node_tick(inf_node *node, uint64_t now_ms);
/** When the node wants inf_node_tick, or INF_NEVER. */
uint64_t inf_node_deadline(const inf_node *node);
/** Takes the next effect; false when there is none. The caller owns it and
    ends it with inf_effect_deinit. */
bool inf_node_poll(inf_node *node, inf_effect *out);
/** True when inf_node_poll may give something: changes made since the last poll
    are turned into writes by the next one. */
bool inf_node_pending(const inf_node *node);

/* ---- membership -------------------------------------------------------- */

/** Contacts the given addresses, in order; ends with one INF_EFFECT_DONE whose
    `count` is how many answered, `status` the last failure when none did. */
int inf_node_join(inf_node *node, const inf_addr *addrs, size_t count,
                  uint64_t token, uint64_t now_ms);
/** Says goodbye; INF_EFFECT_DONE once enough members know or time is up. The
    rows of this node are withdrawn at once. */
int inf_node_leave(inf_node *node, uint64_t token, uint64_t now_ms);
/** Sets or, with a value of length 0 and NULL data, removes a tag.
    @return 0, INF_EINVAL (a reserved key), INF_ETOOBIG. */
int inf_node_set_tag(inf_node *node, inf_slice key, inf_slice value,
                     uint64_t now_ms);
/** Sends a user event to all members (Serf's, so its agents see it). */
int inf_node_user_event(inf_node *node, inf_slice name, inf_slice payload,
                        uint64_t now_ms);
/** Visits members, self included: start with *at = 0; false at the end. */
bool inf_node_member_next(const inf_node *node, size_t *at,
                          inf_member_view *out);
bool inf_node_member_find(const inf_node *node, inf_slice name,
                          inf_member_view *out);
/** 0 (well) to 7: how much this node doubts itself (Lifeguard). */
unsigned inf_node_health(const inf_node *node);

/* ---- keys -------------------------------------------------------------- */

/** One step of a rotation: first add the new key everywhere, then use it
    everywhere, then remove the old one everywhere. */
typedef enum inf_key_step {
    INF_KEY_ADD,   /* opens what others seal with it */
    INF_KEY_USE,   /* one of ours seals from now on */
    INF_KEY_REMOVE /* not the one that seals */
} inf_key_step;

/** 0, also when there is nothing to do; INF_EINVAL (not 16, 24 or 32 bytes, or
    to remove the one that seals), INF_ENOENT (not one of ours), INF_EFULL,
    INF_ENOMEM, INF_ECRYPT (the node was born without keys). */
int inf_node_key(inf_node *node, inf_key_step step, inf_slice key);
/** Has these keys and no others; the first one seals. As above. */
int inf_node_keys_set(inf_node *node, const inf_slice *keys, size_t count);
/** How many there are; 0: nothing is sealed. */
size_t inf_node_keys(const inf_node *node);
/** A key, borrowed and secret; the one at 0 seals. */
inf_slice inf_node_key_at(const inf_node *node, size_t at);
/** 16 hex digits that tell it from others, and nothing else. */
const char *inf_node_key_print(const inf_node *node, size_t at);

/* ---- registry ---------------------------------------------------------- */

/** Announces, or withdraws, that this node runs the branch. 0, or INF_ENAME,
    INF_EFULL, INF_ETOOBIG (the tags of all branches do not fit into
    INF_TAGS_MAX bytes), INF_ECLOSED (as for inf_node_claim), INF_ENOMEM;
    INF_ENOENT when it did not run here. */
int inf_node_branch_add(inf_node *node, inf_slice branch, uint64_t now_ms);
int inf_node_branch_remove(inf_node *node, inf_slice branch, uint64_t now_ms);
/** Who wants to hear of rows that come and go. */
typedef enum inf_rows_for {
    INF_ROWS_FOR_USER = 1, /* the embedder, each of them: at first it does */
    INF_ROWS_FOR_CALLS = 2 /* calls that wait for a name: of very many at once
                              only the number */
} inf_rows_for;
/** INF_EFFECT_ROWS comes while anybody wants it, and costs nothing else. */
void inf_node_want_rows(inf_node *node, inf_rows_for who, bool wanted);
/** True when the live member runs the branch. */
bool inf_node_runs(const inf_node *node, inf_slice member, inf_slice branch);

/**
 * Takes a name for an FSM of this node.
 * @return 0 and *row (its slices valid until the node is next changed), or
 *         INF_EEXISTS with the present owner in *row, INF_ENAME, INF_EFULL,
 *         INF_ENOENT (the branch does not run here), INF_ENOMEM, INF_ECLOSED
 *         (this node leaves, or a later life of its name exists).
 */
int inf_node_claim(inf_node *node, inf_slice branch, inf_slice name,
                   inf_slice implementation, uint64_t now_ms, inf_row *row);
/** Gives a name back; INF_ENOENT when `ref` is not ours any more. */
int inf_node_release(inf_node *node, inf_slice branch, inf_slice name,
                     uint64_t ref, uint64_t now_ms);
/** Who runs the name, as this node sees it: 0 and *row, or INF_ENOENT. */
int inf_node_whereis(const inf_node *node, inf_slice branch, inf_slice name,
                     inf_row *row);
/** The name went down with its node: 0 and *row when nobody runs it and the
    last one known to is a member declared dead, for as long as its rows are
    kept; else INF_ENOENT. */
int inf_node_lost(const inf_node *node, inf_slice branch, inf_slice name,
                  inf_row *row);
/** A row learnt from a reply before the owner's stream brought it. */
int inf_node_hint(inf_node *node, inf_slice branch, const inf_row *row,
                  uint64_t now_ms);
uint64_t inf_node_count(const inf_node *node, inf_slice branch);
/** Visits what this node holds of each member that has run the branch, itself
    included: start with *at = 0; false at the end. For lag, and for checks. */
bool inf_node_version_next(const inf_node *node, inf_slice branch, size_t *at,
                           inf_version *out);
/** Visits visible rows: start with *at = 0; false at the end. */
bool inf_node_row_next(const inf_node *node, inf_slice branch, uint64_t *at,
                       inf_row *row);
/** A row drawn evenly, by the caller's chance; INF_ENOENT when empty. */
int inf_node_random(const inf_node *node, inf_slice branch, uint64_t chance,
                    inf_row *row);
/** The member that should run a new FSM: rendezvous hashing of the name over
    the live members that run the branch (Thaler and Ravishankar, 1996).
    INF_ENOENT when nobody does. */
int inf_node_place(const inf_node *node, inf_slice branch, inf_slice name,
                   inf_slice *member);
/** True when the view of who runs the branch has settled: every live member
    that runs it has said to see the same, and all it knew then is here. */
bool inf_node_ready(inf_node *node, inf_slice branch, uint64_t now_ms);
/** One word for the set of live members that run the branch; equal words, equal
    homes. 0 when it does not run here. */
uint64_t inf_node_view(const inf_node *node, inf_slice branch);
/**
 * Who decides whether the name may start: its home, the same member on every
 * node that sees the same members. Ask it, and let it ask here again.
 * @return 0 and *home: this node is it, and decides by inf_node_claim or by
 *         having it claimed elsewhere; 1 and *home: that member decides;
 *         INF_ENOTREADY: this node is it, but names it has not heard of may be
 *         running, pause and ask again; INF_ENOENT: nobody runs the branch.
 */
int inf_node_start_gate(inf_node *node, inf_slice branch, inf_slice name,
                        uint64_t now_ms, inf_slice *home);
/** Which claim stands when two nodes claim a name; the same on every node. */
typedef enum inf_resolve {
    INF_RESOLVE_LAST,   /* the last writer's: the default */
    INF_RESOLVE_OLDEST, /* the first one's */
    INF_RESOLVE_ASK     /* as the user says, see INF_EFFECT_CONTEST; until then,
                           and when the user has no answer, the last writer's */
} inf_resolve;
/** 0, INF_ENOENT, or INF_EEXISTS when there are rows already. */
int inf_node_resolve(inf_node *node, inf_slice branch, inf_resolve resolve);

typedef enum inf_verdict { INF_KEEP_LAST, INF_KEEP_OLDER } inf_verdict;
/** The user's answer to an INF_EFFECT_CONTEST about these two rows (their
    `node`, `boot` and `ref`). INF_ENOENT: nobody asks that any more. */
int inf_node_verdict(inf_node *node, inf_slice branch, inf_slice name,
                     const inf_row *last, const inf_row *older,
                     inf_verdict verdict, uint64_t now_ms);
/** Asked before our FSM is stopped after an INF_EFFECT_LOST: false when the
    winner has gone again meanwhile, and ours stays. */
bool inf_node_yields(inf_node *node, inf_slice branch, inf_slice name,
                     uint64_t lost_ref, const inf_row *winner, uint64_t now_ms);
/** Reconciles the branch with the named members (count 0: all); ends with one
    INF_EFFECT_DONE, `count` members merged, `name` the comma-separated names
    that did not answer within `timeout_ms`. */
int inf_node_synch(inf_node *node, inf_slice branch, const inf_slice *members,
                   size_t count, uint32_t timeout_ms, uint64_t token,
                   uint64_t now_ms);

#endif
