/* SPDX-License-Identifier: MIT */
/* synch_pair.h: two protocols of the registry, anna's and berta's, over stores
   of numbers and streams carried by hand. */
#ifndef INF_TESTS_SYNCH_PAIR_H
#define INF_TESTS_SYNCH_PAIR_H

#include "core/synch.h"
#include "test.h"

/* A store whose changes are nothing but their count. */
typedef struct store {
    uint64_t self;
    uint64_t peer;
    uint64_t own;    /* changes made */
    uint64_t theirs; /* changes of the peer that are in */
    uint64_t stable;
    int distrusted;
    int malformed; /* so many runs will be found malformed */
    uint64_t skew; /* what the peer's rows here are wrong by */
    int linked;
    uint64_t superseded;
    char told[16];
} store;

typedef struct side {
    inf_synch *synch;
    inf_outbox outbox;
    store store;
    const char *name;
    uint64_t dialled;  /* the stream it dialled, 0: none */
    uint64_t accepted; /* the stream it accepted, 0: none */
    uint64_t bytes;    /* written */
    int writes;
    int done_status;
    uint64_t done_count;
    uint64_t done_token;
    char done_name[32];
} side;

typedef struct pair {
    side at[2];
    uint64_t now_ms;
    bool stuck;    /* the host never says that streams are drained */
    bool hanging;  /* dials are not answered */
    uint64_t dead; /* a stream of anna's that leads nowhere */
} pair;

int synch_pair_setup(void **state);
int synch_pair_teardown(void **state);
uint64_t synch_pair_id(const char *name);
/** The stream breaks. */
void synch_pair_close(pair *p, int from, uint64_t stream);
/** Until nobody has anything to say. */
void synch_pair_settle(pair *p);
/** Time passes in steps of 10 ms. */
void synch_pair_pass_ms(pair *p, uint64_t ms);
/** `at` learns of the other one, in that life. */
void synch_pair_meet(pair *p, int at, uint64_t boot);
void synch_pair_meet_both(pair *p);
/** So many changes of its own rows. */
void synch_pair_change(pair *p, int at, uint64_t count);

#endif
