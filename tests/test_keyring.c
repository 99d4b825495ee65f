/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "core/keyring.h"
#include "golden.h"

static const inf_slice none = {NULL, 0};

static inf_slice key_of(uint8_t len, uint8_t from) {
    static uint8_t rooms[4][32];
    static size_t turn;
    uint8_t *room = rooms[turn++ % 4];
    for (uint8_t i = 0; i < len; i++)
        room[i] = (uint8_t)(from + i);
    return inf_slice_of(room, len);
}

static int set_up(void **state) {
    inf_keyring *ring = NULL;
    if (inf_keyring_new(&ring, inf_alloc_libc()) != 0) return -1;
    *state = ring;
    return 0;
}

static int tear_down(void **state) {
    inf_keyring_free(*state);
    return 0;
}

static void seal(const inf_keyring *ring, inf_buf *out, inf_slice plain,
                 inf_slice aad, uint8_t version, const char *vector) {
    inf_slice want = golden(vector);
    inf_buf_clear(out);
    assert_int_equal(
        inf_keyring_seal(ring, out, plain, aad, version, key_of(12, 0).data),
        0);
    assert_true(out->len <= want.len);
    assert_memory_equal(out->data, want.data + want.len - out->len, out->len);
}

static void sealing_gives_the_known_answers(void **state) {
    inf_keyring *ring = *state;
    inf_buf out;
    inf_buf_init(&out, inf_alloc_libc());
    assert_int_equal(inf_keyring_add(ring, key_of(16, 0)), 0);
    seal(ring, &out, golden("ping"), none, 1, "sealed_v1");
    seal(ring, &out, golden("ping"), none, 0, "sealed_v0");
    seal(ring, &out, golden("ping"), inf_slice_str("lab"), 1,
         "sealed_v1_label");
    inf_slice aad = inf_slice_of("\x0a\0\0\0\x2flab", 8);
    seal(ring, &out, golden("ack"), inf_slice_of(aad.data, 5), 1,
         "stream_sealed");
    seal(ring, &out, golden("ack"), aad, 1, "stream_sealed_label");
    inf_buf_deinit(&out);
}

static void both_versions_open(void **state) {
    inf_keyring *ring = *state;
    static const char *const vectors[] = {"sealed_v1", "sealed_v0"};
    inf_slice ping = golden("ping");
    inf_buf out;
    inf_buf_init(&out, inf_alloc_libc());
    assert_int_equal(inf_keyring_add(ring, key_of(16, 0)), 0);
    for (size_t i = 0; i < 2; i++) {
        inf_buf_clear(&out);
        assert_int_equal(inf_keyring_open(ring, &out, golden(vectors[i]), none),
                         0);
        assert_true(inf_slice_eq(inf_buf_view(&out), ping));
    }
    inf_buf_deinit(&out);
}

static void every_changed_byte_is_noticed(void **state) {
    inf_keyring *ring = *state;
    inf_slice sealed = golden("sealed_v1");
    inf_buf out;
    inf_buf_init(&out, inf_alloc_libc());
    assert_int_equal(inf_keyring_add(ring, key_of(16, 0)), 0);
    for (size_t i = 0; i < sealed.len; i++) {
        uint8_t bent[256];
        memcpy(bent, sealed.data, sealed.len);
        bent[i] ^= 0x40;
        assert_int_not_equal(
            inf_keyring_open(ring, &out, inf_slice_of(bent, sealed.len), none),
            0);
        assert_int_equal(out.len, 0);
    }
    inf_slice aad = inf_slice_str("lab");
    assert_int_equal(inf_keyring_open(ring, &out, sealed, aad), INF_ECRYPT);
    inf_buf_deinit(&out);
}

