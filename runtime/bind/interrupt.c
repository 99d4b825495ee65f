/* SPDX-License-Identifier: MIT */
/* interrupt.c: asks Lua whether what computes is to stop. Two signals bring the
   question up: SIGINT, from the terminal, and SIGIO, from a connection that was
   told to send it. While none comes it costs nothing.

   A process has one set of signal handlers, so what they look at is static. */
#include "bind/console.h"

#include <signal.h>
#include <stdatomic.h>

#include "bind/binding.h"
#include "bind/running.h"

#define STATES_MAX 64

static const char function_key = 0; /* registry: what is asked */
static const char place_key = 0;    /* registry: the state's place below */

static struct {
    _Atomic(inf_running *) states[STATES_MAX]; /* NULL: free */
    atomic_uint interrupts;                    /* SIGINTs so far */
    struct sigaction before[2];
} process;

static const int numbers[2] = {SIGINT, SIGIO};

static const char metatable_name[] = "infinitomata.interrupt";

/* Calls the function: it raises, or says whether all is well. */
static bool ask(lua_State *L) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &function_key) != LUA_TFUNCTION) {
        lua_pop(L, 1);
        return true;
    }
    lua_call(L, 0, 1);
    bool well = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return well;
}

static void on_signal(int number) {
    if (number == SIGINT) atomic_fetch_add(&process.interrupts, 1);
    for (size_t i = 0; i < STATES_MAX; i++) {
        inf_running *running = atomic_load(&process.states[i]);
        if (running == NULL) continue;
        inf_running_ring(running, INF_ALARM_INTERRUPT, NULL);
    }
    for (size_t i = 0; i < INF_COUNT(numbers); i++) {
        void (*before)(int) = process.before[i].sa_handler;
        bool other = before != SIG_DFL && before != SIG_IGN;
        if (numbers[i] == number && other) before(number);
    }
}

/* The loop's own handler, where it has one, is called after ours. */
static void handle_signals(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    (void)sigfillset(&action.sa_mask);
    for (size_t i = 0; i < INF_COUNT(numbers); i++) {
        struct sigaction present;
        (void)sigaction(numbers[i], NULL, &present);
        if (present.sa_handler == on_signal) continue;
        process.before[i] = present;
        (void)sigaction(numbers[i], &action, NULL);
    }
}

void inf_interrupts_keep(int number, const struct sigaction *former) {
    if (former->sa_handler == on_signal && number == SIGINT) handle_signals();
}

/* The state ends: a signal must not find it any more. */
static int place_gc(lua_State *L) {
    const size_t *place = lua_touserdata(L, 1);
    atomic_store(&process.states[*place], NULL);
    return 0;
}

static void take_place(lua_State *L) {
    bool taken = lua_rawgetp(L, LUA_REGISTRYINDEX, &place_key) != LUA_TNIL;
    lua_pop(L, 1);
    if (taken) return;
    inf_running *running = inf_running_of(L);
    inf_running_answer(running, INF_ALARM_INTERRUPT, ask);
    size_t *place = lua_newuserdatauv(L, sizeof *place, 0);
    for (*place = 0; *place < STATES_MAX; (*place)++) {
        inf_running *nobody = NULL;
        if (atomic_compare_exchange_strong(&process.states[*place], &nobody,
                                           running)) {
            break;
        }
    }
    if (*place == STATES_MAX) luaL_error(L, "too many states in this process");
    luaL_setmetatable(L, metatable_name);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &place_key);
}

/* on_interrupt(fn): after a signal fn() is called inside whatever runs, at
   every instruction until it returns true. */
static int core_on_interrupt(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &function_key);
    inf_running_track(L);
    take_place(L);
    handle_signals();
    return 0;
}

/* interrupts() -> how many SIGINTs have been seen in this process. */
static int core_interrupts(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)atomic_load(&process.interrupts));
    return 1;
}

void inf_bind_interrupts(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"on_interrupt", core_on_interrupt},
        {"interrupts", core_interrupts},
        {NULL, NULL},
    };
    luaL_setfuncs(L, functions, 0);
    luaL_newmetatable(L, metatable_name);
    lua_pushcfunction(L, place_gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}
