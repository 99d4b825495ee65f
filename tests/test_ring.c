/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/rng.h"
#include "core/ring.h"

enum { KEYS = 20000 };

static int setup(void **state) {
    inf_ring *ring = NULL;
    if (inf_ring_new(&ring, inf_alloc_libc(), 42) != 0) return -1;
    *state = ring;
    return 0;
}

static int teardown(void **state) {
    inf_ring_free(*state);
    return 0;
}

static inf_slice number(char text[24], const char *prefix, size_t n) {
    (void)snprintf(text, 24, "%s%zu", prefix, n);
    return inf_slice_str(text);
}

static void add(inf_ring *ring, size_t from, size_t to, uint32_t weight) {
    char text[24];
    for (size_t i = from; i < to; i++) {
        assert_int_equal(inf_ring_add(ring, number(text, "node", i), weight),
                         0);
    }
}

/* Which of node0 .. node999 owns each key. */
static void record_owners(const inf_ring *ring, int *owners) {
    char text[24];
    for (size_t i = 0; i < KEYS; i++) {
        inf_slice node;
        assert_int_equal(
            inf_ring_key_to_node(ring, number(text, "key", i), &node), 0);
        char name[24];
        (void)snprintf(name, sizeof name, "%.*s", (int)node.len,
                       (const char *)node.data);
        owners[i] = atoi(name + 4);
    }
}

static int before[KEYS];
static int after[KEYS];

static void an_empty_ring_owns_nothing(void **state) {
    inf_slice node;
    inf_slice three[3];
    double least = 1;
    double most = 1;
    assert_int_equal(inf_ring_key_to_node(*state, inf_slice_str("k"), &node),
                     INF_ENOENT);
    assert_int_equal(
        inf_ring_key_to_nodes(*state, inf_slice_str("k"), three, 3), 0);
    inf_ring_spread(*state, &least, &most);
    assert_true(least == 0 && most == 0);
    assert_int_equal(inf_ring_remove(*state, inf_slice_str("k")), INF_ENOENT);
}

static void the_ring_is_a_function_of_the_set_alone(void **state) {
    inf_ring *ring = *state;
    add(ring, 0, 20, 64);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        inf_ring *other = NULL;
        inf_rng rng;
        inf_rng_seed(&rng, seed);
        assert_int_equal(inf_ring_new(&other, inf_alloc_libc(), 42), 0);
        char text[24];
        for (int step = 0; step < 100; step++) {
            size_t n = (size_t)inf_rng_below(&rng, 25);
            if (inf_rng_below(&rng, 2) == 0) {
                (void)inf_ring_remove(other, number(text, "node", n));
            } else {
                uint32_t weight = (uint32_t)inf_rng_below(&rng, 90);
                assert_int_equal(
                    inf_ring_add(other, number(text, "node", n), weight), 0);
            }
        }
        add(other, 0, 20, 64);
        for (size_t n = 20; n < 25; n++)
            (void)inf_ring_remove(other, number(text, "node", n));
        assert_int_equal(inf_ring_id(ring), inf_ring_id(other));
        record_owners(ring, before);
        record_owners(other, after);
        assert_memory_equal(before, after, sizeof before);
        inf_ring_free(other);
    }
}

static void a_new_node_takes_its_share_and_only_for_itself(void **state) {
    inf_ring *ring = *state; /* four nodes, then a fifth */
    add(ring, 0, 4, 512);
    record_owners(ring, before);

    add(ring, 4, 5, 512);

    record_owners(ring, after);
    int moved = 0;
    for (size_t i = 0; i < KEYS; i++) {
        assert_true(after[i] == before[i] || after[i] == 4);
        moved += after[i] != before[i];
    }
    assert_in_range(moved, KEYS / 5 * 80 / 100, KEYS / 5 * 120 / 100);
}

static void a_removed_nodes_keys_go_to_others_and_no_other_moves(void **state) {
    inf_ring *ring = *state;
    add(ring, 0, 5, 128);
    record_owners(ring, before);
    assert_int_equal(inf_ring_remove(ring, inf_slice_str("node2")), 0);
    record_owners(ring, after);
    for (size_t i = 0; i < KEYS; i++) {
        if (before[i] != 2) assert_int_equal(after[i], before[i]);
        assert_int_not_equal(after[i], 2);
    }
}

static void weights_are_kept_to_and_can_be_changed(void **state) {
    inf_ring *ring = *state;
    add(ring, 0, 3, 300);
    assert_int_equal(inf_ring_add(ring, inf_slice_str("node1"), 600), 0);
    record_owners(ring, before);
    int mine = 0;
    for (size_t i = 0; i < KEYS; i++)
        mine += before[i] == 1;
    assert_in_range(mine, KEYS * 44 / 100, KEYS * 56 / 100);
    size_t at = 0;
    inf_slice node;
    uint32_t weight;
    while (inf_ring_next(ring, &at, &node, &weight)) {
        bool changed = inf_slice_eq(node, inf_slice_str("node1"));
        assert_int_equal(weight, changed ? 600 : 300);
    }
    assert_int_equal(inf_ring_count(ring), 3);
}

