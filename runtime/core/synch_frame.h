/* SPDX-License-Identifier: MIT */
/* synch_frame.h: the messages between two registries, as bytes.

   A stream begins with the byte 0xf1; then come frames:

       length u32be   of what follows, 2 to INF_SYNCH_FRAME_MAX
       kind u8, flags u8 (0), body

   All other numbers are varints but ids and digests, which are u64be. `scope`
   is the id of a branch (u64be). Fields a newer peer adds at the end of a body
   are ignored, and so are kinds that are not known.

       HELLO       version u8, name, boot, boot of yours I know
       PULL        scope, node u64be, boot, from
       DELTA       scope, node u64be, boot, from, to - from, goal - to, stamp,
                   full, ops to the end
       ACK         scope, to
       ROOT        scope, root u64be
       VECTOR      scope, request, count, count x { node u64be, boot, cur,
                   digest u64be }
       SYNCH       scope, request, root u64be
       NEED        scope, request
       DONE        scope, request
       TELL        scope, bytes to the end
       SUPERSEDED  boot */
#ifndef INF_CORE_SYNCH_FRAME_H
#define INF_CORE_SYNCH_FRAME_H

#include "base/buf.h"
#include "base/span.h"

#define INF_SYNCH_FIRST_BYTE 0xf1
#define INF_SYNCH_VERSION    1
#define INF_SYNCH_FRAME_MAX  (4u << 20)

typedef enum inf_frame_kind {
    INF_FRAME_HELLO = 1,
    INF_FRAME_PULL,
    INF_FRAME_DELTA,
    INF_FRAME_ACK,
    INF_FRAME_ROOT,
    INF_FRAME_VECTOR,
    INF_FRAME_SYNCH,
    INF_FRAME_NEED,
    INF_FRAME_DONE,
    INF_FRAME_TELL,
    INF_FRAME_SUPERSEDED
} inf_frame_kind;

/** One decoded frame; slices are borrowed from the bytes. What a kind does not
    carry is zero. */
typedef struct inf_frame {
    inf_frame_kind kind;
    uint8_t version;
    inf_slice name;
    uint64_t boot;  /* HELLO: the sender's; SUPERSEDED: the newer one */
    uint64_t knows; /* HELLO: the boot of the receiver that is known */
    uint64_t scope;
    uint64_t request;
    uint64_t root;
    uint64_t to;     /* ACK */
    inf_span span;   /* PULL: node, boot, from; DELTA: all */
    uint64_t count;  /* VECTOR */
    inf_slice bytes; /* DELTA: ops; TELL: the bytes; VECTOR: the entries */
} inf_frame;

/**
 * Looks for one whole frame at the start of `bytes`.
 * @return 1 and *out (kind 0 when it is not known), *used bytes long; 0 when
 *         more bytes are needed; INF_EMALFORMED or INF_ETOOBIG.
 */
int inf_frame_decode(inf_slice bytes, inf_frame *out, size_t *used);
/** Appends the frame with its length. */
void inf_frame_encode(inf_buf *out, const inf_frame *frame);
/** Takes the next entry (node, boot, cur, digest) of a VECTOR's bytes; false at
    the end. */
bool inf_frame_version_next(inf_cursor *entries, inf_version *out);
void inf_frame_version_put(inf_buf *out, const inf_version *version);

#endif
