/* SPDX-License-Identifier: MIT */
/* watch.c: looks after one running coroutine at a time, at no cost to it. A
   hook that is always there makes a loop twice as slow; so there is none until
   the coroutine has run for too long. A timer of the operating system ticks
   while something is watched, in the thread that runs Lua; its signal handler
   counts, and rings when time is up (running.h): then a function of Lua's is
   called in whatever the coroutine has come to run, and may raise there.

   The timer stops by itself when there was nothing to watch for a while: an
   idle process sleeps. Where the handler finds its watch is said by the timer:
   two states in one process have a timer each. */
#include "bind/binding.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "bind/running.h"

#define TICK_MS        10
#define IDLE_TICKS_MAX 100
#define WATCH_SIGNAL   SIGVTALRM

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

typedef struct watch {
    inf_running *running;
    lua_State *volatile watched; /* NULL: nobody */
    volatile uint32_t ticks;
    volatile uint32_t due; /* the tick at which time is up */
    volatile uint32_t idle;
    volatile uint32_t tripped_at;
    volatile bool tripped; /* it has rung */
    volatile bool ticking;
    bool made;
    timer_t timer;
    int function; /* registry: what the hook calls */
    int thread;   /* registry: keeps the watched one alive */
} watch;

static const char registry_key = 0; /* its address is the key */

static const char metatable_name[] = "infinitomata.watch";

static void set_ticking(watch *w, bool on) {
    long tick_ns = on ? TICK_MS * 1000000L : 0;
    struct itimerspec spec = {.it_interval = {.tv_nsec = tick_ns},
                              .it_value = {.tv_nsec = tick_ns}};
    w->ticking = on;
    w->idle = 0;
    (void)timer_settime(w->timer, 0, &spec, NULL);
}

static watch *watch_of(lua_State *L) {
    (void)lua_rawgetp(L, LUA_REGISTRYINDEX, &registry_key);
    watch *w = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return w;
}

static bool answer(lua_State *L) {
    const watch *w = watch_of(L);
    if (w == NULL || !w->tripped) return true;
    if (!inf_running_holds(L, w->watched)) return true; /* it waits */
    lua_Integer late_ms = (lua_Integer)(w->ticks - w->tripped_at) * TICK_MS;
    lua_rawgeti(L, LUA_REGISTRYINDEX, w->function);
    lua_pushinteger(L, late_ms);
    lua_call(L, 1, 0);
    return false;
}

static void on_tick(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    if (info->si_code != SI_TIMER) return;
    watch *w = info->si_value.sival_ptr;
    lua_State *co = w->watched;
    w->ticks++;
    if (co == NULL || lua_status(co) != LUA_OK) { /* nobody, or it waits */
        if (++w->idle >= IDLE_TICKS_MAX) set_ticking(w, false);
        return;
    }
    w->idle = 0;
    if (w->tripped || (int32_t)(w->ticks - w->due) < 0) return;
    w->tripped = true;
    w->tripped_at = w->ticks;
    inf_running_ring(w->running, INF_ALARM_WATCH, co);
}

/* False where the system cannot do it. */
static bool make_timer(watch *w) {
    struct sigaction action = {.sa_sigaction = on_tick,
                               .sa_flags = SA_SIGINFO | SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID,
                             .sigev_signo = WATCH_SIGNAL};
    event.sigev_value.sival_ptr = w;
    event.sigev_notify_thread_id = gettid();
    if (sigaction(WATCH_SIGNAL, &action, NULL) != 0) return false;
    if (timer_create(CLOCK_MONOTONIC, &event, &w->timer) != 0) return false;
    w->made = true;
    return true;
}

static void release(watch *w) {
    lua_State *co = w->watched;
    w->watched = NULL;
    if (!w->tripped) return;
    w->tripped = false;
    inf_running_hush(w->running, INF_ALARM_WATCH);
    lua_sethook(co, NULL, 0, 0);
}

/* watch(co, ms, fn) -> true: when co has run for ms without a call of watch or
   unwatch in between, fn(late_ms) is called at every instruction inside it, or
   inside what it has resumed: late when the code was not to be interrupted,
   inside a C function. */
static int core_watch(lua_State *L) {
    watch *w = watch_of(L);
    luaL_checktype(L, 1, LUA_TTHREAD);
    lua_Integer ms = luaL_checkinteger(L, 2);
    luaL_checktype(L, 3, LUA_TFUNCTION);
    if (w == NULL || (!w->made && !make_timer(w))) {
        lua_pushboolean(L, 0);
        return 1;
    }
    release(w);
    inf_running_track(L);
    lua_settop(L, 3);
    lua_rawseti(L, LUA_REGISTRYINDEX, w->function);
    lua_pushvalue(L, 1);
    lua_rawseti(L, LUA_REGISTRYINDEX, w->thread);
    if (ms < 0) ms = 0;
    if (ms > INT32_MAX) ms = INT32_MAX;
    w->due = w->ticks + (uint32_t)(ms / TICK_MS) + 1;
    w->watched = lua_tothread(L, 1);
    if (!w->ticking) set_ticking(w, true);
    lua_pushboolean(L, 1);
    return 1;
}

static int core_unwatch(lua_State *L) {
    watch *w = watch_of(L);
    if (w != NULL) release(w);
    return 0;
}

/* What is pending is delivered to this thread before timer_delete returns. */
static int watch_gc(lua_State *L) {
    watch *w = lua_touserdata(L, 1);
    w->watched = NULL;
    if (w->made) {
        set_ticking(w, false);
        (void)timer_delete(w->timer);
    }
    w->made = false;
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &registry_key);
    return 0;
}

static void make_watch(lua_State *L) {
    watch *w = lua_newuserdatauv(L, sizeof *w, 0);
    *w = (watch){.running = inf_running_of(L)};
    inf_running_answer(w->running, INF_ALARM_WATCH, answer);
    lua_pushboolean(L, 0);
    w->function = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushboolean(L, 0);
    w->thread = luaL_ref(L, LUA_REGISTRYINDEX);
    luaL_newmetatable(L, metatable_name);
    lua_pushcfunction(L, watch_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &registry_key);
}

void inf_bind_watch(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"watch", core_watch},
        {"unwatch", core_unwatch},
        {NULL, NULL},
    };
    luaL_setfuncs(L, functions, 0);
    if (watch_of(L) == NULL) make_watch(L); /* a module may be opened twice */
}
