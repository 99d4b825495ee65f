/* SPDX-License-Identifier: MIT */
/* pool.h: memory for many small blocks whose owner knows their sizes, as Lua
   does. Blocks of up to INF_POOL_BLOCK_MAX bytes come from chunks, have no
   header and go back to a list of their size; larger ones are the C library's.
   Chunks are kept until the end: a pool does not shrink. */
#ifndef INF_BASE_POOL_H
#define INF_BASE_POOL_H

#include "base/def.h"

#define INF_POOL_STEP      16u  /* sizes are rounded up to a multiple */
#define INF_POOL_BLOCK_MAX 512u /* above: malloc */
#define INF_POOL_CLASSES   (INF_POOL_BLOCK_MAX / INF_POOL_STEP)

typedef struct inf_pool {
    void *free[INF_POOL_CLASSES]; /* lists of free blocks, linked in place */
    void *chunks;                 /* owned list */
    uint8_t *fresh;               /* what is left of the newest chunk */
    size_t fresh_len;
} inf_pool;

void inf_pool_init(inf_pool *pool);
/** Gives every chunk back; larger blocks are their owners' to free. */
void inf_pool_deinit(inf_pool *pool);
/**
 * lua_Alloc's contract: `size` 0 frees and returns NULL; `block` NULL makes a
 * block (`old_size` is then ignored); else the block moves to its new size.
 * NULL for lack of memory leaves the block as it was, and never when it
 * shrinks.
 */
void *inf_pool_resize(inf_pool *pool, void *block, size_t old_size,
                      size_t size);

#endif
