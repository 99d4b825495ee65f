/* SPDX-License-Identifier: MIT */
/* What a liar can do with a connection, and with time. The oracle of hostile.h
   looks after each step. */
#include "hostile.h"

#include "base/lzw.h"
#include "core/member_part.h" /* INF_TALKS_MAX */
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

static int set_up_keyed(void **state) {
    (void)state;
    hostile_begin(&h, true, "lab");
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define KEYED(name)                                                            \
    cmocka_unit_test_setup_teardown(name, set_up_keyed, tear_down)

static void closed(uint64_t stream) {
    inf_member_closed(h.member, stream, 0, h.now_ms);
    hostile_look(&h);
}

static bool knows(const char *name) {
    inf_member_view view;
    return inf_member_find(h.member, inf_slice_str(name), &view);
}

/* Everybody's member "b" at 10.0.0.2, by a datagram. */
static void meet_b(void) {
    inf_buf out;
    inf_buf_init(&out, inf_alloc_libc());
    inf_message_encode(&out,
                       &(inf_message){.kind = INF_MESSAGE_ALIVE,
                                      .node = inf_slice_str("b"),
                                      .addr = inf_slice_of("\x0a\0\0\2", 4),
                                      .port = 7946,
                                      .incarnation = 1,
                                      .meta = inf_slice_of("\xff\x80", 2),
                                      .vsn = inf_slice_of("\1\5\2\2\5\5", 6)});
    hostile_hear(&h, 2, out.data, out.len);
    inf_buf_deinit(&out);
}

/* ---- what comes ---------------------------------------------------------- */

static void a_list_one_byte_at_a_time(void **state) {
    (void)state;
    inf_slice list = golden("push_pull");
    uint64_t stream = hostile_accept(&h, 66);
    for (size_t i = 0; i < list.len; i++) {
        assert_int_equal(h.written, 0);
        hostile_bytes(&h, stream, list.data + i, 1);
    }
    assert_true(h.written > 0);
    assert_int_equal(h.closes, 1);
}

static void a_list_cut_off_at_every_byte(void **state) {
    (void)state;
    inf_slice list = golden("push_pull");
    for (size_t len = 0; len < list.len; len++) {
        uint64_t stream = hostile_accept(&h, 66);
        if (len != 0) hostile_bytes(&h, stream, list.data, len);
        closed(stream);
    }
    assert_int_equal(h.written, 0);
    assert_int_equal(inf_member_live(h.member), 1);
}

static void a_header_and_then_silence(void **state) {
    (void)state;
    uint64_t stream = hostile_accept(&h, 66);
    hostile_bytes(&h, stream, "\x06\x81\xa5Nodes\1", 9);
    hostile_pass_ms(&h, 9000);
    assert_int_equal(h.closes, 0);
    hostile_pass_ms(&h, 2000);
    assert_int_equal(h.closes, 1);
}

static void a_byte_a_second_for_ever(void **state) {
    (void)state;
    inf_slice list = golden("push_pull");
    uint64_t stream = hostile_accept(&h, 66);
    for (size_t i = 0; i < list.len && h.closes == 0; i++) {
        hostile_bytes(&h, stream, list.data + i, 1);
        hostile_pass_ms(&h, 1000);
        assert_true(i < 11); /* the exchange as a whole has its time */
    }
    assert_int_equal(h.closes, 1);
    assert_int_equal(h.written, 0);
}

static void two_messages_in_one_stream(void **state) {
    (void)state;
    uint64_t stream = hostile_accept(&h, 66);
    hostile_bytes(&h, stream, "\x06\x80\x06\x80", 4);
    uint64_t once = h.written;
    assert_int_equal(h.closes, 1);
    hostile_bytes(&h, stream, "\x06\x80", 2); /* the stream is over */
    assert_int_equal(h.written, once);
}

static void fewer_nodes_than_the_header_says(void **state) {
    (void)state;
    static const char list[] = "\x06\x81\xa5Nodes\3\x81\xa4Name\xa1q";
    uint64_t stream = hostile_accept(&h, 66);
    hostile_bytes(&h, stream, list, sizeof list - 1);
    closed(stream);
    assert_int_equal(h.written, 0);
    assert_false(knows("q"));
}

static void more_nodes_than_the_header_says(void **state) {
    (void)state;
    static const char list[] = "\x06\x81\xa5Nodes\1\x81\xa4Name\xa1q"
                               "\x81\xa4Name\xa1r";
    hostile_bytes(&h, hostile_accept(&h, 66), list, sizeof list - 1);
    assert_false(knows("r"));
}

static void a_user_state_that_does_not_come(void **state) {
    (void)state;
    static const char list[] = "\x06\x82\xa5Nodes\0\xacUserStateLen\x7f"
                               "abc";
    uint64_t stream = hostile_accept(&h, 66);
    hostile_bytes(&h, stream, list, sizeof list - 1);
    assert_int_equal(h.written, 0);
    closed(stream);
}

static void giant_lengths_cost_no_memory(void **state) {
    (void)state;
    static const char *const heads[] = {
        "\x06\x81\xa5Nodes\xce\xff\xff\xff\xff",
        "\x06\x81\xacUserStateLen\xce\xff\xff\xff\xff",
        "\x08\x81\xaaUserMsgLen\xce\xff\xff\xff\xff",
        "\x09\x82\xa4"
        "Algo\xc0\xa3"
        "Buf\xdb\xff\xff\xff\xff"};
    static const size_t lengths[] = {13, 20, 18, 17};
    for (size_t i = 0; i < INF_COUNT(heads); i++) {
        uint64_t stream = hostile_accept(&h, 66);
        hostile_bytes(&h, stream, heads[i], lengths[i]);
        if (i < 3) assert_int_equal(h.closes, i + 1);
        closed(stream);
    }
}

static void a_message_that_never_ends(void **state) {
    (void)state;
    enum { PIECE = 1 << 20 };
    static uint8_t piece[PIECE];
    uint64_t stream = hostile_accept(&h, 66);
    /* a compressed message of 4 GB: it is taken up to 20 MiB */
    hostile_bytes(&h, stream,
                  "\x09\x82\xa4"
                  "Algo\xc0\xa3"
                  "Buf\xdb\xff\xff\xff\xff",
                  17);
    for (unsigned i = 0; i < 21 && h.closes == 0; i++)
        hostile_bytes(&h, stream, piece, PIECE);
    assert_int_equal(h.closes, 1);
}

static void a_bomb_on_a_stream(void **state) {
    (void)state;
    size_t size = INF_STREAM_INFLATE + 1;
    uint8_t *zeros = inf_zalloc(inf_alloc_libc(), size);
    inf_buf packed, out;
    inf_buf_init(&packed, inf_alloc_libc());
    inf_buf_init(&out, inf_alloc_libc());
    inf_lzw_encode(&packed, inf_slice_of(zeros, size));
    inf_message_encode(&out, &(inf_message){.kind = INF_MESSAGE_COMPRESSED,
                                            .body = inf_buf_view(&packed)});
    hostile_bytes(&h, hostile_accept(&h, 66), out.data, out.len);
    assert_int_equal(h.closes, 1);
    assert_int_equal(hostile_bad(&h), 1);
    inf_buf_deinit(&packed);
    inf_buf_deinit(&out);
    inf_free(inf_alloc_libc(), zeros);
}

static void a_flood_of_connections(void **state) {
    (void)state;
    inf_addr from = hostile_addr(66);
    unsigned taken = 0;
    for (unsigned i = 0; i < 5000; i++) {
        uint64_t stream = inf_outbox_stream(&h.outbox);
        taken += inf_member_accepted(h.member, stream, &from, h.now_ms) == 0;
    }
    assert_int_equal(taken, INF_TALKS_MAX);
    hostile_pass_ms(&h, 11000); /* and they do not stay */
    (void)hostile_accept(&h, 66);
}

static void a_stream_half_closed_after_its_message(void **state) {
    (void)state;
    uint64_t stream = hostile_accept(&h, 66);
    hostile_bytes(&h, stream, "\x06\x80", 2);
    uint64_t answered = h.written;
    closed(stream);
    assert_true(answered > 0);
    assert_int_equal(h.written, answered);
}

/* ---- what comes back ----------------------------------------------------- */

/* The stream that the member dials next, by itself. */
static uint64_t next_dial(uint64_t limit_ms) {
    h.dialled = 0;
    for (uint64_t ms = 0; ms < limit_ms && h.dialled == 0; ms += 10)
        hostile_pass_ms(&h, 10);
    assert_int_not_equal(h.dialled, 0);
    return h.dialled;
}

static void replies_of_every_type_to_our_list(void **state) {
    (void)state;
    inf_addr seed = hostile_addr(3);
    for (unsigned kind = 0; kind < 256; kind++) {
        uint8_t bytes[] = {(uint8_t)kind, 0x80, 0x80, 0x80};
        assert_int_equal(
            inf_member_join(h.member, &seed, 1, kind + 1, h.now_ms), 0);
        hostile_look(&h);
        uint64_t stream = h.dialled;
        inf_member_connected(h.member, stream, h.now_ms);
        hostile_look(&h);
        hostile_bytes(&h, stream, bytes, sizeof bytes);
        closed(stream);
    }
    assert_int_equal(inf_member_live(h.member), 1);
}

static void replies_of_every_type_to_our_ping(void **state) {
    (void)state;
    for (unsigned kind = 0; kind < 14; kind++) {
        uint8_t bytes[] = {(uint8_t)kind, 0x80};
        meet_b();
        uint64_t stream = next_dial(70000); /* b answers no ping */
        inf_member_connected(h.member, stream, h.now_ms);
        hostile_look(&h);
        hostile_bytes(&h, stream, bytes, sizeof bytes);
        closed(stream);
    }
}

static void an_ack_of_another_number_on_our_ping(void **state) {
    (void)state;
    meet_b();
    uint64_t stream = next_dial(3000);
    inf_member_connected(h.member, stream, h.now_ms);
    hostile_look(&h);
    hostile_bytes(&h, stream, "\x02\x81\xa5SeqNo\1", 9);
    hostile_pass_ms(&h, 2000);
    inf_member_view view;
    assert_true(inf_member_find(h.member, inf_slice_str("b"), &view));
    assert_int_equal(view.state, INF_MEMBER_SUSPECT);
}

static void a_label_on_a_reply(void **state) {
    (void)state;
    inf_addr seed = hostile_addr(3);
    assert_int_equal(inf_member_join(h.member, &seed, 1, 1, h.now_ms), 0);
    hostile_look(&h);
    inf_member_connected(h.member, h.dialled, h.now_ms);
    hostile_bytes(&h, h.dialled, "\xf4\x03lab\x06\x80", 7);
    assert_int_equal(hostile_bad(&h), 1);
}

static void an_error_full_of_escapes_is_told_once_and_plainly(void **state) {
    (void)state;
    inf_addr seed = hostile_addr(3);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(inf_member_join(h.member, &seed, 1, i + 1, h.now_ms),
                         0);
        hostile_look(&h);
        inf_member_connected(h.member, h.dialled, h.now_ms);
        hostile_bytes(&h, h.dialled,
                      "\x0d\x81\xa5"
                      "Error\xa6\x1b[2J\n!",
                      15);
    }
    assert_int_equal(h.lines, 1);
    assert_string_equal(h.line, "10.0.0.3:7946 refused us: ?[2J?!");
}

