/* SPDX-License-Identifier: MIT */
/* lock.h: the lock around a node, shared by two kinds of threads: the worker,
   which holds it for a moment and must not stand still, and the control thread,
   which takes it again and again while very much comes in. A mutex alone would
   go back to the control thread before a worker that waits for it has woken. */
#ifndef INF_HOST_LOCK_H
#define INF_HOST_LOCK_H

#include <uv.h>

typedef struct inf_lock {
    uv_mutex_t gate; /* whoever waits stands here; next to have `node` */
    uv_mutex_t node;
} inf_lock;

/** @return 0 or INF_ESYSTEM. */
int inf_lock_init(inf_lock *lock);
void inf_lock_deinit(inf_lock *lock);
/** Takes the lock as soon as it is free: a worker. */
void inf_lock_take(inf_lock *lock);
/** Takes the lock after every worker that waits for it: the control thread. */
void inf_lock_take_last(inf_lock *lock);
void inf_lock_give(inf_lock *lock);

#endif
