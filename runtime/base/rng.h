/* SPDX-License-Identifier: MIT */
/* rng.h: seeded chance, a field of whoever needs it. xoshiro256** seeded by
   SplitMix64 (Blackman and Vigna, "Scrambled linear pseudorandom number
   generators", 2021). Not for secrets. */
#ifndef INF_BASE_RNG_H
#define INF_BASE_RNG_H

#include "base/hash.h"

typedef struct inf_rng {
    uint64_t word[4];
} inf_rng;

static inline void inf_rng_seed(inf_rng *rng, uint64_t seed) {
    for (size_t i = 0; i < 4; i++) {
        seed += UINT64_C(0x9e3779b97f4a7c15);
        rng->word[i] = inf_hash_mix(seed);
    }
}

static inline uint64_t inf_rng_rotl(uint64_t word, int by) {
    return word << by | word >> (64 - by);
}

static inline uint64_t inf_rng_next(inf_rng *rng) {
    uint64_t *word = rng->word;
    uint64_t result = inf_rng_rotl(word[1] * 5, 7) * 9;
    uint64_t shifted = word[1] << 17;
    word[2] ^= word[0];
    word[3] ^= word[1];
    word[1] ^= word[2];
    word[0] ^= word[3];
    word[2] ^= shifted;
    word[3] = inf_rng_rotl(word[3], 45);
    return result;
}

/** A number from 0 to bound - 1; 0 when bound is 0. Bias below 2^-32 for
    bounds below 2^32. */
static inline uint64_t inf_rng_below(inf_rng *rng, uint64_t bound) {
    return bound == 0 ? 0 : inf_rng_next(rng) % bound;
}

/** A number from 0 up to, not including, 1. */
static inline double inf_rng_unit(inf_rng *rng) {
    return (double)(inf_rng_next(rng) >> 11) * 0x1.0p-53;
}

#endif