/* ---- with keys ----------------------------------------------------------- */

static void sealed_frames_of_0_28_and_four_billion(void **state) {
    (void)state;
    static const char *const frames[] = {
        "\xf4\x03lab\x0a\0\0\0\0", "\xf4\x03lab\x0a\0\0\0\x1c",
        "\xf4\x03lab\x0a\xff\xff\xff\xff", "\xf4\x03lab\x0a\x01\x40\0\1"};
    for (size_t i = 0; i < INF_COUNT(frames); i++) {
        hostile_bytes(&h, hostile_accept(&h, 66), frames[i], 10);
        assert_int_equal(h.closes, i + 1);
    }
}

static void a_stranger_without_the_key_reads_nothing(void **state) {
    (void)state;
    static const char *const frames[] = {"\xf4\x03lab\x06\x80",
                                         "\xf4\x03lab\x00\x80", "\x06\x80"};
    static const size_t lengths[] = {7, 7, 2};
    for (size_t i = 0; i < INF_COUNT(frames); i++) {
        uint64_t before = h.written;
        hostile_bytes(&h, hostile_accept(&h, 66), frames[i], lengths[i]);
        assert_true(h.written - before < 150); /* a sealed "no" */
    }
    assert_int_equal(inf_member_live(h.member), 1);
}

