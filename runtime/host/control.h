/* SPDX-License-Identifier: MIT */
/* control.h: the thread that carries gossip and the registry's streams. It has
   a loop of its own with a UDP socket, a TCP listener, streams, one timer armed
   to the node's deadline and one async for wake-ups. No user code ever runs on
   it. */
#ifndef INF_HOST_CONTROL_H
#define INF_HOST_CONTROL_H

#include <uv.h>

#include "core/node.h"
#include "host/events.h"
#include "host/host.h" /* inf_traffic */
#include "host/lock.h"
#include "host/tls.h"

typedef struct inf_control inf_control;

typedef struct inf_control_config {
    inf_alloc *mem; /* borrowed, as all but the sockets */
    inf_lock *lock; /* around the node */
    inf_node *node;
    inf_tls_keys *keys; /* NULL: the registry's streams are open */
    inf_events *events; /* for the worker; its async is told of the end, too */
    int udp;            /* bound */
    int tcp;            /* listening */
} inf_control_config;

/**
 * Makes the loop and starts the thread. The sockets are its own from here on,
 * also when it fails.
 * @return 0, INF_ENOMEM, INF_ESYSTEM.
 */
int inf_control_start(inf_control **out, const inf_control_config *config);
/** Something was queued in the core, or its deadline has moved: any thread,
    with the node's lock held. Wakes the control thread only if it must. */
void inf_control_notice(inf_control *control);
/** Asks the thread to end; it closes every socket and wakes the worker. */
void inf_control_stop(inf_control *control);
/** True once the thread has ended and inf_control_free does not block. */
bool inf_control_stopped(const inf_control *control);
/** From any thread. */
inf_traffic inf_control_traffic(const inf_control *control);
/** Waits for the thread, and frees. NULL is fine. */
void inf_control_free(inf_control *control);

#endif