static void short_and_strange_blocks_are_refused(void **state) {
    inf_keyring *ring = *state;
    uint8_t block[64] = {1};
    inf_buf out;
    inf_buf_init(&out, inf_alloc_libc());
    assert_int_equal(inf_keyring_add(ring, key_of(32, 9)), 0);
    for (size_t len = 0; len < INF_SEAL_OVERHEAD; len++) {
        inf_slice sealed = inf_slice_of(block, len);
        assert_int_equal(inf_keyring_open(ring, &out, sealed, none),
                         INF_ETRUNCATED);
    }
    for (unsigned version = 2; version < 256; version++) {
        block[0] = (uint8_t)version;
        inf_slice sealed = inf_slice_of(block, sizeof block);
        assert_int_equal(inf_keyring_open(ring, &out, sealed, none),
                         INF_EVERSION);
    }
    inf_buf_deinit(&out);
}

static void an_empty_plaintext_travels(void **state) {
    inf_keyring *ring = *state;
    inf_buf out;
    inf_buf back;
    inf_buf_init(&out, inf_alloc_libc());
    inf_buf_init(&back, inf_alloc_libc());
    assert_int_equal(inf_keyring_add(ring, key_of(24, 1)), 0);
    for (uint8_t version = 0; version < 2; version++) {
        inf_buf_clear(&out);
        assert_int_equal(
            inf_keyring_seal(ring, &out, none, none, version, NULL), 0);
        assert_int_equal(
            inf_keyring_open(ring, &back, inf_buf_view(&out), none), 0);
        assert_int_equal(back.len, 0);
    }
    inf_buf_deinit(&out);
    inf_buf_deinit(&back);
}

static void padding_that_lies_is_refused(void **state) {
    inf_keyring *ring = *state;
    static const uint8_t pads[] = {0, 17, 255};
    inf_buf out;
    inf_buf back;
    inf_buf_init(&out, inf_alloc_libc());
    inf_buf_init(&back, inf_alloc_libc());
    assert_int_equal(inf_keyring_add(ring, key_of(16, 3)), 0);
    for (size_t i = 0; i < sizeof pads; i++) {
        uint8_t plain[16] = {0};
        plain[15] = pads[i];
        inf_buf_clear(&out);
        /* Sealed as version 1, so that nothing is added; then called 0. */
        assert_int_equal(inf_keyring_seal(ring, &out, inf_slice_of(plain, 16),
                                          none, 1, NULL),
                         0);
        out.data[0] = 0;
        assert_int_equal(
            inf_keyring_open(ring, &back, inf_buf_view(&out), none),
            INF_EMALFORMED);
        assert_int_equal(back.len, 0);
    }
    inf_buf_deinit(&out);
    inf_buf_deinit(&back);
}

static bool opens(const inf_keyring *ring, inf_slice sealed) {
    inf_buf out;
    inf_buf_init(&out, inf_alloc_libc());
    bool opened = inf_keyring_open(ring, &out, sealed, none) == 0;
    inf_buf_deinit(&out);
    return opened;
}

static void keys_rotate_without_dropping_anybody(void **state) {
    inf_keyring *mine = *state;
    inf_keyring *peer = NULL;
    inf_slice old_key = key_of(16, 0);
    inf_slice new_key = key_of(32, 100);
    assert_int_equal(inf_keyring_new(&peer, inf_alloc_libc()), 0);
    assert_int_equal(inf_keyring_add(mine, old_key), 0);
    assert_int_equal(inf_keyring_add(peer, old_key), 0);
    inf_keyring *rings[] = {mine, peer};
    inf_buf sealed;
    inf_buf_init(&sealed, inf_alloc_libc());
    for (int step = 0; step < 6; step++) { /* add, use, remove; one by one */
        inf_keyring *ring = rings[step % 2];
        if (step < 2) assert_int_equal(inf_keyring_add(ring, new_key), 0);
        if (step == 2 || step == 3) {
            assert_int_equal(inf_keyring_use(ring, new_key), 0);
        }
        if (step > 3) assert_int_equal(inf_keyring_remove(ring, old_key), 0);
        for (int from = 0; from < 2; from++) {
            inf_buf_clear(&sealed);
            assert_int_equal(inf_keyring_seal(rings[from], &sealed,
                                              inf_slice_str("news"), none, 1,
                                              NULL),
                             0);
            assert_true(opens(rings[1 - from], inf_buf_view(&sealed)));
        }
    }
    assert_int_equal(inf_keyring_count(mine), 1);
    inf_buf_deinit(&sealed);
    inf_keyring_free(peer);
}

