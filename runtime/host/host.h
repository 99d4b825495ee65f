/* SPDX-License-Identifier: MIT */
/* host.h: a running node. The control thread carries gossip and the registry's
   streams; the calls between FSMs run on the caller's own loop, the worker
   loop. Both meet at the core, behind one lock. */
#ifndef INF_HOST_HOST_H
#define INF_HOST_HOST_H

#include <uv.h>

#include "core/node.h"
#include "core/rpc.h" /* inf_target, inf_call_result, inf_retry_policy */

typedef struct inf_host inf_host;

/** All callbacks run on the worker loop's thread, straight from the loop, never
    from inside a function below; each may call any of them. After
    inf_host_close only on_result comes. */
typedef struct inf_host_handler {
    void *ctx;
    /** A peer, or this node itself, asks: answer once, now or later, with
        inf_host_reply or inf_host_refuse. */
    void (*on_request)(void *ctx, uint64_t token, inf_slice body);
    /** A call of ours ended; `tag` is the caller's own. */
    void (*on_result)(void *ctx, uint64_t tag, const inf_call_result *result);
    /** MEMBER, ROWS, LOST, CONTEST, USER, DONE or LOG came out of the core, or
        a LOG out of the host. */
    void (*on_event)(void *ctx, const inf_effect *event);
} inf_host_handler;

typedef struct inf_host_config {
    inf_node_config
        node;               /* advertise, rpc_port, wall_ms are filled in from
                               what   was bound; boot is at least the wall clock */
    uv_loop_t *loop;        /* the worker loop; outlives the host */
    inf_addr bind;          /* gossip, UDP and TCP; port 0: any that has both */
    inf_addr advertise;     /* len 0: what was bound; port 0: the bound one */
    inf_addr rpc;           /* the worker's; len 0: bind's address, any port */
    uint16_t rpc_advertise; /* port that peers dial; 0: what was bound */
    inf_host_handler handler;
} inf_host_config;

/**
 * Binds the sockets, makes the node, starts the control thread. Unless the
 * process handles SIGPIPE in its own way, it is ignored from here on.
 * @return 0 and *out, or INF_EINUSE, INF_EADDRESS, INF_ENAME, INF_ESYSTEM...;
 *         `problem` (INF_PROBLEM_MAX bytes) then says what and where.
 */
#define INF_PROBLEM_MAX 256
int inf_host_start(inf_host **out, const inf_host_config *config,
                   char problem[INF_PROBLEM_MAX]);
/**
 * Stops the control thread, closes every socket and frees the host after
 * `closed` was called from the worker loop; calls in flight end with
 * INF_ECLOSED first. Says no goodbye: that is inf_node_leave.
 */
void inf_host_close(inf_host *host, void (*closed)(void *ctx), void *ctx);

/** The node under its lock. Pair each with inf_host_unlock, and hold it for
    microseconds: no Lua, no I/O, no waiting in between. */
inf_node *inf_host_lock(inf_host *host);
/** Lets the lock go, and wakes the control thread when there is work. */
void inf_host_unlock(inf_host *host);
/** Bytes of payload that the control thread has read and written, since the
    start of the node. */
typedef struct inf_traffic {
    uint64_t streams_in; /* membership's and the registry's, TLS included */
    uint64_t streams_out;
    uint64_t datagrams_in;
    uint64_t datagrams_out;
} inf_traffic;
inf_traffic inf_host_traffic(const inf_host *host);
/** Around much that is done in one go, straight from the loop: what is sent in
    between leaves together at the end of it, one write a link. */
void inf_host_enter(inf_host *host);
void inf_host_leave(inf_host *host);
/** Whether on_event is to hear of ROWS; at first it is. */
void inf_host_want_rows(inf_host *host, bool wanted);
/** Milliseconds of the clock that the node is fed with. */
uint64_t inf_host_now_ms(const inf_host *host);
/**
 * inf_node_key and inf_node_keys_set for gossip and links alike. What is open
 * stays open: links prove their keys once, when they are made.
 */
int inf_host_key(inf_host *host, inf_key_step step, inf_slice key);
int inf_host_keys_set(inf_host *host, const inf_slice *keys, size_t count);
/** What was bound. */
inf_addr inf_host_gossip_addr(const inf_host *host);
inf_addr inf_host_rpc_addr(const inf_host *host);

/**
 * Sends a request and retries as the policy says, under one id that the
 * receiver recognises. on_result comes exactly once and later, never from
 * inside this call. Everything is copied.
 *
 * With `target->node` empty the call goes to the owner of the name, and waits
 * for the name while the view does not have it; when the name is known to have
 * gone down with its node, a call that was not on its way yet ends at once with
 * INF_EUNREACHABLE and that node's name. With a node it goes there, this
 * node included, and ends with INF_EUNREACHABLE at once when membership does
 * not list that node as alive or suspect, or gives it up meanwhile.
 * @return 0, INF_EFULL (too many calls wait), INF_ETOOBIG, INF_ENAME,
 *         INF_EINVAL, INF_ENOMEM, INF_ECLOSED; then there will be no on_result.
 */
int inf_host_call(inf_host *host, const inf_target *target, inf_slice body,
                  const inf_retry_policy *policy, uint64_t tag);
/** Answers a request; copied, and kept for a caller that asks again.
    INF_ENOENT: the token was answered before. INF_ETOOBIG: answer otherwise. */
int inf_host_reply(inf_host *host, uint64_t token, inf_slice body);
/**
 * Says that nothing was carried out. INF_ENOENT: the name is not here (any
 * more); a caller that asked for the name looks for its owner again, one that
 * asked for this node gets INF_ENOENT. INF_EFULL, INF_ENOTREADY: the caller
 * pauses and tries again. Any other status ends its call.
 */
int inf_host_refuse(inf_host *host, uint64_t token, int status);

#endif
