/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdlib.h>

#include "base/rng.h"
#include "base/wheel.h"

enum { ITEMS = 2000 };

/* A little before all four rings turn over at once. */
static const uint64_t start_ms = (UINT64_C(7) << 32) - 1000;

static void advance_by_wakes(inf_wheel *wheel, uint64_t to_ms) {
    for (;;) {
        uint64_t wake_ms = inf_wheel_wake_ms(wheel);
        if (wake_ms > to_ms) break;
        inf_wheel_advance(wheel, wake_ms);
        if (inf_wheel_wake_ms(wheel) == wake_ms) break; /* something is due */
    }
}

static void items_come_out_by_deadline_then_by_arrival(void **state) {
    (void)state;
    static inf_wheel_item items[ITEMS];
    static const uint64_t spans[] = {3, 300, 70000, 20000000,
                                     UINT64_C(1) << 34};
    inf_wheel wheel;
    inf_rng rng;
    inf_rng_seed(&rng, 11);
    inf_wheel_init(&wheel, start_ms);
    for (size_t i = 0; i < ITEMS; i++) {
        uint64_t span_ms = spans[inf_rng_below(&rng, INF_COUNT(spans))];
        items[i] = (inf_wheel_item){0};
        inf_wheel_set(&wheel, &items[i],
                      start_ms + inf_rng_below(&rng, span_ms));
    }
    const inf_wheel_item *before = NULL;
    for (size_t taken = 0; taken < ITEMS;) {
        uint64_t wake_ms = inf_wheel_wake_ms(&wheel);
        assert_true(wake_ms != INF_NEVER);
        inf_wheel_advance(&wheel, wake_ms);
        for (;;) {
            const inf_wheel_item *item = inf_wheel_take(&wheel);
            if (item == NULL) break;
            assert_true(item->due_ms == wake_ms);
            if (before != NULL && before->due_ms == item->due_ms) {
                assert_true(before < item);
            }
            before = item;
            taken++;
        }
    }
    assert_int_equal(wheel.count, 0);
    assert_true(inf_wheel_wake_ms(&wheel) == INF_NEVER);
}

static void a_leap_over_many_deadlines_keeps_their_order(void **state) {
    (void)state;
    inf_wheel_item late = {0}, early = {0}, later = {0};
    inf_wheel wheel;
    inf_wheel_init(&wheel, 0);
    inf_wheel_set(&wheel, &late, 70000);
    inf_wheel_set(&wheel, &early, 20);
    inf_wheel_set(&wheel, &later, 100000);
    inf_wheel_advance(&wheel, 80000);
    assert_ptr_equal(inf_wheel_take(&wheel), &early);
    assert_ptr_equal(inf_wheel_take(&wheel), &late);
    assert_null(inf_wheel_take(&wheel));
    assert_true(inf_wheel_waits(&later));
}

static void an_item_set_far_ahead_precedes_one_set_later(void **state) {
    (void)state;
    inf_wheel_item first = {0}, second = {0};
    inf_wheel wheel;
    inf_wheel_init(&wheel, 0);
    inf_wheel_set(&wheel, &first, 1000);
    inf_wheel_advance(&wheel, 999);
    inf_wheel_set(&wheel, &second, 1000);
    inf_wheel_advance(&wheel, 1000);
    assert_ptr_equal(inf_wheel_take(&wheel), &first);
    assert_ptr_equal(inf_wheel_take(&wheel), &second);
}

static void a_removed_item_never_comes_out(void **state) {
    (void)state;
    inf_wheel_item waits = {0}, due = {0}, stays = {0};
    inf_wheel wheel;
    inf_wheel_init(&wheel, 0);
    inf_wheel_set(&wheel, &waits, 500);
    inf_wheel_set(&wheel, &due, 5);
    inf_wheel_set(&wheel, &stays, 5);
    inf_wheel_advance(&wheel, 5);
    assert_true(inf_wheel_remove(&wheel, &due)); /* found due, not taken */
    assert_true(inf_wheel_remove(&wheel, &waits));
    assert_false(inf_wheel_remove(&wheel, &waits));
    assert_ptr_equal(inf_wheel_take(&wheel), &stays);
    inf_wheel_advance(&wheel, 1000);
    assert_null(inf_wheel_take(&wheel));
    assert_int_equal(wheel.count, 0);
}

static void an_item_can_be_moved_either_way(void **state) {
    (void)state;
    inf_wheel_item item = {0};
    inf_wheel wheel;
    inf_wheel_init(&wheel, 100);
    inf_wheel_set(&wheel, &item, 200);
    inf_wheel_set(&wheel, &item, 100000);
    assert_int_equal(wheel.count, 1);
    inf_wheel_advance(&wheel, 300);
    assert_null(inf_wheel_take(&wheel));
    inf_wheel_set(&wheel, &item, 301);
    inf_wheel_advance(&wheel, 301);
    assert_ptr_equal(inf_wheel_take(&wheel), &item);
    assert_false(inf_wheel_waits(&item));
}

static void a_past_deadline_is_due_at_the_next_advance(void **state) {
    (void)state;
    inf_wheel_item past = {0}, now = {0};
    inf_wheel wheel;
    inf_wheel_init(&wheel, 1000);
    inf_wheel_set(&wheel, &past, 1);
    inf_wheel_advance(&wheel, 1000);
    inf_wheel_set(&wheel, &now, 1000);
    assert_ptr_equal(inf_wheel_take(&wheel), &past);
    assert_null(inf_wheel_take(&wheel)); /* `now` waits for its own advance */
    assert_true(inf_wheel_wake_ms(&wheel) == 1000);
    inf_wheel_advance(&wheel, 900); /* time stands still */
    inf_wheel_advance(&wheel, 1000);
    assert_ptr_equal(inf_wheel_take(&wheel), &now);
}

static void waking_is_never_late_and_seldom_early(void **state) {
    (void)state;
    inf_wheel_item item = {0};
    inf_wheel wheel;
    inf_wheel_init(&wheel, 12345);
    assert_true(inf_wheel_wake_ms(&wheel) == INF_NEVER);
    inf_wheel_set(&wheel, &item, 12345 + 50000000);
    unsigned wakes = 0;
    while (inf_wheel_wake_ms(&wheel) < item.due_ms) {
        inf_wheel_advance(&wheel, inf_wheel_wake_ms(&wheel));
        wakes++;
    }
    assert_true(wakes < INF_WHEEL_RINGS);
    advance_by_wakes(&wheel, item.due_ms);
    assert_ptr_equal(inf_wheel_take(&wheel), &item);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_out_by_deadline_then_by_arrival),
        cmocka_unit_test(a_leap_over_many_deadlines_keeps_their_order),
        cmocka_unit_test(an_item_set_far_ahead_precedes_one_set_later),
        cmocka_unit_test(a_removed_item_never_comes_out),
        cmocka_unit_test(an_item_can_be_moved_either_way),
        cmocka_unit_test(a_past_deadline_is_due_at_the_next_advance),
        cmocka_unit_test(waking_is_never_late_and_seldom_early),
    };
    return cmocka_run_group_tests_name("wheel", tests, NULL, NULL);
}
