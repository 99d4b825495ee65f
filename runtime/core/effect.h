/* SPDX-License-Identifier: MIT */
/* effect.h: what the core wants done, as a queue of tagged values. The core
   never calls out: it queues effects, and the host takes them with
   inf_node_poll, without the node's lock if it likes. */
#ifndef INF_CORE_EFFECT_H
#define INF_CORE_EFFECT_H

#include "base/addr.h"
#include "base/buf.h"

typedef enum inf_effect_kind {
    INF_EFFECT_PACKET,  /* send `bytes` to `addr` as one datagram */
    INF_EFFECT_DIAL,    /* open TCP stream `stream` to `addr` within timeout */
    INF_EFFECT_WRITE,   /* write `bytes` on `stream`; say inf_node_drained once
                           the stream's writes are with the kernel */
    INF_EFFECT_CLOSE,   /* close `stream` after what was written; the core has
                           forgotten it already */
    INF_EFFECT_MEMBER,  /* a member changed: `change`, `member` */
    INF_EFFECT_ROWS,    /* rows came or went: `change`, `branch`, `rows`; or,
                           when very many did at once and only calls wait for
                           them, without rows: `count` more did, look at the
                           registry again. Of a conflict they come in twos: who
                           stays, who loses */
    INF_EFFECT_LOST,    /* our FSM lost its name: `branch`, `rows[0]` is the
                           winner's row, `rows[1]` ours */
    INF_EFFECT_CONTEST, /* the user decides who stays: `branch`, `rows[0]` would
                           as the last writer, `rows[1]` would go; one of them
                           is ours. Say so with inf_node_verdict */
    INF_EFFECT_USER,    /* a user event: `name`, `bytes` */
    INF_EFFECT_DONE,    /* the command with `token` ended: `status`, `count`,
                           `name` may hold text */
    INF_EFFECT_LOG      /* `level`, `bytes` is a line for the log */
} inf_effect_kind;

typedef enum inf_change {
    INF_CHANGE_JOIN,    /* member: alive and new; rows: visible now */
    INF_CHANGE_UPDATE,  /* member: tags changed */
    INF_CHANGE_SUSPECT, /* member */
    INF_CHANGE_ALIVE,   /* member: suspicion refuted */
    INF_CHANGE_FAIL,    /* member: declared dead */
    INF_CHANGE_LEAVE,   /* member: left in good order; rows: gone */
    INF_CHANGE_CONFLICT /* member: another node uses the name; rows: two
                           owners claim a name */
} inf_change;

typedef enum inf_log_level {
    INF_LOG_DEBUG,
    INF_LOG_INFO,
    INF_LOG_WARN,
    INF_LOG_ERROR
} inf_log_level;

/** One row as others see it. All slices belong to the effect. */
typedef struct inf_row {
    inf_slice name;
    inf_slice implementation; /* the module that defines the FSM */
    inf_slice node;           /* name of the owner */
    uint64_t ref;             /* of the FSM, unique in the owner's life */
    uint64_t boot;            /* the owner's boot generation */
    uint16_t worker;          /* slot on the owner; 0 for now */
} inf_row;

typedef struct inf_effect {
    inf_effect_kind kind;
    inf_change change;
    inf_log_level level;
    int status; /* 0 or INF_E... */
    inf_addr addr;
    uint64_t stream;
    uint64_t token;
    uint64_t count;
    uint32_t timeout_ms;
    bool sealed; /* DIAL: TLS is spoken on it when the node has keys, and it is
                    connected once both ends have shown that they know one */
    inf_slice branch;
    inf_slice name;  /* MEMBER: the member's; USER: the event's */
    inf_slice bytes; /* of the datagram, stream, user event or log line */
    const inf_row *rows;
    size_t row_count;
    void *memory; /* one block that holds all of the above; owned */
    inf_alloc *mem;
} inf_effect;

/** Releases what the effect holds; it may not be used afterwards. */
void inf_effect_deinit(inf_effect *effect);

/** A bounded first-in first-out queue of effects, and the counter that names
    streams. Parts of the core share one. */
typedef struct inf_outbox {
    inf_effect *items; /* owned ring */
    size_t first;
    size_t count;
    size_t cap;
    uint64_t last_stream; /* stream names are never used twice */
    bool failed;          /* memory was refused: an effect has been lost */
    inf_alloc *mem;       /* borrowed */
} inf_outbox;

void inf_outbox_init(inf_outbox *outbox, inf_alloc *mem);
void inf_outbox_deinit(inf_outbox *outbox);
/** A fresh name for a stream, for DIAL or an accepted one. */
uint64_t inf_outbox_stream(inf_outbox *outbox);
/** Moves the oldest effect to `out`; false when there is none. */
bool inf_outbox_take(inf_outbox *outbox, inf_effect *out);
/** Queues a copy of `effect`: slices and rows are copied into one block. On
    refused memory the effect is lost and `failed` set. */
void inf_outbox_push(inf_outbox *outbox, const inf_effect *effect);
/** Queues the effect itself, which the outbox then owns; false on refused
    memory: it is still the caller's. */
bool inf_outbox_move(inf_outbox *outbox, const inf_effect *effect);
void inf_outbox_packet(inf_outbox *outbox, const inf_addr *to, inf_slice bytes);
/** Returns the name of the new stream. */
uint64_t inf_outbox_dial(inf_outbox *outbox, const inf_addr *to,
                         uint32_t timeout_ms);
/** The same for a stream that nobody else may read. */
uint64_t inf_outbox_dial_sealed(inf_outbox *outbox, const inf_addr *to,
                                uint32_t timeout_ms);
void inf_outbox_write(inf_outbox *outbox, uint64_t stream, inf_slice bytes);
void inf_outbox_close(inf_outbox *outbox, uint64_t stream);
void inf_outbox_done(inf_outbox *outbox, uint64_t token, int status,
                     uint64_t count, inf_slice text);
void inf_outbox_log(inf_outbox *outbox, inf_log_level level, const char *format,
                    ...) INF_PRINTF(3, 4);

#endif
