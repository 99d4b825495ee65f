/* SPDX-License-Identifier: MIT */
/* What a liar can say in well-framed messages: values that are none, and words
   that are not true. The oracle of hostile.h looks after each. */
#include "hostile.h"

#include <stdio.h>

#include "base/rng.h"
#include "core/packet.h"
#include "golden.h"

static hostile h;

static int set_up(void **state) {
    (void)state;
    hostile_begin(&h, false, "");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    hostile_end(&h);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void say_from(uint8_t host, const inf_message *message) {
    inf_buf out;
    inf_buf_init(&out, inf_alloc_libc());
    inf_message_encode(&out, message);
    hostile_hear(&h, host, out.data, out.len);
    inf_buf_deinit(&out);
}

static void say(const inf_message *message) {
    say_from(2, message);
}

static inf_message alive(const char *name, uint8_t host, uint32_t incarnation) {
    static uint8_t ip[8][4];
    static size_t turn;
    uint8_t *room = ip[turn++ % 8];
    memcpy(room, (uint8_t[]){10, 0, 0, host}, 4);
    return (inf_message){.kind = INF_MESSAGE_ALIVE,
                         .node = inf_slice_str(name),
                         .addr = inf_slice_of(room, 4),
                         .port = 7946,
                         .incarnation = incarnation,
                         .meta = inf_slice_of("\xff\x80", 2),
                         .vsn = inf_slice_of("\1\5\2\2\5\5", 6)};
}

static inf_message rumour(inf_message_kind kind, const char *name,
                          const char *from, uint32_t incarnation) {
    return (inf_message){.kind = kind,
                         .node = inf_slice_str(name),
                         .from = inf_slice_str(from),
                         .incarnation = incarnation};
}

static void meet(const char *name, uint8_t host) {
    inf_message word = alive(name, host, 1);
    say(&word);
}

static int state_of(const char *name) {
    inf_member_view view;
    bool known = inf_member_find(h.member, inf_slice_str(name), &view);
    return known ? (int)view.state : -1;
}

static uint32_t incarnation_of(const char *name) {
    inf_member_view view;
    assert_true(inf_member_find(h.member, inf_slice_str(name), &view));
    return view.incarnation;
}

static bool refused(const void *bytes, size_t len) {
    uint64_t before = hostile_bad(&h);
    hostile_hear(&h, 66, bytes, len);
    return hostile_bad(&h) > before;
}

#define REFUSED(bytes) refused((bytes), sizeof(bytes) - 1)

/* ---- values -------------------------------------------------------------- */

static void counts_of_four_billion(void **state) {
    (void)state;
    assert_true(REFUSED("\x00\xdf\xff\xff\xff\xff"));
    assert_true(REFUSED("\x00\x81\xa1x\xdf\xff\xff\xff\xff"));
    assert_true(REFUSED("\x00\x81\xa1x\xdd\xff\xff\xff\xff"));
    assert_true(REFUSED("\x00\x81\xa4Node\xdb\xff\xff\xff\xff"));
    assert_true(REFUSED("\x00\x81\xdb\xff\xff\xff\xff"));
}

static void a_key_that_comes_twice(void **state) {
    (void)state;
    static const char word[] = "\x00\x83\xa5SeqNo\1\xa5SeqNo\2\xa4Node\xc0";
    hostile_hear(&h, 66, word, sizeof word - 1);
}

static void keys_that_are_no_text(void **state) {
    (void)state;
    static const char *const words[] = {"\x0b\x81\1\2", "\x0b\x81\xc3\2",
                                        "\x0b\x81\x91\1\2", "\x0b\x81\xc0\2"};
    static const size_t lengths[] = {4, 4, 5, 4};
    for (size_t i = 0; i < INF_COUNT(words); i++)
        hostile_hear(&h, 66, words[i], lengths[i]);
}

static void values_a_hundred_thousand_deep(void **state) {
    (void)state;
    enum { DEEP = 100000 };
    static uint8_t bytes[DEEP + 8];
    memcpy(bytes, "\x0b\x81\xa1x", 4);
    static const uint8_t kinds[] = {0x91, 0x81};
    for (size_t i = 0; i < INF_COUNT(kinds); i++) {
        memset(bytes + 4, kinds[i], DEEP);
        assert_true(refused(bytes, DEEP + 4));
    }
}

static void extensions_and_timestamps(void **state) {
    (void)state;
    /* fixext 1, 4 (a timestamp), 16; ext 8, 16, 32; cut and whole */
    static const char *const words[] = {"\x0b\x81\xa1x\xd4\5x",
                                        "\x0b\x81\xa1x\xd6\xff\1\2\3\4",
                                        "\x0b\x81\xa1x\xd8\5xxxxxxxxxxxxxxxx",
                                        "\x0b\x81\xa1x\xc7\2\5xx",
                                        "\x0b\x81\xa1x\xc9\xff\xff\xff\xff\5",
                                        "\x0b\x81\xa5SeqNo\xd6\xff\1\2\3\4"};
    static const size_t lengths[] = {7, 10, 22, 9, 10, 14};
    for (size_t i = 0; i < INF_COUNT(words); i++) {
        for (size_t len = 4; len <= lengths[i]; len++)
            hostile_hear(&h, 66, words[i], len);
    }
    assert_true(refused(words[5], lengths[5]));
}

static void a_float_where_a_number_goes(void **state) {
    (void)state;
    assert_true(REFUSED("\x0b\x81\xa5SeqNo\xcb\x3f\xf0\0\0\0\0\0\0"));
    assert_true(REFUSED("\x0b\x81\xa5SeqNo\xca\x3f\x80\0\0"));
}

static void a_number_where_bytes_go(void **state) {
    (void)state;
    assert_true(REFUSED("\x00\x81\xa4Node\7"));
    assert_true(REFUSED("\x02\x81\xa7Payload\7"));
    assert_true(REFUSED("\x04\x81\xa3Vsn\x96\1\5\2\2\5\5"));
}

/* A map of one key with the number in each width, negative ones too. */
static void numbers(uint8_t kind, const char *key) {
    static const uint64_t values[] = {
        0,          1,           0x7fffffff, 0x80000000,
        0xffffffff, 0x100000000, INT64_MAX,  (uint64_t)INT64_MAX + 1,
        UINT64_MAX};
    for (size_t i = 0; i < INF_COUNT(values); i++) {
        for (uint8_t width = 0xcc; width <= 0xd3; width++) {
            uint8_t bytes[40] = {kind, 0x81, (uint8_t)(0xa0 | strlen(key))};
            size_t at = 3 + strlen(key);
            memcpy(bytes + 3, key, strlen(key));
            bytes[at++] = width;
            size_t len = (size_t)1 << (width - 0xcc) % 4;
            for (size_t b = len; b-- > 0;)
                bytes[at++] = (uint8_t)(values[i] >> 8 * b);
            hostile_hear(&h, 66, bytes, at);
            hostile_bytes(&h, hostile_accept(&h, 66), bytes, at);
            hostile_pass_ms(&h, 1);
        }
    }
    hostile_pass_ms(&h, 11000); /* streams that wait for more time out */
}

static void numbers_at_every_edge(void **state) {
    (void)state;
    numbers(INF_MESSAGE_PING, "SeqNo");
    numbers(INF_MESSAGE_INDIRECT, "Port");
    numbers(INF_MESSAGE_PUSH_PULL, "Nodes");
    numbers(INF_MESSAGE_PUSH_PULL, "UserStateLen");
    numbers(INF_MESSAGE_USER, "UserMsgLen");
    numbers(INF_MESSAGE_SUSPECT, "Incarnation");
    assert_int_equal(inf_member_live(h.member), 1);
}

static void ports_from_65536_on(void **state) {
    (void)state;
    assert_true(REFUSED("\x00\x81\xaaSourcePort\xce\0\1\0\0"));
    assert_true(REFUSED("\x01\x81\xa4Port\xce\0\1\0\0"));
    assert_true(REFUSED("\x04\x81\xa4Port\xce\0\1\0\0"));
}

static void all_ways_to_write_text(void **state) {
    (void)state;
    static const char *const heads[] = {"\xa2",         "\xd9\2", "\xda\0\2",
                                        "\xdb\0\0\0\2", "\xc4\2", "\xc5\0\2",
                                        "\xc6\0\0\0\2"};
    static const size_t lengths[] = {1, 2, 3, 5, 2, 3, 5};
    for (size_t i = 0; i < INF_COUNT(heads); i++) {
        uint8_t bytes[32] = {0, 0x81, 0xa4, 'N', 'o', 'd', 'e'};
        uint64_t before = h.said;
        memcpy(bytes + 7, heads[i], lengths[i]);
        memcpy(bytes + 7 + lengths[i], "me", 2);
        hostile_hear(&h, 66, bytes, 9 + lengths[i]);
        assert_true(h.said > before); /* understood, and answered */
    }
}

static void nil_for_every_field(void **state) {
    (void)state;
    static const char *const keys[] = {
        "Node", "SeqNo", "SourceAddr",  "SourcePort", "SourceNode",
        "Nack", "Port",  "Target",      "Payload",    "From",
        "Addr", "Meta",  "Incarnation", "Vsn",        "Nodes",
        "Join", "Buf",   "Algo",        "Error",      "UserStateLen",
        "Name", "State"};
    for (uint8_t kind = 0; kind < 14; kind++) {
        for (size_t i = 0; i < INF_COUNT(keys); i++) {
            uint8_t bytes[32] = {kind, 0x81, (uint8_t)(0xa0 | strlen(keys[i]))};
            memcpy(bytes + 3, keys[i], strlen(keys[i]));
            bytes[3 + strlen(keys[i])] = 0xc0;
            hostile_hear(&h, 66, bytes, 4 + strlen(keys[i]));
        }
    }
    assert_int_equal(inf_member_live(h.member), 1);
}

static void the_byte_c1(void **state) {
    (void)state;
    for (uint8_t kind = 0; kind < 14; kind++) {
        uint8_t bytes[] = {kind, 0xc1, 0xc1, 0xc1};
        hostile_hear(&h, 66, bytes, sizeof bytes);
        uint8_t inside[] = {kind, 0x81, 0xa1, 'x', 0xc1};
        hostile_hear(&h, 66, inside, sizeof inside);
    }
}

/* ---- words about us ------------------------------------------------------ */

static void alive_about_us_at_a_higher_incarnation_is_outbid(void **state) {
    (void)state;
    inf_message word = alive("me", 1, 500);
    say(&word);
    assert_int_equal(incarnation_of("me"), 501);
}

static void alive_about_us_at_the_same_incarnation(void **state) {
    (void)state;
    inf_message word = alive("me", 1, 10);
    word.meta = inf_slice_of("\xff\x81\xa1x\xa1y", 6); /* other tags: a lie */
    say(&word);
    assert_int_equal(incarnation_of("me"), 11);
}

static void alive_about_us_at_the_highest_incarnations(void **state) {
    (void)state;
    static const uint32_t tops[] = {UINT32_MAX, UINT32_MAX - 1, 0xffff0000u};
    for (size_t i = 0; i < INF_COUNT(tops); i++) {
        inf_message word = alive("me", 1, tops[i]);
        word.meta = inf_slice_of("\xff\x81\xa1x\xa1y", 6);
        say(&word);
    }
    assert_int_equal(incarnation_of("me"), 10); /* no room would be left */
}

static void alive_about_us_at_another_address_is_a_conflict(void **state) {
    (void)state;
    inf_message word = alive("me", 9, 500);
    say(&word);
    assert_int_equal(h.told[INF_CHANGE_CONFLICT], 1);
    inf_member_view view;
    assert_true(inf_member_find(h.member, inf_slice_str("me"), &view));
    assert_int_equal(view.addr.ip[3], 1);
}

static void suspect_and_dead_about_us_at_every_incarnation(void **state) {
    (void)state;
    static const inf_message_kind kinds[] = {INF_MESSAGE_SUSPECT,
                                             INF_MESSAGE_DEAD};
    for (size_t i = 0; i < INF_COUNT(kinds); i++) {
        uint32_t now = incarnation_of("me");
        inf_message word = rumour(kinds[i], "me", "b", 0);
        say(&word);
        assert_int_equal(incarnation_of("me"), now); /* old */
        word.incarnation = now;
        say(&word);
        assert_int_equal(incarnation_of("me"), now + 1);
        word.incarnation = now + 2;
        say(&word);
        assert_int_equal(incarnation_of("me"), now + 3);
        word.incarnation = UINT32_MAX;
        say(&word);
        assert_int_equal(incarnation_of("me"), now + 3);
    }
}

static void dead_about_us_in_our_own_name(void **state) {
    (void)state;
    inf_message word = rumour(INF_MESSAGE_DEAD, "me", "me", 10);
    say(&word);
    assert_int_equal(state_of("me"), INF_MEMBER_ALIVE);
    assert_int_equal(incarnation_of("me"), 11);
}

/* ---- words about others -------------------------------------------------- */

static void suspect_and_dead_about_the_unknown(void **state) {
    (void)state;
    inf_message word = rumour(INF_MESSAGE_SUSPECT, "ghost", "b", 7);
    say(&word);
    word.kind = INF_MESSAGE_DEAD;
    say(&word);
    assert_int_equal(state_of("ghost"), -1);
    assert_int_equal(inf_member_stats_of(h.member).suspicions, 0);
}

static void a_leave_said_in_anothers_name(void **state) {
    (void)state;
    meet("b", 2);
    inf_message word = rumour(INF_MESSAGE_DEAD, "b", "b", 1);
    say_from(66, &word); /* memberlist signs nothing: b refutes it */
    assert_int_equal(state_of("b"), INF_MEMBER_LEFT);
    word = alive("b", 2, 2);
    say(&word);
    assert_int_equal(state_of("b"), INF_MEMBER_ALIVE);
}

static void a_suspicion_by_nobody_by_itself_and_by_a_thousand(void **state) {
    (void)state;
    meet("b", 2);
    inf_message word = rumour(INF_MESSAGE_SUSPECT, "b", "", 1);
    say(&word);
    assert_int_equal(state_of("b"), INF_MEMBER_SUSPECT);
    word.from = inf_slice_str("b");
    say(&word);
    for (unsigned i = 0; i < 1000; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "w%u", i);
        word.from = inf_slice_str(name);
        say(&word);
    }
    /* Witnesses by the thousand do not shorten it below its shortest. */
    assert_int_equal(state_of("b"), INF_MEMBER_SUSPECT);
    hostile_pass_ms(&h, 2000);
    assert_int_equal(state_of("b"), INF_MEMBER_SUSPECT);
}

