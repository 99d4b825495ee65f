/* SPDX-License-Identifier: MIT */
#include "bind/value.h"

#include "base/error.h"
#include "base/msgpack.h"
#include "bind/binding.h"
#include "bind/walk.h"

/* A buffer that has grown beyond this for one value is given back. */
#define SCRATCH_KEPT_MAX (1u << 20)

static bool pack_any(inf_walk *walk, int index, inf_buf *buf);

static bool pack_string(inf_walk *walk, int index, inf_buf *buf) {
    size_t len = 0;
    const char *text = lua_tolstring(walk->L, index, &len);
    if (len > UINT32_MAX) {
        walk->why = INF_WHY_LONG;
        return false;
    }
    inf_msgpack_str(buf, inf_slice_of(text, len));
    return true;
}

static void pack_number(lua_State *L, int index, inf_buf *buf) {
    if (lua_isinteger(L, index)) {
        inf_msgpack_int(buf, lua_tointeger(L, index));
    } else {
        inf_msgpack_float(buf, lua_tonumber(L, index));
    }
}

static bool pack_list(inf_walk *walk, int index, lua_Unsigned len,
                      inf_buf *buf) {
    lua_State *L = walk->L;
    inf_walk_level *level = inf_walk_top(walk);
    inf_msgpack_array(buf, (uint32_t)len);
    for (lua_Unsigned i = 1; i <= len; i++) {
        level->index = (lua_Integer)i;
        lua_rawgeti(L, index, level->index);
        if (!pack_any(walk, lua_gettop(L), buf)) return false;
        lua_pop(L, 1);
    }
    return true;
}

static bool pack_map(inf_walk *walk, int index, lua_Unsigned count,
                     inf_buf *buf) {
    lua_State *L = walk->L;
    inf_walk_level *level = inf_walk_top(walk);
    inf_msgpack_map(buf, (uint32_t)count);
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        int value = lua_gettop(L);
        level->key = value - 1;
        if (!pack_any(walk, value - 1, buf)) return false;
        if (!pack_any(walk, value, buf)) return false;
        lua_pop(L, 1);
    }
    return true;
}

static bool pack_table(inf_walk *walk, int index, inf_buf *buf) {
    inf_shape shape;
    if (!inf_walk_enter(walk, index, &shape)) return false;
    bool packed = shape.list ? pack_list(walk, index, shape.count, buf)
                             : pack_map(walk, index, shape.count, buf);
    if (packed) inf_walk_leave(walk);
    return packed;
}

static bool pack_any(inf_walk *walk, int index, inf_buf *buf) {
    int type = lua_type(walk->L, index);
    switch (type) {
    case LUA_TNIL:
        inf_msgpack_nil(buf);
        return true;
    case LUA_TBOOLEAN:
        inf_msgpack_bool(buf, lua_toboolean(walk->L, index));
        return true;
    case LUA_TNUMBER:
        pack_number(walk->L, index, buf);
        return true;
    case LUA_TSTRING:
        return pack_string(walk, index, buf);
    case LUA_TTABLE:
        return pack_table(walk, index, buf);
    default:
        return inf_walk_refuse(walk, type);
    }
}

bool inf_value_pack(lua_State *L, int index, const char *root, inf_buf *buf) {
    inf_walk walk;
    int top = lua_gettop(L);
    inf_walk_init(&walk, L, root);
    bool packed = pack_any(&walk, lua_absindex(L, index), buf);
    if (!packed) {
        inf_buf_clear(buf);
        inf_walk_path(&walk, buf);
        lua_settop(L, top);
    }
    if (buf->failed) luaL_error(L, "not enough memory");
    if (packed) return true;
    lua_pushlstring(L, (const char *)buf->data, buf->len);
    lua_pushstring(L, walk.why);
    return false;
}

/* ---- reading ------------------------------------------------------------- */

typedef struct reader {
    lua_State *L;
    inf_cursor *cursor;
    const char *why;
    size_t room; /* elements that may still be reserved: one for each byte */
} reader;

static bool read_any(reader *r, unsigned depth);

static bool fail(reader *r, const char *why) {
    r->why = why;
    return false;
}

/* How many places to reserve. Honest bytes never claim more elements, in all
   their tables together, than there are bytes. */
static int reserve(reader *r, uint32_t count) {
    size_t reserved = count < r->room ? count : r->room;
    if (reserved > INT32_MAX) reserved = INT32_MAX;
    r->room -= reserved;
    return (int)reserved;
}

static bool read_list(reader *r, uint32_t count, unsigned depth) {
    lua_createtable(r->L, reserve(r, count), 0);
    for (uint32_t i = 1; i <= count; i++) {
        if (!read_any(r, depth + 1)) return false;
        lua_rawseti(r->L, -2, (lua_Integer)i);
    }
    return true;
}

