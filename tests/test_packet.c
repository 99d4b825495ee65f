/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "core/packet.h"
#include "golden.h"

static const inf_slice none = {NULL, 0};

static inf_slice text(const char *bytes) {
    return inf_slice_str(bytes);
}

static void encodes_as(const inf_message *message, const char *vector) {
    inf_slice want = golden(vector);
    inf_buf out;
    inf_buf_init(&out, inf_alloc_libc());
    inf_message_encode(&out, message);
    assert_int_equal(out.len, want.len);
    assert_memory_equal(out.data, want.data, want.len);
    inf_buf_deinit(&out);
}

static void messages_encode_to_the_golden_bytes(void **state) {
    (void)state;
    inf_slice home = inf_slice_of("\x7f\0\0\1", 4);
    inf_slice vsn = inf_slice_of("\1\5\2\2\5\5", 6);
    encodes_as(&(inf_message){.kind = INF_MESSAGE_PING,
                              .node = text("b"),
                              .seq = 2,
                              .source_addr = home,
                              .source_node = text("c"),
                              .source_port = 17103},
               "ping");
    encodes_as(
        &(inf_message){.kind = INF_MESSAGE_PING, .node = text("a"), .seq = 77},
        "stream_ping");
    encodes_as(&(inf_message){.kind = INF_MESSAGE_INDIRECT,
                              .node = text("c"),
                              .seq = 15,
                              .nack = true,
                              .target = home,
                              .port = 17103,
                              .source_addr = home,
                              .source_node = text("d"),
                              .source_port = 17104},
               "indirect_ping");
    encodes_as(&(inf_message){.kind = INF_MESSAGE_ACK, .seq = 77}, "ack");
    encodes_as(&(inf_message){.kind = INF_MESSAGE_NACK, .seq = 15}, "nack");
    inf_message rumour = {.kind = INF_MESSAGE_SUSPECT,
                          .node = text("c"),
                          .from = text("d"),
                          .incarnation = 1};
    encodes_as(&rumour, "suspect");
    rumour.kind = INF_MESSAGE_DEAD;
    encodes_as(&rumour, "dead");
    encodes_as(&(inf_message){.kind = INF_MESSAGE_ALIVE,
                              .node = text("d"),
                              .addr = home,
                              .port = 17104,
                              .incarnation = 1,
                              .meta = inf_slice_of("\xff\x80", 2),
                              .vsn = vsn},
               "alive");
}

static void a_ping_decodes_into_its_fields(void **state) {
    (void)state;
    inf_message ping;
    assert_int_equal(inf_message_decode(&ping, golden("ping")), 0);
    assert_int_equal(ping.kind, INF_MESSAGE_PING);
    assert_int_equal(ping.seq, 2);
    assert_true(inf_slice_eq(ping.node, text("b")));
    assert_true(inf_slice_eq(ping.source_node, text("c")));
    assert_int_equal(ping.source_port, 17103);
    assert_int_equal(ping.source_addr.len, 4);
}

static const char *const maps[] = {"ping",  "indirect_ping", "ack",
                                   "nack",  "suspect",       "dead",
                                   "alive", "stream_ping"};

static void what_is_decoded_encodes_to_itself(void **state) {
    (void)state;
    for (size_t i = 0; i < INF_COUNT(maps); i++) {
        inf_message message;
        assert_int_equal(inf_message_decode(&message, golden(maps[i])), 0);
        encodes_as(&message, maps[i]);
    }
}

static void every_cut_message_is_truncated(void **state) {
    (void)state;
    for (size_t i = 0; i < INF_COUNT(maps); i++) {
        inf_slice whole = golden(maps[i]);
        for (size_t len = 0; len < whole.len; len++) {
            inf_message message;
            assert_int_equal(
                inf_message_decode(&message, inf_slice_of(whole.data, len)),
                INF_ETRUNCATED);
        }
    }
}

/* A ping whose map has the given pairs. */
static int decode_pairs(inf_message *out, const char *bytes, size_t len,
                        uint8_t pairs) {
    static uint8_t room[256];
    room[0] = INF_MESSAGE_PING;
    room[1] = (uint8_t)(0x80 | pairs);
    memcpy(room + 2, bytes, len);
    return inf_message_decode(out, inf_slice_of(room, len + 2));
}

