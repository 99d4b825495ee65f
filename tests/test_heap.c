/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/heap.h"
#include "base/rng.h"

enum { ITEMS = 1000 };

static void items_come_out_by_deadline_then_by_arrival(void **state) {
    (void)state;
    inf_heap_item items[ITEMS] = {{0}};
    inf_heap heap;
    inf_rng rng;
    inf_rng_seed(&rng, 7);
    inf_heap_init(&heap, inf_alloc_libc());
    for (size_t i = 0; i < ITEMS; i++) {
        uint64_t due_ms = inf_rng_below(&rng, 50);
        assert_int_equal(inf_heap_set(&heap, &items[i], due_ms), 0);
    }
    const inf_heap_item *before = NULL;
    for (size_t i = 0; i < ITEMS; i++) {
        inf_heap_item *first = inf_heap_first(&heap);
        assert_non_null(first);
        if (before != NULL) {
            assert_true(before->due_ms <= first->due_ms);
            assert_true(before->due_ms < first->due_ms || before < first);
        }
        inf_heap_remove(&heap, first);
        before = first;
    }
    assert_true(inf_heap_due_ms(&heap) == INF_NEVER);
    inf_heap_deinit(&heap);
}

static void an_item_can_be_moved_and_taken_out(void **state) {
    (void)state;
    inf_heap_item early = {0}, late = {0}, never = {0};
    inf_heap heap;
    inf_heap_init(&heap, inf_alloc_libc());
    assert_int_equal(inf_heap_set(&heap, &early, 10), 0);
    assert_int_equal(inf_heap_set(&heap, &late, 20), 0);
    assert_int_equal(inf_heap_set(&heap, &never, 5), 0);

    inf_heap_remove(&heap, &never);
    inf_heap_remove(&heap, &never);
    assert_ptr_equal(inf_heap_first(&heap), &early);

    assert_int_equal(inf_heap_set(&heap, &early, 30), 0);
    assert_ptr_equal(inf_heap_first(&heap), &late);
    assert_int_equal(heap.count, 2);
    inf_heap_deinit(&heap);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_out_by_deadline_then_by_arrival),
        cmocka_unit_test(an_item_can_be_moved_and_taken_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
