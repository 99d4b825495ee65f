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

/* Passes the time until a probe asks by stream as well. */
static uint64_t next_tcp_ping(void) {
    f.dialled = 0;
    while (f.dialled == 0 || f.member->probes[0].stream != f.dialled)
        pass_ms(1);
    return f.dialled;
}

static void an_answer_by_stream_saves_the_target(void **state) {
    (void)state;
    meet("b", 2);
    uint64_t stream = next_tcp_ping();
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
    pass_ms(900); /* the interval is over, the next probe not yet */
    assert_int_equal(state_of("b"), INF_MEMBER_ALIVE);
}

/* ---- what is known of the way ------------------------------------------- */

static inf_member_path path_to(const char *name) {
    inf_member_view view;
    assert_true(inf_member_find(f.member, inf_slice_str(name), &view));
    return view.path;
}

/* Waits for the next ping of b, without an ack till then. */
static uint32_t next_ping(void) {
    f.sent[INF_MESSAGE_PING] = 0;
    while (f.sent[INF_MESSAGE_PING] == 0)
        pass_ms(1);
    return f.last[INF_MESSAGE_PING].seq;
}

static void trips_are_timed_and_smoothed(void **state) {
    (void)state;
    meet("b", 2);
    for (uint64_t i = 1; i <= 40; i++) {
        inf_message ack = {.kind = INF_MESSAGE_ACK, .seq = next_ping()};
        f.now_ms += i <= 20 ? 10 : 30;
        hear_from(2, &ack);
        inf_member_path path = path_to("b");
        assert_int_equal(path.direct, i);
        if (i <= 20) assert_int_equal(path.rtt_us, 10000);
    }
    assert_in_range(path_to("b").rtt_us, 17000, 23000);
    assert_int_equal(path_to("me").direct, 0);
    assert_int_equal(f.lines, 0);
}

static void answers_are_counted_by_their_way(void **state) {
    (void)state;
    meet("b", 2);
    meet("c", 3);
    while (f.sent[INF_MESSAGE_INDIRECT] == 0)
        pass_ms(1);
    bool at_b = f.last_to[INF_MESSAGE_PING].ip[3] == 2;
    inf_message ack = {.kind = INF_MESSAGE_ACK,
                       .seq = f.last[INF_MESSAGE_PING].seq};
    hear_from(at_b ? 3 : 2, &ack); /* the helper passes it on */
    inf_member_path path = path_to(at_b ? "b" : "c");
    assert_int_equal(path.indirect, 1);
    assert_int_equal(path.direct + path.tcp + path.failed + path.rtt_us, 0);
}

static void silence_counts_as_failed_and_a_new_life_from_nothing(void **state) {
    (void)state;
    meet("b", 2);
    while (state_of("b") == INF_MEMBER_ALIVE)
        pass_ms(10);
    assert_int_equal(path_to("b").failed, 1);
    while (state_of("b") != INF_MEMBER_DEAD)
        pass_ms(10);
    inf_message word = alive("b", 2, 2);
    hear(&word);
    assert_int_equal(path_to("b").failed, 0);
}

static void a_way_without_datagrams_is_told_once(void **state) {
    (void)state;
    meet("b", 2);
    for (unsigned i = 1; i <= 5; i++) {
        uint64_t stream = next_tcp_ping();
        inf_buf out;
        inf_buf_init(&out, inf_alloc_libc());
        inf_message_encode(&out,
                           &(inf_message){.kind = INF_MESSAGE_ACK,
                                          .seq = f.last[INF_MESSAGE_PING].seq});
        inf_member_connected(f.member, stream, f.now_ms);
        inf_member_bytes(f.member, stream, inf_buf_view(&out), f.now_ms);
        inf_buf_deinit(&out);
        take_effects();
        assert_int_equal(path_to("b").tcp, i);
    }
    assert_int_equal(f.lines, 1);
    assert_non_null(strstr(f.line, "b at 10.0.0.2:7946 answers by TCP"));
    assert_non_null(strstr(f.line, "its datagrams come, ours seem lost"));
}

static void datagrams_from_elsewhere_are_told_of_once(void **state) {
    (void)state;
    meet("b", 2);
    inf_message ping = {.kind = INF_MESSAGE_PING,
                        .source_node = inf_slice_str("b"),
                        .source_addr = inf_slice_of("\x0a\0\0\2", 4),
                        .source_port = 7946};
    hear_from(2, &ping);
    assert_int_equal(f.lines, 0);
    for (unsigned i = 0; i < 5; i++)
        hear_from(99, &ping);
    assert_int_equal(f.lines, 1);
    assert_string_equal(f.line, "b says it is at 10.0.0.2:7946, its datagrams "
                                "come from 10.0.0.99:7946");
    ping.source_node = inf_slice_str("stranger");
    hear_from(98, &ping);
    assert_int_equal(f.lines, 1);
}

/* ---- death --------------------------------------------------------------- */

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

static void who_was_only_silent_once_still_dies_at_once(void **state) {
    (void)state;
    meet("b", 2);
    inf_message word = rumour(INF_MESSAGE_DEAD, "b", "c", 1);
    hear(&word);
    assert_int_equal(state_of("b"), INF_MEMBER_DEAD);
    word = alive("b", 2, 2);
    hear(&word);
    assert_int_equal(state_of("b"), INF_MEMBER_ALIVE);
    inf_member_suspicious(f.member, inf_slice_str("b"), INF_ECLOSED, f.now_ms);
    take_effects();
    inf_member_closed(f.member, f.dialled, INF_EUNREACHABLE, f.now_ms);
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
        TEST(trips_are_timed_and_smoothed),
        TEST(answers_are_counted_by_their_way),
        TEST(silence_counts_as_failed_and_a_new_life_from_nothing),
        TEST(a_way_without_datagrams_is_told_once),
        TEST(datagrams_from_elsewhere_are_told_of_once),
        TEST(a_refused_connection_confirms_a_death),
        TEST(who_was_only_silent_once_still_dies_at_once),
        TEST(a_firewall_does_not_kill_twice)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
