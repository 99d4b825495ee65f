/* SPDX-License-Identifier: MIT */
#include "base/pool.h"

#include <stdlib.h>

#define CHUNK_SIZE ((size_t)64 * 1024)

/* The first bytes of a chunk: the rest is blocks. */
typedef struct chunk {
    struct chunk *next;
    uint8_t pad[INF_POOL_STEP - sizeof(struct chunk *)];
} chunk;

void inf_pool_init(inf_pool *pool) {
    *pool = (inf_pool){.chunks = NULL};
}

void inf_pool_deinit(inf_pool *pool) {
    chunk *at = pool->chunks;
    while (at != NULL) {
        chunk *next = at->next;
        free(at);
        at = next;
    }
    inf_pool_init(pool);
}

static size_t class_of(size_t size) {
    return (size - 1) / INF_POOL_STEP;
}

static void give_back(inf_pool *pool, void *block, size_t class) {
    *(void **)block = pool->free[class];
    pool->free[class] = block;
}

/* What is left of the newest chunk becomes free blocks before the next one. */
static bool add_chunk(inf_pool *pool) {
    chunk *made = malloc(CHUNK_SIZE);
    if (made == NULL) return false;
    while (pool->fresh_len >= INF_POOL_STEP) {
        size_t len = pool->fresh_len < INF_POOL_BLOCK_MAX ? pool->fresh_len
                                                          : INF_POOL_BLOCK_MAX;
        give_back(pool, pool->fresh, class_of(len));
        pool->fresh += len;
        pool->fresh_len -= len;
    }
    made->next = pool->chunks;
    pool->chunks = made;
    pool->fresh = (uint8_t *)made + sizeof *made;
    pool->fresh_len = CHUNK_SIZE - sizeof *made;
    return true;
}

static void *take(inf_pool *pool, size_t class) {
    void *block = pool->free[class];
    size_t len = (class + 1) * INF_POOL_STEP;
    if (block != NULL) {
        pool->free[class] = *(void **)block;
        return block;
    }
    if (pool->fresh_len < len && !add_chunk(pool)) return NULL;
    block = pool->fresh;
    pool->fresh += len;
    pool->fresh_len -= len;
    return block;
}

static bool is_small(size_t size) {
    return size <= INF_POOL_BLOCK_MAX;
}

static void *make(inf_pool *pool, size_t size) {
    return is_small(size) ? take(pool, class_of(size)) : malloc(size);
}

static void drop(inf_pool *pool, void *block, size_t size) {
    if (is_small(size)) {
        give_back(pool, block, class_of(size));
    } else {
        free(block);
    }
}

/* To a block of another kind or class. Without memory a shrinking block stays
   where it is, for its owner cannot be told: what is beyond its new size is
   lost until the end. */
static void *move(inf_pool *pool, void *block, size_t old_size, size_t size) {
    void *moved = make(pool, size);
    if (moved == NULL) return size < old_size ? block : NULL;
    memcpy(moved, block, old_size < size ? old_size : size);
    drop(pool, block, old_size);
    return moved;
}

void *inf_pool_resize(inf_pool *pool, void *block, size_t old_size,
                      size_t size) {
    if (block == NULL) return size != 0 ? make(pool, size) : NULL;
    if (size == 0) {
        drop(pool, block, old_size);
        return NULL;
    }
    if (is_small(old_size) && is_small(size)) {
        if (class_of(old_size) == class_of(size)) return block;
    } else if (!is_small(old_size) && !is_small(size)) {
        return realloc(block, size);
    }
    return move(pool, block, old_size, size);
}
