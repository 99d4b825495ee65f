/* SPDX-License-Identifier: MIT */
/* alloc.h: where a node's memory comes from. A handle and not malloc, so that
   a test can refuse the n-th allocation and an embedder can count bytes. */
#ifndef INF_BASE_ALLOC_H
#define INF_BASE_ALLOC_H

#include <stddef.h>

/**
 * A source of memory. `resize(ctx, NULL, n)` allocates, `resize(ctx, p, 0)`
 * frees and returns NULL, anything else is realloc. NULL means no memory and
 * leaves `p` as it was.
 */
typedef struct inf_alloc {
    void *(*resize)(void *ctx, void *block, size_t size);
    void *ctx;
} inf_alloc;

/** The C library's own memory; valid for ever. */
inf_alloc *inf_alloc_libc(void);

/** Uninitialised memory, or NULL. */
void *inf_malloc(inf_alloc *mem, size_t size);

/** Zeroed memory, or NULL. */
void *inf_zalloc(inf_alloc *mem, size_t size);

/** Grows or shrinks; NULL leaves `block` valid. `size` is not 0. */
void *inf_realloc(inf_alloc *mem, void *block, size_t size);

/** Gives back; NULL is fine. */
void inf_free(inf_alloc *mem, void *block);

#endif
