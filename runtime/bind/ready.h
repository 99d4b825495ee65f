/* SPDX-License-Identifier: MIT */
/* ready.h: the ready queue of one lua_State, and the jobs in it. A job is four
   values: a function and its three arguments; or nil, an FSM, an event and its
   payload; or false and a coroutine that is to go on. */
#ifndef INF_BIND_READY_H
#define INF_BIND_READY_H

#include <stdbool.h>

#include <lua.h>

/* The slots of an FSM, and of what it refers to, that C looks at;
   lua/finitomata/instance.lua, supervisor.lua, starting.lua and plan.lua say
   what they are. */
enum { INF_FSM_KIND = 1, INF_FSM_NODE = 3, INF_FSM_PAYLOAD = 4 };
enum { INF_FSM_HISTORY = 5, INF_FSM_MAIL = 6, INF_FSM_EXTRA = 8 };
enum { INF_BRANCH_FSMS = 1, INF_KIND_MAILBOX = 1 };
enum { INF_NODE_STEPS = 1, INF_NODE_ON_ENTER = 2 };

/* The marks in an FSM's mail. */
#define INF_MAIL_COUNT   0xffffffffLL
#define INF_MAIL_BUSY    (1LL << 32)
#define INF_MAIL_BACKLOG (1LL << 33)
#define INF_MAIL_RESTING (INF_MAIL_COUNT | INF_MAIL_BACKLOG)
#define INF_MAIL_DEAD    LUA_MAXINTEGER

/* The frame in which jobs run and edges are gone along: what each slot of the
   stack holds. */
enum { INF_AT_CATCH = 1, INF_AT_EDGE, INF_AT_FSM, INF_AT_EVENT };
enum { INF_AT_EVENT_PAYLOAD = 5, INF_AT_OLD, INF_AT_TRY };

/** Who began a step: Lua, which gets its results, or the queue, which goes on
    with its next job. */
enum { INF_STEP_CALLED, INF_STEP_QUEUED };

/**
 * Goes along the edge at INF_AT_EDGE; the frame is filled up to INF_AT_TRY. A
 * callback may wait: then this does not return, and the step is ended in the
 * `way` it was begun.
 * @return how many results are on top of the stack: none, or an error and
 *         whether the event will be tried again.
 */
int inf_edge_run(lua_State *L, lua_KContext way);
/** Whether the value at `index` is an edge, and entering none of its targets
    sets something going. */
bool inf_edge_is_quiet(lua_State *L, int index);

/** Ends an event that had to wait, with `results` on top of the stack, and
    goes on with the jobs after it. */
int inf_ready_resume(lua_State *L, int results);

#endif
