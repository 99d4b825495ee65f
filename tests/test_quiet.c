/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/quiet.h"

static inf_addr host(uint8_t last, uint16_t port) {
    return (inf_addr){.len = 4, .ip = {10, 0, 0, last}, .port = port};
}

static bool may(inf_quiet *quiet, uint8_t last, int what, uint64_t now_ms) {
    inf_addr addr = host(last, (uint16_t)(now_ms % 60000));
    uint32_t swallowed = 0;
    return inf_quiet_may(quiet, &addr, what, now_ms, &swallowed);
}

static void a_thing_is_said_once_in_a_while_whatever_the_port(void **state) {
    (void)state;
    inf_quiet quiet = {0};
    inf_addr addr = host(1, 1);
    uint32_t swallowed = 7;
    assert_true(inf_quiet_may(&quiet, &addr, -19, 1000, &swallowed));
    assert_int_equal(swallowed, 0);
    assert_false(may(&quiet, 1, -19, 1001));
    assert_false(may(&quiet, 1, -19, 1000 + INF_QUIET_MS - 1));
    assert_true(
        inf_quiet_may(&quiet, &addr, -19, 1000 + INF_QUIET_MS, &swallowed));
    assert_int_equal(swallowed, 2);
}

static void hosts_and_things_count_apart(void **state) {
    (void)state;
    inf_quiet quiet = {0};
    assert_true(may(&quiet, 1, -19, 1000));
    assert_true(may(&quiet, 2, -19, 1000));
    assert_true(may(&quiet, 1, -20, 1000));
    assert_false(may(&quiet, 2, -19, 1000));
}

static void many_hosts_are_bounded_and_have_their_turn_later(void **state) {
    (void)state;
    inf_quiet quiet = {0};
    unsigned said = 0;
    for (uint8_t i = 0; i < 200; i++)
        said += may(&quiet, i, -19, 1000);
    assert_int_equal(said, INF_QUIET_HOSTS);
    assert_true(may(&quiet, 200, -19, 1000 + INF_QUIET_MS));
}

static void time_that_goes_back_silences_nobody_for_ever(void **state) {
    (void)state;
    inf_quiet quiet = {0};
    assert_true(may(&quiet, 1, -19, 1000000));
    assert_true(may(&quiet, 1, -19, 1000));
    assert_false(may(&quiet, 1, -19, 1001));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thing_is_said_once_in_a_while_whatever_the_port),
        cmocka_unit_test(hosts_and_things_count_apart),
        cmocka_unit_test(many_hosts_are_bounded_and_have_their_turn_later),
        cmocka_unit_test(time_that_goes_back_silences_nobody_for_ever)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
