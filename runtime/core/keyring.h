/* SPDX-License-Identifier: MIT */
/* keyring.h: the cluster's secret keys. The first one seals, every one opens,
   so keys rotate without dropping anybody: add the new key everywhere, use it
   everywhere, remove the old one everywhere.

   A sealed block, as memberlist draws it:

       version u8 | nonce 12 | ciphertext | tag 16

   AES-GCM with a key of 16, 24 or 32 bytes. Version 1 adds 29 bytes; version 0
   pads the plaintext to 16 bytes first (PKCS #7) and is only ever read. */
#ifndef INF_CORE_KEYRING_H
#define INF_CORE_KEYRING_H

#include "base/buf.h"
#include "base/error.h"

#define INF_KEYS_MAX      16 /* keys in one ring */
#define INF_SEAL_NONCE    12
#define INF_SEAL_TAG      16
#define INF_SEAL_OVERHEAD 29 /* bytes that sealing adds, version 1 */
#define INF_KEY_PRINT     17 /* room for a fingerprint and its end */

typedef struct inf_keyring inf_keyring;

/** An empty ring: nothing is sealed. 0 or INF_ENOMEM. */
int inf_keyring_new(inf_keyring **out, inf_alloc *mem);
/** NULL is fine. Keys are wiped. */
void inf_keyring_free(inf_keyring *ring);
/** How many keys there are; 0 also for NULL. */
size_t inf_keyring_count(const inf_keyring *ring);
/** Appends a key (the first one seals). 0, also when it is there already;
    INF_EINVAL (not 16, 24 or 32 bytes), INF_EFULL. */
int inf_keyring_add(inf_keyring *ring, inf_slice key);
/** Makes a key of the ring the one that seals; 0 or INF_ENOENT. */
int inf_keyring_use(inf_keyring *ring, inf_slice key);
/** Takes a key out; 0, INF_ENOENT, or INF_EINVAL for the one that seals. */
int inf_keyring_remove(inf_keyring *ring, inf_slice key);
/** Has these keys and no others from now on; the old ones stand on failure. 0,
    INF_EINVAL (none, or one of a wrong length), INF_EFULL, INF_ENOMEM. */
int inf_keyring_set(inf_keyring *ring, const inf_slice *keys, size_t count);
/** The key at a place, borrowed: secret. 0 is the one that seals. */
inf_slice inf_keyring_key(const inf_keyring *ring, size_t at);
/** Its fingerprint: 16 hex digits by which people tell keys apart and from
    which nobody learns one (the start of an HMAC under the key). */
const char *inf_keyring_print(const inf_keyring *ring, size_t at);

/**
 * Appends the sealed block of `plain` to `out`. `nonce` NULL: a fresh random
 * one, which is what everybody but a test wants. `version` is 0 or 1.
 * @return 0, INF_ENOMEM, INF_ECRYPT (no key, or the library refused).
 */
int inf_keyring_seal(const inf_keyring *ring, inf_buf *out, inf_slice plain,
                     inf_slice aad, uint8_t version, const uint8_t *nonce);
/**
 * Appends the plaintext of a sealed block to `out`, trying every key. On
 * failure `out` is as it was.
 * @return 0, INF_ETRUNCATED, INF_EVERSION, INF_ECRYPT, INF_ENOMEM.
 */
int inf_keyring_open(const inf_keyring *ring, inf_buf *out, inf_slice sealed,
                     inf_slice aad);

#endif
