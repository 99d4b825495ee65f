/* SPDX-License-Identifier: MIT */
/* Pings and their answers. */
#include "lone_member.h"

/* ---- pings --------------------------------------------------------------- */

static void a_ping_is_answered_where_it_asks(void **state) {
    (void)state;
    inf_message ping = {
        .kind = INF_MESSAGE_PING, .node = inf_slice_str("me"), .seq = 7};
    hear_from(2, &ping);
    assert_int_equal(f.sent[INF_MESSAGE_ACK], 1);
    assert_int_equal(f.last[INF_MESSAGE_ACK].seq, 7);
    assert_int_equal(f.last_to[INF_MESSAGE_ACK].ip[3], 2);
    ping.source_addr = inf_slice_of("\x0a\0\0\x08", 4);
    ping.source_port = 99;
    hear_from(2, &ping);
    assert_int_equal(f.last_to[INF_MESSAGE_ACK].ip[3], 8);
    assert_int_equal(f.last_to[INF_MESSAGE_ACK].port, 99);
    ping.node = (inf_slice){NULL, 0}; /* for anyone */
    hear_from(2, &ping);
    assert_int_equal(f.sent[INF_MESSAGE_ACK], 3);
    ping.node = inf_slice_str("somebody");
    hear_from(2, &ping);
    assert_int_equal(f.sent[INF_MESSAGE_ACK], 3);
}

static void strangers_get_no_more_than_an_ack(void **state) {
    (void)state;
    meet("b", 2);
    meet("c", 3);
    inf_message ping = {.kind = INF_MESSAGE_PING, .seq = 7};
    unsigned before = f.sent[INF_MESSAGE_ALIVE];
    for (uint8_t host = 100; host < 200; host++)
        hear_from(host, &ping);
    assert_int_equal(f.sent[INF_MESSAGE_ACK], 100);
    assert_int_equal(f.sent[INF_MESSAGE_ALIVE], before);
}

static inf_message ask(const char *target, size_t len, uint16_t port) {
    return (inf_message){.kind = INF_MESSAGE_INDIRECT,
                         .node = inf_slice_str("c"),
                         .seq = 70,
                         .nack = true,
                         .target = inf_slice_of(target, len),
                         .port = port};
}

static void a_helper_relays_the_ack_or_says_no_in_time(void **state) {
    (void)state;
    meet("b", 2);
    meet("c", 3);
    inf_message word = ask("\x0a\0\0\3", 4, 7946);
    hear(&word);
    assert_int_equal(f.sent[INF_MESSAGE_PING], 1);
    assert_int_equal(f.last_to[INF_MESSAGE_PING].ip[3], 3);
    inf_message ack = {.kind = INF_MESSAGE_ACK,
                       .seq = f.last[INF_MESSAGE_PING].seq};
    hear_from(9, &ack); /* not the one that was asked */
    assert_int_equal(f.sent[INF_MESSAGE_ACK], 0);
    hear_from(3, &ack);
    assert_int_equal(f.sent[INF_MESSAGE_ACK], 1);
    assert_int_equal(f.last[INF_MESSAGE_ACK].seq, 70);
    hear_from(3, &ack); /* twice is once */
    assert_int_equal(f.sent[INF_MESSAGE_ACK], 1);
    hear(&word);
    pass_ms(390);
    assert_int_equal(f.sent[INF_MESSAGE_NACK], 0);
    pass_ms(20); /* 0.8 of what the prober has left */
    assert_int_equal(f.sent[INF_MESSAGE_NACK], 1);
    assert_int_equal(f.last[INF_MESSAGE_NACK].seq, 70);
}

static void a_helper_pings_members_and_nobody_else(void **state) {
    (void)state;
    meet("b", 2);
    static const struct {
        const char *target;
        size_t len;
        uint16_t port;
    } bad[] = {{"\0\0\0\0", 4, 7946},   {"\xff\xff\xff\xff", 4, 7946},
               {"\xe0\0\0\1", 4, 7946}, {"\x0a\0\0\x63", 4, 7946},
               {"\x0a\0\0\2", 4, 0},    {"", 0, 7946},
               {"\x0a\0\0", 3, 7946},   {"\x0a\0\0\2\0", 5, 7946}};
    for (size_t i = 0; i < INF_COUNT(bad); i++) {
        inf_message word = ask(bad[i].target, bad[i].len, bad[i].port);
        hear(&word);
    }
    assert_int_equal(f.sent[INF_MESSAGE_PING], 0);
    assert_true(f.sent[INF_MESSAGE_NACK] > 0);
}

