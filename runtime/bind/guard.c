/* SPDX-License-Identifier: MIT */
/* guard.c: stops Lua code that computes without end. A signal cannot run Lua,
   but it may set a hook (lua_sethook says so), and a hook may raise: lua's own
   program does it that way. While nothing is wrong it costs nothing.

   Two signals count: SIGINT, from the terminal, and SIGIO, from a connection
   that was told to send it. The hook asks the guarded code's own function what
   to do, in the guarded coroutine: it raises, or it says that all is well.

   A process has one set of signal handlers, so what they look at is static. */
#include "bind/console.h"

#include <signal.h>
#include <stdatomic.h>

#include "bind/binding.h"

#define GUARDS_MAX 64

static const char functions_key = 0; /* registry: coroutine -> function */

static struct {
    _Atomic(lua_State *) guarded[GUARDS_MAX]; /* NULL: free */
    atomic_uint interrupts;                   /* SIGINTs so far */
    struct sigaction before[2];
} guards;

static const int numbers[2] = {SIGINT, SIGIO};

static void disarm(lua_State *L) {
    lua_sethook(L, NULL, 0, 0);
}

static void hook(lua_State *L, lua_Debug *event) {
    (void)event;
    luaL_checkstack(L, 4, "no room to look at an interruption");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &functions_key);
    lua_pushthread(L);
    if (lua_rawget(L, -2) != LUA_TFUNCTION) {
        lua_pop(L, 2); /* made by guarded code, and outlived it */
        disarm(L);
        return;
    }
    lua_call(L, 0, 1); /* raises: then the hook stays armed */
    bool well = lua_toboolean(L, -1);
    lua_pop(L, 2);
    if (well) disarm(L);
}

static void on_signal(int number) {
    if (number == SIGINT) atomic_fetch_add(&guards.interrupts, 1);
    for (size_t i = 0; i < GUARDS_MAX; i++) {
        lua_State *co = atomic_load(&guards.guarded[i]);
        if (co == NULL) continue;
        lua_sethook(co, hook,
                    LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT,
                    1);
    }
    for (size_t i = 0; i < INF_COUNT(numbers); i++) {
        void (*before)(int) = guards.before[i].sa_handler;
        bool other = before != SIG_DFL && before != SIG_IGN;
        if (numbers[i] == number && other) before(number);
    }
}

/* The loop's own handler, where it has one, is called after ours. */
static void watch(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    (void)sigfillset(&action.sa_mask);
    for (size_t i = 0; i < INF_COUNT(numbers); i++) {
        struct sigaction present;
        (void)sigaction(numbers[i], NULL, &present);
        if (present.sa_handler == on_signal) continue;
        guards.before[i] = present;
        (void)sigaction(numbers[i], &action, NULL);
    }
}

static lua_State *check_thread(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTHREAD);
    return lua_tothread(L, 1);
}

static void set_function(lua_State *L, int index) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &functions_key);
    lua_pushvalue(L, 1);
    if (index != 0) {
        lua_pushvalue(L, index);
    } else {
        lua_pushnil(L);
    }
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

/* guard(co, fn): after a signal fn() is called inside co, as soon as co runs:
   it raises, or returns true when nothing is to be done. */
static int core_guard(lua_State *L) {
    lua_State *co = check_thread(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    set_function(L, 2);
    watch();
    for (size_t i = 0; i < GUARDS_MAX; i++) {
        lua_State *nobody = NULL;
        if (atomic_compare_exchange_strong(&guards.guarded[i], &nobody, co)) {
            return 0;
        }
    }
    return luaL_error(L, "too many guarded coroutines");
}

static void forget(lua_State *co) {
    for (size_t i = 0; i < GUARDS_MAX; i++) {
        lua_State *expected = co;
        (void)atomic_compare_exchange_strong(&guards.guarded[i], &expected,
                                             NULL);
    }
    disarm(co);
}

static int core_unguard(lua_State *L) {
    forget(check_thread(L));
    set_function(L, 0);
    return 0;
}

/* The state ends: a signal must not find its coroutines any more. */
static int functions_gc(lua_State *L) {
    lua_pushnil(L);
    while (lua_next(L, 1) != 0) {
        forget(lua_tothread(L, 2));
        lua_pop(L, 1);
    }
    return 0;
}

/* interrupts() -> how many SIGINTs guards have seen in this process. */
static int core_interrupts(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)atomic_load(&guards.interrupts));
    return 1;
}

void inf_bind_guard(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"guard", core_guard},
        {"unguard", core_unguard},
        {"interrupts", core_interrupts},
        {NULL, NULL},
    };
    luaL_setfuncs(L, functions, 0);
    bool known = lua_rawgetp(L, LUA_REGISTRYINDEX, &functions_key) != LUA_TNIL;
    lua_pop(L, 1);
    if (known) return; /* a module may be opened twice */
    /* It holds the coroutines: the handler looks at no dead one. */
    lua_newtable(L);
    lua_newtable(L);
    lua_pushcfunction(L, functions_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &functions_key);
}
