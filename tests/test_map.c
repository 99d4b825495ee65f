/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>

#include "base/map.h"

enum { KEYS = 5000 };

typedef struct item {
    char key[16];
    size_t len;
    bool seen;
} item;

static item items[KEYS];

static inf_slice key_of(const item *it) {
    return inf_slice_of(it->key, it->len);
}

static int fill(void **state) {
    static inf_map map;
    inf_map_init(&map, inf_alloc_libc(), (inf_hash_key){{1, 2, 3}});
    for (size_t i = 0; i < KEYS; i++) {
        items[i].len =
            (size_t)snprintf(items[i].key, sizeof items[i].key, "name-%zu", i);
        items[i].seen = false;
        if (inf_map_set(&map, key_of(&items[i]), &items[i]) != 0) return -1;
    }
    *state = &map;
    return 0;
}

static int empty(void **state) {
    inf_map_deinit(*state);
    return 0;
}

static void every_key_finds_its_value(void **state) {
    inf_map *map = *state;
    assert_int_equal(map->count, KEYS);
    for (size_t i = 0; i < KEYS; i++) {
        assert_ptr_equal(inf_map_get(map, key_of(&items[i])), &items[i]);
    }
    assert_null(inf_map_get(map, inf_slice_str("name-5000")));
    assert_null(inf_map_get(map, inf_slice_str("")));
}

static void removing_some_leaves_the_others(void **state) {
    inf_map *map = *state;
    for (size_t i = 0; i < KEYS; i += 2) {
        assert_ptr_equal(inf_map_remove(map, key_of(&items[i])), &items[i]);
        assert_null(inf_map_remove(map, key_of(&items[i])));
    }
    assert_int_equal(map->count, KEYS / 2);
    for (size_t i = 0; i < KEYS; i++) {
        item *expected = i % 2 == 0 ? NULL : &items[i];
        assert_ptr_equal(inf_map_get(map, key_of(&items[i])), expected);
    }
}

static void a_visit_meets_each_value_once(void **state) {
    inf_map *map = *state;
    size_t visited = 0;
    size_t at = 0;
    for (item *it; (it = inf_map_next(map, &at)) != NULL; visited++) {
        assert_false(it->seen);
        it->seen = true;
    }
    assert_int_equal(visited, KEYS);
}

static void setting_again_replaces(void **state) {
    inf_map *map = *state;
    item other = items[7];
    assert_int_equal(inf_map_set(map, key_of(&items[7]), &other), 0);
    assert_int_equal(map->count, KEYS);
    assert_ptr_equal(inf_map_get(map, key_of(&items[7])), &other);
    assert_int_equal(inf_map_set(map, key_of(&items[7]), &items[7]), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_key_finds_its_value, fill, empty),
        cmocka_unit_test_setup_teardown(removing_some_leaves_the_others, fill,
                                        empty),
        cmocka_unit_test_setup_teardown(a_visit_meets_each_value_once, fill,
                                        empty),
        cmocka_unit_test_setup_teardown(setting_again_replaces, fill, empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
