/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/lzw.h"
#include "base/rng.h"
#include "golden.h"

static void assert_slices(inf_slice a, inf_slice b) {
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
}

static void real_streams_decode_to_what_they_stand_for(void **state) {
    inf_buf *out = *state;
    assert_int_equal(inf_lzw_decode(out, golden("lzw_ack"), 1000), 0);
    assert_slices(inf_buf_view(out), golden("ack"));
    inf_buf_clear(out);
    assert_int_equal(inf_lzw_decode(out, golden("lzw_user"), 1000), 0);
    assert_slices(inf_buf_view(out), golden("lzw_user_plain"));
}

static void encoding_gives_the_bytes_of_the_real_ones(void **state) {
    inf_buf *out = *state;
    inf_lzw_encode(out, golden("ack"));
    assert_slices(inf_buf_view(out), golden("lzw_ack"));
    inf_buf_clear(out);
    inf_lzw_encode(out, golden("lzw_user_plain"));
    assert_slices(inf_buf_view(out), golden("lzw_user"));
}

/* Text of every length and alphabet, some of it long enough to fill the table
   several times. */
static void what_is_encoded_decodes_to_itself(void **state) {
    inf_buf *packed = *state;
    static const size_t lengths[] = {0,    1,    2,     3,     255,
                                     4000, 8192, 20000, 100000};
    static const unsigned alphabets[] = {1, 2, 3, 16, 256};
    inf_rng rng;
    inf_rng_seed(&rng, 7);
    inf_buf plain;
    inf_buf back;
    inf_buf_init(&plain, inf_alloc_libc());
    inf_buf_init(&back, inf_alloc_libc());
    for (size_t i = 0; i < INF_COUNT(lengths) * INF_COUNT(alphabets); i++) {
        size_t len = lengths[i % INF_COUNT(lengths)];
        unsigned alphabet = alphabets[i / INF_COUNT(lengths)];
        inf_buf_clear(&plain);
        inf_buf_clear(packed);
        inf_buf_clear(&back);
        for (size_t j = 0; j < len; j++)
            inf_buf_u8(&plain, (uint8_t)inf_rng_below(&rng, alphabet));
        inf_lzw_encode(packed, inf_buf_view(&plain));
        assert_int_equal(inf_lzw_decode(&back, inf_buf_view(packed), len), 0);
        assert_int_equal(back.len, len);
        if (len != 0) assert_memory_equal(back.data, plain.data, len);
    }
    inf_buf_deinit(&plain);
    inf_buf_deinit(&back);
}

static void the_limit_is_exact(void **state) {
    inf_buf *packed = *state;
    static const uint8_t zeros[5000];
    inf_lzw_encode(packed, inf_slice_of(zeros, sizeof zeros));
    inf_buf out;
    inf_buf_init(&out, inf_alloc_libc());
    inf_slice view = inf_buf_view(packed);
    assert_int_equal(inf_lzw_decode(&out, view, 4999), INF_ETOOBIG);
    assert_int_equal(out.len, 0);
    assert_int_equal(inf_lzw_decode(&out, view, 5000), 0);
    assert_int_equal(inf_lzw_decode(&out, view, 5001), 0);
    assert_int_equal(out.len, 10000);
    inf_buf_deinit(&out);
}

/* Codes of 9 bits, lowest bit first. */
static int decode_codes(inf_buf *out, const uint32_t *codes, size_t count) {
    inf_buf packed;
    inf_buf_init(&packed, inf_alloc_libc());
    uint64_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < count; i++) {
        bits |= (uint64_t)codes[i] << have;
        for (have += 9; have >= 8; have -= 8, bits >>= 8)
            inf_buf_u8(&packed, (uint8_t)bits);
    }
    if (have > 0) inf_buf_u8(&packed, (uint8_t)bits);
    int rc = inf_lzw_decode(out, inf_buf_view(&packed), 1000);
    inf_buf_deinit(&packed);
    return rc;
}

static void nonsense_is_refused(void **state) {
    inf_buf *out = *state;
    static const uint32_t beyond[] = {256, 'a', 259, 257};
    static const uint32_t first[] = {256, 258, 257};
    static const uint32_t unfinished[] = {256, 'a', 'b'};
    assert_int_equal(decode_codes(out, beyond, 4), INF_EMALFORMED);
    assert_int_equal(decode_codes(out, first, 3), INF_EMALFORMED);
    assert_int_equal(decode_codes(out, unfinished, 3), INF_ETRUNCATED);
    assert_int_equal(inf_lzw_decode(out, inf_slice_str(""), 9), INF_ETRUNCATED);
    assert_int_equal(out->len, 0);
}

static void a_code_may_stand_for_what_it_is_about_to_define(void **state) {
    inf_buf *out = *state;
    static const uint32_t codes[] = {256, 'a', 258, 259, 257};
    assert_int_equal(decode_codes(out, codes, 5), 0);
    assert_slices(inf_buf_view(out), inf_slice_str("aaaaaa"));
}

static void clears_alone_are_an_empty_text(void **state) {
    inf_buf *out = *state;
    static const uint32_t codes[] = {256, 256, 256, 257};
    static const uint32_t unopened[] = {'x', 257, 'y'};
    assert_int_equal(decode_codes(out, codes, 4), 0);
    assert_int_equal(out->len, 0);
    assert_int_equal(decode_codes(out, unopened, 3), 0);
    assert_slices(inf_buf_view(out), inf_slice_str("x"));
}

static int set_up(void **state) {
    static inf_buf buf;
    inf_buf_init(&buf, inf_alloc_libc());
    *state = &buf;
    return 0;
}

static int tear_down(void **state) {
    inf_buf_deinit(*state);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(real_streams_decode_to_what_they_stand_for),
        TEST(encoding_gives_the_bytes_of_the_real_ones),
        TEST(what_is_encoded_decodes_to_itself),
        TEST(the_limit_is_exact),
        TEST(nonsense_is_refused),
        TEST(a_code_may_stand_for_what_it_is_about_to_define),
        TEST(clears_alone_are_an_empty_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
