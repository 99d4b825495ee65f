/* SPDX-License-Identifier: MIT */
/* cluster_keys.c: the node's keys while it runs. Lua gives keys in base 64 and
   sees fingerprints. */
#include <sodium/utils.h>

#include "base/error.h"
#include "bind/cluster.h"
#include "core/keyring.h"

/* Why such a step failed, for people, and for programs. */
static const char *key_problem(int code, const char **word) {
    static const struct {
        int code;
        const char *word;
        const char *text;
    } known[] = {
        {INF_EINVAL, "invalid", "a key is 16, 24 or 32 bytes in base 64"},
        {INF_ENOENT, "no_such_key", "the node does not have that key"},
        {INF_EEXISTS, "key_in_use", "the key seals: use another one first"},
        {INF_EFULL, "overloaded", "a node keeps 16 keys at most"},
        {INF_ECRYPT, "no_keys",
         "the node was started without keys, and stays open until it is "
         "started again"},
    };
    for (size_t i = 0; i < INF_COUNT(known); i++) {
        if (known[i].code != code) continue;
        *word = known[i].word;
        return known[i].text;
    }
    *word = inf_error_code(code);
    return inf_strerror(code);
}

int inf_key_change(inf_host *host, inf_key_step step, inf_slice text) {
    uint8_t bytes[INF_KEY_BYTES_MAX];
    size_t len = 0;
    int rc = inf_key_parse(text, bytes, &len);
    if (rc != 0) return rc;
    rc = inf_host_key(host, step, inf_slice_of(bytes, len));
    sodium_memzero(bytes, sizeof bytes);
    /* A key of a good length is refused for what it is used for. */
    return rc == INF_EINVAL ? INF_EEXISTS : rc;
}

static int done(lua_State *L, int rc) {
    const char *word = NULL;
    if (rc == 0) {
        lua_pushboolean(L, 1);
        return 1;
    }
    const char *text = key_problem(rc, &word);
    lua_pushnil(L);
    lua_pushstring(L, word);
    lua_pushstring(L, text);
    return 3;
}

static int change(lua_State *L, inf_key_step step) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    return done(L, inf_key_change(node->host, step, inf_check_slice(L, 2)));
}

static int node_add_key(lua_State *L) {
    return change(L, INF_KEY_ADD);
}

static int node_use_key(lua_State *L) {
    return change(L, INF_KEY_USE);
}

static int node_remove_key(lua_State *L) {
    return change(L, INF_KEY_REMOVE);
}

/* set_keys{"base 64", ...}: these and no others. */
static int node_set_keys(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    uint8_t bytes[INF_KEYS_MAX][INF_KEY_BYTES_MAX];
    inf_slice list[INF_KEYS_MAX];
    luaL_checktype(L, 2, LUA_TTABLE);
    size_t count = lua_rawlen(L, 2);
    if (count > INF_KEYS_MAX) return done(L, INF_EFULL);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        size_t len = 0;
        lua_rawgeti(L, 2, (lua_Integer)i + 1);
        rc = inf_key_parse(inf_check_slice(L, -1), bytes[i], &len);
        list[i] = inf_slice_of(bytes[i], len);
        lua_pop(L, 1);
    }
    if (rc == 0) rc = inf_host_keys_set(node->host, list, count);
    sodium_memzero(bytes, sizeof bytes);
    return done(L, rc);
}

/* keys() -> {fingerprint, ...}, the one that seals first */
static int node_keys(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    char prints[INF_KEYS_MAX][INF_KEY_PRINT];
    const inf_node *core = inf_host_lock(node->host);
    size_t count = inf_node_keys(core);
    for (size_t i = 0; i < count; i++)
        memcpy(prints[i], inf_node_key_print(core, i), INF_KEY_PRINT);
    inf_host_unlock(node->host);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        lua_pushstring(L, prints[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

void inf_bind_node_keys(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"keys", node_keys},         {"add_key", node_add_key},
        {"use_key", node_use_key},   {"remove_key", node_remove_key},
        {"set_keys", node_set_keys}, {NULL, NULL},
    };
    inf_bind_methods(L, methods);
}
