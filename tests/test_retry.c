/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "core/retry.h"

static void attempts_are_spent_one_by_one(void **state) {
    (void)state;
    inf_retry_policy policy = inf_retry_policy_default();
    inf_retry retry;
    policy.attempts = 3;
    inf_retry_start(&retry, 0);
    for (int i = 0; i < 3; i++) {
        assert_false(inf_retry_spent(&retry, &policy));
        assert_true(inf_retry_spend(&retry, &policy));
    }
    assert_true(inf_retry_spent(&retry, &policy));
    assert_false(inf_retry_spend(&retry, &policy));
    assert_int_equal(retry.attempts, 3);
}

/* Looks until no attempt is left; returns the pauses' sum. */
static uint64_t look_until_spent(const inf_retry_policy *policy,
                                 uint32_t *looks, uint64_t *longest_ms) {
    inf_retry retry;
    uint64_t sum_ms = 0;
    *looks = 0;
    *longest_ms = 0;
    inf_retry_start(&retry, 0);
    while (inf_retry_spend(&retry, policy)) {
        (*looks)++;
        if (inf_retry_spent(&retry, policy)) break;
        uint64_t pause_ms = inf_retry_look_ms(&retry, policy);
        if (pause_ms > *longest_ms) *longest_ms = pause_ms;
        sum_ms += pause_ms;
    }
    assert_int_equal(retry.attempts, policy->attempts);
    return sum_ms;
}

static void
an_unknown_name_is_waited_for_attempts_times_the_poll(void **state) {
    (void)state;
    inf_retry_policy policy = inf_retry_policy_default();
    uint32_t looks = 0;
    uint64_t longest_ms = 0;

    assert_int_equal(look_until_spent(&policy, &looks, &longest_ms), 999);
    assert_true(looks < 100); /* a thousand polls are not a thousand looks */
    assert_true(longest_ms <= 16);

    policy.attempts = 5;
    policy.poll_interval_ms = 200;
    assert_int_equal(look_until_spent(&policy, &looks, &longest_ms), 800);
    assert_int_equal(looks, 5);
    assert_int_equal(longest_ms, 200);
}

static void a_poll_of_nothing_still_ends(void **state) {
    (void)state;
    inf_retry_policy policy = inf_retry_policy_default();
    uint32_t looks = 0;
    uint64_t longest_ms = 0;
    policy.poll_interval_ms = 0;
    policy.attempts = 50;
    assert_int_equal(look_until_spent(&policy, &looks, &longest_ms), 0);
    assert_int_equal(looks, 50);
}

static void pauses_grow_to_the_bound_and_are_jittered(void **state) {
    (void)state;
    inf_retry_policy policy = inf_retry_policy_default();
    inf_rng rng;
    uint64_t largest_ms[12] = {0};
    inf_rng_seed(&rng, 11);
    for (int run = 0; run < 2000; run++) {
        inf_retry retry;
        uint64_t bound_ms = policy.backoff_base_ms;
        inf_retry_start(&retry, 0);
        for (size_t i = 0; i < 12; i++) {
            uint64_t pause_ms = inf_retry_backoff_ms(&retry, &policy, &rng);
            assert_true(pause_ms <= bound_ms);
            if (pause_ms > largest_ms[i]) largest_ms[i] = pause_ms;
            bound_ms = bound_ms * 2 < 1000 ? bound_ms * 2 : 1000;
        }
    }
    assert_int_equal(largest_ms[0], 5);
    assert_int_equal(largest_ms[3], 40);
    assert_in_range(largest_ms[11], 990, 1000);
}

static void the_end_is_the_start_and_the_timeout(void **state) {
    (void)state;
    inf_retry_policy policy = inf_retry_policy_default();
    inf_retry retry;
    inf_retry_start(&retry, 70);
    assert_true(inf_retry_end_ms(&retry, &policy) == INF_NEVER);
    policy.timeout_ms = 30;
    assert_int_equal(inf_retry_end_ms(&retry, &policy), 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attempts_are_spent_one_by_one),
        cmocka_unit_test(an_unknown_name_is_waited_for_attempts_times_the_poll),
        cmocka_unit_test(a_poll_of_nothing_still_ends),
        cmocka_unit_test(pauses_grow_to_the_bound_and_are_jittered),
        cmocka_unit_test(the_end_is_the_start_and_the_timeout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
