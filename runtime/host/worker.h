/* SPDX-License-Identifier: MIT */
/* worker.h: the calls of one node on the worker's loop: core/rpc says what is
   due, the node under its lock says where the target is, links carry the
   frames, and the handler hears what became of it. */
#ifndef INF_HOST_WORKER_H
#define INF_HOST_WORKER_H

#include "base/quiet.h"
#include "host/host.h"
#include "host/link.h"
#include "host/lock.h"

typedef struct inf_worker inf_worker;

struct inf_worker {
    inf_alloc *mem; /* borrowed, as all of these */
    uv_loop_t *loop;
    inf_lock *lock;
    inf_node *node;
    inf_host_handler handler;
    void (*on_closed)(void *ctx); /* all handles are closed */
    void *ctx;
    inf_rpc *rpc; /* owned */
    inf_links links;
    inf_quiet quiet; /* what the log has heard of strangers */
    uv_tcp_t listener;
    uv_timer_t timer;
    uv_idle_t soon; /* keeps the loop awake for one more turn */
    uint64_t armed_ms;
    unsigned handles; /* of the three, not closed yet */
    unsigned depth;   /* callbacks of the loop that are being run */
    bool closing;
    bool waits;   /* the node tells of rows because calls wait for names */
    bool stopped; /* the handles are closed, or being closed */
    bool told;    /* on_closed has been called */
};

/** What inf_worker_init copies into the worker. */
typedef struct inf_worker_config {
    inf_alloc *mem;
    uv_loop_t *loop;
    inf_lock *lock;
    inf_node *node;
    inf_slice name;
    uint64_t boot;
    uint64_t seed;
    inf_tls_keys *keys; /* NULL: links are open */
    inf_host_handler handler;
    void (*on_closed)(void *ctx);
    void *ctx;
} inf_worker_config;

/** No handle is in the loop yet. @return 0, INF_ENAME, INF_ENOMEM. */
int inf_worker_init(inf_worker *worker, const inf_worker_config *config);
/** Takes the listening socket. After a failure inf_worker_close is due all the
    same. @return 0, INF_ESYSTEM. */
int inf_worker_start(inf_worker *worker, int listener);
/** Ends all calls with INF_ECLOSED, closes all; on_closed comes from the loop.
    Once, and only after inf_worker_start. */
void inf_worker_close(inf_worker *worker);
/** Frees; every handle is closed. */
void inf_worker_deinit(inf_worker *worker);

int inf_worker_call(inf_worker *worker, const inf_target *target,
                    inf_slice body, const inf_retry_policy *policy,
                    uint64_t tag);
int inf_worker_answer(inf_worker *worker, uint64_t token, int status,
                      inf_slice body);
/** The core has news: calls that wait for them go on. */
void inf_worker_notice(inf_worker *worker, const inf_effect *event);
/** Around a callback of the loop: what is sent inside goes out at its end. */
void inf_worker_enter(inf_worker *worker);
void inf_worker_leave(inf_worker *worker);

#endif
