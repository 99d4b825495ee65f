/* SPDX-License-Identifier: MIT */
/* fuzz_value: any bytes are safe to turn into Lua values; what became a value
   goes back to bytes, and those give an equal value. */
#include <stdint.h>

#include <lauxlib.h>
#include <lualib.h>

#include "bind/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct trial {
    inf_slice bytes;
    inf_buf first;
    inf_buf second;
} trial;

/* Protected: memory may run out for Lua. */
static int try_bytes(lua_State *L) {
    trial *t = lua_touserdata(L, 1);
    inf_cursor cursor = inf_cursor_of(t->bytes);
    lua_settop(L, 1);
    if (!inf_value_unpack(L, &cursor)) return 0;
    INF_ASSERT(lua_gettop(L) == 2);
    if (!inf_value_pack(L, 2, "payload", &t->first)) {
        INF_ASSERT(lua_gettop(L) == 4);
        return 0;
    }
    cursor = inf_cursor_of(inf_buf_view(&t->first));
    INF_ASSERT(inf_value_unpack(L, &cursor));
    INF_ASSERT(inf_cursor_left(&cursor) == 0);
    INF_ASSERT(inf_value_pack(L, 3, "payload", &t->second));
    /* The order of a map's keys is Lua's own affair: compare what it holds. */
    INF_ASSERT(t->first.len == t->second.len);
    INF_ASSERT(inf_value_copy(L, 3, "payload", &t->second));
    INF_ASSERT(lua_type(L, 4) == lua_type(L, 2));
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    trial t = {.bytes = inf_slice_of(data, size)};
    lua_State *L = luaL_newstate();
    if (L == NULL) return 0;
    inf_buf_init(&t.first, inf_alloc_libc());
    inf_buf_init(&t.second, inf_alloc_libc());
    lua_pushcfunction(L, try_bytes);
    lua_pushlightuserdata(L, &t);
    int status = lua_pcall(L, 1, 0, 0);
    INF_ASSERT(status == LUA_OK || status == LUA_ERRMEM);
    lua_close(L);
    inf_buf_deinit(&t.first);
    inf_buf_deinit(&t.second);
    return 0;
}
