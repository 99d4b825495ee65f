/* SPDX-License-Identifier: MIT */
/* copy.c: copies of plain Lua values, for payloads that are shown and not given
   away. */
#include "bind/value.h"
#include "bind/walk.h"

/* The largest table that is copied by way of the stack, in pairs. */
#define FLAT_MAX 16

static bool copy_any(inf_walk *walk, int index);

/* Values that copy themselves. */
static bool is_scalar(int type) {
    return type == LUA_TNIL || type == LUA_TBOOLEAN || type == LUA_TNUMBER ||
           type == LUA_TSTRING;
}

static int table_size(lua_Unsigned count) {
    return count > INT32_MAX ? INT32_MAX : (int)count;
}

static bool copy_list(inf_walk *walk, int index, lua_Unsigned len) {
    lua_State *L = walk->L;
    inf_walk_level *level = inf_walk_top(walk);
    lua_createtable(L, table_size(len), 0);
    for (lua_Unsigned i = 1; i <= len; i++) {
        level->index = (lua_Integer)i;
        lua_rawgeti(L, index, level->index);
        int value = lua_gettop(L);
        if (!is_scalar(lua_type(L, value))) {
            if (!copy_any(walk, value)) return false;
            lua_replace(L, value);
        }
        lua_rawseti(L, -2, (lua_Integer)i);
    }
    return true;
}

static bool copy_map(inf_walk *walk, int index, lua_Unsigned count) {
    lua_State *L = walk->L;
    inf_walk_level *level = inf_walk_top(walk);
    lua_createtable(L, 0, table_size(count));
    int copy = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        int value = copy + 2;
        level->key = copy + 1;
        lua_pushvalue(L, level->key);
        lua_insert(L, value); /* key, key, value */
        if (!is_scalar(lua_type(L, value + 1))) {
            if (!copy_any(walk, value + 1)) return false;
            lua_replace(L, value + 1);
        }
        lua_rawset(L, copy);
    }
    return true;
}

bool inf_value_copy_flat(lua_State *L, int index) {
    int base = lua_gettop(L);
    int pairs = 0;
    if (lua_type(L, index) != LUA_TTABLE || lua_rawlen(L, index) != 0) {
        return false; /* a list is copied as one */
    }
    luaL_checkstack(L, 2 * FLAT_MAX + 6, INF_WHY_DEEP);
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        if (pairs == FLAT_MAX || !is_scalar(lua_type(L, -1)) ||
            !is_scalar(lua_type(L, -2))) {
            lua_settop(L, base);
            return false;
        }
        pairs++;
        lua_pushvalue(L, -2); /* the pair stays, the key goes on */
    }
    lua_createtable(L, 0, pairs);
    int copy = lua_gettop(L);
    for (int at = base + 1; at < copy; at += 2) {
        lua_pushvalue(L, at);
        lua_pushvalue(L, at + 1);
        lua_rawset(L, copy);
    }
    if (pairs != 0) lua_replace(L, base + 1);
    lua_settop(L, base + 1);
    return true;
}

static bool copy_any(inf_walk *walk, int index) {
    int type = lua_type(walk->L, index);
    if (is_scalar(type)) {
        lua_pushvalue(walk->L, index);
        return true;
    }
    if (type != LUA_TTABLE) return inf_walk_refuse(walk, type);
    if (inf_value_copy_flat(walk->L, index)) return true;
    inf_shape shape;
    if (!inf_walk_enter(walk, index, &shape)) return false;
    bool copied = shape.list ? copy_list(walk, index, shape.count)
                             : copy_map(walk, index, shape.count);
    if (copied) inf_walk_leave(walk);
    return copied;
}

bool inf_value_plain(lua_State *L, int index, unsigned depth) {
    int type = lua_type(L, index);
    if (type != LUA_TTABLE) return is_scalar(type);
    if (depth == INF_VALUE_DEPTH) return false; /* or a cycle */
    if (depth != 0) luaL_checkstack(L, 4, INF_WHY_DEEP);
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        int value = lua_gettop(L);
        bool plain = is_scalar(lua_type(L, value - 1)) &&
                     inf_value_plain(L, value, depth + 1);
        lua_pop(L, plain ? 1 : 2);
        if (!plain) return false;
    }
    return true;
}

bool inf_value_copy(lua_State *L, int index, const char *root,
                    inf_buf *scratch) {
    inf_walk walk;
    int top = lua_gettop(L);
    inf_walk_init(&walk, L, root);
    if (copy_any(&walk, lua_absindex(L, index))) return true;
    inf_buf_clear(scratch);
    inf_walk_path(&walk, scratch);
    lua_settop(L, top);
    if (scratch->failed) luaL_error(L, "not enough memory");
    lua_pushlstring(L, (const char *)scratch->data, scratch->len);
    lua_pushstring(L, walk.why);
    return false;
}
