/* SPDX-License-Identifier: MIT */
/* heap.h: a binary min-heap of deadlines. Whoever waits embeds an
   inf_heap_item; equal deadlines come out in the order they went in. */
#ifndef INF_BASE_HEAP_H
#define INF_BASE_HEAP_H

#include "base/alloc.h"
#include "base/def.h"

/** Embedded in what waits; zero it before first use. */
typedef struct inf_heap_item {
    uint64_t due_ms;
    uint64_t order;  /* set by the heap: ties by insertion */
    size_t position; /* 1-based place in the heap; 0: not in it */
} inf_heap_item;

typedef struct inf_heap {
    inf_heap_item **items; /* owned array of borrowed items */
    size_t count;
    size_t cap;
    uint64_t inserted;
    inf_alloc *mem; /* borrowed */
} inf_heap;

void inf_heap_init(inf_heap *heap, inf_alloc *mem);
void inf_heap_deinit(inf_heap *heap);
/** Puts the item in, or moves it when it is in already; 0 or INF_ENOMEM (only
    when it was not in). */
int inf_heap_set(inf_heap *heap, inf_heap_item *item, uint64_t due_ms);
/** Takes the item out; fine when it is not in. */
void inf_heap_remove(inf_heap *heap, inf_heap_item *item);
/** The earliest item, or NULL. */
inf_heap_item *inf_heap_first(const inf_heap *heap);
/** The earliest deadline, or INF_NEVER. */
uint64_t inf_heap_due_ms(const inf_heap *heap);

#endif
