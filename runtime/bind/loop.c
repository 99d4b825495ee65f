/* SPDX-License-Identifier: MIT */
/* loop.c: the loop as Lua sees it. One level deep, always: Lua may ask for a
   run of the loop only where no callback of the loop is on the stack. */
#include "bind/binding.h"

#include <sys/time.h>

static int core_now(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)inf_binding_now_ms());
    return 1;
}

static int core_hrtime(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)uv_hrtime());
    return 1;
}

static int core_wall(lua_State *L) {
    uv_timeval64_t now = {0};
    (void)uv_gettimeofday(&now);
    lua_pushinteger(L, (lua_Integer)(now.tv_sec * 1000 + now.tv_usec / 1000));
    return 1;
}

static int core_on_turn(lua_State *L) {
    inf_binding_set_function(L, 1, &inf_binding_of(L)->on_turn);
    return 0;
}

static int core_on_error(lua_State *L) {
    inf_binding_set_function(L, 1, &inf_binding_of(L)->on_error);
    return 0;
}

static int core_request_turn(lua_State *L) {
    inf_binding *binding = inf_binding_of(L);
    binding->turn_wanted = true;
    inf_binding_stay_awake(binding);
    return 0;
}

static int core_in_loop(lua_State *L) {
    lua_pushboolean(L, inf_binding_of(L)->depth != 0);
    return 1;
}

static int run(lua_State *L, uv_run_mode mode) {
    inf_binding *binding = inf_binding_of(L);
    if (binding->running || binding->depth != 0) {
        return luaL_error(L, "the loop is running already: it cannot be run "
                             "from inside one of its callbacks");
    }
    luaL_checkstack(L, LUA_MINSTACK * 2, "no room to run the loop");
    lua_State *before = binding->lua;
    binding->lua = L;
    binding->running = true;
    binding->once = mode == UV_RUN_ONCE;
    (void)uv_run(binding->loop, mode);
    binding->lua = before;
    binding->running = false;
    binding->once = false;
    bool idle = !binding->turn_wanted && !binding->timers.postponed;
    if (idle) (void)uv_idle_stop(&binding->idle);
    lua_pushboolean(L, uv_loop_alive(binding->loop));
    return 1;
}

static int core_step(lua_State *L) {
    static const char *const names[] = {"once", "nowait", NULL};
    static const uv_run_mode modes[] = {UV_RUN_ONCE, UV_RUN_NOWAIT};
    return run(L, modes[luaL_checkoption(L, 1, "once", names)]);
}

static int core_serve(lua_State *L) {
    return run(L, UV_RUN_DEFAULT);
}

static int core_quit(lua_State *L) {
    inf_binding *binding = inf_binding_of(L);
    if (binding->running) uv_stop(binding->loop);
    return 0;
}

void inf_bind_loop(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"now", core_now},
        {"hrtime", core_hrtime},
        {"wall", core_wall},
        {"on_turn", core_on_turn},
        {"on_error", core_on_error},
        {"request_turn", core_request_turn},
        {"in_loop", core_in_loop},
        {"step", core_step},
        {"serve", core_serve},
        {"quit", core_quit},
        {NULL, NULL},
    };
    luaL_setfuncs(L, functions, 0);
}