#define PAIRS(out, count, bytes)                                               \
    decode_pairs((out), (bytes), sizeof(bytes) - 1, (count))

static void peers_may_write_in_other_ways(void **state) {
    (void)state;
    inf_message ping;
    /* unsorted, str8 key, uint64 */
    assert_int_equal(PAIRS(&ping, 2,
                           "\xd9\x05SeqNo\xcf\0\0\0\0\0\0\1\0"
                           "\xa4Node\xa1z"),
                     0);
    assert_int_equal(ping.seq, 256);
    assert_true(inf_slice_eq(ping.node, text("z")));
    /* bin8 key and value, int32 */
    assert_int_equal(
        PAIRS(&ping, 2, "\xc4\x04Node\xc4\x01y\xa5SeqNo\xd2\0\0\0\7"), 0);
    assert_int_equal(ping.seq, 7);
    assert_true(inf_slice_eq(ping.node, text("y")));
    /* unknown keys with nested values, a key that is no text, a nil */
    assert_int_equal(PAIRS(&ping, 4,
                           "\xa1x\x92\x81\1\2\xc3\5\xc2"
                           "\xa4Node\xc0\xa5SeqNo\t"),
                     0);
    assert_int_equal(ping.seq, 9);
    assert_int_equal(ping.node.len, 0);
    /* wrong case is unknown; missing is zero; bytes after the map */
    assert_int_equal(PAIRS(&ping, 1, "\xa5seqno\7trailing"), 0);
    assert_int_equal(ping.seq, 0);
}

static void numbers_out_of_range_are_refused(void **state) {
    (void)state;
    inf_message ping;
    assert_int_equal(PAIRS(&ping, 1, "\xa5SeqNo\xcf\0\0\0\1\0\0\0\0"),
                     INF_EMALFORMED);
    assert_int_equal(PAIRS(&ping, 1, "\xa5SeqNo\xff"), INF_EMALFORMED);
    assert_int_equal(PAIRS(&ping, 1, "\xa5SeqNo\xd0\x80"), INF_EMALFORMED);
    assert_int_equal(PAIRS(&ping, 1, "\xa5SeqNo\xd3\x80\0\0\0\0\0\0\0"),
                     INF_EMALFORMED);
    assert_int_equal(PAIRS(&ping, 1, "\xa5SeqNo\xcb\0\0\0\0\0\0\0\0"),
                     INF_EMALFORMED);
    assert_int_equal(PAIRS(&ping, 1, "\xaaSourcePort\xce\0\1\0\0"),
                     INF_EMALFORMED);
    assert_int_equal(PAIRS(&ping, 1, "\xa4Node\7"), INF_EMALFORMED);
    assert_int_equal(PAIRS(&ping, 1, "\xa1x\xc1"), INF_EMALFORMED);
    assert_int_equal(PAIRS(&ping, 1, "\xa4Node\xc6\xff\xff\xff\xffzz"),
                     INF_ETRUNCATED);
}

static void deep_and_endless_values_are_passed_or_refused(void **state) {
    (void)state;
    enum { DEEP = 100000 };
    static uint8_t bytes[DEEP + 16];
    inf_message ping;
    bytes[0] = INF_MESSAGE_PING;
    bytes[1] = 0x81;
    bytes[2] = 0xa1;
    bytes[3] = 'x';
    memset(bytes + 4, 0x91, DEEP); /* an array in an array in an array ... */
    bytes[DEEP + 4] = 1;
    assert_int_equal(inf_message_decode(&ping, inf_slice_of(bytes, DEEP + 5)),
                     INF_EMALFORMED);
    bytes[60000] = 1;
    assert_int_equal(inf_message_decode(&ping, inf_slice_of(bytes, DEEP + 5)),
                     0);
    /* maps and arrays that claim four billion values */
    assert_int_equal(PAIRS(&ping, 1, "\xa1x\xdf\xff\xff\xff\xff"),
                     INF_ETRUNCATED);
    assert_int_equal(PAIRS(&ping, 1, "\xa1x\xdd\xff\xff\xff\xff"),
                     INF_ETRUNCATED);
}

