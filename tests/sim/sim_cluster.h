/* SPDX-License-Identifier: MIT */
/* sim_cluster.h: whole nodes in the simulated world, with a model in Lua's
   place: it starts FSMs by asking their home, stops them, and stops those that
   lost their name. Ghosts watch: what really runs, and what each owner's rows
   were after each of its changes. */
#ifndef INF_TESTS_SIM_SIM_CLUSTER_H
#define INF_TESTS_SIM_SIM_CLUSTER_H

#include "core/node.h"
#include "sim.h"

extern const sim_kind sim_node_kind;

enum { CLUSTER_NODES_MAX = 128, CLUSTER_NAMES_MAX = 64 };

typedef enum cluster_profile {
    CLUSTER_HEALTHY, /* nothing breaks; clocks are wrong by a minute */
    CLUSTER_ROLLING, /* one node after the other goes and comes back */
    CLUSTER_FAULTS   /* everything breaks */
} cluster_profile;

typedef struct cluster_options {
    cluster_profile profile;
    uint64_t seed;
    size_t nodes; /* 0: 3 to 6 by chance */
    size_t names;
    uint32_t run_ms;       /* before the heal */
    uint32_t quiet_ms;     /* after it, at most */
    uint32_t deletes_max;  /* small: forces full transfers */
    uint32_t hold_ms;      /* of the rows of the dead */
    inf_resolve resolve;   /* which of two claims stands */
    bool mad;              /* who is asked says anything, or nothing */
    uint32_t stream_bytes; /* on their way; small: transfers in many steps */
} cluster_options;

/** What happened in one run. */
typedef struct cluster_report {
    bool failed;
    char why[256];
    uint64_t starts;
    uint64_t doubles; /* starts of a name that ran elsewhere */
    uint64_t stops;
    uint64_t yields;   /* FSMs stopped by conflict */
    uint64_t wrong;    /* of those, that should have stayed */
    uint64_t lost;     /* names that no copy of survived the heal */
    uint64_t refused;  /* starts refused by a gate */
    uint64_t refusals; /* of memory */
    uint64_t calls;
    uint64_t answered;     /* of those */
    uint64_t converged_ms; /* after the heal */
    uint64_t quiet_bytes;  /* on streams, in the last ten quiet seconds */
} cluster_report;

/** The defaults of a profile. */
cluster_options cluster_options_of(cluster_profile profile, uint64_t seed);
/** One world from birth to rest. */
cluster_report cluster_run(const cluster_options *options);
/** A world that is split in two for half a minute while every name is started
    on both sides, and then heals. */
cluster_report cluster_partition(const cluster_options *options);

#endif
