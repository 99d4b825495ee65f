/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdlib.h>

#include "base/error.h"
#include "host/tls.h"

static const uint8_t key_one[16] = "0123456789abcde";
static const uint8_t key_two[32] = "another key of thirty-two bytes";

static inf_slice one(void) {
    return inf_slice_of(key_one, sizeof key_one);
}

static inf_slice two(void) {
    return inf_slice_of(key_two, sizeof key_two);
}

static inf_tls_keys *keys_of(inf_slice first, inf_slice second) {
    inf_tls_keys *keys = NULL;
    inf_slice list[2] = {first, second};
    assert_int_equal(inf_tls_keys_new(&keys, inf_alloc_libc(), list,
                                      second.len != 0 ? 2 : 1),
                     0);
    return keys;
}

/* Moves what `from` has to say to `to`, `step` bytes at a time. */
static int pass(inf_tls *from, inf_tls *to, size_t step, inf_buf *plain) {
    inf_buf bytes;
    int rc = 0;
    inf_buf_init(&bytes, inf_alloc_libc());
    assert_int_equal(inf_tls_take(from, &bytes), 0);
    for (size_t at = 0; rc == 0 && at < bytes.len; at += step) {
        size_t len = bytes.len - at < step ? bytes.len - at : step;
        rc = inf_tls_input(to, inf_slice_of(bytes.data + at, len), plain);
    }
    inf_buf_deinit(&bytes);
    return rc;
}

/* 0 when both ends accept each other. */
static int shake_hands(inf_tls *a, inf_tls *b, size_t step) {
    inf_buf plain;
    int rc = 0;
    inf_buf_init(&plain, inf_alloc_libc());
    for (int i = 0; i < 4 && rc == 0; i++) {
        rc = pass(a, b, step, &plain);
        int back = pass(b, a, step, &plain);
        if (rc == 0) rc = back;
    }
    assert_int_equal(plain.len, 0);
    inf_buf_deinit(&plain);
    if (rc == 0) assert_true(inf_tls_ready(a) && inf_tls_ready(b));
    return rc;
}

static void who_knows_a_key_is_let_in_and_understood(void **state) {
    (void)state;
    size_t len = 300000;
    uint8_t *text = calloc(len, 1);
    for (size_t step = 1; step < 100000; step = step * 7 + 1) {
        inf_tls_keys *ours = keys_of(one(), (inf_slice){NULL, 0});
        inf_tls_keys *theirs = keys_of(two(), one());
        inf_tls *a = inf_tls_new(ours, true), *b = inf_tls_new(theirs, false);
        inf_buf plain;
        inf_buf_init(&plain, inf_alloc_libc());
        assert_int_equal(shake_hands(a, b, step), 0);
        assert_int_equal(inf_tls_seal(a, inf_slice_of(text, len)), 0);
        assert_int_equal(pass(a, b, step + 1000, &plain), 0);
        assert_int_equal(plain.len, len);
        assert_memory_equal(plain.data, text, len);
        inf_buf_clear(&plain);
        assert_int_equal(inf_tls_seal(b, inf_slice_str("back")), 0);
        assert_int_equal(pass(b, a, step, &plain), 0);
        assert_true(inf_slice_eq(inf_buf_view(&plain), inf_slice_str("back")));
        inf_buf_deinit(&plain);
        inf_tls_free(a);
        inf_tls_free(b);
        inf_tls_keys_free(ours);
        inf_tls_keys_free(theirs);
    }
    free(text);
}

static void who_knows_no_key_is_refused(void **state) {
    (void)state;
    inf_tls_keys *ours = keys_of(one(), (inf_slice){NULL, 0});
    inf_tls_keys *theirs = keys_of(two(), (inf_slice){NULL, 0});
    inf_tls *a = inf_tls_new(ours, true), *b = inf_tls_new(theirs, false);
    assert_int_equal(shake_hands(a, b, 100), INF_ECRYPT);
    assert_false(inf_tls_ready(a));
    assert_false(inf_tls_ready(b));
    inf_tls_free(a);
    inf_tls_free(b);
    inf_tls_keys_free(ours);
    inf_tls_keys_free(theirs);
}

