/* SPDX-License-Identifier: MIT */
/* edge.c: a plain transition as one C function. An FSM's callbacks are calls
   from Lua into C (xpcall, the copy of the payload, its check) and back; here
   they are one call and the callbacks. What is out of the ordinary (a callback
   that raises, an odd answer, timers, listeners, a long history) is handed back
   to lua/finitomata/transition.lua where it stands: this file decides nothing
   that is not decided there as well.

   A callback may wait, so each is called with a continuation. */
#include <lauxlib.h>

#include "base/error.h"
#include "bind/binding.h"
#include "bind/ready.h"
#include "bind/value.h"

/* The layout of history.lua. */
#define ENTRY_BITS 12
#define STATE_MASK 0xff
#define COUNT_ONE  0x100
#define COUNT_MASK 0xf00

/* The values of an edge: the fields of the table it is made of, in this order.
 */
enum { CATCH = 1, HANDLER, ON_EXIT, STATE, TARGETS, SOLE };
enum { ODD = SOLE + 1, MOVE, ANNOUNCE, LATE, VALUES = LATE };

static const char *const fields[] = {
    "catch", "handler", "on_exit", "state",    "targets",
    "sole",  "odd",     "move",    "announce", "late",
};

typedef struct edge_shape {
    lua_Integer mask;   /* how wide the history is */
    lua_Integer number; /* of the state that is left */
    bool share;         /* callbacks get the payload itself */
    bool listened;      /* listeners are told of a move */
    bool timed;         /* a move sets timers */
    bool handled;       /* there is an on_transition */
    bool exits;         /* there is an on_exit */
    bool decided;       /* there is one target */
    bool quiet;         /* entering a target sets nothing going */
} edge_shape;

/* The frame of a step, and above it what was decided. */
enum { GUARD = INF_AT_CATCH, EDGE = INF_AT_EDGE, SELF = INF_AT_FSM };
enum { EVENT = INF_AT_EVENT, EVENT_PAYLOAD, OLD, TRY, NAME, NEW };
enum { CHOICE = NEW + 1, TARGET, PACKED, EXTRA };

static const edge_shape *shape_of(lua_State *L) {
    return lua_touserdata(L, EDGE);
}

static void push(lua_State *L, int value) {
    (void)lua_getiuservalue(L, EDGE, value);
}

static bool failed(int status) {
    return status != LUA_OK && status != LUA_YIELD;
}

/* Whether the FSM was given up while a callback waited. */
static bool is_dead(lua_State *L, int status) {
    if (status != LUA_YIELD) return false;
    lua_rawgeti(L, SELF, INF_FSM_MAIL);
    bool dead = lua_tointeger(L, -1) == INF_MAIL_DEAD;
    lua_pop(L, 1);
    return dead;
}

/* A step that had to wait has come to its end. */
static int resumed(lua_State *L, int results, lua_KContext way) {
    return way == INF_STEP_QUEUED ? inf_ready_resume(L, results) : results;
}

/* What Lua's end of a step came to. */
static int answer(lua_State *L) {
    return lua_isnil(L, -2) ? 0 : 2;
}

static int answer_later(lua_State *L, int status, lua_KContext way) {
    (void)status;
    return resumed(L, answer(L), way);
}

/* Lets Lua end what was begun here: the function and its `nargs` arguments are
   on top of the stack. */
static int hand_over(lua_State *L, int nargs, lua_KContext way) {
    lua_callk(L, nargs, 2, way, answer_later);
    return answer(L);
}

/* odd(fsm, event_payload, payload, try, ok, to, new_payload) */
static int odd(lua_State *L, bool ok, lua_KContext way) {
    push(L, ODD);
    lua_pushvalue(L, SELF);
    lua_pushvalue(L, EVENT_PAYLOAD);
    lua_pushvalue(L, OLD);
    lua_pushvalue(L, TRY);
    lua_pushboolean(L, ok);
    lua_pushvalue(L, NAME); /* or what was raised */
    if (!ok) return hand_over(L, 6, way);
    lua_pushvalue(L, NEW);
    return hand_over(L, 7, way);
}