static void types_that_carry_no_map_are_refused(void **state) {
    (void)state;
    for (unsigned kind = 0; kind < 256; kind++) {
        uint8_t byte = (uint8_t)kind;
        inf_message message;
        int rc = inf_message_decode(&message, inf_slice_of(&byte, 1));
        if (kind == INF_MESSAGE_USER) {
            assert_int_equal(rc, 0);
        } else {
            assert_int_not_equal(rc, 0);
        }
    }
}

/* ---- datagrams ----------------------------------------------------------- */

typedef struct seen {
    size_t count;
    inf_buf bytes;
} seen;

static void look(void *ctx, inf_slice message) {
    seen *s = ctx;
    s->count++;
    inf_buf_slice(&s->bytes, message);
}

typedef struct fixture {
    inf_packet_reader reader;
    inf_packet_writer writer;
    inf_keyring *keys;
    inf_buf out;
    inf_buf scratch;
    seen seen;
} fixture;

static int set_up(void **state) {
    static fixture f;
    inf_alloc *mem = inf_alloc_libc();
    static const uint8_t key[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                    8, 9, 10, 11, 12, 13, 14, 15};
    inf_packet_reader_init(&f.reader, mem);
    inf_packet_init(&f.writer, mem);
    inf_buf_init(&f.out, mem);
    inf_buf_init(&f.scratch, mem);
    f.seen.count = 0;
    inf_buf_init(&f.seen.bytes, mem);
    *state = &f;
    if (inf_keyring_new(&f.keys, mem) != 0) return -1;
    return inf_keyring_add(f.keys, inf_slice_of(key, sizeof key));
}

static int tear_down(void **state) {
    fixture *f = *state;
    inf_packet_reader_deinit(&f->reader);
    inf_packet_deinit(&f->writer);
    inf_buf_deinit(&f->out);
    inf_buf_deinit(&f->scratch);
    inf_buf_deinit(&f->seen.bytes);
    inf_keyring_free(f->keys);
    return 0;
}

static int read_with(fixture *f, const inf_framing *framing,
                     inf_slice datagram) {
    f->seen.count = 0;
    inf_buf_clear(&f->seen.bytes);
    return inf_packet_read(&f->reader, framing, datagram, look, &f->seen);
}

static const inf_framing plain = {.compress = true};

static void a_compound_is_taken_apart_and_put_together(void **state) {
    fixture *f = *state;
    assert_int_equal(read_with(f, &plain, golden("compound")), 0);
    assert_int_equal(f->seen.count, 2);
    inf_packet_clear(&f->writer);
    assert_int_equal(inf_packet_add(&f->writer, golden("nack")), 0);
    assert_int_equal(inf_packet_add(&f->writer, golden("suspect")), 0);
    inf_framing flat = {.compress = false};
    assert_int_equal(
        inf_packet_finish(&f->writer, &flat, false, &f->scratch, &f->out), 0);
    assert_true(inf_slice_eq(inf_buf_view(&f->out), golden("compound")));
}

static void a_checksum_is_made_and_checked(void **state) {
    fixture *f = *state;
    inf_slice vector = golden("crc_suspect");
    assert_int_equal(read_with(f, &plain, vector), 0);
    assert_int_equal(f->seen.count, 1);
    inf_packet_clear(&f->writer);
    assert_int_equal(inf_packet_add(&f->writer, golden("suspect")), 0);
    inf_framing flat = {.compress = false};
    assert_int_equal(
        inf_packet_finish(&f->writer, &flat, true, &f->scratch, &f->out), 0);
    assert_true(inf_slice_eq(inf_buf_view(&f->out), vector));
    for (size_t i = 1; i < vector.len; i++) {
        uint8_t bent[64];
        memcpy(bent, vector.data, vector.len);
        bent[i] ^= 1;
        assert_int_equal(read_with(f, &plain, inf_slice_of(bent, vector.len)),
                         INF_EMALFORMED);
        assert_int_equal(f->seen.count, 0);
    }
}

static void a_checksum_counts_only_on_the_outside(void **state) {
    fixture *f = *state;
    static const uint8_t inside[] = {7, 1, 0, 6, 12, 0, 0, 0, 0, 0};
    assert_int_equal(read_with(f, &plain, inf_slice_of(inside, 10)), 0);
    inf_message message; /* it is handed on, and then no message */
    assert_int_equal(f->seen.count, 1);
    assert_int_not_equal(
        inf_message_decode(&message, inf_buf_view(&f->seen.bytes)), 0);
}

