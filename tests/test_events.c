/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "host/events.h"

typedef struct fixture {
    uv_loop_t loop;
    uv_async_t wake;
    unsigned woken;
    inf_events events;
} fixture;

static fixture the;

static void on_wake(uv_async_t *wake) {
    (void)wake;
    the.woken++;
}

static int setup(void **state) {
    (void)state;
    the.woken = 0;
    assert_int_equal(uv_loop_init(&the.loop), 0);
    assert_int_equal(uv_async_init(&the.loop, &the.wake, on_wake), 0);
    return inf_events_init(&the.events, &the.wake, inf_alloc_libc());
}

static int teardown(void **state) {
    (void)state;
    inf_events_deinit(&the.events);
    uv_close((uv_handle_t *)&the.wake, NULL);
    (void)uv_run(&the.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&the.loop);
}

/* Effects as the core makes them. */
static void push(inf_effect_kind kind, uint64_t token) {
    inf_outbox outbox;
    inf_effect effect;
    inf_outbox_init(&outbox, inf_alloc_libc());
    inf_outbox_push(&outbox, &(inf_effect){.kind = kind,
                                           .token = token,
                                           .bytes = inf_slice_str("text")});
    assert_true(inf_outbox_take(&outbox, &effect));
    inf_events_push(&the.events, &effect, 1);
    inf_outbox_deinit(&outbox);
}

/* Takes all; returns how many were of the kind. */
static size_t take(inf_effect_kind kind, size_t *all) {
    inf_effect event;
    size_t found = 0;
    for (*all = 0; inf_events_take(&the.events, &event); (*all)++) {
        found += event.kind == kind;
        inf_effect_deinit(&event);
    }
    return found;
}

static void events_come_in_order_with_one_wake_up(void **state) {
    (void)state;
    inf_effect event;
    for (uint64_t i = 0; i < 100; i++)
        push(INF_EFFECT_DONE, i);
    (void)uv_run(&the.loop, UV_RUN_NOWAIT);
    assert_int_equal(the.woken, 1);
    for (uint64_t i = 0; i < 100; i++) {
        assert_true(inf_events_take(&the.events, &event));
        assert_int_equal(event.token, i);
        assert_true(inf_slice_eq(event.bytes, inf_slice_str("text")));
        inf_effect_deinit(&event);
    }
    assert_false(inf_events_take(&the.events, &event));
    assert_int_equal(inf_events_dropped(&the.events), 0);
}

static void events_taken_one_by_one_stay_in_order_among_new_ones(void **state) {
    (void)state;
    inf_effect event;
    uint64_t next = 0;
    for (uint64_t i = 0; i < 5000; i++) {
        push(INF_EFFECT_DONE, i);
        if (i % 3 != 0) continue;
        assert_true(inf_events_take(&the.events, &event));
        assert_int_equal(event.token, next++);
        inf_effect_deinit(&event);
    }
    while (inf_events_take(&the.events, &event)) {
        assert_int_equal(event.token, next++);
        inf_effect_deinit(&event);
    }
    assert_int_equal(next, 5000);
}

static void nothing_somebody_waits_for_is_dropped(void **state) {
    (void)state;
    size_t all = 0;
    for (size_t i = 0; i < INF_EVENTS_MAX + 50; i++)
        push(INF_EFFECT_ROWS, i);
    push(INF_EFFECT_DONE, 1);
    push(INF_EFFECT_LOST, 2);
    push(INF_EFFECT_MEMBER, 3);
    push(INF_EFFECT_LOG, 4);
    assert_int_equal(take(INF_EFFECT_ROWS, &all), INF_EVENTS_MAX);
    assert_int_equal(all, INF_EVENTS_MAX + 3);
    assert_int_equal(inf_events_dropped(&the.events), 51);
    push(INF_EFFECT_ROWS, 5);
    assert_int_equal(take(INF_EFFECT_ROWS, &all), 1);
    assert_int_equal(inf_events_dropped(&the.events), 0);
}

static void what_is_never_taken_is_freed(void **state) {
    (void)state;
    push(INF_EFFECT_ROWS, 1);
    push(INF_EFFECT_DONE, 2); /* teardown frees them: see the sanitizer */
    (void)uv_run(&the.loop, UV_RUN_NOWAIT);
    assert_int_equal(the.events.queue.count, 2);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(events_come_in_order_with_one_wake_up),
        TEST(events_taken_one_by_one_stay_in_order_among_new_ones),
        TEST(nothing_somebody_waits_for_is_dropped),
        TEST(what_is_never_taken_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