/* Nil and not-a-number are no keys in Lua, and a table as a key would never be
   found again. */
static bool is_key(lua_State *L) {
    int type = lua_type(L, -1);
    if (type != LUA_TNUMBER) return type == LUA_TSTRING || type == LUA_TBOOLEAN;
    return lua_rawequal(L, -1, -1);
}

static bool read_map(reader *r, uint32_t count, unsigned depth) {
    lua_createtable(r->L, 0, reserve(r, count));
    for (uint32_t i = 0; i < count; i++) {
        if (!read_any(r, depth + 1)) return false;
        if (!is_key(r->L)) return fail(r, "a key that Lua cannot hold");
        if (!read_any(r, depth + 1)) return false;
        lua_rawset(r->L, -3);
    }
    return true;
}

static bool read_table(reader *r, const inf_msgpack_token *token,
                       unsigned depth) {
    if (depth == INF_VALUE_DEPTH) return fail(r, INF_WHY_DEEP);
    luaL_checkstack(r->L, 8, INF_WHY_DEEP);
    if (token->kind == INF_MSGPACK_ARRAY) {
        return read_list(r, token->count, depth);
    }
    return read_map(r, token->count, depth);
}

static bool read_any(reader *r, unsigned depth) {
    inf_msgpack_token token;
    int rc = inf_msgpack_read(r->cursor, &token);
    if (rc == INF_ETRUNCATED) return fail(r, "truncated");
    if (rc != 0) return fail(r, "malformed");
    switch (token.kind) {
    case INF_MSGPACK_NIL:
        lua_pushnil(r->L);
        return true;
    case INF_MSGPACK_BOOL:
        lua_pushboolean(r->L, token.boolean);
        return true;
    case INF_MSGPACK_INT:
        lua_pushinteger(r->L, token.integer);
        return true;
    case INF_MSGPACK_UINT:
        return fail(r, "an integer beyond 64 bits with a sign");
    case INF_MSGPACK_FLOAT:
        lua_pushnumber(r->L, token.number);
        return true;
    case INF_MSGPACK_BYTES:
        lua_pushlstring(r->L, (const char *)token.bytes.data, token.bytes.len);
        return true;
    case INF_MSGPACK_ARRAY:
    case INF_MSGPACK_MAP:
        return read_table(r, &token, depth);
    case INF_MSGPACK_EXT:
        return fail(r, "an extension type");
    }
    return fail(r, "malformed");
}

bool inf_value_unpack(lua_State *L, inf_cursor *cursor) {
    reader r = {.L = L, .cursor = cursor, .room = inf_cursor_left(cursor)};
    int top = lua_gettop(L);
    if (read_any(&r, 0)) return true;
    lua_settop(L, top);
    lua_pushstring(L, r.why);
    return false;
}

/* ---- as Lua calls them --------------------------------------------------- */

/* nil, path, why: the two strings are on top. */
static int refused(lua_State *L) {
    lua_pushnil(L);
    lua_insert(L, -3);
    return 3;
}

static int core_pack(lua_State *L) {
    inf_buf *scratch = &inf_binding_of(L)->scratch;
    const char *root = luaL_optstring(L, 2, "payload");
    luaL_checkany(L, 1);
    inf_buf_clear(scratch);
    if (!inf_value_pack(L, 1, root, scratch)) return refused(L);
    lua_pushlstring(L, (const char *)scratch->data, scratch->len);
    if (scratch->cap > SCRATCH_KEPT_MAX) inf_buf_deinit(scratch);
    return 1;
}

static int core_unpack(lua_State *L) {
    size_t len = 0;
    const char *bytes = luaL_checklstring(L, 1, &len);
    inf_cursor cursor = inf_cursor_of(inf_slice_of(bytes, len));
    lua_pushboolean(L, 1);
    if (inf_value_unpack(L, &cursor)) {
        if (inf_cursor_left(&cursor) == 0) return 2;
        lua_pushliteral(L, "bytes after the value");
    }
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
}

static int core_copy(lua_State *L) {
    if (inf_value_copy_flat(L, 1)) return 1;
    inf_buf *scratch = &inf_binding_of(L)->scratch;
    const char *root = luaL_optstring(L, 2, "payload");
    luaL_checkany(L, 1);
    return inf_value_copy(L, 1, root, scratch) ? 1 : refused(L);
}

static int core_plain(lua_State *L) {
    luaL_checkany(L, 1);
    lua_pushboolean(L, inf_value_plain(L, 1, 0));
    return 1;
}

void inf_bind_values(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"pack", core_pack}, {"unpack", core_unpack},
        {"copy", core_copy}, {"plain", core_plain},
        {NULL, NULL},
    };
    luaL_setfuncs(L, functions, 0);
}
