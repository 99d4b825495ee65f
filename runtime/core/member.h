/* SPDX-License-Identifier: MIT */
/* member.h: who is in the cluster, and is it well. SWIM with Lifeguard in
   memberlist's wire format, as a state machine: bytes and time go in, effects
   go to the outbox given at birth, and what changed is pulled from two queues.

   Streams: hand every accepted stream over with inf_member_accepted. Once its
   first byte shows that it is somebody else's, take it back with
   inf_member_forget; till then this part guards its deadline. Everything that
   concerns a stream this part does not know is ignored, so the caller may pass
   on whatever is not its own. */
#ifndef INF_CORE_MEMBER_H
#define INF_CORE_MEMBER_H

#include "core/effect.h"
#include "core/keyring.h"
#include "core/member_tuning.h"
#include "core/member_view.h"

#define INF_META_MAX    512   /* bytes of Meta, on the wire */
#define INF_LABEL_MAX   255   /* bytes of a label */
#define INF_RECORDS_MAX 65535 /* members known at once, dead ones included */

typedef struct inf_member inf_member;

/** What a member is born with. Slices are copied, pointers borrowed. */
typedef struct inf_member_config {
    inf_alloc *mem;     /* NULL: the C library's */
    inf_outbox *outbox; /* outlives the member */
    inf_keyring *keys;  /* NULL or empty: no encryption; outlives the member */
    inf_slice name;     /* 1 to INF_NODE_NAME_MAX printable bytes */
    inf_slice label;    /* 0 to INF_LABEL_MAX bytes: a cluster's own mark */
    inf_slice meta;     /* 0 to INF_META_MAX bytes, from inf_meta_encode */
    inf_addr addr;      /* where peers reach us, UDP and TCP */
    uint64_t seed;      /* of all chance */
    uint32_t incarnation; /* the first one, at least 1; seconds of the wall
                             clock put a restart above its former life */
    inf_member_tuning tuning;
} inf_member_config;

/** A member alone in its cluster. 0 and *out, or INF_ENAME, INF_EADDRESS,
    INF_EINVAL, INF_ETOOBIG, INF_ENOMEM. */
int inf_member_new(inf_member **out, const inf_member_config *config,
                   uint64_t now_ms);
/** NULL is fine. */
void inf_member_free(inf_member *member);

/* ---- input, tick, deadline ----------------------------------------------- */

/** A datagram came; any bytes are safe. */
void inf_member_packet(inf_member *member, const inf_addr *from,
                       inf_slice bytes, uint64_t now_ms);
/** A stream came in. 0 or INF_EFULL: the caller closes it. */
int inf_member_accepted(inf_member *member, uint64_t stream,
                        const inf_addr *from, uint64_t now_ms);
/** The stream is somebody else's from now on. */
void inf_member_forget(inf_member *member, uint64_t stream);
void inf_member_connected(inf_member *member, uint64_t stream, uint64_t now_ms);
void inf_member_bytes(inf_member *member, uint64_t stream, inf_slice bytes,
                      uint64_t now_ms);
/** `status` as in inf_node_closed. */
void inf_member_closed(inf_member *member, uint64_t stream, int status,
                       uint64_t now_ms);
/**
 * A stream of the caller's own to or from the named member broke or could not
 * be opened: the member is probed at once, and is dead at once when its machine
 * answers that nobody listens there any more. Unknown names are ignored.
 */
void inf_member_suspicious(inf_member *member, inf_slice name, int status,
                           uint64_t now_ms);
void inf_member_tick(inf_member *member, uint64_t now_ms);
uint64_t inf_member_deadline(const inf_member *member);

/* ---- commands ------------------------------------------------------------ */

/** See inf_node_join. The addresses are remembered and tried again for ever
    while nobody else is alive. INF_EINVAL without any, INF_ECLOSED when
    leaving. */
int inf_member_join(inf_member *member, const inf_addr *addrs, size_t count,
                    uint64_t token, uint64_t now_ms);
/** See inf_node_leave. INF_ECLOSED when it leaves already. */
int inf_member_leave(inf_member *member, uint64_t token, uint64_t now_ms);
/** Replaces our Meta and tells everybody; nothing happens when it is the same.
    0, INF_ETOOBIG, INF_ENOMEM. */
int inf_member_set_meta(inf_member *member, inf_slice meta, uint64_t now_ms);
/** Gossips a Serf user event; it is not handed back to ourselves. */
int inf_member_user_event(inf_member *member, inf_slice name, inf_slice payload,
                          uint64_t now_ms);

/* ---- what happened ------------------------------------------------------- */

/** A member changed. Each is queued as INF_EFFECT_MEMBER, too. */
typedef struct inf_member_change {
    inf_change change;
    inf_slice name; /* valid until the next take */
    uint64_t boot;  /* of the life that the change is about */
} inf_member_change;

/** Takes the oldest change; false when there is none. Drain after every call
    that changes something. A new life of a name that was alive shows as FAIL of
    the old and JOIN of the new. */
bool inf_member_take_change(inf_member *member, inf_member_change *out);

/* ---- looking ------------------------------------------------------------- */

/** Visits members, self included: start with *at = 0; false at the end. */
bool inf_member_next(const inf_member *member, size_t *at,
                     inf_member_view *out);
bool inf_member_find(const inf_member *member, inf_slice name,
                     inf_member_view *out);
/** 0 (well) to awareness_max - 1. */
unsigned inf_member_health(const inf_member *member);
/** Members alive or suspect, self included. */
size_t inf_member_live(const inf_member *member);

/** Counters since birth, for tests, benchmarks and diagnosis. */
typedef struct inf_member_stats {
    uint64_t packets_in, packets_out;
    uint64_t bytes_in, bytes_out;
    uint64_t messages_out; /* before compounding */
    uint64_t bad_packets;  /* dropped as malformed */
    uint64_t sealed_alien; /* no key opened them */
    uint64_t probes, probe_failures, suspicions, deaths, refutations;
    uint64_t stalls; /* times we noticed that we had stood still */
} inf_member_stats;
inf_member_stats inf_member_stats_of(const inf_member *member);

/* ---- Meta: a map of tags, as Serf keeps it ------------------------------- */

/** Appends 0xff and the map of tags. 0, or INF_ETOOBIG over INF_META_MAX. */
int inf_meta_encode(inf_buf *out, const inf_tag *tags, size_t count);
/** Visits tags: start with *at = 0; false at the end or where the bytes stop
    making sense. Borrowed from `meta`. */
bool inf_meta_next(inf_slice meta, size_t *at, inf_tag *out);
/** Reads one tag; false when there is none. */
bool inf_meta_tag(inf_slice meta, inf_slice key, inf_slice *value);
/** A tag read as a decimal number; 0 when it is none. */
uint64_t inf_meta_number(inf_slice meta, inf_slice key);

/* The tags that make a member one of ours. Values are decimal. */
#define INF_TAG_PROTOCOL "inf" /* version of our own protocol */
#define INF_TAG_RPC      "rpc" /* the worker's TCP port */
#define INF_TAG_BOOT     "gen" /* boot generation */

#endif
