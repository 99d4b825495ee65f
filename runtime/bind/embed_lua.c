/* SPDX-License-Identifier: MIT */
/* embed_lua.c: the Lua library in an embedder's own state. The node that C
   started becomes the one that node.start gives to Lua, and the two functions
   of cluster_info become Lua functions around them. */
#include "base/error.h"
#include "bind/embed.h"

typedef struct opening {
    uv_loop_t *loop;
    inf_cluster *cluster;
} opening;

static inf_cluster *upvalue_cluster(lua_State *L) {
    return lua_touserdata(L, lua_upvalueindex(1));
}

/* The list is at index 2 of the stack. Raising would jump over the C program's
   own function, so a name that finds no memory is left out. */
static int append_name(lua_State *L) {
    lua_pushstring(L, lua_touserdata(L, 2));
    lua_rawseti(L, 1, (lua_Integer)lua_rawlen(L, 1) + 1);
    return 0;
}

static void add_name(void *to, const char *node) {
    lua_State *L = to;
    lua_pushcfunction(L, append_name);
    lua_pushvalue(L, 2);
    lua_pushlightuserdata(L, (void *)(uintptr_t)node);
    if (lua_pcall(L, 2, 0, 0) != LUA_OK) lua_pop(L, 1);
}

/* nodes(id) */
static int call_nodes(lua_State *L) {
    inf_cluster *cluster = upvalue_cluster(L);
    const char *branch = luaL_checkstring(L, 1);
    lua_settop(L, 1);
    lua_newtable(L);
    luaL_checkstack(L, LUA_MINSTACK, "too many nodes");
    if (cluster->info.nodes(cluster->ctx, branch, add_name, L) < 0) {
        return luaL_error(L, "the program's `nodes` failed");
    }
    lua_settop(L, 2);
    return 1;
}

/* whois(id, name) */
static int call_whois(lua_State *L) {
    inf_cluster *cluster = upvalue_cluster(L);
    char node[INF_NODE_ROOM] = "";
    const char *branch = luaL_checkstring(L, 1);
    inf_slice name = inf_check_slice(L, 2);
    int rc = cluster->info.whois(cluster->ctx, branch, (const char *)name.data,
                                 name.len, node);
    node[sizeof node - 1] = '\0';
    if (rc < 0) {
        lua_pushnil(L);
    } else {
        lua_pushstring(L, node);
    }
    return 1;
}

/* Pushes the hook, or the built-in one of that name where C has none. */
static void push_hook(lua_State *L, inf_cluster *cluster, bool given,
                      lua_CFunction call, const char *name) {
    if (given) {
        lua_pushlightuserdata(L, cluster);
        lua_pushcclosure(L, call, 1);
        return;
    }
    lua_getfield(L, -2, "naive"); /* of cluster_info, below the new table */
    lua_getfield(L, -1, name);
    lua_remove(L, -2);
}

/* cluster_info.init{nodes =, whois =} of the library at index 2 */
static void set_cluster_info(lua_State *L, inf_cluster *cluster) {
    const inf_cluster_info *info = &cluster->info;
    if (info->nodes == NULL && info->whois == NULL) return;
    lua_getfield(L, 2, "cluster_info");
    lua_newtable(L);
    push_hook(L, cluster, info->nodes != NULL, call_nodes, "nodes");
    lua_setfield(L, -2, "nodes");
    push_hook(L, cluster, info->whois != NULL, call_whois, "whois");
    lua_setfield(L, -2, "whois");
    lua_getfield(L, -2, "init");
    lua_insert(L, -2);
    lua_call(L, 1, 0);
    lua_pop(L, 1);
}

/* node.start{name = ...} of the library at index 2 */
static void start_node(lua_State *L, inf_cluster *cluster) {
    inf_binding_of(L)->given = cluster;
    lua_getfield(L, 2, "node");
    lua_getfield(L, -1, "start");
    lua_call(L, 0, 2);
    if (lua_toboolean(L, -2)) return;
    luaL_tolstring(L, -1, NULL);
    (void)lua_error(L);
}

/* Raises why Lua cannot run on the node. The branch is the one that node.start
   opens: a node that has no room for it is found out while nothing is done. */
static void check_node(lua_State *L, const opening *asked) {
    inf_cluster *cluster = asked->cluster;
    if (cluster->loop != asked->loop)
        (void)luaL_error(L, "the node is on another loop");
    if (cluster->lua != NULL)
        (void)luaL_error(L, "the node has a state of Lua already");
    int rc = inf_cluster_branch(cluster, "default");
    if (rc != 0)
        (void)luaL_error(L, "the node cannot run the branch 'default': %s",
                         inf_text(rc));
}

/* Protected. */
static int open_library(lua_State *L) {
    const opening *asked = lua_touserdata(L, 1);
    (void)inf_binding_open(L, asked->loop);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_infinitomata_core);
    lua_setfield(L, -2, "infinitomata.core");
    lua_settop(L, 1);
    if (asked->cluster == NULL) return 0;
    check_node(L, asked);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "infinitomata");
    lua_call(L, 1, 1);
    set_cluster_info(L, asked->cluster);
    start_node(L, asked->cluster);
    return 0;
}

int inf_open(lua_State *L, uv_loop_t *loop, inf_cluster *cluster) {
    opening asked = {.loop = loop, .cluster = cluster};
    lua_pushcfunction(L, inf_binding_traceback);
    int handler = lua_gettop(L);
    lua_pushcfunction(L, open_library);
    lua_pushlightuserdata(L, &asked);
    int status = lua_pcall(L, 1, 0, handler);
    lua_remove(L, handler);
    return status;
}