static void sealed_datagrams_of_real_peers_open(void **state) {
    fixture *f = *state;
    inf_framing sealed = {.keys = f->keys};
    inf_message ping;
    assert_int_equal(read_with(f, &sealed, golden("sealed_real")), 0);
    assert_int_equal(inf_message_decode(&ping, inf_buf_view(&f->seen.bytes)),
                     0);
    assert_true(inf_slice_eq(ping.node, text("f")));
    assert_true(inf_slice_eq(ping.source_node, text("e")));
    assert_int_equal(read_with(f, &sealed, golden("sealed_v0")), 0);

    uint8_t key[32];
    for (uint8_t i = 0; i < 32; i++)
        key[i] = i;
    assert_int_equal(inf_keyring_add(f->keys, inf_slice_of(key, 32)), 0);
    sealed.label = text("lab");
    assert_int_equal(read_with(f, &sealed, golden("sealed_label_real")), 0);
    assert_int_equal(inf_message_decode(&ping, inf_buf_view(&f->seen.bytes)),
                     0);
    assert_true(inf_slice_eq(ping.node, text("zA")));
}

static void alien_labels_and_plain_text_are_dropped(void **state) {
    fixture *f = *state;
    inf_framing sealed = {.keys = f->keys};
    inf_framing labelled = {.label = text("lab")};
    assert_int_not_equal(read_with(f, &sealed, golden("ping")), 0);
    assert_int_equal(read_with(f, &labelled, golden("ping")), INF_EVERSION);
    assert_int_equal(read_with(f, &plain, golden("sealed_v1_label")),
                     INF_EVERSION);
    static const uint8_t zero[] = {0xf4, 0, 2};
    static const uint8_t cut[] = {0xf4, 9, 'l', 'a', 'b'};
    static const uint8_t twice[] = {0xf4, 1, 'l', 0xf4, 1, 'l', 11};
    labelled.label = text("l");
    assert_int_equal(read_with(f, &labelled, inf_slice_of(zero, 3)),
                     INF_EMALFORMED);
    assert_int_equal(read_with(f, &labelled, inf_slice_of(cut, 5)),
                     INF_EMALFORMED);
    assert_int_equal(read_with(f, &labelled, inf_slice_of(twice, 7)), 0);
    inf_message message; /* the second label is just an unknown type */
    assert_int_not_equal(
        inf_message_decode(&message, inf_buf_view(&f->seen.bytes)), 0);
    assert_int_equal(f->seen.count, 1);
}

static void everything_at_once_comes_back(void **state) {
    fixture *f = *state;
    inf_framing all = {.keys = f->keys, .label = text("lab"), .compress = true};
    inf_packet_clear(&f->writer);
    for (int i = 0; i < 20; i++)
        assert_int_equal(inf_packet_add(&f->writer, golden("alive")), 0);
    assert_int_equal(
        inf_packet_finish(&f->writer, &all, true, &f->scratch, &f->out), 0);
    assert_true(f->out.len < 10 * golden("alive").len);
    assert_int_equal(read_with(f, &all, inf_buf_view(&f->out)), 0);
    assert_int_equal(f->seen.count, 20);
}

static void whole_parts_of_a_cut_compound_count(void **state) {
    fixture *f = *state;
    inf_slice vector = golden("compound");
    for (size_t len = 1; len < vector.len; len++) {
        assert_int_equal(read_with(f, &plain, inf_slice_of(vector.data, len)),
                         INF_ETRUNCATED);
        assert_int_equal(f->seen.count, len >= 15 ? 1 : 0);
    }
}

static void nesting_ends_at_two(void **state) {
    fixture *f = *state;
    uint8_t deep[64];
    size_t len = 0;
    for (int depth = 0; depth < 3; depth++) {
        size_t inner = 9 - 4 * (size_t)depth; /* 07 01 len len ... */
        deep[len++] = 7;
        deep[len++] = 1;
        deep[len++] = 0;
        deep[len++] = (uint8_t)inner;
    }
    deep[len++] = 3;
    assert_int_equal(read_with(f, &plain, inf_slice_of(deep, len)),
                     INF_EMALFORMED);
    assert_int_equal(f->seen.count, 0);
    assert_int_equal(read_with(f, &plain, inf_slice_of(deep + 4, len - 4)), 0);
    assert_int_equal(f->seen.count, 1);
}

