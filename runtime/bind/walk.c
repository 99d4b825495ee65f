/* SPDX-License-Identifier: MIT */
#include "bind/walk.h"

#include <ctype.h>

/* Of a key's text, in a path. */
#define KEY_SHOWN_MAX 40

void inf_walk_init(inf_walk *walk, lua_State *L, const char *root) {
    walk->L = L;
    walk->root = root;
    walk->why = NULL;
    walk->depth = 0;
}

static bool refuse(inf_walk *walk, const char *why) {
    walk->why = why;
    return false;
}

bool inf_walk_refuse(inf_walk *walk, int type) {
    switch (type) {
    case LUA_TFUNCTION:
        return refuse(walk, "a function");
    case LUA_TTHREAD:
        return refuse(walk, "a coroutine");
    default:
        return refuse(walk, "a userdata");
    }
}

static bool is_circle(const inf_walk *walk, const void *table) {
    for (unsigned i = 0; i < walk->depth; i++) {
        if (walk->levels[i].table == table) return true;
    }
    return false;
}

/* Counts the pairs and looks at every key: a border found by rawlen says
   nothing about keys beyond it. */
static bool measure(inf_walk *walk, int index, inf_shape *shape) {
    lua_State *L = walk->L;
    *shape = (inf_shape){.len = lua_rawlen(L, index)};
    bool list = true;
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        lua_pop(L, 1);
        shape->count++;
        int type = lua_type(L, -1);
        if (type == LUA_TNUMBER) {
            lua_Integer key = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
            list = list && key >= 1 && (lua_Unsigned)key <= shape->len;
        } else if (type == LUA_TSTRING || type == LUA_TBOOLEAN) {
            list = false;
        } else {
            return refuse(walk, INF_WHY_KEY);
        }
    }
    shape->list = list && shape->count != 0 && shape->count == shape->len;
    if (shape->count > UINT32_MAX) return refuse(walk, INF_WHY_LONG);
    return true;
}

bool inf_walk_enter(inf_walk *walk, int index, inf_shape *shape) {
    const void *table = lua_topointer(walk->L, index);
    if (is_circle(walk, table)) return refuse(walk, INF_WHY_CYCLE);
    if (walk->depth == INF_VALUE_DEPTH) return refuse(walk, INF_WHY_DEEP);
    luaL_checkstack(walk->L, 8, INF_WHY_DEEP);
    if (!measure(walk, index, shape)) return false;
    walk->levels[walk->depth++] = (inf_walk_level){.table = table};
    return true;
}

inf_walk_level *inf_walk_top(inf_walk *walk) {
    return &walk->levels[walk->depth - 1];
}

void inf_walk_leave(inf_walk *walk) {
    walk->depth--;
}

static bool is_name(inf_slice text) {
    if (text.len == 0 || text.len > KEY_SHOWN_MAX) return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.data[i];
        bool letter = byte < 0x80 && (isalpha(byte) || byte == '_');
        bool digit = byte < 0x80 && isdigit(byte);
        if (!letter && !(digit && i != 0)) return false;
    }
    return true;
}

static void write_text_key(inf_slice text, inf_buf *out) {
    if (is_name(text)) {
        inf_buf_u8(out, '.');
        inf_buf_slice(out, text);
        return;
    }
    size_t shown = text.len < KEY_SHOWN_MAX ? text.len : KEY_SHOWN_MAX;
    inf_buf_str(out, "[\"");
    for (size_t i = 0; i < shown; i++) {
        uint8_t byte = text.data[i];
        if (byte == '"' || byte == '\\') {
            inf_buf_printf(out, "\\%c", byte);
        } else if (byte < ' ' || byte == 0x7f) {
            inf_buf_printf(out, "\\%03d", byte);
        } else {
            inf_buf_u8(out, byte);
        }
    }
    inf_buf_str(out, shown < text.len ? "...\"]" : "\"]");
}

static void write_key(lua_State *L, int index, inf_buf *out) {
    int type = lua_type(L, index);
    if (type == LUA_TSTRING) {
        size_t len = 0;
        const char *text = lua_tolstring(L, index, &len);
        write_text_key(inf_slice_of(text, len), out);
    } else if (type == LUA_TBOOLEAN) {
        inf_buf_str(out, lua_toboolean(L, index) ? "[true]" : "[false]");
    } else if (lua_isinteger(L, index)) {
        inf_buf_printf(out, "[" LUA_INTEGER_FMT "]", lua_tointeger(L, index));
    } else {
        inf_buf_printf(out, "[" LUA_NUMBER_FMT "]", lua_tonumber(L, index));
    }
}

void inf_walk_path(const inf_walk *walk, inf_buf *out) {
    inf_buf_str(out, walk->root);
    for (unsigned i = 0; i < walk->depth; i++) {
        const inf_walk_level *level = &walk->levels[i];
        if (level->key != 0) {
            write_key(walk->L, level->key, out);
        } else {
            inf_buf_printf(out, "[" LUA_INTEGER_FMT "]", level->index);
        }
    }
}
