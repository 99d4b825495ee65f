/* SPDX-License-Identifier: MIT */
/* registry_seeds.h: worlds that once showed a fault. Each found one. */
#ifndef INF_TESTS_SIM_REGISTRY_SEEDS_H
#define INF_TESTS_SIM_REGISTRY_SEEDS_H

#include "sim_cluster.h"

static const struct {
    cluster_profile profile;
    uint64_t seed;
} registry_seeds[] = {
    {CLUSTER_HEALTHY, 1},
};

#endif
