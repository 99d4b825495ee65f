/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/buf.h"

static void a_varint_of_every_width_comes_back(void **state) {
    (void)state;
    inf_buf buf;
    inf_buf_init(&buf, inf_alloc_libc());
    for (unsigned bit = 0; bit < 64; bit++) {
        inf_buf_varint(&buf, UINT64_C(1) << bit);
        inf_buf_varint(&buf, (UINT64_C(1) << bit) - 1);
    }
    inf_buf_varint(&buf, UINT64_MAX);

    inf_cursor cursor = inf_cursor_of(inf_buf_view(&buf));
    for (unsigned bit = 0; bit < 64; bit++) {
        assert_true(inf_cursor_varint(&cursor) == UINT64_C(1) << bit);
        assert_true(inf_cursor_varint(&cursor) == (UINT64_C(1) << bit) - 1);
    }
    assert_true(inf_cursor_varint(&cursor) == UINT64_MAX);
    assert_false(cursor.failed);
    assert_int_equal(inf_cursor_left(&cursor), 0);
    inf_buf_deinit(&buf);
}

static void a_varint_beyond_64_bits_is_refused(void **state) {
    (void)state;
    uint8_t bytes[11];
    memset(bytes, 0xff, sizeof bytes);
    inf_cursor cursor = inf_cursor_of(inf_slice_of(bytes, sizeof bytes));
    assert_true(inf_cursor_varint(&cursor) == 0);
    assert_true(cursor.failed);

    bytes[9] = 2; /* the tenth byte may only hold one bit */
    cursor = inf_cursor_of(inf_slice_of(bytes, 10));
    assert_true(inf_cursor_varint(&cursor) == 0);
    assert_true(cursor.failed);
}

static void reading_past_the_end_fails_for_good(void **state) {
    (void)state;
    const uint8_t bytes[3] = {1, 2, 3};
    inf_cursor cursor = inf_cursor_of(inf_slice_of(bytes, sizeof bytes));
    assert_int_equal(inf_cursor_u16be(&cursor), 0x0102);
    assert_int_equal(inf_cursor_u32be(&cursor), 0);
    assert_true(cursor.failed);
    assert_int_equal(inf_cursor_u8(&cursor), 0);
}

static void a_declared_length_beyond_the_end_takes_nothing(void **state) {
    (void)state;
    const uint8_t bytes[4] = {0x7f, 'a', 'b', 'c'};
    inf_cursor cursor = inf_cursor_of(inf_slice_of(bytes, sizeof bytes));
    assert_int_equal(inf_cursor_bytes(&cursor).len, 0);
    assert_true(cursor.failed);
}

static void integers_travel_big_endian(void **state) {
    (void)state;
    inf_buf buf;
    inf_buf_init(&buf, inf_alloc_libc());
    inf_buf_u16be(&buf, 0x0102);
    inf_buf_u32be(&buf, 0x03040506);
    inf_buf_u64be(&buf, UINT64_C(0x0708090a0b0c0d0e));
    for (uint8_t i = 0; i < 14; i++)
        assert_int_equal(buf.data[i], i + 1);
    inf_cursor cursor = inf_cursor_of(inf_buf_view(&buf));
    assert_int_equal(inf_cursor_u16be(&cursor), 0x0102);
    assert_int_equal(inf_cursor_u32be(&cursor), 0x03040506);
    assert_true(inf_cursor_u64be(&cursor) == UINT64_C(0x0708090a0b0c0d0e));
    inf_buf_deinit(&buf);
}

static void consuming_keeps_what_follows(void **state) {
    (void)state;
    inf_buf buf;
    inf_buf_init(&buf, inf_alloc_libc());
    inf_buf_str(&buf, "gossip");
    inf_buf_consume(&buf, 3);
    assert_int_equal(buf.len, 3);
    assert_memory_equal(buf.data, "sip", 3);
    inf_buf_printf(&buf, "-%d", 42);
    assert_int_equal(buf.len, 6);
    assert_memory_equal(buf.data, "sip-42", 6);
    inf_buf_deinit(&buf);
}

static void *refuse(void *ctx, void *block, size_t size) {
    (void)ctx;
    (void)block;
    (void)size;
    return NULL;
}

static void refused_memory_is_remembered(void **state) {
    (void)state;
    inf_alloc none = {refuse, NULL};
    inf_buf buf;
    inf_buf_init(&buf, &none);
    inf_buf_u8(&buf, 1);
    assert_true(buf.failed);
    assert_int_equal(buf.len, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_varint_of_every_width_comes_back),
        cmocka_unit_test(a_varint_beyond_64_bits_is_refused),
        cmocka_unit_test(reading_past_the_end_fails_for_good),
        cmocka_unit_test(a_declared_length_beyond_the_end_takes_nothing),
        cmocka_unit_test(integers_travel_big_endian),
        cmocka_unit_test(consuming_keeps_what_follows),
        cmocka_unit_test(refused_memory_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
