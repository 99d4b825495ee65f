/* SPDX-License-Identifier: MIT */
/* rpc_frame.h: what travels on a link between two workers.

   Every frame is its length, which does not count itself, its type, and the
   rest. u32 and u64 are big-endian, v is a LEB128 varint, bytes are a varint
   length and that many bytes:

       u32 length | u8 type | ...

       HELLO  u8 version | bytes caller | u64 boot | v epoch | bytes callee
       CALL   v id | v id - low | v remaining_ms | v n | n * v ack | body
       REPLY  u64 boot | v id | u8 -status | body
       BYE    u8 -status | bytes reason
       ACK    v low | v n | n * v ack

   The one who dials is the caller: it sends HELLO first, then CALLs and ACKs;
   the other sends REPLYs, or BYE and closes. `epoch` counts the links this
   caller has opened in this life: a newer one ends the older, so calls of one
   caller arrive in the order they were sent and none arrives late.

   `low`: every call below it, of those this callee was sent, has ended. An
   `ack` is one id that has ended: 2 * (id - ack) when it is below id, else
   2 * (ack - id) + 1. In an ACK, which is sent when no CALL comes along in
   time, it is the id itself. REPLY repeats the boot of the CALL's link: an
   answer to a former life of the caller must not meet a new call of the same
   number. */
#ifndef INF_CORE_RPC_FRAME_H
#define INF_CORE_RPC_FRAME_H

#include "base/buf.h"

#define INF_RPC_VERSION   1
#define INF_RPC_ACKS_MAX  32  /* in one CALL */
#define INF_RPC_HEAD_MAX  400 /* bytes before the body of a CALL or REPLY */
#define INF_RPC_FRAME_MAX (20u << 20) /* length field of any frame */

typedef enum inf_rpc_type {
    INF_RPC_HELLO = 1,
    INF_RPC_CALL = 2,
    INF_RPC_REPLY = 3,
    INF_RPC_BYE = 4,
    INF_RPC_ACK = 5
} inf_rpc_type;

/** A frame taken apart. Slices borrow from the bytes that were decoded. */
typedef struct inf_rpc_frame {
    inf_rpc_type type;
    uint8_t version;       /* HELLO */
    int status;            /* REPLY, BYE: 0 or INF_E... */
    uint64_t boot;         /* HELLO, REPLY */
    uint64_t epoch;        /* HELLO */
    uint64_t id;           /* CALL, REPLY */
    uint64_t low;          /* CALL, ACK */
    uint64_t remaining_ms; /* CALL; 0: no bound */
    uint64_t acks[INF_RPC_ACKS_MAX];
    size_t ack_count;
    inf_slice caller; /* HELLO: 1 to INF_NODE_NAME_MAX bytes */
    inf_slice callee; /* HELLO: the same */
    inf_slice body;   /* CALL, REPLY; BYE: text */
} inf_rpc_frame;

/**
 * Looks at the beginning of a stream of frames.
 * @return bytes of the first frame, its length field included; 0 when that
 *         cannot be told yet; INF_ETOOBIG, INF_EMALFORMED (empty frame).
 */
int64_t inf_rpc_frame_size(inf_slice stream);
/**
 * Takes one whole frame apart, length field included. Any bytes are safe.
 * @return 0, INF_ETRUNCATED, INF_EMALFORMED, INF_EVERSION (a HELLO of another
 *         version; only `version` is set then).
 */
int inf_rpc_frame_decode(inf_slice bytes, inf_rpc_frame *out);
/** Appends the whole frame, body included; buf->failed tells of no memory. */
void inf_rpc_frame_encode(inf_buf *buf, const inf_rpc_frame *frame);
/**
 * Writes all of a CALL, REPLY or ACK but its body, whose length is counted: the
 * body can then follow from where it is.
 * @return the bytes written, at most INF_RPC_HEAD_MAX.
 */
size_t inf_rpc_frame_head(uint8_t head[INF_RPC_HEAD_MAX],
                          const inf_rpc_frame *frame);

#endif
