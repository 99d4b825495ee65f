/* SPDX-License-Identifier: MIT */
/* The binding is a userdata under a private key of the registry. Lua's
   collector owns it, so that lua_close ends it however the state ends: its
   __gc stops the node, closes every handle, runs the loop until they are gone
   and only then lets the memory go. It is made before anything that may use
   the loop, and Lua finalises in reverse order: luv's handles go first.

   Nothing may raise through uv_run. So callbacks of the loop push only what
   needs no memory, and do the rest inside lua_pcall. */
#include "bind/binding.h"

#include <stdio.h>
#include <stdlib.h>

#include "bind/cluster.h"

static const char registry_key = 0; /* its address is the key */

static const char metatable_name[] = "infinitomata.binding";

void inf_binding_closed(uv_handle_t *handle) {
    inf_binding *binding = handle->data;
    binding->open--;
}

static void close_own(uv_handle_t *handle) {
    if (!uv_is_closing(handle)) uv_close(handle, inf_binding_closed);
}

static void close_any(uv_handle_t *handle, void *ctx) {
    (void)ctx;
    if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

/* A loop inside whose callback the state is being closed cannot be run to its
   end here: it is left to the process, which is about to exit. */
static void close_loop(lua_State *L, inf_binding *binding) {
    if (binding->running || binding->depth != 0) return;
    while (binding->open != 0) {
        (void)uv_run(binding->loop, UV_RUN_ONCE);
    }
    inf_luv_close(L, binding->loop);
    if (!binding->owns_loop) return;
    uv_walk(binding->loop, close_any, NULL);
    (void)uv_run(binding->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(binding->loop) == 0) free(binding->loop);
}

static int binding_gc(lua_State *L) {
    inf_binding *binding = lua_touserdata(L, 1);
    if (binding->loop == NULL || binding->closing) return 0;
    binding->closing = true;
    binding->lua = L;
    inf_lua_node_close(binding);
    inf_signals_close(binding);
    close_own((uv_handle_t *)&binding->timer);
    close_own((uv_handle_t *)&binding->idle);
    close_own((uv_handle_t *)&binding->check);
    close_loop(L, binding);
    inf_timers_close(binding);
    inf_buf_deinit(&binding->scratch);
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &registry_key);
    return 0;
}

static int run_turn(lua_State *L, inf_binding *binding) {
    /* The node may be closed in this turn, but its host ends in a later one. */
    inf_host *host = binding->node != NULL ? binding->node->host : NULL;
    int again = 1;
    if (host != NULL) inf_host_enter(host);
    lua_rawgeti(L, LUA_REGISTRYINDEX, binding->on_turn);
    if (inf_binding_call(binding, L, 0, 1) == LUA_OK) {
        again = lua_toboolean(L, -1);
        lua_pop(L, 1);
    }
    if (host != NULL) inf_host_leave(host);
    return again;
}

static void on_check(uv_check_t *handle) {
    inf_binding *binding = handle->data;
    inf_timers_turn_over(binding);
    if (binding->turn_wanted) {
        binding->turn_wanted = false;
        bool callable = binding->on_turn != LUA_NOREF && !binding->closing;
        if (callable && run_turn(binding->lua, binding)) {
            binding->turn_wanted = true;
        }
    }
    if (!binding->turn_wanted) (void)uv_idle_stop(&binding->idle);
}

static void on_idle(uv_idle_t *handle) {
    (void)handle; /* being active is all it is for */
}

void inf_binding_stay_awake(inf_binding *binding) {
    (void)uv_idle_start(&binding->idle, on_idle);
}

static int make_loop(inf_binding *binding) {
    binding->loop = malloc(sizeof *binding->loop);
    if (binding->loop == NULL) return UV_ENOMEM;
    int rc = uv_loop_init(binding->loop);
    if (rc != 0) {
        free(binding->loop);
        binding->loop = NULL;
    }
    binding->owns_loop = true;
    return rc;
}

