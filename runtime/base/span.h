/* SPDX-License-Identifier: MIT */
/* span.h: how far copies of a numbered stream of changes have come. A stream
   belongs to a node in one life (boot) of it and counts from 1. */
#ifndef INF_BASE_SPAN_H
#define INF_BASE_SPAN_H

#include "base/def.h"

/** The changes (from, to] of one stream. When `to` is `goal` the receiver has
    all that the sender had. `full` is not 0 in a full transfer, which starts
    with `from` 0 and replaces. */
typedef struct inf_span {
    uint64_t node;
    uint64_t boot;
    uint64_t from;
    uint64_t to;
    uint64_t goal;
    uint64_t stamp; /* the owner's newest stamp as of `to` */
    uint32_t full;
} inf_span;

/** How far one peer has been told about one stream. Begin with what the peer
    has: {.at, .boot}. */
typedef struct inf_diff_cursor {
    uint64_t at;
    uint64_t boot;
    uint64_t floor; /* of a full transfer: what was forgotten at its start */
    uint32_t full;  /* number of the full transfer; 0: changes only */
    uint32_t row;   /* where the walk goes on, if it is still true */
} inf_diff_cursor;

/** Seeds the hash of a node's name that is its id. */
#define INF_NODE_ID_SEED 0x696e66

/** One copy of one stream. */
typedef struct inf_version {
    uint64_t node;
    uint64_t boot;
    uint64_t cur;    /* changes of that life that are in */
    uint64_t goal;   /* above `cur` while a transfer is under way */
    uint64_t high;   /* the most that was ever in: never falls */
    uint64_t digest; /* of the content; says nothing while cur < goal */
    uint64_t rows;
    uint64_t deletes; /* remembered */
    bool up;          /* the node is a live member */
} inf_version;

#endif