static void an_old_incarnation_said_again(void **state) {
    (void)state;
    inf_message word = alive("b", 2, 9);
    say(&word);
    static const inf_message_kind kinds[] = {INF_MESSAGE_SUSPECT,
                                             INF_MESSAGE_DEAD};
    for (size_t i = 0; i < INF_COUNT(kinds); i++) {
        inf_message old = rumour(kinds[i], "b", "c", 8);
        say(&old);
        assert_int_equal(state_of("b"), INF_MEMBER_ALIVE);
    }
    word = alive("b", 3, 8);
    say(&word);
    assert_int_equal(incarnation_of("b"), 9);
}

static void a_forged_refutation_saves_for_one_suspicion_only(void **state) {
    (void)state;
    meet("b", 2);
    inf_message word = rumour(INF_MESSAGE_SUSPECT, "b", "c", 1);
    say(&word);
    inf_message forged = alive("b", 2, 2);
    say_from(66, &forged);
    assert_int_equal(state_of("b"), INF_MEMBER_ALIVE);
    word.incarnation = 2; /* the next probe fails again */
    say(&word);
    assert_int_equal(state_of("b"), INF_MEMBER_SUSPECT);
}

static void incarnations_that_leave_no_room_for_the_truth(void **state) {
    (void)state;
    meet("b", 2);
    static const inf_message_kind kinds[] = {INF_MESSAGE_SUSPECT,
                                             INF_MESSAGE_DEAD};
    for (size_t i = 0; i < INF_COUNT(kinds); i++) {
        inf_message word = rumour(kinds[i], "b", "c", UINT32_MAX);
        say(&word);
        assert_int_equal(state_of("b"), INF_MEMBER_ALIVE);
    }
    inf_message word = alive("b", 2, UINT32_MAX);
    say(&word);
    assert_int_equal(incarnation_of("b"), 1);
}

