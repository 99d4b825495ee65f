/* SPDX-License-Identifier: MIT */
#include "base/heap.h"

#include "base/error.h"

void inf_heap_init(inf_heap *heap, inf_alloc *mem) {
    *heap = (inf_heap){.mem = mem};
}

void inf_heap_deinit(inf_heap *heap) {
    inf_free(heap->mem, heap->items);
    inf_heap_init(heap, heap->mem);
}

static bool earlier(const inf_heap_item *a, const inf_heap_item *b) {
    if (a->due_ms != b->due_ms) return a->due_ms < b->due_ms;
    return a->order < b->order;
}

/* Positions are 1-based: the parent of k is k / 2. */
static void place(inf_heap *heap, size_t position, inf_heap_item *item) {
    heap->items[position - 1] = item;
    item->position = position;
}

static void sift_up(inf_heap *heap, inf_heap_item *item) {
    size_t position = item->position;
    while (position > 1) {
        inf_heap_item *parent = heap->items[position / 2 - 1];
        if (!earlier(item, parent)) break;
        place(heap, position, parent);
        position /= 2;
    }
    place(heap, position, item);
}

static void sift_down(inf_heap *heap, inf_heap_item *item) {
    size_t position = item->position;
    for (;;) {
        size_t child = position * 2;
        if (child > heap->count) break;
        if (child < heap->count &&
            earlier(heap->items[child], heap->items[child - 1])) {
            child++;
        }
        if (!earlier(heap->items[child - 1], item)) break;
        place(heap, position, heap->items[child - 1]);
        position = child;
    }
    place(heap, position, item);
}

static int grow(inf_heap *heap) {
    size_t cap = heap->cap == 0 ? 16 : heap->cap * 2;
    inf_heap_item **items =
        inf_realloc(heap->mem, heap->items, cap * sizeof *items);
    if (items == NULL) return INF_ENOMEM;
    heap->items = items;
    heap->cap = cap;
    return 0;
}

int inf_heap_set(inf_heap *heap, inf_heap_item *item, uint64_t due_ms) {
    if (item->position == 0) {
        if (heap->count == heap->cap && grow(heap) != 0) return INF_ENOMEM;
        heap->count++;
        place(heap, heap->count, item);
    }
    item->due_ms = due_ms;
    item->order = ++heap->inserted;
    sift_up(heap, item);
    sift_down(heap, item);
    return 0;
}

void inf_heap_remove(inf_heap *heap, inf_heap_item *item) {
    if (item->position == 0) return;
    size_t position = item->position;
    inf_heap_item *last = heap->items[heap->count - 1];
    heap->count--;
    item->position = 0;
    if (last == item) return;
    place(heap, position, last);
    sift_up(heap, last);
    sift_down(heap, last);
}

inf_heap_item *inf_heap_first(const inf_heap *heap) {
    return heap->count == 0 ? NULL : heap->items[0];
}

uint64_t inf_heap_due_ms(const inf_heap *heap) {
    return heap->count == 0 ? INF_NEVER : heap->items[0]->due_ms;
}