static void an_ack_counts_only_from_who_was_asked(void **state) {
    (void)state;
    meet("b", 2);
    while (f.sent[INF_MESSAGE_PING] == 0)
        pass_ms(10);
    inf_message ack = {.kind = INF_MESSAGE_ACK,
                       .seq = f.last[INF_MESSAGE_PING].seq};
    hear_from(9, &ack);
    assert_true(f.member->probes[0].target != NULL);
    hear_from(2, &ack);
    assert_true(f.member->probes[0].target == NULL);
    inf_message nack = {.kind = INF_MESSAGE_NACK, .seq = 12345};
    hear_from(2, &ack);
    hear_from(2, &nack);
}

static void silence_is_suspected_after_the_interval(void **state) {
    (void)state;
    meet("b", 2);
    meet("c", 3);
    while (f.sent[INF_MESSAGE_PING] == 0)
        pass_ms(1);
    const char *target = f.last_to[INF_MESSAGE_PING].ip[3] == 2 ? "b" : "c";
    pass_ms(499);
    assert_int_equal(f.sent[INF_MESSAGE_INDIRECT], 0);
    pass_ms(2);
    assert_int_equal(f.sent[INF_MESSAGE_INDIRECT], 1);
    assert_true(f.dials > 0);
    pass_ms(490);
    assert_int_equal(state_of(target), INF_MEMBER_ALIVE);
    pass_ms(15);
    assert_int_equal(state_of(target), INF_MEMBER_SUSPECT);
}

static void an_answer_by_stream_saves_the_target(void **state) {
    (void)state;
    meet("b", 2);
    while (f.dials == 0)
        pass_ms(10);
    uint64_t stream = f.dialled;
    inf_member_connected(f.member, stream, f.now_ms);
    take_effects();
    assert_true(f.written > 0);
    inf_buf out;
    inf_buf_init(&out, inf_alloc_libc());
    inf_message_encode(&out,
                       &(inf_message){.kind = INF_MESSAGE_ACK,
                                      .seq = f.last[INF_MESSAGE_PING].seq});
    inf_member_bytes(f.member, stream, inf_buf_view(&out), f.now_ms);
    inf_buf_deinit(&out);
    pass_ms(400);
    assert_int_equal(state_of("b"), INF_MEMBER_ALIVE);
}

static void a_refused_connection_confirms_a_death(void **state) {
    (void)state;
    meet("b", 2);
    meet("c", 3);
    inf_message word = alive("c", 3, 2);
    hear_from(2, &word); /* b itself was heard */
    inf_member_suspicious(f.member, inf_slice_str("b"), INF_ECLOSED, f.now_ms);
    take_effects();
    assert_int_equal(f.dialled_to.ip[3], 2);
    inf_member_closed(f.member, f.dialled, INF_EUNREACHABLE, f.now_ms);
    take_effects();
    assert_int_equal(state_of("b"), INF_MEMBER_ALIVE);
    pass_ms(60);
    assert_int_equal(state_of("b"), INF_MEMBER_DEAD);
}

static void a_firewall_does_not_kill_twice(void **state) {
    (void)state;
    meet("b", 2);
    for (uint32_t life = 2; life < 4; life++) {
        inf_member_suspicious(f.member, inf_slice_str("b"), INF_ECLOSED,
                              f.now_ms);
        take_effects();
        inf_member_closed(f.member, f.dialled, INF_EUNREACHABLE, f.now_ms);
        pass_ms(60);
        assert_int_equal(state_of("b"),
                         life == 2 ? INF_MEMBER_DEAD : INF_MEMBER_ALIVE);
        inf_message word = alive("b", 2, life);
        hear(&word);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_ping_is_answered_where_it_asks),
        TEST(strangers_get_no_more_than_an_ack),
        TEST(a_helper_relays_the_ack_or_says_no_in_time),
        TEST(a_helper_pings_members_and_nobody_else),
        TEST(an_ack_counts_only_from_who_was_asked),
        TEST(silence_is_suspected_after_the_interval),
        TEST(an_answer_by_stream_saves_the_target),
        TEST(a_refused_connection_confirms_a_death),
        TEST(a_firewall_does_not_kill_twice)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