/* late(fsm, event_payload, raised) */
static int after_enter(lua_State *L, int status, lua_KContext way) {
    if (!failed(status)) return 0;
    int raised = lua_gettop(L);
    push(L, LATE);
    lua_pushvalue(L, SELF);
    lua_pushvalue(L, EVENT_PAYLOAD);
    lua_pushvalue(L, raised);
    return hand_over(L, 3, way);
}

static int enter_later(lua_State *L, int status, lua_KContext way) {
    return resumed(L, after_enter(L, status, way), way);
}

/* The packed history with the state that is left, or -1 when it is too narrow,
   or a list already. */
static lua_Integer pushed(const edge_shape *shape, lua_Integer packed) {
    if (packed < 0) return -1;
    if ((packed & STATE_MASK) != shape->number) {
        lua_Unsigned shifted = (lua_Unsigned)packed << ENTRY_BITS;
        return ((lua_Integer)shifted | COUNT_ONE | shape->number) & shape->mask;
    }
    return (packed & COUNT_MASK) == COUNT_MASK ? -1 : packed + COUNT_ONE;
}

/* move(fsm, target, payload, event_payload, exited, raised) */
static int move_in_lua(lua_State *L, int raised, lua_KContext way) {
    push(L, MOVE);
    lua_pushvalue(L, SELF);
    lua_pushvalue(L, TARGET);
    lua_pushvalue(L, NEW);
    lua_pushvalue(L, EVENT_PAYLOAD);
    lua_pushboolean(L, raised == 0);
    if (raised == 0) return hand_over(L, 5, way);
    lua_pushvalue(L, raised);
    return hand_over(L, 6, way);
}

static int enter(lua_State *L, lua_KContext way) {
    bool silent = lua_rawgeti(L, TARGET, INF_NODE_ON_ENTER) == LUA_TBOOLEAN;
    if (silent) return 0;
    lua_pushvalue(L, NAME);
    lua_pushvalue(L, SELF);
    int status = lua_pcallk(L, 2, 0, GUARD, way, enter_later);
    return after_enter(L, status, way);
}

static int announce_later(lua_State *L, int status, lua_KContext way) {
    (void)status;
    return resumed(L, enter(L, way), way);
}

/* Whether the FSM, whose rare things are at `extra`, has something to set or to
   forget when it moves. */
static bool has_news(lua_State *L, const edge_shape *shape, int extra) {
    if (shape->timed) return true;
    if (lua_type(L, extra) != LUA_TTABLE) return false;
    return lua_getfield(L, extra, "last_error") != LUA_TNIL ||
           lua_getfield(L, extra, "postponed") != LUA_TNIL;
}

static int move(lua_State *L, const edge_shape *shape, lua_KContext way) {
    lua_rawgeti(L, SELF, INF_FSM_HISTORY);
    lua_Integer packed = pushed(shape, lua_tointeger(L, PACKED));
    if (shape->listened || packed < 0) return move_in_lua(L, 0, way);
    lua_pushinteger(L, packed);
    lua_rawseti(L, SELF, INF_FSM_HISTORY);
    lua_pushvalue(L, TARGET);
    lua_rawseti(L, SELF, INF_FSM_NODE);
    lua_pushvalue(L, NEW);
    lua_rawseti(L, SELF, INF_FSM_PAYLOAD);
    lua_rawgeti(L, SELF, INF_FSM_EXTRA);
    if (has_news(L, shape, EXTRA)) {
        push(L, ANNOUNCE);
        lua_pushvalue(L, SELF);
        lua_callk(L, 1, 0, way, announce_later);
    }
    return enter(L, way);
}

static int after_exit(lua_State *L, int status, lua_KContext way) {
    if (is_dead(L, status)) return 0;
    if (failed(status)) return move_in_lua(L, lua_gettop(L), way);
    return move(L, shape_of(L), way);
}

static int exit_later(lua_State *L, int status, lua_KContext way) {
    return resumed(L, after_exit(L, status, way), way);
}

static int commit(lua_State *L, const edge_shape *shape, lua_KContext way) {
    if (!shape->exits) return move(L, shape, way);
    push(L, ON_EXIT);
    push(L, STATE);
    lua_pushvalue(L, SELF);
    int status = lua_pcallk(L, 2, 0, GUARD, way, exit_later);
    return after_exit(L, status, way);
}

