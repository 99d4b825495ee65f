/* SPDX-License-Identifier: MIT */
/* luv.c: users' own I/O through luv, on our loop. luv is found when it is
   first required, never linked: `require "luv"` comes here, tells the library
   which loop and which protected call to use, and then opens it. If luv was
   there first, its loop becomes ours. */
#include "bind/binding.h"

#include <dlfcn.h>

typedef int (*luv_protected_call)(lua_State *L, int nargs, int nresults,
                                  int flags);
typedef void (*luv_set_loop_function)(lua_State *L, uv_loop_t *loop);
typedef void (*luv_set_callback_function)(lua_State *L,
                                          luv_protected_call call);
typedef uv_loop_t *(*luv_loop_function)(lua_State *L);

/* A data pointer read as a function pointer, as POSIX promises it works. */
#define LOOKUP(library, symbol, out)                                           \
    (*(void **)(out) = dlsym((library), (symbol)), *(out) != NULL)

/* What luv calls Lua with: errors are reported where ours are. */
static int protected_call(lua_State *L, int nargs, int nresults, int flags) {
    (void)flags;
    inf_binding *binding = inf_binding_of(L);
    int below = lua_gettop(L) - nargs - 1;
    int status = inf_binding_call(binding, L, nargs, nresults);
    if (status != LUA_OK) return -status;
    return lua_gettop(L) - below;
}

/* Where package.cpath has luv, or NULL; leaves it on the stack, or nil. */
static const char *find_luv(lua_State *L) {
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "searchpath");
    lua_pushliteral(L, "luv");
    lua_getfield(L, -3, "cpath");
    lua_call(L, 2, 1);
    lua_remove(L, -2);
    return lua_tostring(L, -1);
}

static int must_not(lua_State *L) {
    return luaL_error(L,
                      "uv.%s: the loop belongs to infinitomata, which runs "
                      "it by itself",
                      lua_tostring(L, lua_upvalueindex(1)));
}

/* In the module on top of the stack, what would run, stop or close the loop
   under our feet, or hand out handles that are not luv's. */
static void forbid(lua_State *L) {
    static const char *const names[] = {"run", "stop", "loop_close", "walk"};
    for (size_t i = 0; i < INF_COUNT(names); i++) {
        lua_pushstring(L, names[i]);
        lua_pushcclosure(L, must_not, 1);
        lua_setfield(L, -2, names[i]);
    }
}

/* ---- handles that are being closed when the state is -------------------- */

static const char late_name[] = "infinitomata.late"; /* in the registry */

/* libuv's mark of a handle whose close callback has been called: 2 in every
   release since 1.0 (UV_HANDLE_CLOSED in its uv-common.h). */
#define HANDLE_CLOSED 2u

static bool is_half_closed(const uv_handle_t *handle) {
    return handle != NULL && uv_is_closing(handle) &&
           (handle->flags & HANDLE_CLOSED) == 0;
}

/* In place of the __gc of luv's handles, which frees a handle that is being
   closed while the loop still knows it. Only lua_close collects such a one:
   it is kept until inf_luv_close. */
static int collect_handle(lua_State *L) {
    uv_handle_t *const *box = lua_touserdata(L, 1);
    if (box == NULL || !is_half_closed(*box)) {
        lua_pushvalue(L, lua_upvalueindex(1));
        lua_insert(L, 1);
        lua_call(L, lua_gettop(L) - 1, 0);
        return 0;
    }
    luaL_getsubtable(L, LUA_REGISTRYINDEX, late_name);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    return 0;
}

static void watch_collection(lua_State *L) {
    static const char *const names[] = {
#define XX(upper, lower) "uv_" #lower,
        UV_HANDLE_TYPE_MAP(XX)
#undef XX
    };
    for (size_t i = 0; i < INF_COUNT(names); i++) {
        if (luaL_getmetatable(L, names[i]) == LUA_TTABLE &&
            lua_getfield(L, -1, "__gc") == LUA_TFUNCTION) {
            lua_pushcclosure(L, collect_handle, 1);
            lua_setfield(L, -2, "__gc");
            lua_pushnil(L);
        }
        lua_settop(L, -3);
    }
}

void inf_luv_close(lua_State *L, uv_loop_t *loop) {
    if (lua_getfield(L, LUA_REGISTRYINDEX, late_name) == LUA_TTABLE) {
        for (lua_Integer i = 1; lua_rawgeti(L, -1, i) != LUA_TNIL; i++) {
            uv_handle_t *const *box = lua_touserdata(L, -1);
            while (is_half_closed(*box)) {
                (void)uv_run(loop, UV_RUN_NOWAIT);
            }
            if (luaL_callmeta(L, -1, "__gc")) lua_pop(L, 1);
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* ---- opening ------------------------------------------------------------- */

static int open_luv(lua_State *L) {
    luv_set_loop_function set_loop = NULL;
    luv_set_callback_function set_callback = NULL;
    lua_CFunction open = NULL;
    lua_settop(L, 1);
    const char *path = find_luv(L);
    if (path == NULL) {
        return luaL_error(L, "module 'luv' not found on package.cpath");
    }
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) return luaL_error(L, "%s", dlerror());
    if (!LOOKUP(library, "luv_set_loop", &set_loop) ||
        !LOOKUP(library, "luv_set_callback", &set_callback) ||
        !LOOKUP(library, "luaopen_luv", &open)) {
        return luaL_error(L, "%s is a luv that cannot share a loop", path);
    }
    inf_binding *binding = inf_binding_of(L);
    set_loop(L, binding->loop);
    set_callback(L, protected_call);
    lua_pushcfunction(L, open);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    forbid(L);
    watch_collection(L);
    return 1;
}

uv_loop_t *inf_luv_loop(lua_State *L) {
    luv_loop_function loop_of = NULL;
    luv_set_callback_function set_callback = NULL;
    uv_loop_t *loop = NULL;
    int top = lua_gettop(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    if (lua_getfield(L, -1, "luv") == LUA_TTABLE) {
        const char *path = find_luv(L);
        void *library =
            path != NULL ? dlopen(path, RTLD_NOW | RTLD_NOLOAD) : NULL;
        if (library != NULL && LOOKUP(library, "luv_loop", &loop_of) &&
            LOOKUP(library, "luv_set_callback", &set_callback)) {
            loop = loop_of(L);
            set_callback(L, protected_call);
            lua_getfield(L, top + 1, "luv");
            forbid(L);
            watch_collection(L);
        }
    }
    lua_settop(L, top);
    return loop;
}

void inf_bind_luv(lua_State *L) {
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    if (lua_getfield(L, -1, "luv") == LUA_TNIL) {
        lua_pushcfunction(L, open_luv);
        lua_setfield(L, -3, "luv");
    }
    lua_pop(L, 2);
}
