/* SPDX-License-Identifier: MIT */
/* events.h: what the control thread tells the worker: one queue, one async.
   Bounded: while a worker does not look, news about rows, user events and log
   lines beyond the bound are dropped and counted; what somebody waits for, or
   must act upon, never is. */
#ifndef INF_HOST_EVENTS_H
#define INF_HOST_EVENTS_H

#include <uv.h>

#include "core/effect.h"

#define INF_EVENTS_MAX                                                         \
    (1u << 18) /* kinds that may be dropped are, from here on */

typedef struct inf_events {
    uv_mutex_t lock;
    uv_async_t *wake; /* of the worker's loop; borrowed */
    inf_outbox queue;
    uint64_t dropped; /* since the worker was last told */
} inf_events;

/** @return 0 or INF_ESYSTEM. */
int inf_events_init(inf_events *events, uv_async_t *wake, inf_alloc *mem);
/** Frees what was not taken. */
void inf_events_deinit(inf_events *events);
/** Queues the effects, which it then owns, and wakes the worker. */
void inf_events_push(inf_events *events, const inf_effect *effects,
                     size_t count);
/** Moves the oldest event to `out`; false when there is none. */
bool inf_events_take(inf_events *events, inf_effect *out);
/** How many were not kept since it was last asked. */
uint64_t inf_events_dropped(inf_events *events);

#endif
