/* SPDX-License-Identifier: MIT */
/* sim_crowd.h: clusters too large for a list in every member. The first nodes
   are whole: members with all others on their list. The rest is the crowd: each
   answers pings, pings the others in turn, takes up news once and sends it on
   as often as a member would, but has no list and judges nobody. What a whole
   member sends and hears is what it would among its own kind; that is checked
   where both fit into memory. */
#ifndef INF_TESTS_SIM_SIM_CROWD_H
#define INF_TESTS_SIM_SIM_CROWD_H

#include "sim.h"

/** The test's `ctx` begins with one of these. */
typedef struct sim_crowd {
    size_t whole; /* nodes below this are members */
} sim_crowd;

extern const sim_kind sim_crowd_kind;

/** Starts all nodes; every whole one knows every node at once, without any news
    on its way. Push/pull is to be off: the crowd takes no streams. */
void sim_crowd_start(sim *s);
/** Appends the list of all nodes, as push/pull says it, with boot generations
    that differ by multiples of `boots`; 0: all are 1. */
void sim_crowd_list(const sim *s, uint64_t boots, inf_buf *out);
/** The member of a whole node. */
inf_member *sim_crowd_member(const sim *s, size_t node);

#endif