static void make_handles(inf_binding *binding) {
    /* None of these can fail: they only fill in memory. */
    (void)uv_timer_init(binding->loop, &binding->timer);
    (void)uv_idle_init(binding->loop, &binding->idle);
    (void)uv_check_init(binding->loop, &binding->check);
    binding->timer.data = binding;
    binding->idle.data = binding;
    binding->check.data = binding;
    binding->open = 3;
    (void)uv_check_start(&binding->check, on_check);
    uv_unref((uv_handle_t *)&binding->check);
}

inf_binding *inf_binding_open(lua_State *L, uv_loop_t *loop) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &registry_key) == LUA_TUSERDATA) {
        inf_binding *known = lua_touserdata(L, -1);
        lua_pop(L, 1);
        if (loop == NULL || loop == known->loop) return known;
        luaL_error(L, "infinitomata runs on another loop in this state");
    }
    lua_pop(L, 1);
    inf_binding *binding = lua_newuserdatauv(L, sizeof *binding, 0);
    *binding = (inf_binding){.loop = NULL,
                             .on_turn = LUA_NOREF,
                             .on_error = LUA_NOREF,
                             .on_wake = LUA_NOREF};
    inf_buf_init(&binding->scratch, inf_alloc_libc());
    inf_rng_seed(&binding->rng, uv_hrtime());
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    binding->main = lua_tothread(L, -1);
    lua_pop(L, 1);
    binding->lua = binding->main;
    luaL_newmetatable(L, metatable_name);
    lua_pushcfunction(L, binding_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    (void)inf_timers_open(L, binding);
    binding->loop = loop != NULL ? loop : inf_luv_loop(L);
    int rc = binding->loop != NULL ? 0 : make_loop(binding);
    if (rc != 0) luaL_error(L, "cannot make a loop: %s", uv_strerror(rc));
    make_handles(binding);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &registry_key);
    return binding;
}

inf_binding *inf_binding_of(lua_State *L) {
    (void)lua_rawgetp(L, LUA_REGISTRYINDEX, &registry_key);
    inf_binding *binding = lua_touserdata(L, -1);
    lua_pop(L, 1);
    if (binding == NULL) luaL_error(L, "the state is being closed");
    return binding;
}

int inf_binding_traceback(lua_State *L) {
    const char *text = luaL_tolstring(L, 1, NULL);
    luaL_traceback(L, L, text, 1);
    return 1;
}

/* The message is on top of the stack; leaves it popped. Raising here would be
   one error too many: it goes to standard error and no further. */
static void report(inf_binding *binding, lua_State *L) {
    if (binding->on_error != LUA_NOREF) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, binding->on_error);
        lua_pushvalue(L, -2);
        if (lua_pcall(L, 1, 0, 0) == LUA_OK) {
            lua_pop(L, 1);
            return;
        }
        lua_pop(L, 1);
    }
    const char *text = lua_tostring(L, -1);
    (void)fprintf(stderr, "infinitomata: %s\n",
                  text != NULL ? text : "an error without a message");
    lua_pop(L, 1);
}

int inf_binding_call(inf_binding *binding, lua_State *L, int nargs,
                     int nresults) {
    int handler = lua_gettop(L) - nargs;
    lua_pushcfunction(L, inf_binding_traceback);
    lua_insert(L, handler);
    binding->depth++;
    int status = lua_pcall(L, nargs, nresults, handler);
    if (status != LUA_OK) report(binding, L);
    binding->depth--;
    lua_remove(L, handler);
    /* What was waited for may have happened: do not go to sleep now. */
    if (binding->once) inf_binding_stay_awake(binding);
    return status;
}

void inf_binding_set_function(lua_State *L, int index, int *reference) {
    if (!lua_isnoneornil(L, index)) luaL_checktype(L, index, LUA_TFUNCTION);
    luaL_unref(L, LUA_REGISTRYINDEX, *reference);
    *reference = LUA_NOREF;
    if (lua_isnoneornil(L, index)) return;
    lua_pushvalue(L, index);
    *reference = luaL_ref(L, LUA_REGISTRYINDEX);
}

uint64_t inf_binding_now_ms(void) {
    return uv_hrtime() / 1000000;
}