/* ---- pings and acks ------------------------------------------------------ */

static void acks_of_numbers_nobody_gave_out(void **state) {
    (void)state;
    meet("b", 2);
    for (uint32_t seq = 0; seq < 2000; seq++) {
        inf_message word = {.kind = INF_MESSAGE_ACK, .seq = seq * 7919};
        say(&word);
        word.kind = INF_MESSAGE_NACK;
        say(&word);
    }
    hostile_pass_ms(&h, 1600);
    assert_int_equal(state_of("b"), INF_MEMBER_SUSPECT); /* none counted */
}

static void indirect_pings_to_where_nobody_should_be_sent(void **state) {
    (void)state;
    meet("b", 2);
    static const char *const targets[] = {"\x0a\0\0\1",       "\0\0\0\0",
                                          "\xff\xff\xff\xff", "\xe0\0\0\1",
                                          "\x0a\0\0\x42",     ""};
    for (size_t i = 0; i < INF_COUNT(targets); i++) {
        inf_message ask = {.kind = INF_MESSAGE_INDIRECT,
                           .node = inf_slice_str("b"),
                           .seq = 7,
                           .target = inf_slice_of(targets[i], i < 5 ? 4 : 0),
                           .port = 7946};
        uint64_t before = h.said;
        say_from(66, &ask);
        assert_int_equal(h.said, before);
        ask.port = 0;
        say_from(66, &ask);
        assert_int_equal(h.said, before);
    }
    static const size_t lengths[] = {0, 3, 5, 15, 17};
    for (size_t i = 0; i < INF_COUNT(lengths); i++) {
        inf_message ask = {.kind = INF_MESSAGE_INDIRECT,
                           .node = inf_slice_str("b"),
                           .seq = 7,
                           .target = inf_slice_of("\x0a\0\0\2\0\0\0\0\0\0\0\0\0"
                                                  "\0\0\0\0",
                                                  lengths[i]),
                           .port = 7946};
        uint64_t before = h.said;
        say_from(66, &ask);
        assert_int_equal(h.said, before);
    }
}

