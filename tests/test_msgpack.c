/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <math.h>

#include "base/error.h"
#include "base/msgpack.h"

typedef struct fixture {
    inf_buf buf;
} fixture;

static int setup(void **state) {
    static fixture f;
    inf_buf_init(&f.buf, inf_alloc_libc());
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    fixture *f = *state;
    inf_buf_deinit(&f->buf);
    return 0;
}

/* Reads the one value of the buffer and empties it. */
static inf_msgpack_token only(inf_buf *buf) {
    inf_msgpack_token token;
    inf_cursor cursor = inf_cursor_of(inf_buf_view(buf));
    assert_int_equal(inf_msgpack_read(&cursor, &token), 0);
    assert_int_equal(inf_cursor_left(&cursor), 0);
    inf_buf_clear(buf);
    return token;
}

static void integers_take_the_shortest_form(void **state) {
    fixture *f = *state;
    static const struct {
        int64_t value;
        size_t len;
    } cases[] = {
        {0, 1},
        {127, 1},
        {128, 2},
        {255, 2},
        {256, 3},
        {65535, 3},
        {65536, 5},
        {UINT32_MAX, 5},
        {1LL << 32, 9},
        {INT64_MAX, 9},
        {-1, 1},
        {-32, 1},
        {-33, 2},
        {-128, 2},
        {-129, 3},
        {-32768, 3},
        {-32769, 5},
        {INT32_MIN, 5},
        {INT32_MIN - 1LL, 9},
        {INT64_MIN, 9},
    };
    for (size_t i = 0; i < INF_COUNT(cases); i++) {
        inf_msgpack_int(&f->buf, cases[i].value);
        assert_int_equal(f->buf.len, cases[i].len);
        inf_msgpack_token token = only(&f->buf);
        assert_int_equal(token.kind, INF_MSGPACK_INT);
        assert_true(token.integer == cases[i].value);
    }
}

static void naturals_beyond_a_sign_are_told_apart(void **state) {
    fixture *f = *state;
    inf_msgpack_uint(&f->buf, (uint64_t)INT64_MAX + 1);
    inf_msgpack_token token = only(&f->buf);
    assert_int_equal(token.kind, INF_MSGPACK_UINT);
    assert_true(token.natural == (uint64_t)INT64_MAX + 1);
    inf_msgpack_uint(&f->buf, INT64_MAX);
    token = only(&f->buf);
    assert_int_equal(token.kind, INF_MSGPACK_INT);
    assert_true(token.natural == INT64_MAX && token.integer == INT64_MAX);
}

static void floats_keep_every_bit(void **state) {
    fixture *f = *state;
    static const double values[] = {0.0,   -0.0,   1.0,      1.0 / 3,
                                    1e308, 5e-324, INFINITY, -INFINITY};
    for (size_t i = 0; i < INF_COUNT(values); i++) {
        inf_msgpack_float(&f->buf, values[i]);
        inf_msgpack_token token = only(&f->buf);
        assert_int_equal(token.kind, INF_MSGPACK_FLOAT);
        assert_memory_equal(&token.number, &values[i], sizeof values[i]);
    }
    inf_msgpack_float(&f->buf, NAN);
    assert_true(isnan(only(&f->buf).number));
}

static void a_float_of_32_bits_is_read(void **state) {
    fixture *f = *state;
    inf_buf_put(&f->buf, "\xca\x3f\xc0\x00\x00", 5);
    assert_true(only(&f->buf).number == 1.5);
}

static void bytes_of_every_length_class_come_back(void **state) {
    fixture *f = *state;
    static uint8_t text[70000];
    static const struct {
        size_t len, head;
    } cases[] = {
        {0, 1},   {31, 1},    {32, 2},    {255, 2},
        {256, 3}, {65535, 3}, {65536, 5}, {70000, 5},
    };
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (uint8_t)(i * 7);
    }
    for (size_t i = 0; i < INF_COUNT(cases); i++) {
        inf_slice bytes = inf_slice_of(text, cases[i].len);
        inf_msgpack_str(&f->buf, bytes);
        assert_int_equal(f->buf.len, cases[i].len + cases[i].head);
        assert_true(inf_slice_eq(only(&f->buf).bytes, bytes));
    }
}

static void lists_and_maps_announce_their_size(void **state) {
    fixture *f = *state;
    static const uint32_t counts[] = {0, 1, 15, 16, 65535, 65536};
    for (size_t i = 0; i < INF_COUNT(counts); i++) {
        inf_msgpack_array(&f->buf, counts[i]);
        for (uint32_t n = 0; n < counts[i]; n++)
            inf_msgpack_nil(&f->buf);
        inf_cursor cursor = inf_cursor_of(inf_buf_view(&f->buf));
        inf_msgpack_token token;
        assert_int_equal(inf_msgpack_read(&cursor, &token), 0);
        assert_int_equal(token.kind, INF_MSGPACK_ARRAY);
        assert_int_equal(token.count, counts[i]);
        inf_buf_clear(&f->buf);
        inf_msgpack_map(&f->buf, counts[i]);
        for (uint32_t n = 0; n < 2 * counts[i]; n++)
            inf_msgpack_bool(&f->buf, true);
        cursor = inf_cursor_of(inf_buf_view(&f->buf));
        assert_int_equal(inf_msgpack_skip(&cursor, 1), 0);
        assert_int_equal(inf_cursor_left(&cursor), 0);
        inf_buf_clear(&f->buf);
    }
}

