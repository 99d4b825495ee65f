/* SPDX-License-Identifier: MIT */
/* host.h: a running node. The control thread carries gossip and the registry's
   streams; the calls between FSMs run on the caller's own loop, the worker
   loop. Both meet at the core, behind one lock. */
#ifndef INF_HOST_HOST_H
#define INF_HOST_HOST_H

#include <uv.h>

#include "core/node.h"

typedef struct inf_host inf_host;

/** How often and how long a call is tried; milliseconds. */
typedef struct inf_retry_policy {
    uint32_t attempts;         /* sends, and looks at an unknown name */
    uint32_t poll_interval_ms; /* between looks at an unknown name */
    uint32_t rpc_timeout_ms;   /* for one attempt's answer */
    uint32_t backoff_base_ms;  /* first pause after a failure */
    uint32_t backoff_max_ms;   /* longest pause */
    uint32_t timeout_ms;       /* in all; 0: no other bound */
} inf_retry_policy;

/** What became of a call. */
typedef struct inf_call_result {
    int status;        /* 0: `body` is the answer; else INF_E... */
    inf_slice body;    /* borrowed for the callback */
    inf_slice node;    /* who answered, or was tried last; may be empty */
    uint32_t attempts; /* how often it was tried */
    uint64_t elapsed_ms;
} inf_call_result;

/** All callbacks run on the worker loop's thread. */
typedef struct inf_host_handler {
    void *ctx;
    /** A peer asks: answer once, now or later, with inf_host_reply. */
    void (*on_request)(void *ctx, uint64_t token, inf_slice body);
    /** A call of ours ended; `tag` is the caller's own. */
    void (*on_result)(void *ctx, uint64_t tag, const inf_call_result *result);
    /** MEMBER, ROWS, LOST, USER, DONE or LOG came out of the core. */
    void (*on_event)(void *ctx, const inf_effect *event);
} inf_host_handler;

typedef struct inf_host_config {
    inf_node_config node; /* advertise, rpc_port, boot, wall_ms are filled in
                             from what was bound */
    uv_loop_t *loop;      /* the worker loop; outlives the host */
    inf_addr bind;        /* gossip, UDP and TCP; port 0: any that has both */
    inf_addr advertise;   /* len 0: what was bound */
    inf_addr rpc;         /* the worker's; len 0: bind's address, any port */
    inf_host_handler handler;
} inf_host_config;

/**
 * Binds the sockets, makes the node, starts the control thread.
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
/** Milliseconds of the clock that the node is fed with. */
uint64_t inf_host_now_ms(const inf_host *host);
/** What was bound. */
inf_addr inf_host_gossip_addr(const inf_host *host);
inf_addr inf_host_rpc_addr(const inf_host *host);

/** Whom a call is for: the owner of `name` in `branch`, wherever it is at each
    attempt, or, with `node` not empty, that node. */
typedef struct inf_target {
    inf_slice branch;
    inf_slice name;
    inf_slice node;
} inf_target;

/**
 * Sends a request and retries as the policy says, under one id that the
 * receiver recognises. on_result comes later, never from inside this call.
 * Everything is copied.
 * @return 0, INF_EFULL (too many calls wait), INF_ETOOBIG, INF_ENOMEM; then
 *         there will be no on_result.
 */
int inf_host_call(inf_host *host, const inf_target *target, inf_slice body,
                  const inf_retry_policy *policy, uint64_t tag);
/** Answers a request; copied. INF_ENOENT: the token was answered before, or
    its link is gone. */
int inf_host_reply(inf_host *host, uint64_t token, inf_slice body);

#endif