static void a_ping_for_another_name(void **state) {
    (void)state;
    inf_message ping = {
        .kind = INF_MESSAGE_PING, .node = inf_slice_str("you"), .seq = 1};
    uint64_t before = h.said;
    say_from(66, &ping);
    assert_int_equal(h.said, before);
}

static void answers_do_not_go_to_no_address(void **state) {
    (void)state;
    static const char *const sources[] = {"\0\0\0\0", "\xff\xff\xff\xff",
                                          "\xe0\0\0\1"};
    for (size_t i = 0; i < INF_COUNT(sources); i++) {
        inf_message ping = {.kind = INF_MESSAGE_PING,
                            .seq = 1,
                            .source_addr = inf_slice_of(sources[i], 4),
                            .source_port = 7};
        say_from(66, &ping);
        assert_int_equal(h.asked.ip[3], 66); /* where it came from */
    }
}

/* ---- many ---------------------------------------------------------------- */

static void a_flap_storm_stays_small(void **state) {
    (void)state;
    meet("b", 2);
    size_t before = inf_member_live(h.member);
    for (uint32_t i = 2; i < 20000; i++) {
        inf_message word = rumour(INF_MESSAGE_SUSPECT, "b", "c", i - 1);
        say(&word);
        word.kind = INF_MESSAGE_DEAD;
        say(&word);
        word = alive("b", 2, i);
        say(&word);
        if (i % 100 == 0) hostile_pass_ms(&h, 100);
    }
    assert_int_equal(inf_member_live(h.member), before);
    uint64_t said = h.said;
    hostile_pass_ms(&h, 60000); /* news of it dies down, and is no backlog */
    assert_true(h.said - said < 60000);
}