/* Every prefix of every form, and heads that promise more than there is. */
static void a_cut_value_is_truncated_and_never_read_past(void **state) {
    (void)state;
    static const char *const values[] = {
        "\xcc\x80",
        "\xcd\x01\x00",
        "\xce\x00\x01\x00\x00",
        "\xcf\x00\x00\x00\x01\x00\x00\x00\x00",
        "\xca\x00\x00\x00\x00",
        "\xcb\x00\x00\x00\x00\x00\x00\x00\x00",
        "\xa3"
        "abc",
        "\xd9\x03"
        "abc",
        "\xc6\x00\x00\x00\x03"
        "abc",
        "\xd4\x05\x01",
        "\xc7\x02\x05\x01\x02",
    };
    static const size_t lengths[] = {2, 3, 5, 9, 5, 9, 4, 5, 8, 3, 5};
    for (size_t i = 0; i < INF_COUNT(values); i++) {
        for (size_t len = 0; len <= lengths[i]; len++) {
            inf_msgpack_token token;
            inf_cursor cursor = inf_cursor_of(inf_slice_of(values[i], len));
            int rc = inf_msgpack_read(&cursor, &token);
            assert_int_equal(rc, len == lengths[i] ? 0 : INF_ETRUNCATED);
        }
    }
}

static void a_count_that_the_bytes_cannot_hold_is_refused(void **state) {
    (void)state;
    static const char *const heads[] = {"\xdd\xff\xff\xff\xff",
                                        "\xdf\xff\xff\xff\xff",
                                        "\xdc\x00\x06xxxx", "\xde\x00\x03xxxx"};
    static const size_t lengths[] = {5, 5, 7, 7};
    for (size_t i = 0; i < INF_COUNT(heads); i++) {
        inf_msgpack_token token;
        inf_cursor cursor = inf_cursor_of(inf_slice_of(heads[i], lengths[i]));
        assert_int_equal(inf_msgpack_read(&cursor, &token), INF_ETRUNCATED);
        assert_int_equal(token.kind, INF_MSGPACK_NIL);
    }
}

static void the_byte_that_means_nothing_is_malformed(void **state) {
    (void)state;
    inf_msgpack_token token;
    inf_cursor cursor = inf_cursor_of(inf_slice_str("\xc1\x01"));
    assert_int_equal(inf_msgpack_read(&cursor, &token), INF_EMALFORMED);
    assert_int_equal(inf_msgpack_read(&cursor, &token), INF_ETRUNCATED);
}

static void skipping_stops_at_the_depth_it_was_given(void **state) {
    (void)state;
    inf_cursor cursor = inf_cursor_of(inf_slice_str("\x91\x91\x91\x01"));
    assert_int_equal(inf_msgpack_skip(&cursor, 2), INF_ETOOBIG);
    cursor = inf_cursor_of(inf_slice_str("\x91\x91\x91\x01"));
    assert_int_equal(inf_msgpack_skip(&cursor, 3), 0);
}

static void expecting_another_kind_is_malformed(void **state) {
    (void)state;
    inf_msgpack_token token;
    inf_cursor cursor = inf_cursor_of(inf_slice_str("\x01\xa1x"));
    assert_int_equal(inf_msgpack_expect(&cursor, INF_MSGPACK_BYTES, &token),
                     INF_EMALFORMED);
    assert_int_equal(inf_msgpack_expect(&cursor, INF_MSGPACK_BYTES, &token), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_take_the_shortest_form),
        cmocka_unit_test(naturals_beyond_a_sign_are_told_apart),
        cmocka_unit_test(floats_keep_every_bit),
        cmocka_unit_test(a_float_of_32_bits_is_read),
        cmocka_unit_test(bytes_of_every_length_class_come_back),
        cmocka_unit_test(lists_and_maps_announce_their_size),
        cmocka_unit_test(a_cut_value_is_truncated_and_never_read_past),
        cmocka_unit_test(a_count_that_the_bytes_cannot_hold_is_refused),
        cmocka_unit_test(the_byte_that_means_nothing_is_malformed),
        cmocka_unit_test(skipping_stops_at_the_depth_it_was_given),
        cmocka_unit_test(expecting_another_kind_is_malformed),
    };
    return cmocka_run_group_tests_name("msgpack", tests, setup, teardown);
}