static void odd_compounds_are_harmless(void **state) {
    fixture *f = *state;
    static const uint8_t empty[] = {7, 0};
    static const uint8_t missing[] = {7};
    static uint8_t zeros[2 + 2 * 255] = {7, 255};
    assert_int_equal(read_with(f, &plain, inf_slice_of(empty, 2)), 0);
    assert_int_equal(f->seen.count, 0);
    assert_int_equal(read_with(f, &plain, inf_slice_of(missing, 1)),
                     INF_ETRUNCATED);
    assert_int_equal(read_with(f, &plain, inf_slice_of(zeros, sizeof zeros)),
                     0);
    assert_int_equal(read_with(f, &plain, none), INF_ETRUNCATED);
    for (uint8_t count = 1; count < 255; count++) {
        zeros[1] = count;
        assert_int_equal(read_with(f, &plain, inf_slice_of(zeros, 2)),
                         INF_ETRUNCATED);
    }
}

static void a_bomb_stays_small(void **state) {
    fixture *f = *state;
    inf_buf big;
    inf_buf_init(&big, inf_alloc_libc());
    for (size_t i = 0; i <= INF_PACKET_INFLATE; i++)
        inf_buf_u8(&big, 8);
    for (int over = 0; over < 2; over++) {
        inf_buf packed;
        inf_buf_init(&packed, inf_alloc_libc());
        inf_framing pack = {.compress = true};
        size_t size = INF_PACKET_INFLATE + (size_t)over;
        assert_int_equal(inf_stream_frame(&pack, false,
                                          inf_slice_of(big.data, size),
                                          inf_alloc_libc(), &packed),
                         0);
        assert_int_equal(read_with(f, &plain, inf_buf_view(&packed)),
                         over ? INF_ETOOBIG : 0);
        inf_buf_deinit(&packed);
    }
    inf_buf_deinit(&big);
}

/* ---- streams ------------------------------------------------------------- */

static void a_message_arrives_byte_by_byte(void **state) {
    (void)state;
    static const char *const vectors[] = {"push_pull", "stream_ping"};
    for (size_t i = 0; i < INF_COUNT(vectors); i++) {
        inf_slice whole = golden(vectors[i]);
        inf_stream_reader reader;
        inf_stream_init(&reader, inf_alloc_libc(), true);
        inf_slice message = none;
        for (size_t at = 0; at < whole.len; at++) {
            int rc = inf_stream_read(
                &reader, &plain, inf_slice_of(whole.data + at, 1), &message);
            assert_int_equal(rc, at + 1 == whole.len ? 1 : 0);
        }
        assert_true(inf_slice_eq(message, whole));
        inf_stream_deinit(&reader);
    }
}

static void framed(fixture *f, const inf_framing *framing, bool dialled) {
    inf_slice whole = golden("push_pull");
    inf_buf_clear(&f->out);
    assert_int_equal(
        inf_stream_frame(framing, dialled, whole, inf_alloc_libc(), &f->out),
        0);
    for (size_t step = 1; step < 8; step += 3) {
        inf_stream_reader reader;
        inf_stream_init(&reader, inf_alloc_libc(), dialled);
        inf_slice message = none;
        int rc = 0;
        for (size_t at = 0; at < f->out.len && rc == 0; at += step) {
            size_t len = at + step < f->out.len ? step : f->out.len - at;
            rc = inf_stream_read(&reader, framing,
                                 inf_slice_of(f->out.data + at, len), &message);
        }
        assert_int_equal(rc, 1);
        assert_true(inf_slice_eq(message, whole));
        inf_stream_deinit(&reader);
    }
}

static void every_wrapping_of_a_stream_comes_off(void **state) {
    fixture *f = *state;
    for (unsigned mask = 0; mask < 16; mask++) {
        inf_framing framing = {.keys = mask & 1 ? f->keys : NULL,
                               .label = mask & 2 ? text("lab") : none,
                               .compress = (mask & 4) != 0};
        framed(f, &framing, (mask & 8) != 0);
    }
}

