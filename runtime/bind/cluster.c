/* SPDX-License-Identifier: MIT */
/* cluster.c: a node's birth and end, and the commands that it ends later. */
#include "bind/embed.h"

#include "base/error.h"

static const char metatable_name[] = "infinitomata.node";

enum { KIND_BITS = 2 };

inf_lua_node *inf_lua_node_check(lua_State *L) {
    inf_lua_node *node = lua_touserdata(L, 1);
    if (node != NULL && lua_getmetatable(L, 1) != 0) {
        bool ours = lua_rawequal(L, -1, lua_upvalueindex(1)) != 0;
        lua_pop(L, 1);
        if (ours) return node;
    }
    return luaL_checkudata(L, 1, metatable_name); /* says what it is */
}

void inf_bind_methods(lua_State *L, const luaL_Reg *methods) {
    (void)luaL_getmetatable(L, metatable_name);
    luaL_setfuncs(L, methods, 1);
}

int inf_lua_node_failed(lua_State *L, int code) {
    lua_pushnil(L);
    lua_pushstring(L, inf_error_code(code));
    lua_pushstring(L, inf_strerror(code));
    return 3;
}

inf_lua_node *inf_lua_node_open(lua_State *L) {
    inf_lua_node *node = inf_lua_node_check(L);
    if (node->host != NULL && !node->closing) return node;
    (void)inf_lua_node_failed(L, INF_ECLOSED);
    return NULL;
}

void inf_push_slice(lua_State *L, inf_slice text) {
    lua_pushlstring(L, (const char *)text.data, text.len);
}

inf_slice inf_check_slice(lua_State *L, int index) {
    size_t len = 0;
    const char *text = luaL_checklstring(L, index, &len);
    return inf_slice_of(text, len);
}

/* ---- commands ------------------------------------------------------------ */

uint64_t inf_command_new(lua_State *L, inf_lua_node *node,
                         inf_command_kind kind, int index) {
    uint64_t token = ++node->commands_made << KIND_BITS | (uint64_t)kind;
    luaL_checkany(L, index);
    index = lua_absindex(L, index);
    lua_rawgeti(L, LUA_REGISTRYINDEX, node->commands);
    lua_pushvalue(L, index);
    lua_rawseti(L, -2, (lua_Integer)token);
    lua_pop(L, 1);
    return token;
}

void inf_command_drop(lua_State *L, inf_lua_node *node, uint64_t token) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, node->commands);
    lua_pushnil(L);
    lua_rawseti(L, -2, (lua_Integer)token);
    lua_pop(L, 1);
}

/* Pushes what the waiter of an abandoned command learns. */
static int push_abandoned(lua_State *L, inf_command_kind kind) {
    switch (kind) {
    case INF_COMMAND_JOIN:
        lua_pushinteger(L, 0);
        lua_pushstring(L, inf_strerror(INF_ECLOSED));
        return 2;
    case INF_COMMAND_LEAVE:
        lua_pushboolean(L, 1);
        return 1;
    case INF_COMMAND_SYNCH:
        lua_pushboolean(L, 0);
        lua_newtable(L);
        return 2;
    }
    return 0;
}

/* Protected: wakes one abandoned waiter; true while there was one. */
static int abandon_one(lua_State *L) {
    inf_lua_node *node = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, node->commands);
    lua_pushnil(L);
    if (lua_next(L, 2) == 0) return 0;
    uint64_t token = (uint64_t)lua_tointeger(L, 3);
    lua_pushnil(L);
    lua_rawseti(L, 2, (lua_Integer)token);
    lua_rawgeti(L, LUA_REGISTRYINDEX, node->binding->on_wake);
    lua_insert(L, 4);
    int count = push_abandoned(L, (inf_command_kind)(token & 3));
    lua_call(L, count + 1, 0);
    lua_pushboolean(L, 1);
    return 1;
}

static void abandon_commands(inf_lua_node *node) {
    lua_State *L = node->binding->lua;
    for (;;) {
        lua_pushcfunction(L, abandon_one);
        lua_pushlightuserdata(L, node);
        if (inf_binding_call(node->binding, L, 1, 1) != LUA_OK) continue;
        int more = lua_toboolean(L, -1);
        lua_pop(L, 1);
        if (!more) return;
    }
}

/* ---- end ----------------------------------------------------------------- */

static void unref_all(lua_State *L, inf_lua_node *node) {
    luaL_unref(L, LUA_REGISTRYINDEX, node->on_event);
    luaL_unref(L, LUA_REGISTRYINDEX, node->on_request);
    luaL_unref(L, LUA_REGISTRYINDEX, node->commands);
    luaL_unref(L, LUA_REGISTRYINDEX, node->policy_table);
    luaL_unref(L, LUA_REGISTRYINDEX, node->self);
}

void inf_lua_node_ended(inf_lua_node *node) {
    inf_binding *binding = node->binding;
    binding->open--;
    binding->node = NULL;
    node->host = NULL;
    node->embedder = NULL;
    if (binding->closing) return;
    abandon_commands(node);
    unref_all(binding->lua, node);
}

static void on_closed(void *ctx) {
    inf_lua_node_ended(ctx);
}

static void node_shut(inf_lua_node *node) {
    if (node->host == NULL || node->closing) return;
    node->closing = true;
    if (node->embedder != NULL) {
        inf_embed_shut(node->embedder);
    } else {
        inf_host_close(node->host, on_closed, node);
    }
}

