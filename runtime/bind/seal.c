/* SPDX-License-Identifier: MIT */
/* seal.c: the TLS of the nodes' links (host/tls.h) for Lua: bytes go in, bytes
   come out, and both ends have proved that they know a key of the cluster
   before anything is said. */
#include "host/tls.h"

#include "base/error.h"
#include "bind/cluster.h"
#include "bind/console.h"

#define KEYS_MAX 16

typedef struct lua_keys {
    inf_tls_keys *keys; /* owned */
} lua_keys;

typedef struct lua_seal {
    inf_tls *tls;   /* owned; its keys are the first user value */
    inf_buf buffer; /* what one call gives back */
} lua_seal;

static const char keys_name[] = "infinitomata.seal_keys";
static const char seal_name[] = "infinitomata.seal";

static int failure(lua_State *L, int rc) {
    lua_pushnil(L);
    lua_pushstring(L, inf_error_code(rc));
    return 2;
}

static int keys_gc(lua_State *L) {
    lua_keys *own = luaL_checkudata(L, 1, keys_name);
    inf_tls_keys_free(own->keys);
    own->keys = NULL;
    return 0;
}

/* seal_keys{"base 64", ...} -> keys, or nil and a code. */
static int core_seal_keys(lua_State *L) {
    uint8_t bytes[KEYS_MAX][INF_KEY_BYTES_MAX];
    inf_slice list[KEYS_MAX];
    luaL_checktype(L, 1, LUA_TTABLE);
    size_t count = lua_rawlen(L, 1);
    if (count == 0 || count > KEYS_MAX) return failure(L, INF_EINVAL);
    lua_keys *own = lua_newuserdatauv(L, sizeof *own, 0);
    own->keys = NULL;
    luaL_setmetatable(L, keys_name);
    for (size_t i = 0; i < count; i++) {
        size_t len = 0;
        lua_rawgeti(L, 1, (lua_Integer)i + 1);
        const char *text = luaL_checklstring(L, -1, &len);
        int rc = inf_key_parse(inf_slice_of(text, len), bytes[i], &len);
        if (rc != 0) return failure(L, rc);
        list[i] = inf_slice_of(bytes[i], len);
        lua_pop(L, 1);
    }
    int rc = inf_tls_keys_new(&own->keys, inf_alloc_libc(), list, count);
    return rc == 0 ? 1 : failure(L, rc);
}

/* keys:open(dialled) -> seal. */
static int keys_open(lua_State *L) {
    lua_keys *own = luaL_checkudata(L, 1, keys_name);
    lua_seal *seal = lua_newuserdatauv(L, sizeof *seal, 1);
    *seal = (lua_seal){.tls = NULL};
    inf_buf_init(&seal->buffer, inf_alloc_libc());
    luaL_setmetatable(L, seal_name);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    seal->tls = inf_tls_new(own->keys, lua_toboolean(L, 2));
    return seal->tls != NULL ? 1 : failure(L, INF_ENOMEM);
}

static int seal_gc(lua_State *L) {
    lua_seal *seal = luaL_checkudata(L, 1, seal_name);
    inf_tls_free(seal->tls);
    seal->tls = NULL;
    inf_buf_deinit(&seal->buffer);
    return 0;
}

static int answer(lua_State *L, lua_seal *seal, int rc) {
    if (rc != 0) return failure(L, rc);
    lua_pushlstring(L, (const char *)seal->buffer.data, seal->buffer.len);
    return 1;
}

/* seal:input(bytes) -> what they say, or nil and a code. */
static int seal_input(lua_State *L) {
    lua_seal *seal = luaL_checkudata(L, 1, seal_name);
    size_t len = 0;
    const char *bytes = luaL_checklstring(L, 2, &len);
    inf_buf_clear(&seal->buffer);
    return answer(
        L, seal,
        inf_tls_input(seal->tls, inf_slice_of(bytes, len), &seal->buffer));
}

/* seal:ready() -> the other end has proved that it knows a key. */
static int seal_ready(lua_State *L) {
    lua_seal *seal = luaL_checkudata(L, 1, seal_name);
    lua_pushboolean(L, inf_tls_ready(seal->tls));
    return 1;
}

/* seal:seal(bytes) -> true, or nil and a code; only once it is ready. */
static int seal_seal(lua_State *L) {
    lua_seal *seal = luaL_checkudata(L, 1, seal_name);
    size_t len = 0;
    const char *bytes = luaL_checklstring(L, 2, &len);
    if (!inf_tls_ready(seal->tls)) return failure(L, INF_ENOTREADY);
    int rc = inf_tls_seal(seal->tls, inf_slice_of(bytes, len));
    if (rc != 0) return failure(L, rc);
    lua_pushboolean(L, 1);
    return 1;
}

/* seal:take() -> all bytes that are to be written, or nil and a code. */
static int seal_take(lua_State *L) {
    lua_seal *seal = luaL_checkudata(L, 1, seal_name);
    inf_buf_clear(&seal->buffer);
    return answer(L, seal, inf_tls_take(seal->tls, &seal->buffer));
}

static void make_class(lua_State *L, const char *name, lua_CFunction gc,
                       const luaL_Reg *methods) {
    luaL_newmetatable(L, name);
    lua_pushcfunction(L, gc);
    lua_setfield(L, -2, "__gc");
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

void inf_bind_seal(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"seal_keys", core_seal_keys},
        {NULL, NULL},
    };
    static const luaL_Reg keys[] = {{"open", keys_open}, {NULL, NULL}};
    static const luaL_Reg seal[] = {
        {"input", seal_input}, {"ready", seal_ready}, {"seal", seal_seal},
        {"take", seal_take},   {NULL, NULL},
    };
    luaL_setfuncs(L, functions, 0);
    make_class(L, keys_name, keys_gc, keys);
    make_class(L, seal_name, seal_gc, seal);
}