static void a_ring_refuses_what_it_should(void **state) {
    inf_keyring *ring = *state;
    assert_int_equal(inf_keyring_add(ring, key_of(15, 0)), INF_EINVAL);
    assert_int_equal(inf_keyring_add(ring, none), INF_EINVAL);
    assert_int_equal(inf_keyring_use(ring, key_of(16, 0)), INF_ENOENT);
    assert_int_equal(inf_keyring_count(NULL), 0);
    for (uint8_t i = 0; i < INF_KEYS_MAX; i++)
        assert_int_equal(inf_keyring_add(ring, key_of(16, i)), 0);
    assert_int_equal(inf_keyring_add(ring, key_of(16, 3)), 0);
    assert_int_equal(inf_keyring_add(ring, key_of(16, 200)), INF_EFULL);
    assert_int_equal(inf_keyring_remove(ring, key_of(16, 0)), INF_EINVAL);
    assert_int_equal(inf_keyring_remove(ring, key_of(16, 200)), INF_ENOENT);
}

static void a_ring_takes_other_keys_at_once_or_keeps_its_own(void **state) {
    inf_keyring *ring = *state;
    char old[INF_KEY_PRINT];
    assert_int_equal(inf_keyring_add(ring, key_of(16, 0)), 0);
    (void)memcpy(old, inf_keyring_print(ring, 0), sizeof old);
    inf_slice bad[] = {key_of(32, 1), key_of(15, 2)};
    assert_int_equal(inf_keyring_set(ring, bad, 2), INF_EINVAL);
    assert_int_equal(inf_keyring_set(ring, NULL, 0), INF_EINVAL);
    assert_int_equal(inf_keyring_count(ring), 1);
    assert_string_equal(inf_keyring_print(ring, 0), old);
    inf_slice good[] = {key_of(32, 1), key_of(16, 0)};
    assert_int_equal(inf_keyring_set(ring, good, 2), 0);
    assert_int_equal(inf_keyring_count(ring), 2);
    assert_true(inf_slice_eq(inf_keyring_key(ring, 0), good[0]));
    assert_string_equal(inf_keyring_print(ring, 1), old);
}

static void a_fingerprint_is_the_keys_own_and_not_the_key(void **state) {
    inf_keyring *ring = *state;
    assert_int_equal(inf_keyring_add(ring, key_of(16, 0)), 0);
    assert_int_equal(inf_keyring_add(ring, key_of(16, 1)), 0);
    const char *print = inf_keyring_print(ring, 0);
    assert_int_equal(strlen(print), INF_KEY_PRINT - 1);
    assert_int_equal(strspn(print, "0123456789abcdef"), INF_KEY_PRINT - 1);
    assert_string_not_equal(print, inf_keyring_print(ring, 1));
    assert_null(strstr(print, "0001")); /* how the key begins */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(sealing_gives_the_known_answers),
        TEST(both_versions_open),
        TEST(every_changed_byte_is_noticed),
        TEST(short_and_strange_blocks_are_refused),
        TEST(an_empty_plaintext_travels),
        TEST(padding_that_lies_is_refused),
        TEST(keys_rotate_without_dropping_anybody),
        TEST(a_ring_refuses_what_it_should),
        TEST(a_ring_takes_other_keys_at_once_or_keeps_its_own),
        TEST(a_fingerprint_is_the_keys_own_and_not_the_key)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
