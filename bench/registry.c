/* SPDX-License-Identifier: MIT */
/* registry.c: what a million rows cost: bytes a row besides its name, a claim,
   a look-up, learning all of them as a new node, and ten of them anew. Prints
   rows for sheet.lua. 25-byte names.

       registry [ROWS] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/error.h"
#include "base/rng.h"
#include "core/registry.h"
#include "core/ring.h"

enum { NAME_LEN = 25 };

typedef struct counted {
    inf_alloc mem;
    size_t bytes;
} counted;

/* The size is kept in front of each block. */
static void *counted_resize(void *ctx, void *block, size_t size) {
    counted *c = ctx;
    size_t *head = block != NULL ? (size_t *)block - 2 : NULL;
    if (head != NULL) c->bytes -= *head;
    if (size == 0) {
        free(head);
        return NULL;
    }
    size_t *grown = realloc(head, size + 2 * sizeof *head);
    if (grown == NULL) return NULL;
    *grown = size;
    c->bytes += size;
    return grown + 2;
}

/* Time on the CPU: nothing here waits, and the machine may be shared. */
static uint64_t now_ns(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static inf_slice name_of(char text[40], uint64_t number) {
    (void)snprintf(text, 40, "order-%019llu", (unsigned long long)number);
    return inf_slice_of(text, NAME_LEN);
}

static inf_registry *make(counted *c, const char *node, const char *peer) {
    inf_registry *registry = NULL;
    c->mem = (inf_alloc){counted_resize, c};
    inf_registry_config config = {.mem = &c->mem,
                                  .node = inf_slice_str(node),
                                  .boot = 1,
                                  .rows_max = 16u << 20,
                                  .deletes_max = INF_REGISTRY_DELETES};
    INF_ASSERT(inf_registry_new(&registry, &config) == 0);
    INF_ASSERT(inf_registry_up(registry, inf_slice_str(peer), 1) == 0);
    return registry;
}

/* A row of the table, in the unit of its line. */
static void report(const char *key, double value) {
    printf("%s\t%.3f\n", key, value);
}

static void fill(inf_registry *registry, uint64_t rows) {
    inf_hlc hlc = {0};
    inf_entry entry;
    char text[40];
    uint64_t start = now_ns();
    for (uint64_t i = 0; i < rows; i++) {
        INF_ASSERT(inf_registry_put(registry, name_of(text, i),
                                    inf_slice_str("order"), 0, &hlc,
                                    1700000000000 + i / 100, &entry) == 0);
    }
    uint64_t ns = now_ns() - start;
    report("row.claim", (double)ns / (double)rows);
}

static void look_up(const inf_registry *registry, uint64_t rows) {
    inf_rng rng;
    inf_entry entry;
    char text[40];
    uint64_t count = 1000000;
    inf_rng_seed(&rng, 1);
    uint64_t start = now_ns();
    for (uint64_t i = 0; i < count; i++) {
        inf_slice name = name_of(text, inf_rng_below(&rng, rows));
        INF_ASSERT(inf_registry_find(registry, name, &entry) == 0);
    }
    uint64_t with = now_ns() - start;
    start = now_ns();
    for (uint64_t i = 0; i < count; i++)
        (void)name_of(text, inf_rng_below(&rng, rows));
    uint64_t without = now_ns() - start;
    report("row.find", (double)(with - without) / (double)count);
}

/* All that `to` lacks of `from`'s own rows; returns bytes. */
static size_t carry(inf_registry *from, const char *name, inf_registry *to,
                    inf_diff_cursor *cursor) {
    uint64_t id = inf_node_id(inf_slice_str(name));
    size_t bytes = 0;
    inf_span span;
    inf_buf ops;
    inf_buf_init(&ops, inf_alloc_libc());
    while (inf_registry_diff(from, id, cursor, 128 << 10, &span, &ops) == 1) {
        bytes += ops.len;
        INF_ASSERT(inf_registry_apply(to, id, &span, inf_buf_view(&ops)) == 0);
        inf_buf_clear(&ops);
    }
    inf_buf_deinit(&ops);
    return bytes;
}

static void transfer(inf_registry *from, inf_registry *to, uint64_t rows) {
    inf_diff_cursor cursor = {0};
    uint64_t start = now_ns();
    size_t bytes = carry(from, "anna", to, &cursor);
    uint64_t ns = now_ns() - start;
    INF_ASSERT(inf_registry_count(to) == rows);
    printf("row.learn\t%.0f\t%.1f B a row\n", (double)ns / (double)rows,
           (double)bytes / (double)rows);
    inf_hlc hlc = {UINT64_C(1) << 60};
    inf_entry entry;
    char text[40];
    for (uint64_t i = 0; i < 10; i++) {
        inf_slice name = name_of(text, i);
        INF_ASSERT(inf_registry_own(from, name, &entry) == 0);
        INF_ASSERT(inf_registry_remove(from, name, entry.claim.stamp) == 0);
        INF_ASSERT(inf_registry_put(from, name, inf_slice_str("order"), 0, &hlc,
                                    1, &entry) == 0);
    }
    start = now_ns();
    bytes = carry(from, "anna", to, &cursor);
    ns = now_ns() - start;
    printf("row.changed\t%.1f\t%zu B\n", (double)ns / 1e3, bytes);
}

static void owner_down(inf_registry *registry) {
    uint64_t id = inf_node_id(inf_slice_str("anna"));
    uint64_t start = now_ns();
    inf_registry_down(registry, id, 1);
    uint64_t ns = now_ns() - start;
    INF_ASSERT(inf_registry_count(registry) == 0);
    report("row.down", (double)ns / 1e6);
}

static void ring(void) {
    inf_ring *r = NULL;
    char text[40];
    INF_ASSERT(inf_ring_new(&r, inf_alloc_libc(), 1) == 0);
    for (uint64_t i = 0; i < 1000; i++) {
        INF_ASSERT(inf_ring_add(r, name_of(text, i), INF_RING_WEIGHT) == 0);
    }
    inf_slice node;
    uint64_t count = 1000000;
    uint64_t start = now_ns();
    for (uint64_t i = 0; i < count; i++) {
        memcpy(text, &i, sizeof i);
        INF_ASSERT(inf_ring_key_to_node(r, inf_slice_of(text, 8), &node) == 0);
    }
    uint64_t ns = now_ns() - start;
    report("ring", 1e9 * (double)count / (double)ns);
    inf_ring_free(r);
}

int main(int argc, char **argv) {
    uint64_t rows = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000000;
    counted mine = {{NULL, NULL}, 0};
    counted theirs = {{NULL, NULL}, 0};
    inf_registry *anna = make(&mine, "anna", "berta");
    inf_registry *berta = make(&theirs, "berta", "anna");
    fill(anna, rows);
    look_up(anna, rows);
    transfer(anna, berta, rows);
    report("row.memory", (double)theirs.bytes / (double)rows - NAME_LEN);
    owner_down(berta);
    ring();
    inf_registry_free(anna);
    inf_registry_free(berta);
    return 0;
}