static void what_cannot_be_opened_is_told_once(void **state) {
    (void)state;
    uint8_t noise[64] = {0xf4, 3, 'l', 'a', 'b', 1};
    for (unsigned i = 0; i < 500; i++) {
        noise[10] = (uint8_t)i;
        hostile_hear(&h, 66, noise, sizeof noise);
    }
    assert_int_equal(h.lines, 1);
    assert_int_equal(inf_member_stats_of(h.member).sealed_alien, 500);
    hostile_bytes(&h, hostile_accept(&h, 66), "\xf4\x03lab\x06\x80", 7);
    assert_int_equal(h.lines, 1); /* the same fault of the same host */
    hostile_pass_ms(&h, 61000);
    hostile_hear(&h, 66, noise, sizeof noise);
    assert_int_equal(h.lines, 2);
}

/* ---- time ---------------------------------------------------------------- */

static void time_that_goes_backwards(void **state) {
    (void)state;
    meet_b();
    hostile_pass_ms(&h, 5000);
    uint64_t late_ms = h.now_ms;
    for (uint64_t back = 1; back < late_ms; back *= 3) {
        inf_member_tick(h.member, late_ms - back);
        hostile_look(&h);
    }
}

static void a_jump_of_hours(void **state) {
    (void)state;
    meet_b();
    for (unsigned i = 0; i < 5; i++) {
        h.now_ms += UINT64_C(7) * 3600 * 1000;
        inf_member_tick(h.member, h.now_ms);
        hostile_look(&h);
        hostile_pass_ms(&h, 100);
    }
    assert_true(inf_member_stats_of(h.member).stalls >= 5);
}

