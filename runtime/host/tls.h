/* SPDX-License-Identifier: MIT */
/* tls.h: TLS 1.3 for links, without sockets and without certificates: both ends
   prove that they know one of the cluster's keys (an external pre-shared key,
   RFC 8446 section 2.2, with an ephemeral key exchange, so that a key learnt
   later opens nothing recorded before). Bytes go in, bytes come out. */
#ifndef INF_HOST_TLS_H
#define INF_HOST_TLS_H

#include "base/buf.h"

/** The keys of a node, as links use them, on any thread; outlives every link.
 */
typedef struct inf_tls_keys inf_tls_keys;
/** One link's end. */
typedef struct inf_tls inf_tls;

/**
 * Copies the keys, each of 16 bytes or more: who dials uses the first, who is
 * dialled takes any.
 * @return 0; INF_EINVAL (no key, or a short one), INF_ENOMEM, INF_ECRYPT (the
 *         library refused).
 */
int inf_tls_keys_new(inf_tls_keys **out, inf_alloc *mem, const inf_slice *keys,
                     size_t count);
/** Rotates: links that are open stay so. The old keys stand on failure. */
int inf_tls_keys_set(inf_tls_keys *keys, const inf_slice *list, size_t count);
void inf_tls_keys_free(inf_tls_keys *keys);

/** @return NULL: no memory. */
inf_tls *inf_tls_new(inf_tls_keys *keys, bool dialled);
void inf_tls_free(inf_tls *tls);
/**
 * Bytes came from the peer: appends what they say to `plain`.
 * @return 0; INF_ECRYPT: the peer has no key of ours, or somebody changed the
 *         bytes; INF_ECLOSED: it ended in order; INF_ENOMEM.
 */
int inf_tls_input(inf_tls *tls, inf_slice sealed, inf_buf *plain);
/** Both ends have shown that they know a key: inf_tls_seal may be called. */
bool inf_tls_ready(const inf_tls *tls);
/** Seals bytes for the peer. @return 0, INF_ECRYPT, INF_ENOMEM. */
int inf_tls_seal(inf_tls *tls, inf_slice plain);
/** Appends all bytes that are to be written: of the handshake, or sealed.
    @return 0, INF_ENOMEM. */
int inf_tls_take(inf_tls *tls, inf_buf *sealed);

#endif
