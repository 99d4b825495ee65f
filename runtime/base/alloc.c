/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static void *libc_resize(void *ctx, void *block, size_t size) {
    (void)ctx;
    if (size == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, size);
}

inf_alloc *inf_alloc_libc(void) {
    static inf_alloc libc = {libc_resize, NULL}; /* never written */
    return &libc;
}

void *inf_malloc(inf_alloc *mem, size_t size) {
    return mem->resize(mem->ctx, NULL, size != 0 ? size : 1);
}

void *inf_zalloc(inf_alloc *mem, size_t size) {
    void *block = inf_malloc(mem, size);
    if (block != NULL) memset(block, 0, size);
    return block;
}

void *inf_realloc(inf_alloc *mem, void *block, size_t size) {
    return mem->resize(mem->ctx, block, size != 0 ? size : 1);
}

void inf_free(inf_alloc *mem, void *block) {
    if (block != NULL) (void)mem->resize(mem->ctx, block, 0);
}