/* An embedder's node goes on without Lua. */
void inf_lua_node_close(inf_binding *binding) {
    inf_lua_node *node = binding->node;
    if (node == NULL) return;
    if (node->embedder == NULL) {
        node_shut(node);
    } else {
        node->embedder->lua = NULL;
        inf_lua_node_ended(node);
    }
}

/* close(waiter?): who waits is woken when it has ended, as all who wait are. */
static int node_close(lua_State *L) {
    inf_lua_node *node = inf_lua_node_check(L);
    bool ends = node->host != NULL;
    if (ends && !lua_isnoneornil(L, 2)) {
        (void)inf_command_new(L, node, INF_COMMAND_LEAVE, 2);
    }
    node_shut(node);
    lua_pushboolean(L, ends);
    return 1;
}

static int node_leave(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    uint64_t token = inf_command_new(L, node, INF_COMMAND_LEAVE, 2);
    inf_node *core = inf_host_lock(node->host);
    int rc = inf_node_leave(core, token, inf_host_now_ms(node->host));
    inf_host_unlock(node->host);
    if (rc != 0) {
        inf_command_drop(L, node, token);
        return inf_lua_node_failed(L, rc);
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* ---- birth --------------------------------------------------------------- */

/* Takes the function `field` of the options at index 1. */
static int take_function(lua_State *L, const char *field) {
    if (lua_getfield(L, 1, field) != LUA_TFUNCTION) {
        return luaL_error(L,
                          "bad option '%s' to 'node_start' (function "
                          "expected, got %s)",
                          field, luaL_typename(L, -1));
    }
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

static inf_lua_node *push_node(lua_State *L, inf_binding *binding) {
    inf_lua_node *node = lua_newuserdatauv(L, sizeof *node, 0);
    *node = (inf_lua_node){.binding = binding,
                           .self = LUA_NOREF,
                           .commands = LUA_NOREF,
                           .policy_table = LUA_NOREF,
                           .on_event = LUA_NOREF,
                           .on_request = LUA_NOREF};
    luaL_setmetatable(L, metatable_name);
    node->on_event = take_function(L, "on_event");
    node->on_request = take_function(L, "on_request");
    lua_newtable(L);
    node->commands = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushvalue(L, -1);
    node->self = luaL_ref(L, LUA_REGISTRYINDEX);
    return node;
}

/* The embedder's node becomes Lua's. */
static int adopt(inf_lua_node *node, inf_cluster *given) {
    if (given->host == NULL || given->closing) return INF_ECLOSED;
    node->embedder = given;
    node->host = given->host;
    given->lua = node;
    return 0;
}

static int start_host(inf_lua_node *node, inf_host_config *config,
                      char *problem) {
    inf_cluster *given = node->binding->given;
    if (given != NULL) return adopt(node, given);
    config->handler = (inf_host_handler){.ctx = node,
                                         .on_request = inf_node_on_request,
                                         .on_result = inf_node_on_result,
                                         .on_event = inf_node_on_event};
    return inf_host_start(&node->host, config, problem);
}

/* nil, code, message */
static int not_started(lua_State *L, int rc, const char *problem) {
    lua_pushnil(L);
    lua_pushstring(L, inf_error_code(rc));
    lua_pushstring(L, problem[0] != '\0' ? problem : inf_strerror(rc));
    return 3;
}

/* Announces the branches of the options at index 1. */
static void start_branches(lua_State *L, const inf_lua_node *node) {
    if (lua_getfield(L, 1, "branches") != LUA_TTABLE) {
        lua_pop(L, 1);
        return;
    }
    for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, -1); i++) {
        if (lua_rawgeti(L, -1, i) == LUA_TSTRING) {
            inf_node *core = inf_host_lock(node->host);
            (void)inf_node_branch_add(core, inf_check_slice(L, -1),
                                      inf_host_now_ms(node->host));
            inf_host_unlock(node->host);
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static int core_node_start(lua_State *L) {
    inf_binding *binding = inf_binding_of(L);
    inf_host_config config = {.loop = binding->loop};
    char problem[INF_PROBLEM_MAX] = "";
    int rc = 0;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    if (binding->node != NULL) {
        return luaL_error(L, "this state runs a node already");
    }
    if (binding->given == NULL) rc = inf_node_options(L, 1, &config, problem);
    if (rc != 0) return not_started(L, rc, problem);
    inf_lua_node *node = push_node(L, binding);
    int place = lua_gettop(L);
    rc = start_host(node, &config, problem);
    if (rc != 0) {
        unref_all(L, node);
        return not_started(L, rc, problem);
    }
    binding->node = node;
    binding->open++;
    start_branches(L, node);
    lua_pushvalue(L, place);
    return 1;
}

static int core_on_wake(lua_State *L) {
    inf_binding_set_function(L, 1, &inf_binding_of(L)->on_wake);
    return 0;
}

void inf_bind_cluster(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"node_start", core_node_start},
        {"on_wake", core_on_wake},
        {NULL, NULL},
    };
    static const luaL_Reg methods[] = {
        {"close", node_close},
        {"leave", node_leave},
        {NULL, NULL},
    };
    luaL_setfuncs(L, functions, 0);
    luaL_newmetatable(L, metatable_name);
    lua_newtable(L);
    inf_bind_methods(L, methods);
    inf_bind_node_members(L);
    inf_bind_node_rows(L);
    inf_bind_node_calls(L);
    inf_bind_node_keys(L);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
