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
    {CLUSTER_FAULTS, 921},    /* a suspicion runs out after the heal */
    {CLUSTER_FAULTS, 201617}, /* an answer waits while its asker is frozen */
    {CLUSTER_FAULTS, 202309}, /* both copies believe answers long under way */
};

#endif
