/* SPDX-License-Identifier: MIT */
/* hash.h: the two hashes of the runtime. inf_hash is the same on every node
   and for ever (ring, digests, the wire): XXH3, 64 bits. inf_keyed_hash is for
   tables whose keys come from outside: SipHash-2-4 under a secret key, so that
   nobody can choose names that collide. */
#ifndef INF_BASE_HASH_H
#define INF_BASE_HASH_H

#include <sodium/crypto_shorthash.h>
#include <xxhash.h>

#include "base/def.h"

static inline uint64_t inf_hash(inf_slice bytes, uint64_t seed) {
    return XXH3_64bits_withSeed(bytes.data, bytes.len, seed);
}

/** Mixes one word into another (the finaliser of SplitMix64). */
static inline uint64_t inf_hash_mix(uint64_t word) {
    word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
    return word ^ (word >> 31);
}

/** The key of a table: 16 secret bytes. */
typedef struct inf_hash_key {
    uint8_t bytes[crypto_shorthash_KEYBYTES];
} inf_hash_key;

static inline uint64_t inf_keyed_hash(const inf_hash_key *key,
                                      inf_slice bytes) {
    uint64_t out = 0;
    (void)crypto_shorthash((uint8_t *)&out, bytes.data, bytes.len, key->bytes);
    return out;
}

#endif