static void bytes_that_are_not_tls_are_refused(void **state) {
    (void)state;
    inf_tls_keys *keys = keys_of(one(), (inf_slice){NULL, 0});
    inf_tls *b = inf_tls_new(keys, false);
    inf_buf plain;
    inf_buf_init(&plain, inf_alloc_libc());
    assert_int_equal(
        inf_tls_input(b, inf_slice_str("GET / HTTP/1.1\r\n\r\n"), &plain),
        INF_ECRYPT);
    inf_buf_deinit(&plain);
    inf_tls_free(b);
    inf_tls_keys_free(keys);
}

static void a_changed_byte_is_noticed(void **state) {
    (void)state;
    inf_tls_keys *keys = keys_of(one(), (inf_slice){NULL, 0});
    inf_tls *a = inf_tls_new(keys, true), *b = inf_tls_new(keys, false);
    inf_buf bytes, plain;
    inf_buf_init(&bytes, inf_alloc_libc());
    inf_buf_init(&plain, inf_alloc_libc());
    assert_int_equal(shake_hands(a, b, 1000), 0);
    assert_int_equal(inf_tls_seal(a, inf_slice_str("pay 10")), 0);
    assert_int_equal(inf_tls_take(a, &bytes), 0);
    bytes.data[bytes.len - 3] ^= 1;
    assert_int_equal(inf_tls_input(b, inf_buf_view(&bytes), &plain),
                     INF_ECRYPT);
    assert_int_equal(plain.len, 0);
    inf_buf_deinit(&bytes);
    inf_buf_deinit(&plain);
    inf_tls_free(a);
    inf_tls_free(b);
    inf_tls_keys_free(keys);
}

static void a_rotation_keeps_links_and_changes_who_gets_in(void **state) {
    (void)state;
    inf_slice next = two();
    inf_tls_keys *keys = keys_of(one(), (inf_slice){NULL, 0});
    inf_tls_keys *old = keys_of(one(), (inf_slice){NULL, 0});
    inf_tls *a = inf_tls_new(old, true), *b = inf_tls_new(keys, false);
    inf_buf plain;
    inf_buf_init(&plain, inf_alloc_libc());
    assert_int_equal(shake_hands(a, b, 1000), 0);
    assert_int_equal(inf_tls_keys_set(keys, &next, 1), 0);
    assert_int_equal(inf_tls_seal(a, inf_slice_str("still here")), 0);
    assert_int_equal(pass(a, b, 1000, &plain), 0);
    assert_int_equal(plain.len, 10);
    inf_tls_free(a);
    inf_tls_free(b);

    a = inf_tls_new(old, true);
    b = inf_tls_new(keys, false);
    assert_int_equal(shake_hands(a, b, 1000), INF_ECRYPT);
    inf_tls_free(a);
    inf_tls_free(b);
    inf_buf_deinit(&plain);
    inf_tls_keys_free(keys);
    inf_tls_keys_free(old);
}

static void a_short_key_is_refused(void **state) {
    (void)state;
    inf_tls_keys *keys = NULL;
    inf_slice list[1] = {inf_slice_str("short")};
    assert_int_equal(inf_tls_keys_new(&keys, inf_alloc_libc(), list, 1),
                     INF_EINVAL);
    assert_int_equal(inf_tls_keys_new(&keys, inf_alloc_libc(), list, 0),
                     INF_EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_knows_a_key_is_let_in_and_understood),
        cmocka_unit_test(who_knows_no_key_is_refused),
        cmocka_unit_test(bytes_that_are_not_tls_are_refused),
        cmocka_unit_test(a_changed_byte_is_noticed),
        cmocka_unit_test(a_rotation_keeps_links_and_changes_who_gets_in),
        cmocka_unit_test(a_short_key_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
