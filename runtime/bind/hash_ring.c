/* SPDX-License-Identifier: MIT */
/* hash_ring.c: consistent hash rings as Lua objects. */
#include "base/error.h"
#include "bind/cluster.h"
#include "core/ring.h"

static const char metatable_name[] = "infinitomata.ring";

static inf_ring **check_box(lua_State *L) {
    return luaL_checkudata(L, 1, metatable_name);
}

static inf_ring *check_ring(lua_State *L) {
    inf_ring *ring = *check_box(L);
    if (ring == NULL) luaL_error(L, "the ring has been finalised");
    return ring;
}

static int ring_gc(lua_State *L) {
    inf_ring **box = check_box(L);
    inf_ring_free(*box);
    *box = NULL;
    return 0;
}

/* add(name, weight) */
static int ring_add(lua_State *L) {
    inf_ring *ring = check_ring(L);
    inf_slice name = inf_check_slice(L, 2);
    lua_Integer weight = luaL_optinteger(L, 3, INF_RING_WEIGHT);
    if (weight < 0 || weight > INF_RING_WEIGHT_MAX) {
        return luaL_argerror(L, 3, inf_strerror(INF_EINVAL));
    }
    int rc = inf_ring_add(ring, name, (uint32_t)weight);
    if (rc != 0) return inf_lua_node_failed(L, rc);
    lua_pushboolean(L, 1);
    return 1;
}

static int ring_remove(lua_State *L) {
    inf_ring *ring = check_ring(L);
    lua_pushboolean(L, inf_ring_remove(ring, inf_check_slice(L, 2)) == 0);
    return 1;
}

static int ring_nodes(lua_State *L) {
    inf_ring *ring = check_ring(L);
    size_t count = inf_ring_count(ring);
    inf_slice name;
    uint32_t weight = 0;
    lua_createtable(L, (int)count, 0);
    lua_Integer i = 0;
    for (size_t at = 0; inf_ring_next(ring, &at, &name, &weight);) {
        inf_push_slice(L, name);
        lua_rawseti(L, 2, ++i);
    }
    return 1;
}

static int ring_weight(lua_State *L) {
    inf_ring *ring = check_ring(L);
    inf_slice wanted = inf_check_slice(L, 2);
    inf_slice name;
    uint32_t weight = 0;
    for (size_t at = 0; inf_ring_next(ring, &at, &name, &weight);) {
        if (!inf_slice_eq(name, wanted)) continue;
        lua_pushinteger(L, (lua_Integer)weight);
        return 1;
    }
    lua_pushnil(L);
    return 1;
}

/* lookup(key, count): the names, best first */
static int ring_lookup(lua_State *L) {
    inf_ring *ring = check_ring(L);
    inf_slice key = inf_check_slice(L, 2);
    lua_Integer wanted = luaL_optinteger(L, 3, 1);
    size_t most = inf_ring_count(ring);
    luaL_argcheck(L, wanted >= 0, 3, "a count expected");
    size_t count = (lua_Unsigned)wanted < most ? (size_t)wanted : most;
    inf_slice *names = lua_newuserdatauv(L, (count + 1) * sizeof *names, 0);
    count = inf_ring_key_to_nodes(ring, key, names, count);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        inf_push_slice(L, names[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static int ring_id(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)inf_ring_id(check_ring(L)));
    return 1;
}

/* spread(): the smallest and the largest share, 1 is what is due */
static int ring_spread(lua_State *L) {
    double least = 0, most = 0;
    inf_ring_spread(check_ring(L), &least, &most);
    lua_pushnumber(L, least);
    lua_pushnumber(L, most);
    return 2;
}

/* ring_new(seed) */
static int core_ring_new(lua_State *L) {
    lua_Integer seed = luaL_optinteger(L, 1, 0);
    inf_ring **box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = NULL;
    luaL_setmetatable(L, metatable_name);
    if (inf_ring_new(box, inf_alloc_libc(), (uint64_t)seed) != 0) {
        return luaL_error(L, "not enough memory");
    }
    return 1;
}

void inf_bind_rings(lua_State *L) {
    static const luaL_Reg functions[] = {{"ring_new", core_ring_new},
                                         {NULL, NULL}};
    static const luaL_Reg methods[] = {
        {"add", ring_add},       {"remove", ring_remove},
        {"nodes", ring_nodes},   {"weight", ring_weight},
        {"lookup", ring_lookup}, {"id", ring_id},
        {"spread", ring_spread}, {NULL, NULL},
    };
    luaL_setfuncs(L, functions, 0);
    luaL_newmetatable(L, metatable_name);
    lua_pushcfunction(L, ring_gc);
    lua_setfield(L, -2, "__gc");
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
