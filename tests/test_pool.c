/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdlib.h>

#include <lauxlib.h>
#include <lualib.h>

#include "base/pool.h"
#include "base/rng.h"

enum { BLOCKS = 500, STEPS = 50000, SIZE_MAX_TRIED = 2000 };

typedef struct owned {
    uint8_t *bytes;
    size_t size;
    uint8_t mark;
} owned;

static void fill(owned *block, size_t from) {
    for (size_t i = from; i < block->size; i++)
        block->bytes[i] = (uint8_t)(block->mark + i);
}

static void check(const owned *block, size_t len) {
    for (size_t i = 0; i < len; i++) {
        INF_ASSERT(block->bytes != NULL);
        assert_int_equal(block->bytes[i], (uint8_t)(block->mark + i));
    }
}

static void blocks_keep_their_bytes_while_others_come_and_go(void **state) {
    (void)state;
    static owned blocks[BLOCKS];
    inf_pool pool;
    inf_rng rng;
    inf_rng_seed(&rng, 3);
    inf_pool_init(&pool);
    for (size_t step = 0; step < STEPS; step++) {
        owned *block = &blocks[inf_rng_below(&rng, BLOCKS)];
        size_t size = (size_t)inf_rng_below(&rng, SIZE_MAX_TRIED);
        if (inf_rng_below(&rng, 4) == 0) size = 0;
        if (block->bytes == NULL && size == 0) continue;
        check(block, block->size);
        size_t old_size = block->size;
        block->bytes = inf_pool_resize(&pool, block->bytes, old_size, size);
        block->size = size;
        if (size == 0) {
            assert_null(block->bytes);
            continue;
        }
        assert_non_null(block->bytes);
        assert_int_equal((uintptr_t)block->bytes % INF_POOL_STEP, 0);
        check(block, old_size < size ? old_size : size);
        fill(block, old_size < size ? old_size : size);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        check(&blocks[i], blocks[i].size);
        if (blocks[i].bytes == NULL) continue;
        (void)inf_pool_resize(&pool, blocks[i].bytes, blocks[i].size, 0);
    }
    inf_pool_deinit(&pool);
}

static void a_freed_block_is_used_again(void **state) {
    (void)state;
    inf_pool pool;
    inf_pool_init(&pool);
    void *first = inf_pool_resize(&pool, NULL, 0, 100);
    void *second = inf_pool_resize(&pool, NULL, 0, 100);
    assert_ptr_not_equal(first, second);
    assert_null(inf_pool_resize(&pool, first, 100, 0));
    assert_ptr_equal(inf_pool_resize(&pool, NULL, 0, 97), first);
    assert_ptr_equal(inf_pool_resize(&pool, second, 100, 112), second);
    inf_pool_deinit(&pool);
}

static void nothing_comes_of_nothing(void **state) {
    (void)state;
    inf_pool pool;
    inf_pool_init(&pool);
    assert_null(inf_pool_resize(&pool, NULL, LUA_TTABLE, 0));
    assert_null(pool.chunks);
    inf_pool_deinit(&pool);
}

static void *resize(void *ctx, void *block, size_t old_size, size_t size) {
    return inf_pool_resize(ctx, block, old_size, size);
}

static void lua_lives_on_it(void **state) {
    (void)state;
    static const char script[] =
        "local all = {} "
        "for i = 1, 20000 do "
        "  all[i % 997 + 1] = { i, tostring(i):rep(i % 50), { x = i } } "
        "end "
        "collectgarbage() "
        "for _, each in ipairs(all) do "
        "  assert(each[2] == tostring(each[1]):rep(each[1] % 50)) "
        "  assert(each[3].x == each[1]) "
        "end";
    inf_pool pool;
    inf_pool_init(&pool);
    lua_State *L = lua_newstate(resize, &pool);
    assert_non_null(L);
    luaL_openlibs(L);
    assert_int_equal(luaL_dostring(L, script), LUA_OK);
    lua_close(L);
    inf_pool_deinit(&pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_keep_their_bytes_while_others_come_and_go),
        cmocka_unit_test(a_freed_block_is_used_again),
        cmocka_unit_test(nothing_comes_of_nothing),
        cmocka_unit_test(lua_lives_on_it),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
