/* SPDX-License-Identifier: MIT */
/* binding.h: what the files of the binding share. One inf_binding hangs off
   each lua_State, in its registry: the loop, the timers, the node and the
   functions Lua wants called. Two states in one process know nothing of each
   other. */
#ifndef INF_BIND_BINDING_H
#define INF_BIND_BINDING_H

#include <signal.h>

#include <lauxlib.h>
#include <lua.h>
#include <uv.h>

#include "base/buf.h"
#include "base/rng.h"
#include "base/wheel.h"

/** One Lua timer; while it is free, `slot` names the next free one. */
typedef struct inf_timer {
    inf_wheel_item item; /* must be first */
    uint32_t slot;
    uint32_t generation; /* tells a timer from a later one in its slot */
} inf_timer;

#define INF_TIMER_CHUNK 1024u

/** All timers of a state: chunks, because items of a wheel must not move. */
typedef struct inf_timers {
    inf_wheel wheel;
    inf_timer **chunks; /* owned, INF_TIMER_CHUNK timers each */
    uint32_t chunk_count;
    uint32_t free;     /* first free slot, UINT32_MAX: none */
    uint64_t armed_ms; /* when the loop wakes for them, INF_NEVER: never */
    bool firing;       /* inside inf_timers_fire */
    bool postponed;    /* what is due waits for the end of the turn */
    int tables;        /* registry: chunk -> functions and arguments */
} inf_timers;

struct inf_signal;
struct inf_lua_node;
struct inf_cluster;

typedef struct inf_binding {
    lua_State *lua;  /* where callbacks run: whoever drives the loop */
    lua_State *main; /* the state's main thread */
    uv_loop_t *loop;
    bool owns_loop;
    bool running; /* inside a uv_run that Lua asked for */
    bool once;    /* that run must return as soon as something happened */
    bool closing; /* lua_close has begun: no more calls into Lua */
    bool turn_wanted;
    unsigned depth;   /* callbacks of the loop we are inside of */
    unsigned open;    /* handles whose close callback has not come yet */
    uv_timer_t timer; /* drives all timers */
    uv_idle_t idle;   /* active: the loop must not sleep */
    uv_check_t check; /* runs the turn */
    inf_timers timers;
    inf_buf scratch;            /* one value being packed */
    struct inf_signal *signals; /* list of the watched */
    struct inf_lua_node *node;  /* NULL: none runs */
    struct inf_cluster *given;  /* the embedder's node, for node_start */
    inf_rng rng;                /* of choices that nobody needs to repeat */
    int on_turn; /* references in the registry, LUA_NOREF: none */
    int on_error;
    int on_wake;
} inf_binding;

/** Makes the binding of a state on `loop`, or on a loop of its own when NULL.
    Raises when it exists already on another loop, or cannot be made. */
inf_binding *inf_binding_open(lua_State *L, uv_loop_t *loop);
/** The binding of a state; raises when there is none. */
inf_binding *inf_binding_of(lua_State *L);

/**
 * Calls the function below `nargs` arguments, from a callback of the loop. A
 * raised error goes, with its traceback, to the function of core.on_error.
 * @return LUA_OK with `nresults` results pushed, or the status and nothing
 *         pushed.
 */
int inf_binding_call(inf_binding *binding, lua_State *L, int nargs,
                     int nresults);
/** A message handler for lua_pcall: turns whatever was raised into text with a
    traceback. */
int inf_binding_traceback(lua_State *L);
/** The loop's next poll does not sleep. */
void inf_binding_stay_awake(inf_binding *binding);
/** A handle of ours has been closed: give this to uv_close. Its `data` is the
    binding. */
void inf_binding_closed(uv_handle_t *handle);
/** Milliseconds of the clock that core.now shows and timers run on. */
uint64_t inf_binding_now_ms(void);
/** Replaces a reference by the function (or nil) at `index`. */
void inf_binding_set_function(lua_State *L, int index, int *reference);

/* Each file adds its functions to the module on top of the stack. */
void inf_bind_loop(lua_State *L);
void inf_bind_timers(lua_State *L);
void inf_bind_values(lua_State *L);
void inf_bind_edges(lua_State *L);
void inf_bind_ready(lua_State *L);
void inf_bind_signals(lua_State *L);
void inf_bind_console(lua_State *L);
void inf_bind_notify(lua_State *L);
void inf_bind_watch(lua_State *L);
/** The loop took a signal's handler, which was `former`: if that was ours, it
    is again, and calls the loop's. */
void inf_interrupts_keep(int number, const struct sigaction *former);
/** Makes `require "luv"` share the loop. */
void inf_bind_luv(lua_State *L);
/** The loop luv already made in this state, or NULL. */
uv_loop_t *inf_luv_loop(lua_State *L);
/** Runs the loop until the handles are gone that luv was closing when the state
    was closed. */
void inf_luv_close(lua_State *L, uv_loop_t *loop);

int inf_timers_open(lua_State *L, inf_binding *binding);
void inf_timers_close(inf_binding *binding);
void inf_signals_close(inf_binding *binding);
/** The turn ends: timers that had to wait for that are due. */
void inf_timers_turn_over(inf_binding *binding);
/** The loop's callback for the one timer. */
void inf_timers_fire(uv_timer_t *handle);

#endif
