/* SPDX-License-Identifier: MIT */
/* What a liar can put into one datagram, piece by piece of the format: the
   frame, the compound, the compression. Each test is one lie; the oracle of
   hostile.h looks after each datagram, and in the end nobody was believed. */
#include "hostile.h"

#include "base/lzw.h"
#include "core/packet.h"
#include "golden.h"

/* One member of each kind: in the clear, keyed, labelled, both. */
enum { CLEAR, KEYED, LABELLED, BOTH, KINDS };

static hostile all[KINDS];

static int set_up(void **state) {
    (void)state;
    for (unsigned i = 0; i < KINDS; i++)
        hostile_begin(&all[i], (i & 1) != 0, (i & 2) != 0 ? "lab" : "");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    for (unsigned i = 0; i < KINDS; i++) {
        assert_int_equal(inf_member_live(all[i].member), 1);
        hostile_end(&all[i]);
    }
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* To each of them. */
static void fire(const void *bytes, size_t len) {
    for (unsigned i = 0; i < KINDS; i++)
        hostile_hear(&all[i], 66, bytes, len);
}

#define FIRE(bytes) fire((bytes), sizeof(bytes) - 1)

/* To the one in the clear; was it counted as bad? */
static bool refused(const void *bytes, size_t len) {
    uint64_t before = hostile_bad(&all[CLEAR]);
    hostile_hear(&all[CLEAR], 66, bytes, len);
    return hostile_bad(&all[CLEAR]) > before;
}

#define REFUSED(bytes) refused((bytes), sizeof(bytes) - 1)

/* ---- the frame ----------------------------------------------------------- */

static void an_empty_datagram(void **state) {
    (void)state;
    fire(NULL, 0);
}

static void every_type_byte_alone(void **state) {
    (void)state;
    for (unsigned kind = 0; kind < 256; kind++) {
        uint8_t byte = (uint8_t)kind;
        fire(&byte, 1);
        if (kind != INF_MESSAGE_USER) assert_true(refused(&byte, 1));
    }
}

static void unknown_types_14_to_255(void **state) {
    (void)state;
    for (unsigned kind = 14; kind < 256; kind++) {
        uint8_t bytes[3] = {(uint8_t)kind, 0x81, 0xa1};
        fire(bytes, sizeof bytes);
        assert_true(refused(bytes, sizeof bytes));
    }
}

static void a_label_of_length_zero(void **state) {
    (void)state;
    FIRE("\xf4\x00");
    assert_true(REFUSED("\xf4\x00\x02\x80"));
}

static void a_label_longer_than_the_datagram(void **state) {
    (void)state;
    FIRE("\xf4\xff");
    assert_true(REFUSED("\xf4\x09lab"));
    assert_true(REFUSED("\xf4"));
}

static void a_label_in_a_label(void **state) {
    (void)state;
    uint64_t before = hostile_bad(&all[LABELLED]);
    static const char twice[] = "\xf4\x03lab\xf4\x03lab\x02\x80";
    hostile_hear(&all[LABELLED], 66, twice, sizeof twice - 1);
    assert_true(hostile_bad(&all[LABELLED]) > before);
    FIRE("\xf4\x03lab\xf4\x03lab\x02\x80");
}

static void another_label_or_none_or_one_too_many(void **state) {
    (void)state;
    static const char *const lies[] = {"\xf4\x03lob\x0b\x80",
                                       "\xf4\x02la\x0b\x80",
                                       "\xf4\x04labb\x0b\x80", "\x0b\x80"};
    for (size_t i = 0; i < INF_COUNT(lies); i++) {
        uint64_t before = hostile_bad(&all[LABELLED]);
        hostile_hear(&all[LABELLED], 66, lies[i], strlen(lies[i]));
        assert_true(hostile_bad(&all[LABELLED]) > before);
    }
    assert_true(REFUSED("\xf4\x03lab\x0b\x80"));
}

static void seal_versions_2_to_255(void **state) {
    (void)state;
    uint8_t block[64] = {0};
    for (unsigned version = 2; version < 256; version++) {
        block[0] = (uint8_t)version;
        fire(block, sizeof block);
    }
    inf_member_stats stats = inf_member_stats_of(all[KEYED].member);
    assert_int_equal(stats.bad_packets, 254);
}

static void sealed_blocks_that_are_too_short(void **state) {
    (void)state;
    uint8_t block[45] = {0};
    for (uint8_t version = 0; version < 2; version++) {
        for (size_t len = 0; len <= sizeof block; len++) {
            block[0] = version;
            fire(block, len);
        }
    }
    assert_int_equal(inf_member_stats_of(all[KEYED].member).bad_packets, 92);
}

/* A sealed block of ours around any bytes. */
static void fire_sealed(const void *plain, size_t len, uint8_t version,
                        const char *aad) {
    inf_buf out;
    inf_buf_init(&out, inf_alloc_libc());
    assert_int_equal(inf_keyring_seal(all[KEYED].keys, &out,
                                      inf_slice_of(plain, len),
                                      inf_slice_str(aad), version, NULL),
                     0);
    hostile_hear(&all[KEYED], 66, out.data, out.len);
    inf_buf_deinit(&out);
}

static void a_valid_seal_around_nothing(void **state) {
    (void)state;
    fire_sealed("", 0, 1, "");
    fire_sealed("", 0, 0, "");
    assert_int_equal(hostile_bad(&all[KEYED]), 2);
}

/* Version 0 made by hand: the padding says `pad`. */
static void paddings_of_0_17_and_255(void **state) {
    (void)state;
    static const uint8_t pads[] = {0, 17, 255};
    for (size_t i = 0; i < INF_COUNT(pads); i++) {
        inf_buf out;
        uint8_t plain[16];
        inf_buf_init(&out, inf_alloc_libc());
        memset(plain, pads[i], sizeof plain);
        assert_int_equal(inf_keyring_seal(all[KEYED].keys, &out,
                                          inf_slice_of(plain, 16),
                                          inf_slice_str(""), 1, NULL),
                         0);
        out.data[0] = 0; /* the tag does not cover the version */
        hostile_hear(&all[KEYED], 66, out.data, out.len);
        inf_buf_deinit(&out);
    }
    assert_int_equal(hostile_bad(&all[KEYED]), 3);
}

static void the_wrong_associated_data(void **state) {
    (void)state;
    fire_sealed("\x0b\x80", 2, 1, "lab");
    fire_sealed("\x0b\x80", 2, 1, "\xf4\x03lab");
    assert_int_equal(inf_member_stats_of(all[KEYED].member).sealed_alien, 2);
    inf_slice vector = golden("sealed_v1_label"); /* and without its label */
    hostile_hear(&all[KEYED], 66, vector.data + 5, vector.len - 5);
    assert_int_equal(inf_member_stats_of(all[KEYED].member).sealed_alien, 3);
}

static void a_crc_header_of_1_to_4_bytes(void **state) {
    (void)state;
    for (size_t len = 1; len <= 4; len++)
        assert_true(refused("\x0c\0\0\0", len));
}

static void a_wrong_crc(void **state) {
    (void)state;
    assert_true(REFUSED("\x0c\0\0\0\1\x0b\x80"));
    assert_true(REFUSED("\x0c\xff\xff\xff\xff\x03\x80"));
}

static void a_crc_inside_a_compound(void **state) {
    (void)state;
    assert_true(REFUSED("\x07\1\0\x07\x0c\0\0\0\0\x0b\x80"));
}

static void a_crc_of_nothing(void **state) {
    (void)state;
    assert_true(REFUSED("\x0c\0\0\0\0"));
}

static void every_sample_cut_at_every_byte(void **state) {
    (void)state;
    static const char *const samples[] = {
        "ping",      "indirect_ping",   "ack",
        "nack",      "suspect",         "dead",
        "compound",  "crc_suspect",     "sealed_v1",
        "sealed_v0", "sealed_v1_label", "user_event",
        "push_pull"};
    for (size_t i = 0; i < INF_COUNT(samples); i++) {
        inf_slice whole = golden(samples[i]);
        for (size_t len = 0; len < whole.len; len++)
            fire(whole.data, len);
    }
}

static void every_sample_with_any_bit_turned(void **state) {
    (void)state;
    static const char *const samples[] = {"ping", "suspect", "compound",
                                          "sealed_v1_label", "user_event"};
    for (size_t i = 0; i < INF_COUNT(samples); i++) {
        inf_slice whole = golden(samples[i]);
        uint8_t bent[512];
        assert_true(whole.len <= sizeof bent);
        for (size_t bit = 0; bit < 8 * whole.len; bit++) {
            memcpy(bent, whole.data, whole.len);
            bent[bit / 8] ^= (uint8_t)(1u << bit % 8);
            fire(bent, whole.len);
        }
    }
}

/* ---- the compound -------------------------------------------------------- */

static void a_compound_of_none(void **state) {
    (void)state;
    FIRE("\x07");
    FIRE("\x07\0");
}

static void compounds_of_1_to_255_with_a_short_table(void **state) {
    (void)state;
    uint8_t bytes[2 + 2 * 255] = {7};
    for (unsigned count = 1; count < 256; count++) {
        bytes[1] = (uint8_t)count;
        for (size_t len = 2; len < 2 + 2 * (size_t)count; len += 17)
            assert_true(refused(bytes, len));
    }
}

static void compound_lengths_that_sum_to_too_much_or_too_little(void **state) {
    (void)state;
    assert_true(REFUSED("\x07\2\0\2\xff\xff\x0b\x80\x0b\x80"));
    assert_true(REFUSED("\x07\1\xff\xff\x0b\x80"));
    FIRE("\x07\1\0\2\x0b\x80 and more that no length covers");
}

static void a_part_of_length_zero(void **state) {
    (void)state;
    FIRE("\x07\3\0\0\0\2\0\0\x0b\x80");
}

static void compounds_in_compounds_to_a_depth_of_10000(void **state) {
    (void)state;
    static uint8_t bytes[4 * 10000 + 2];
    static const size_t depths[] = {1, 2, 3, 4, 10, 255, 10000};
    for (size_t i = 0; i < INF_COUNT(depths); i++) {
        size_t depth = depths[i], at = 0;
        for (size_t d = 0; d < depth; d++) {
            size_t inner = 4 * (depth - d - 1) + 2;
            bytes[at++] = 7;
            bytes[at++] = 1;
            bytes[at++] = (uint8_t)(inner >> 8);
            bytes[at++] = (uint8_t)inner;
        }
        bytes[at++] = 0x0b;
        bytes[at++] = 0x80;
        bool bad = refused(bytes, at);
        assert_int_equal(bad, depth > 2);
    }
}

static void a_part_that_is_compressed(void **state) {
    (void)state;
    /* 0b 80, packed */
    inf_buf packed, out;
    inf_buf_init(&packed, inf_alloc_libc());
    inf_buf_init(&out, inf_alloc_libc());
    inf_lzw_encode(&packed, inf_slice_of("\x0b\x80", 2));
    inf_buf_put(&out, (const uint8_t *)"\x07\1\0", 3);
    inf_buf_u8(&out, (uint8_t)(packed.len + 13));
    inf_message_encode(&out, &(inf_message){.kind = INF_MESSAGE_COMPRESSED,
                                            .body = inf_buf_view(&packed)});
    assert_false(refused(out.data, out.len));
    inf_buf_deinit(&packed);
    inf_buf_deinit(&out);
}

static void a_compound_of_255_empty_parts(void **state) {
    (void)state;
    static const uint8_t bytes[2 + 2 * 255] = {7, 255};
    fire(bytes, sizeof bytes);
}

static void a_compound_of_128_where_a_byte_has_a_sign(void **state) {
    (void)state;
    uint8_t bytes[2 + 4 * 128] = {7, 128};
    for (size_t i = 0; i < 128; i++) {
        bytes[2 + 2 * i + 1] = 2;
        bytes[2 + 2 * 128 + 2 * i] = 0x0b;
        bytes[2 + 2 * 128 + 2 * i + 1] = 0x80;
    }
    assert_false(refused(bytes, sizeof bytes));
    assert_true(refused(bytes, sizeof bytes - 1));
}

/* ---- the compression ----------------------------------------------------- */

/* A compressed message with this body; was it refused? */
static bool packed_refused(inf_slice body) {
    inf_buf out;
    inf_buf_init(&out, inf_alloc_libc());
    inf_message_encode(
        &out, &(inf_message){.kind = INF_MESSAGE_COMPRESSED, .body = body});
    bool bad = refused(out.data, out.len);
    inf_buf_deinit(&out);
    return bad;
}

/* Codes of 9 bits. */
static bool codes_refused(const uint16_t *codes, size_t count) {
    uint8_t bytes[64] = {0};
    size_t bit = 0;
    for (size_t i = 0; i < count; i++) {
        for (unsigned b = 0; b < 9; b++, bit++)
            bytes[bit / 8] |= (uint8_t)((codes[i] >> b & 1) << bit % 8);
    }
    return packed_refused(inf_slice_of(bytes, (bit + 7) / 8));
}

static void compression_of_an_empty_buffer(void **state) {
    (void)state;
    assert_true(packed_refused(inf_slice_of("", 0)));
}

static void compression_without_its_end(void **state) {
    (void)state;
    static const uint16_t codes[] = {256, 0x0b, 0x80};
    assert_true(codes_refused(codes, INF_COUNT(codes)));
}

static void compression_that_does_not_begin_with_a_clear(void **state) {
    (void)state;
    static const uint16_t codes[] = {0x0b, 0x80, 257};
    (void)codes_refused(codes, INF_COUNT(codes));
}

static void a_code_beyond_the_next_one(void **state) {
    (void)state;
    static const uint16_t codes[] = {256, 0x0b, 300, 257};
    assert_true(codes_refused(codes, INF_COUNT(codes)));
}

static void code_258_before_any_other(void **state) {
    (void)state;
    static const uint16_t codes[] = {256, 258, 257};
    assert_true(codes_refused(codes, INF_COUNT(codes)));
}

static void a_full_table_and_then_more(void **state) {
    (void)state;
    /* More than 4096 codes without a clear, written by hand. */
    inf_buf bytes;
    inf_buf_init(&bytes, inf_alloc_libc());
    uint64_t bits = 0;
    unsigned have = 0, width = 9;
    uint32_t next = 257;
    for (uint32_t i = 0; i < 6000; i++) {
        uint32_t code = i == 0 ? 256 : i == 5999 ? 257 : 8;
        bits |= (uint64_t)code << have;
        for (have += width; have >= 8; have -= 8, bits >>= 8)
            inf_buf_u8(&bytes, (uint8_t)bits);
        if (i > 1 && next < 4095) next++;
        if (next >= (1u << width) - 1 && width < 12) width++;
    }
    inf_buf_u8(&bytes, (uint8_t)bits);
    (void)packed_refused(inf_buf_view(&bytes)); /* believed or not: no harm */
    inf_buf_deinit(&bytes);
}

static void clears_and_nothing_else(void **state) {
    (void)state;
    static const uint16_t codes[] = {256, 256, 256, 256, 256, 257};
    assert_true(codes_refused(codes, INF_COUNT(codes)));
    assert_true(codes_refused(codes, 5));
}

static void bits_after_the_end(void **state) {
    (void)state;
    static const uint16_t codes[] = {256, 0x0b, 0x80, 257, 511, 511, 511};
    assert_false(codes_refused(codes, INF_COUNT(codes)));
}

static void a_bomb_at_the_limit_and_a_byte_beside_it(void **state) {
    (void)state;
    static uint8_t plain[INF_PACKET_INFLATE + 1];
    memset(plain, INF_MESSAGE_USER, sizeof plain);
    for (size_t more = 0; more < 3; more++) {
        inf_buf packed;
        inf_buf_init(&packed, inf_alloc_libc());
        inf_lzw_encode(&packed,
                       inf_slice_of(plain, INF_PACKET_INFLATE - 1 + more));
        bool bad = packed_refused(inf_buf_view(&packed));
        if (more == 2) assert_true(bad);
        inf_buf_deinit(&packed);
    }
}

static void compression_of_another_kind(void **state) {
    (void)state;
    assert_true(REFUSED("\x09\x82\xa4"
                        "Algo\1\xa3"
                        "Buf\xa1x"));
    assert_true(REFUSED("\x09\x82\xa4"
                        "Algo\xcc\xff\xa3"
                        "Buf\xa1x"));
    assert_true(REFUSED("\x09\x82\xa4"
                        "Algo\xff\xa3"
                        "Buf\xa1x"));
    assert_true(REFUSED("\x09\x81\xa3"
                        "Buf\xa1x")); /* missing: as LZW, and none */
}

static void compression_of_nil(void **state) {
    (void)state;
    assert_true(REFUSED("\x09\x82\xa4"
                        "Algo\0\xa3"
                        "Buf\xc0"));
}

static void compression_in_compression(void **state) {
    (void)state;
    inf_buf inner, message, outer;
    inf_buf_init(&inner, inf_alloc_libc());
    inf_buf_init(&message, inf_alloc_libc());
    inf_buf_init(&outer, inf_alloc_libc());
    inf_lzw_encode(&inner, inf_slice_of("\x0b\x80", 2));
    inf_message_encode(&message, &(inf_message){.kind = INF_MESSAGE_COMPRESSED,
                                                .body = inf_buf_view(&inner)});
    inf_lzw_encode(&outer, inf_buf_view(&message));
    assert_true(packed_refused(inf_buf_view(&outer)));
    inf_buf_deinit(&inner);
    inf_buf_deinit(&message);
    inf_buf_deinit(&outer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_empty_datagram),
        TEST(every_type_byte_alone),
        TEST(unknown_types_14_to_255),
        TEST(a_label_of_length_zero),
        TEST(a_label_longer_than_the_datagram),
        TEST(a_label_in_a_label),
        TEST(another_label_or_none_or_one_too_many),
        TEST(seal_versions_2_to_255),
        TEST(sealed_blocks_that_are_too_short),
        TEST(a_valid_seal_around_nothing),
        TEST(paddings_of_0_17_and_255),
        TEST(the_wrong_associated_data),
        TEST(a_crc_header_of_1_to_4_bytes),
        TEST(a_wrong_crc),
        TEST(a_crc_inside_a_compound),
        TEST(a_crc_of_nothing),
        TEST(every_sample_cut_at_every_byte),
        TEST(every_sample_with_any_bit_turned),
        TEST(a_compound_of_none),
        TEST(compounds_of_1_to_255_with_a_short_table),
        TEST(compound_lengths_that_sum_to_too_much_or_too_little),
        TEST(a_part_of_length_zero),
        TEST(compounds_in_compounds_to_a_depth_of_10000),
        TEST(a_part_that_is_compressed),
        TEST(a_compound_of_255_empty_parts),
        TEST(a_compound_of_128_where_a_byte_has_a_sign),
        TEST(compression_of_an_empty_buffer),
        TEST(compression_without_its_end),
        TEST(compression_that_does_not_begin_with_a_clear),
        TEST(a_code_beyond_the_next_one),
        TEST(code_258_before_any_other),
        TEST(a_full_table_and_then_more),
        TEST(clears_and_nothing_else),
        TEST(bits_after_the_end),
        TEST(a_bomb_at_the_limit_and_a_byte_beside_it),
        TEST(compression_of_another_kind),
        TEST(compression_of_nil),
        TEST(compression_in_compression)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
