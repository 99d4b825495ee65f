/* SPDX-License-Identifier: MIT */
/* signal.c: operating system signals as calls into Lua. A watch does not keep
   the loop alive. It lives until :stop() or the end of the state, whether the
   caller keeps its handle or not. */
#include "bind/binding.h"

#include <signal.h>

typedef struct inf_signal {
    uv_signal_t handle;
    inf_binding *binding;
    struct inf_signal *next; /* in binding->signals */
    int function;            /* references in the registry */
    int self;                /* keeps the memory while the handle is open */
} inf_signal;

static const char metatable_name[] = "infinitomata.signal";

static const struct {
    const char *name;
    int number;
} known[] = {
    {"SIGHUP", SIGHUP},   {"SIGINT", SIGINT},     {"SIGQUIT", SIGQUIT},
    {"SIGUSR1", SIGUSR1}, {"SIGUSR2", SIGUSR2},   {"SIGTERM", SIGTERM},
    {"SIGCHLD", SIGCHLD}, {"SIGWINCH", SIGWINCH}, {"SIGCONT", SIGCONT},
};

static int signal_number(lua_State *L, int index) {
    const char *name = luaL_checkstring(L, index);
    for (size_t i = 0; i < INF_COUNT(known); i++) {
        if (strcmp(known[i].name, name) == 0) return known[i].number;
    }
    return luaL_argerror(L, index, lua_pushfstring(L, "no signal '%s'", name));
}

static void on_signal(uv_signal_t *handle, int number) {
    inf_signal *watch = (inf_signal *)handle;
    inf_binding *binding = watch->binding;
    (void)number;
    if (binding->closing) return;
    lua_rawgeti(binding->lua, LUA_REGISTRYINDEX, watch->function);
    (void)inf_binding_call(binding, binding->lua, 0, 0);
}

static void on_closed(uv_handle_t *handle) {
    inf_signal *watch = (inf_signal *)handle;
    inf_binding *binding = watch->binding;
    binding->open--;
    if (binding->closing) return;
    luaL_unref(binding->lua, LUA_REGISTRYINDEX, watch->function);
    luaL_unref(binding->lua, LUA_REGISTRYINDEX, watch->self);
}

static void watch_close(inf_signal *watch) {
    if (!uv_is_closing((uv_handle_t *)&watch->handle)) {
        uv_close((uv_handle_t *)&watch->handle, on_closed);
    }
}

void inf_signals_close(inf_binding *binding) {
    for (inf_signal *watch = binding->signals; watch != NULL;
         watch = watch->next) {
        watch_close(watch);
    }
    binding->signals = NULL;
}

static int signal_stop(lua_State *L) {
    inf_signal *watch = luaL_checkudata(L, 1, metatable_name);
    inf_signal **at = &watch->binding->signals;
    while (*at != NULL && *at != watch) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = watch->next;
        watch_close(watch);
    }
    return 0;
}

static int core_signal(lua_State *L) {
    inf_binding *binding = inf_binding_of(L);
    int number = signal_number(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    inf_signal *watch = lua_newuserdatauv(L, sizeof *watch, 0);
    *watch = (inf_signal){.binding = binding};
    luaL_setmetatable(L, metatable_name);
    lua_pushvalue(L, 2);
    watch->function = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushvalue(L, -1);
    watch->self = luaL_ref(L, LUA_REGISTRYINDEX);
    int rc = uv_signal_init(binding->loop, &watch->handle);
    if (rc != 0) return luaL_error(L, "%s", uv_strerror(rc));
    binding->open++;
    watch->next = binding->signals;
    binding->signals = watch;
    uv_unref((uv_handle_t *)&watch->handle);
    struct sigaction former;
    (void)sigaction(number, NULL, &former);
    rc = uv_signal_start(&watch->handle, on_signal, number);
    inf_interrupts_keep(number, &former);
    if (rc != 0) return luaL_error(L, "%s", uv_strerror(rc));
    return 1;
}

void inf_bind_signals(lua_State *L) {
    static const luaL_Reg functions[] = {{"signal", core_signal}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"stop", signal_stop}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
    luaL_newmetatable(L, metatable_name);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