/* No answer is one where there is but one target. */
static bool says_nothing(lua_State *L, const edge_shape *shape) {
    return shape->decided && lua_isnil(L, NAME) && lua_isnil(L, NEW);
}

/* Pushes the one target, and has its name in NAME. */
static void take_sole(lua_State *L) {
    push(L, SOLE);
    (void)lua_getfield(L, -1, "name");
    lua_replace(L, NAME);
}

static int after_transition(lua_State *L, int status, lua_KContext way) {
    const edge_shape *shape = shape_of(L);
    if (failed(status)) return odd(L, false, way);
    if (is_dead(L, status)) return odd(L, true, way);
    push(L, TARGETS);
    lua_pushvalue(L, NAME);
    if (lua_rawget(L, CHOICE) == LUA_TNIL) {
        if (!says_nothing(L, shape)) return odd(L, true, way);
        take_sole(L);
        lua_replace(L, TARGET);
    }
    if (lua_isnil(L, NEW)) {
        lua_copy(L, OLD, NEW);
    } else if (!shape->share && !inf_value_plain(L, NEW, 0)) {
        return odd(L, true, way);
    }
    return commit(L, shape, way);
}

static int transition_later(lua_State *L, int status, lua_KContext way) {
    return resumed(L, after_transition(L, status, way), way);
}

static void push_payload(lua_State *L, bool share) {
    if (share || lua_type(L, OLD) != LUA_TTABLE) {
        lua_pushvalue(L, OLD);
    } else if (!inf_value_copy_flat(L, OLD)) {
        inf_value_copy(L, OLD, "payload", &inf_binding_of(L)->scratch);
    }
}

int inf_edge_run(lua_State *L, lua_KContext way) {
    const edge_shape *shape = shape_of(L);
    if (!shape->handled) {
        lua_pushnil(L); /* the name */
        lua_pushvalue(L, OLD);
        lua_pushnil(L); /* no choice */
        take_sole(L);
        return commit(L, shape, way);
    }
    push(L, HANDLER);
    push(L, STATE);
    lua_pushvalue(L, EVENT);
    lua_pushvalue(L, EVENT_PAYLOAD);
    push_payload(L, shape->share);
    lua_pushvalue(L, SELF);
    int status = lua_pcallk(L, 5, 2, GUARD, way, transition_later);
    return after_transition(L, status, way);
}

bool inf_edge_is_quiet(lua_State *L, int index) {
    const edge_shape *shape = lua_touserdata(L, index);
    return shape->quiet;
}

/* edge(fsm, event, event_payload, payload, try) -> error?, pending? */
static int call(lua_State *L) {
    lua_settop(L, INF_AT_TRY - 1);
    (void)lua_getiuservalue(L, 1, CATCH);
    lua_insert(L, GUARD);
    return inf_edge_run(L, INF_STEP_CALLED);
}

static lua_Integer integer_field(lua_State *L, const char *name) {
    lua_getfield(L, 1, name);
    lua_Integer value = luaL_checkinteger(L, -1);
    lua_pop(L, 1);
    return value;
}

static bool boolean_field(lua_State *L, const char *name) {
    lua_getfield(L, 1, name);
    bool value = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

/* edge(parts) -> edge */
static int core_edge(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    edge_shape *shape = lua_newuserdatauv(L, sizeof *shape, VALUES);
    shape->mask = integer_field(L, "mask");
    shape->number = integer_field(L, "number");
    shape->share = boolean_field(L, "share");
    shape->listened = boolean_field(L, "listened");
    shape->timed = boolean_field(L, "timed");
    shape->handled = boolean_field(L, "handler");
    shape->exits = boolean_field(L, "on_exit");
    shape->decided = boolean_field(L, "sole");
    shape->quiet = !boolean_field(L, "settles");
    for (int i = 0; i < VALUES; i++) {
        lua_getfield(L, 1, fields[i]);
        (void)lua_setiuservalue(L, 2, i + 1);
    }
    if (luaL_newmetatable(L, "infinitomata.edge")) {
        lua_pushcfunction(L, call);
        lua_setfield(L, -2, "__call");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_setmetatable(L, 2);
    return 1;
}

void inf_bind_edges(lua_State *L) {
    lua_pushcfunction(L, core_edge);
    lua_setfield(L, -2, "edge");
}