static void a_storm_of_tags_stays_small(void **state) {
    (void)state;
    for (uint32_t i = 1; i < 5000; i++) {
        uint8_t meta[6] = {0xff, 0x81, 0xa1,
                           'x',  0xa1, (uint8_t)('a' + i % 26)};
        inf_message word = alive("b", 2, i);
        word.meta = inf_slice_of(meta, sizeof meta);
        say(&word);
    }
    assert_int_equal(inf_member_live(h.member), 2);
    assert_true(h.told[INF_CHANGE_UPDATE] >= 4800);
}

static void the_same_words_have_the_same_effects(void **state) {
    (void)state;
    static const char *const samples[] = {
        "ping", "suspect", "alive", "compound", "user_event", "indirect_ping"};
    uint64_t sums[2] = {0};
    for (size_t run = 0; run < 2; run++) {
        hostile twin;
        inf_rng rng;
        hostile_begin(&twin, false, "");
        inf_rng_seed(&rng, 42);
        for (unsigned i = 0; i < 3000; i++) {
            inf_slice word = golden(samples[inf_rng_below(&rng, 6)]);
            uint8_t bent[512];
            memcpy(bent, word.data, word.len);
            if (i % 3 != 0) {
                bent[inf_rng_below(&rng, word.len)] ^= (uint8_t)(1u << i % 8);
            }
            hostile_hear(&twin, (uint8_t)(2 + i % 5), bent, word.len);
            if (i % 10 == 0) hostile_pass_ms(&twin, inf_rng_below(&rng, 500));
            sums[run] = sums[run] * 31 + twin.said + twin.written + twin.lines +
                        inf_member_deadline(twin.member);
        }
        hostile_end(&twin);
    }
    assert_int_equal(sums[0], sums[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(counts_of_four_billion),
        TEST(a_key_that_comes_twice),
        TEST(keys_that_are_no_text),
        TEST(values_a_hundred_thousand_deep),
        TEST(extensions_and_timestamps),
        TEST(a_float_where_a_number_goes),
        TEST(a_number_where_bytes_go),
        TEST(numbers_at_every_edge),
        TEST(ports_from_65536_on),
        TEST(all_ways_to_write_text),
        TEST(nil_for_every_field),
        TEST(the_byte_c1),
        TEST(alive_about_us_at_a_higher_incarnation_is_outbid),
        TEST(alive_about_us_at_the_same_incarnation),
        TEST(alive_about_us_at_the_highest_incarnations),
        TEST(alive_about_us_at_another_address_is_a_conflict),
        TEST(suspect_and_dead_about_us_at_every_incarnation),
        TEST(dead_about_us_in_our_own_name),
        TEST(suspect_and_dead_about_the_unknown),
        TEST(a_leave_said_in_anothers_name),
        TEST(a_suspicion_by_nobody_by_itself_and_by_a_thousand),
        TEST(an_old_incarnation_said_again),
        TEST(a_forged_refutation_saves_for_one_suspicion_only),
        TEST(incarnations_that_leave_no_room_for_the_truth),
        TEST(acks_of_numbers_nobody_gave_out),
        TEST(indirect_pings_to_where_nobody_should_be_sent),
        TEST(a_ping_for_another_name),
        TEST(answers_do_not_go_to_no_address),
        TEST(a_flap_storm_stays_small),
        TEST(a_storm_of_tags_stays_small),
        TEST(the_same_words_have_the_same_effects)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