static void the_end_of_all_time(void **state) {
    (void)state;
    meet_b();
    inf_member_tick(h.member, UINT64_MAX);
    inf_member_tick(h.member, UINT64_MAX / 2 + 1);
    hostile_pass_ms(&h, 1000);
}

static void everything_due_at_once(void **state) {
    (void)state;
    meet_b();
    for (unsigned i = 0; i < INF_TALKS_MAX; i++)
        (void)hostile_accept(&h, 66);
    hostile_pass_ms(&h, 600); /* a probe is under way */
    h.now_ms += 100000;
    inf_member_tick(h.member, h.now_ms);
    hostile_look(&h);
    hostile_pass_ms(&h, 20000);
    assert_int_equal(h.closes, INF_TALKS_MAX);
}

static void a_stall_between_datagram_and_tick(void **state) {
    (void)state;
    meet_b();
    hostile_pass_ms(&h, 1200);
    h.now_ms += 30000; /* we stood still: b is not to blame */
    hostile_hear(&h, 66, "\x0b\x80", 2);
    inf_member_view view;
    assert_true(inf_member_find(h.member, inf_slice_str("b"), &view));
    assert_int_equal(view.state, INF_MEMBER_ALIVE);
    assert_int_equal(inf_member_stats_of(h.member).stalls, 1);
    assert_true(inf_member_health(h.member) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_list_one_byte_at_a_time),
        TEST(a_list_cut_off_at_every_byte),
        TEST(a_header_and_then_silence),
        TEST(a_byte_a_second_for_ever),
        TEST(two_messages_in_one_stream),
        TEST(fewer_nodes_than_the_header_says),
        TEST(more_nodes_than_the_header_says),
        TEST(a_user_state_that_does_not_come),
        TEST(giant_lengths_cost_no_memory),
        TEST(a_message_that_never_ends),
        TEST(a_bomb_on_a_stream),
        TEST(a_flood_of_connections),
        TEST(a_stream_half_closed_after_its_message),
        TEST(replies_of_every_type_to_our_list),
        TEST(replies_of_every_type_to_our_ping),
        TEST(an_ack_of_another_number_on_our_ping),
        TEST(a_label_on_a_reply),
        TEST(an_error_full_of_escapes_is_told_once_and_plainly),
        KEYED(sealed_frames_of_0_28_and_four_billion),
        KEYED(a_stranger_without_the_key_reads_nothing),
        KEYED(what_cannot_be_opened_is_told_once),
        TEST(time_that_goes_backwards),
        TEST(a_jump_of_hours),
        TEST(the_end_of_all_time),
        TEST(everything_due_at_once),
        TEST(a_stall_between_datagram_and_tick)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
