/* SPDX-License-Identifier: MIT */
/* How the dead are tried again. */
#include "lone_member.h"

static void dies(const char *name, uint8_t host) {
    meet(name, host);
    inf_message dead = rumour(INF_MESSAGE_DEAD, name, "judge", 1);
    hear(&dead);
    assert_int_equal(state_of(name), INF_MEMBER_DEAD);
}

/* The try is not answered: the next one comes later and later. */
static void give_up(void) {
    pass_ms(200000);
    take_effects();
    f.dials = 0;
}

static void ping_from(uint8_t host) {
    inf_message ping = {.kind = INF_MESSAGE_PING, .seq = 7};
    hear_from(host, &ping);
    pass_ms(1);
    take_effects();
}

static void the_dead_are_tried_ever_more_rarely(void **state) {
    (void)state;
    dies("berta", 2);
    pass_ms(60000);
    take_effects();
    assert_in_range(f.dials, 2, 5);
    give_up();
    pass_ms(400000);
    take_effects();
    assert_in_range(f.dials, 6, 20);
}

static void one_who_talks_to_us_is_tried_at_once(void **state) {
    (void)state;
    dies("berta", 2);
    give_up();
    ping_from(2);
    assert_int_equal(f.dials, 1);
    assert_true(f.dialled_to.ip[3] == at(2).ip[3]);
    ping_from(2); /* and not for every word */
    assert_int_equal(f.dials, 1);
    ping_from(3); /* nor for a stranger's */
    assert_int_equal(f.dials, 1);
}

static void when_one_is_back_the_others_are_tried_soon(void **state) {
    (void)state;
    dies("berta", 2);
    dies("clara", 3);
    give_up();
    f.dialled_to = at(9);
    inf_message back = alive("berta", 2, 5);
    hear(&back);
    bool tried = false;
    uint32_t interval_ms = f.member->tuning.reconnect_interval_ms;
    for (uint32_t ms = 0; ms < 2 * interval_ms && !tried; ms += 100) {
        pass_ms(100);
        tried = f.dialled_to.ip[3] == at(3).ip[3];
    }
    assert_true(tried);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_dead_are_tried_ever_more_rarely),
        TEST(one_who_talks_to_us_is_tried_at_once),
        TEST(when_one_is_back_the_others_are_tried_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
