/* SPDX-License-Identifier: MIT */
/* hostile.h: one member under fire, and the oracle over it: whatever comes, it
   stays itself and alive, its incarnation never falls, it asks for no tick in
   the past, it takes up no more than it heard of, and says to a stranger no
   more than three times what the stranger said. */
#ifndef INF_TESTS_HOSTILE_H
#define INF_TESTS_HOSTILE_H

#include "test.h"

#include "core/member.h"

typedef struct hostile {
    inf_member *member;
    inf_outbox outbox;
    inf_keyring *keys;
    uint64_t now_ms;
    uint32_t incarnation;
    uint64_t heard;   /* bytes of datagrams */
    uint64_t said;    /* likewise */
    uint64_t written; /* bytes on streams */
    unsigned lines;   /* of the log */
    char line[128];   /* the last one */
    unsigned closes;  /* of streams */
    unsigned told[INF_CHANGE_CONFLICT + 1];
    uint64_t dialled; /* the last stream it wants */
    inf_addr asked;   /* whom it sent its last datagram */
} hostile;

/** "me" at 10.0.0.1:7946, incarnation 10; `keyed` with the key of the golden
    vectors, `label` may be "". */
void hostile_begin(hostile *h, bool keyed, const char *label);
void hostile_end(hostile *h);
inf_addr hostile_addr(uint8_t host);
/** A datagram from the host comes; then the oracle looks. */
void hostile_hear(hostile *h, uint8_t host, const void *bytes, size_t len);
/** Time passes, deadline by deadline. */
void hostile_pass_ms(hostile *h, uint64_t ms);
/** Takes effects and looks. */
void hostile_look(hostile *h);
/** Streams from the host. */
uint64_t hostile_accept(hostile *h, uint8_t host);
void hostile_bytes(hostile *h, uint64_t stream, const void *bytes, size_t len);
uint64_t hostile_bad(const hostile *h);

#endif
