/* SPDX-License-Identifier: MIT */
/* membership_seeds.h: worlds that once showed a fault. Each found one. */
#ifndef INF_TESTS_SIM_MEMBERSHIP_SEEDS_H
#define INF_TESTS_SIM_MEMBERSHIP_SEEDS_H

#include <stdint.h>

static const uint64_t membership_seeds[] = {1};

#endif
