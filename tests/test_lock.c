/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/def.h"
#include "host/lock.h"

typedef struct turns {
    inf_lock lock;
    unsigned worker; /* which turn it was; the lock is held */
    unsigned count;
} turns;

static int setup(void **state) {
    static turns the;
    the = (turns){.count = 0};
    *state = &the;
    return inf_lock_init(&the.lock);
}

static int teardown(void **state) {
    turns *t = *state;
    inf_lock_deinit(&t->lock);
    return 0;
}

static void work(void *arg) {
    turns *t = arg;
    inf_lock_take(&t->lock);
    t->worker = ++t->count;
    inf_lock_give(&t->lock);
}

/* Until somebody stands at the gate. */
static void wait_for_a_waiter(inf_lock *lock) {
    for (int ms = 0; uv_mutex_trylock(&lock->gate) == 0; ms++) {
        uv_mutex_unlock(&lock->gate);
        assert_true(ms < 10000);
        uv_sleep(1);
    }
}

static void a_worker_that_waits_goes_first(void **state) {
    turns *t = *state;
    for (int i = 0; i < 20; i++) {
        uv_thread_t worker;
        t->count = 0;
        inf_lock_take_last(&t->lock);
        assert_int_equal(uv_thread_create(&worker, work, t), 0);
        wait_for_a_waiter(&t->lock);
        inf_lock_give(&t->lock);
        inf_lock_take_last(&t->lock);
        unsigned own = ++t->count;
        inf_lock_give(&t->lock);
        assert_int_equal(uv_thread_join(&worker), 0);
        assert_int_equal(t->worker, 1);
        assert_int_equal(own, 2);
    }
}

static void who_takes_it_is_alone(void **state) {
    turns *t = *state;
    uv_thread_t workers[4];
    for (size_t i = 0; i < INF_COUNT(workers); i++)
        assert_int_equal(uv_thread_create(&workers[i], work, t), 0);
    for (int i = 0; i < 1000; i++) {
        inf_lock_take_last(&t->lock);
        t->count++;
        inf_lock_give(&t->lock);
    }
    for (size_t i = 0; i < INF_COUNT(workers); i++)
        assert_int_equal(uv_thread_join(&workers[i]), 0);
    assert_int_equal(t->count, 1000 + INF_COUNT(workers));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_worker_that_waits_goes_first),
        TEST(who_takes_it_is_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
