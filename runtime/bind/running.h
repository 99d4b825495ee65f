/* SPDX-License-Identifier: MIT */
/* running.h: which coroutine of a state runs, and how a signal handler stops it
   there. A hook belongs to one coroutine, and whoever wants to end code that
   computes without end knows only where it began: it may be many coroutines
   deeper by now. So the functions that change the coroutine say so. */
#ifndef INF_BIND_RUNNING_H
#define INF_BIND_RUNNING_H

#include <lauxlib.h>
#include <lua.h>

#include "base/def.h"

/** Who may ring. */
enum { INF_ALARM_WATCH, INF_ALARM_INTERRUPT, INF_ALARM_COUNT };

/**
 * Called at every instruction, in the coroutine that runs, from when the alarm
 * was rung until it says that all is well (true). It may raise: then the alarm
 * stays on, and it is called again at whatever instruction comes next.
 */
typedef bool inf_alarm_fn(lua_State *L);

typedef struct inf_running inf_running;

/** A state's own; made when it is asked for first. Lives as long as the state.
    May raise for want of memory. */
inf_running *inf_running_of(lua_State *L);
/** From now on coroutine.resume, wrap and close of this state say what runs.
    Who has taken the former functions before is not seen. */
void inf_running_track(lua_State *L);
/** Sets what an alarm does. */
void inf_running_answer(inf_running *running, int alarm, inf_alarm_fn *fn);
/** Rings: for a signal handler in the thread that runs the state. `co`, when it
    is not NULL, is stopped too, if it is not what runs. */
void inf_running_ring(inf_running *running, int alarm, lua_State *co);
/** All is well. */
void inf_running_hush(inf_running *running, int alarm);
/** True while `co` runs, or waits for one that it has resumed. */
bool inf_running_holds(lua_State *L, lua_State *co);

#endif
