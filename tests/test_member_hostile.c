/* SPDX-License-Identifier: MIT */
/* What liars send to one member. */
#include "lone_member.h"

#include <stdio.h>

/* ---- hostile fields ------------------------------------------------------ */

static void an_alive_that_makes_no_sense_is_dropped(void **state) {
    (void)state;
    static const uint8_t odd[17] = {224, 0, 0, 1};
    static const uint8_t big[INF_META_MAX + 1] = {0xff, 0x80};
    const inf_message good = alive("b", 2, 1);
    inf_message bad[16];
    size_t count = 0;
    static const size_t lengths[] = {0, 3, 5, 15, 17};
    for (size_t i = 0; i < INF_COUNT(lengths); i++) {
        bad[count] = good;
        bad[count++].addr.len = lengths[i];
        bad[count - 1].addr.data = odd;
    }
    bad[count] = good;
    bad[count++].addr = inf_slice_of(odd, 4); /* multicast */
    bad[count] = good;
    bad[count++].addr = inf_slice_of("\0\0\0\0", 4);
    bad[count] = good;
    bad[count++].addr = inf_slice_of("\xff\xff\xff\xff", 4);
    bad[count] = good;
    bad[count++].port = 0;
    bad[count] = good;
    bad[count++].meta = inf_slice_of(big, sizeof big);
    bad[count] = good;
    bad[count++].vsn.len = 5;
    bad[count] = good;
    bad[count++].vsn = inf_slice_of("\0\5\2\2\5\5", 6);
    bad[count] = good;
    bad[count++].vsn = inf_slice_of("\5\1\2\2\5\5", 6);
    for (size_t i = 0; i < count; i++)
        hear(&bad[i]);
    assert_int_equal(state_of("b"), -1);
    static const char *const names[] = {"", "a b", "a\x1b[2J", "\x7f",
                                        "caf\xe9"};
    for (size_t i = 0; i < INF_COUNT(names); i++) {
        inf_message word = good;
        word.node = inf_slice_str(names[i]);
        hear(&word);
    }
    char long_name[INF_NODE_NAME_MAX + 2];
    memset(long_name, 'x', sizeof long_name);
    inf_message word = good;
    word.node = inf_slice_of(long_name, sizeof long_name - 1);
    hear(&word);
    word.node = inf_slice_of("a\0b", 3);
    hear(&word);
    assert_int_equal(inf_member_live(f.member), 1);
}

static void a_mapped_address_is_the_same_host(void **state) {
    (void)state;
    meet("b", 2);
    inf_message word = alive("b", 2, 2);
    word.addr = inf_slice_of("\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\2", 16);
    hear(&word);
    assert_int_equal(incarnation_of("b"), 2);
    assert_int_equal(f.told[INF_CHANGE_CONFLICT], 0);
}

static void a_flood_of_names_ends_at_the_limit(void **state) {
    (void)state;
    for (uint32_t i = 0; i < INF_RECORDS_MAX + 500; i++) {
        char name[16];
        uint8_t ip[4] = {11, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
        (void)snprintf(name, sizeof name, "x%u", (unsigned)i);
        inf_message word = alive(name, 2, 1);
        word.addr = inf_slice_of(ip, 4);
        inf_buf out;
        inf_addr from = at(2);
        inf_buf_init(&out, inf_alloc_libc());
        inf_message_encode(&out, &word);
        inf_member_packet(f.member, &from, inf_buf_view(&out), f.now_ms);
        inf_buf_deinit(&out);
        inf_outbox_deinit(&f.outbox);
        inf_member_change change;
        while (inf_member_take_change(f.member, &change)) {
        }
    }
    assert_int_equal(inf_member_live(f.member), INF_RECORDS_MAX);
}

/* ---- streams ------------------------------------------------------------- */

static void anybody_may_ask_for_the_list(void **state) {
    (void)state;
    meet("b", 2);
    uint64_t stream = accept_stream();
    inf_member_bytes(f.member, stream, inf_slice_of("\x06\x80", 2), f.now_ms);
    take_effects();
    assert_true(f.written > 50);
}

static void streams_are_bounded_and_time_out(void **state) {
    (void)state;
    inf_addr from = at(77);
    for (size_t i = 0; i < INF_TALKS_MAX; i++)
        (void)accept_stream();
    assert_int_equal(inf_member_accepted(f.member, inf_outbox_stream(&f.outbox),
                                         &from, f.now_ms),
                     INF_EFULL);
    pass_ms(11000);
    (void)accept_stream();
}

static void lists_that_lie_about_their_length_do_no_harm(void **state) {
    (void)state;
    static const char *const lies[] = {
        "\x06\x82\xa5Nodes\x03\xacUserStateLen\x05\x80",
        "\x06\x81\xa5Nodes\x01\x81\xa4Name\xa1q",
        "\x06\x81\xa5Nodes\x01\x82\xa4Name\xa1q\xa5State\x09", "\x05", "\x02"};
    for (size_t i = 0; i < INF_COUNT(lies); i++) {
        uint64_t stream = accept_stream();
        inf_member_bytes(f.member, stream, inf_slice_str(lies[i]), f.now_ms);
        inf_member_closed(f.member, stream, 0, f.now_ms);
        take_effects();
    }
    assert_int_equal(state_of("q"), -1);
    assert_int_equal(inf_member_live(f.member), 1);
}

static void hearsay_of_a_death_is_checked(void **state) {
    (void)state;
    meet("b", 2);
    inf_buf out;
    inf_buf_init(&out, inf_alloc_libc());
    inf_message_encode(
        &out, &(inf_message){.kind = INF_MESSAGE_PUSH_PULL, .node_count = 1});
    inf_message state_map = alive("b", 2, 1);
    state_map.kind = INF_MAP_STATE;
    state_map.state = INF_MEMBER_DEAD;
    inf_message_encode(&out, &state_map);
    f.sent[INF_MESSAGE_SUSPECT] = 0;
    inf_member_bytes(f.member, accept_stream(), inf_buf_view(&out), f.now_ms);
    inf_buf_deinit(&out);
    take_effects();
    assert_int_equal(state_of("b"), INF_MEMBER_ALIVE);
    assert_int_equal(f.sent[INF_MESSAGE_SUSPECT], 1);
    assert_int_equal(f.last_to[INF_MESSAGE_SUSPECT].ip[3], 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_alive_that_makes_no_sense_is_dropped),
        TEST(a_mapped_address_is_the_same_host),
        TEST(a_flood_of_names_ends_at_the_limit),
        TEST(anybody_may_ask_for_the_list),
        TEST(streams_are_bounded_and_time_out),
        TEST(lists_that_lie_about_their_length_do_no_harm),
        TEST(hearsay_of_a_death_is_checked)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