static void only_the_side_that_dialled_writes_the_label(void **state) {
    fixture *f = *state;
    inf_framing framing = {.label = text("lab")};
    assert_int_equal(inf_stream_frame(&framing, true, golden("ack"),
                                      inf_alloc_libc(), &f->out),
                     0);
    assert_int_equal(f->out.data[0], INF_LABEL_HEADER);
    inf_stream_reader reader;
    inf_slice message;
    inf_stream_init(&reader, inf_alloc_libc(), false);
    assert_int_equal(
        inf_stream_read(&reader, &framing, inf_buf_view(&f->out), &message),
        INF_EVERSION);
    inf_stream_deinit(&reader);
}

static int read_stream(const inf_framing *framing, const char *bytes,
                       size_t len) {
    inf_stream_reader reader;
    inf_slice message;
    inf_stream_init(&reader, inf_alloc_libc(), true);
    int rc =
        inf_stream_read(&reader, framing, inf_slice_of(bytes, len), &message);
    inf_stream_deinit(&reader);
    return rc;
}

#define STREAM(framing, bytes)                                                 \
    read_stream((framing), (bytes), sizeof(bytes) - 1)

static void hostile_streams_are_refused(void **state) {
    fixture *f = *state;
    inf_framing sealed = {.keys = f->keys};
    assert_int_equal(STREAM(&plain, "\x0a\0\0\0\x1d"), INF_ECRYPT);
    assert_int_equal(STREAM(&sealed, "\x06\x83"), INF_ECRYPT);
    assert_int_equal(STREAM(&sealed, "\x0a\0\0\0\0"), INF_EMALFORMED);
    assert_int_equal(STREAM(&sealed, "\x0a\0\0\0\x1c"), INF_EMALFORMED);
    assert_int_equal(STREAM(&sealed, "\x0a\xff\xff\xff\xff"), INF_ETOOBIG);
    assert_int_equal(STREAM(&plain, "\x04\x80"), INF_EMALFORMED);
    assert_int_equal(STREAM(&plain, "\xff"), INF_EMALFORMED);
    assert_int_equal(STREAM(&plain, "\x06\x81\xa5Nodes\xce\xff\xff\xff\xff"),
                     INF_ETOOBIG);
    assert_int_equal(
        STREAM(&plain, "\x06\x81\xacUserStateLen\xce\xff\xff\xff\xff"),
        INF_ETOOBIG);
    assert_int_equal(
        STREAM(&plain, "\x08\x81\xaaUserMsgLen\xce\xff\xff\xff\xff"),
        INF_ETOOBIG);
    assert_int_equal(STREAM(&plain, "\x06\x81\xa5Nodes\2\x80"), 0);
    assert_int_equal(STREAM(&plain, "\x06\x81\xa5Nodes\1\xc1"), INF_EMALFORMED);
    assert_int_equal(STREAM(&plain, "\x09\x82\xa4"
                                    "Algo\1\xa3"
                                    "Buf\xa1x"),
                     INF_EMALFORMED);
    assert_int_equal(STREAM(&plain, "\x06\x80"), 1); /* nobody, a dump */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(messages_encode_to_the_golden_bytes),
        TEST(a_ping_decodes_into_its_fields),
        TEST(what_is_decoded_encodes_to_itself),
        TEST(every_cut_message_is_truncated),
        TEST(peers_may_write_in_other_ways),
        TEST(numbers_out_of_range_are_refused),
        TEST(deep_and_endless_values_are_passed_or_refused),
        TEST(types_that_carry_no_map_are_refused),
        TEST(a_compound_is_taken_apart_and_put_together),
        TEST(a_checksum_is_made_and_checked),
        TEST(a_checksum_counts_only_on_the_outside),
        TEST(sealed_datagrams_of_real_peers_open),
        TEST(alien_labels_and_plain_text_are_dropped),
        TEST(everything_at_once_comes_back),
        TEST(whole_parts_of_a_cut_compound_count),
        TEST(nesting_ends_at_two),
        TEST(odd_compounds_are_harmless),
        TEST(a_bomb_stays_small),
        TEST(a_message_arrives_byte_by_byte),
        TEST(every_wrapping_of_a_stream_comes_off),
        TEST(only_the_side_that_dialled_writes_the_label),
        TEST(hostile_streams_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