static void a_draining_node_is_known_and_owns_nothing(void **state) {
    inf_ring *ring = *state;
    add(ring, 0, 3, 128);
    uint64_t id = inf_ring_id(ring);
    assert_int_equal(inf_ring_add(ring, inf_slice_str("node1"), 0), 0);
    assert_int_equal(inf_ring_count(ring), 3);
    assert_int_not_equal(inf_ring_id(ring), id);
    record_owners(ring, before);
    for (size_t i = 0; i < KEYS; i++)
        assert_int_not_equal(before[i], 1);
    inf_slice nodes[3];
    assert_int_equal(inf_ring_key_to_nodes(ring, inf_slice_str("k"), nodes, 3),
                     2);
}

static void key_to_nodes_gives_different_ones_and_wraps(void **state) {
    inf_ring *ring = *state;
    add(ring, 0, 5, 1); /* few points: most walks pass the end */
    char text[24];
    for (size_t i = 0; i < KEYS; i++) {
        inf_slice nodes[7];
        inf_slice key = number(text, "key", i);
        inf_slice first;
        assert_int_equal(inf_ring_key_to_nodes(ring, key, nodes, 7), 5);
        assert_int_equal(inf_ring_key_to_nodes(ring, key, nodes, 3), 3);
        assert_int_equal(inf_ring_key_to_node(ring, key, &first), 0);
        assert_true(inf_slice_eq(first, nodes[0]));
        assert_false(inf_slice_eq(nodes[0], nodes[1]));
        assert_false(inf_slice_eq(nodes[0], nodes[2]));
        assert_false(inf_slice_eq(nodes[1], nodes[2]));
    }
}

static void the_spread_is_even(void **state) {
    inf_ring *ring = *state;
    double least;
    double most;
    add(ring, 0, 1, 1);
    inf_ring_spread(ring, &least, &most);
    assert_true(least == 1 && most == 1);
    add(ring, 0, 10, 512);
    inf_ring_spread(ring, &least, &most);
    assert_true(least > 0.88 && least < 1);
    assert_true(most < 1.12 && most > 1);
}

static void names_that_run_together_are_different_nodes(void **state) {
    inf_ring *ring = *state;
    assert_int_equal(inf_ring_add(ring, inf_slice_str("a"), 8), 0);
    assert_int_equal(inf_ring_add(ring, inf_slice_of("a\0\0\0\0", 5), 8), 0);
    double least;
    double most;
    inf_ring_spread(ring, &least, &most);
    assert_true(least > 0);
    assert_int_equal(inf_ring_count(ring), 2);
}

static void what_cannot_be_is_refused(void **state) {
    inf_ring *ring = *state;
    char name[256];
    memset(name, 'x', sizeof name);
    assert_int_equal(inf_ring_add(ring, inf_slice_of(name, 0), 1), INF_ENAME);
    assert_int_equal(inf_ring_add(ring, inf_slice_of(name, 256), 1), INF_ENAME);
    assert_int_equal(
        inf_ring_add(ring, inf_slice_of(name, 255), INF_RING_WEIGHT_MAX + 1),
        INF_EINVAL);
    assert_int_equal(inf_ring_count(ring), 0);
    assert_int_equal(inf_ring_add(ring, inf_slice_of(name, 255), 1), 0);
}

typedef struct scarce {
    uint64_t left;
} scarce;

static void *scarce_resize(void *ctx, void *block, size_t size) {
    scarce *s = ctx;
    if (size == 0) {
        free(block);
        return NULL;
    }
    if (s->left == 0) return NULL;
    s->left--;
    return realloc(block, size);
}

static void refused_memory_changes_nothing(void **state) {
    (void)state;
    scarce source = {UINT64_MAX};
    inf_alloc mem = {scarce_resize, &source};
    inf_ring *ring = NULL;
    assert_int_equal(inf_ring_new(&ring, &mem, 42), 0);
    add(ring, 0, 8, 16);
    uint64_t id = inf_ring_id(ring);
    record_owners(ring, before);
    for (uint64_t left = 0; left < 4; left++) {
        source.left = left;
        assert_int_equal(inf_ring_add(ring, inf_slice_str("node8"), 16),
                         INF_ENOMEM);
        source.left = left < 2 ? left : 0;
        assert_int_equal(inf_ring_remove(ring, inf_slice_str("node7")),
                         INF_ENOMEM);
        assert_int_equal(inf_ring_id(ring), id);
        record_owners(ring, after);
        assert_memory_equal(before, after, sizeof before);
    }
    source.left = UINT64_MAX;
    add(ring, 8, 9, 16);
    assert_int_equal(inf_ring_count(ring), 9);
    inf_ring_free(ring);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(an_empty_ring_owns_nothing),
        T(the_ring_is_a_function_of_the_set_alone),
        T(a_new_node_takes_its_share_and_only_for_itself),
        T(a_removed_nodes_keys_go_to_others_and_no_other_moves),
        T(weights_are_kept_to_and_can_be_changed),
        T(a_draining_node_is_known_and_owns_nothing),
        T(key_to_nodes_gives_different_ones_and_wraps),
        T(the_spread_is_even),
        T(names_that_run_together_are_different_nodes),
        T(what_cannot_be_is_refused),
        T(refused_memory_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
