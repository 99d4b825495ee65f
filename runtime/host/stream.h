/* SPDX-License-Identifier: MIT */
/* stream.h: the TCP streams of the control thread, by the names the core gives
   them. Syscalls are made outside the node's lock, each word to the core under
   it. With keys, the registry's streams speak TLS: the core sees their plain
   bytes, and none of a stream whose peer has not shown that it knows a key. */
#ifndef INF_HOST_STREAM_H
#define INF_HOST_STREAM_H

#include <uv.h>

#include "base/list.h"
#include "base/map.h"
#include "base/quiet.h"
#include "core/node.h"
#include "host/events.h"
#include "host/lock.h"
#include "host/tls.h"

/** All streams of one node. */
typedef struct inf_streams {
    uv_loop_t *loop; /* borrowed, as all of these */
    inf_lock *lock;  /* of the node */
    inf_node *node;
    inf_alloc *mem;
    inf_events *events;
    inf_tls_keys *keys;   /* NULL: streams are open to everybody */
    inf_map open;         /* name -> stream the core knows */
    inf_list all;         /* those and the ones being closed */
    inf_list drained;     /* whose core must be told so */
    uint8_t *room;        /* what is read goes here first */
    _Atomic uint64_t in;  /* bytes read, for whoever asks */
    _Atomic uint64_t out; /* bytes to be written */
    inf_quiet quiet;      /* what the log has heard of strangers */
} inf_streams;

/** Everything borrowed is set in `streams`, nothing else. @return 0 or
    INF_ENOMEM. */
int inf_streams_init(inf_streams *streams);
/** Every stream must be closed, and the loop have run since. */
void inf_streams_deinit(inf_streams *streams);
/** A connection waits to be taken from the listener. */
void inf_streams_accept(inf_streams *streams, uv_stream_t *listener);
/** Carries out a DIAL, WRITE or CLOSE; owns the effect from here on. */
void inf_streams_do(inf_streams *streams, inf_effect *effect);
/** Tells the core, whose lock is held, which streams have drained; false when
    there was nothing to tell. */
bool inf_streams_report(inf_streams *streams, uint64_t now_ms);
/** Closes all, without a word to the core. */
void inf_streams_stop(inf_streams *streams);

#endif
