/* SPDX-License-Identifier: MIT */
/* edge.c: a plain transition as one C function. An FSM's callbacks are calls
   from Lua into C (xpcall, the copy of the payload, its check) and back; here
   they are one call and the callbacks. What is out of the ordinary (a callback
   that raises, an odd answer, timers, listeners, a long history) is handed back
   to lua/finitomata/transition.lua where it stands: this file decides nothing
   that is not decided there as well.

   A callback may wait, so each is called with a continuation. */
#include "bind/binding.h"
#include "bind/value.h"

/* The slots of an instance that are used here; instance.lua says what they
   are. The history's layout is that of history.lua. */
enum { NODE = 3, PAYLOAD = 4, HISTORY = 5, MAIL = 6, EXTRA = 8 };
#define ENTRY_BITS 12
#define STATE_MASK 0xff
#define COUNT_ONE  0x100
#define COUNT_MASK 0xf00

/* The upvalues of an edge: `shape`, then the fields of the table it is made
   of, in this order. */
enum { SHAPE = 1, CATCH, HANDLER, ON_EXIT, STATE, TARGETS, SOLE };
enum { ODD = SOLE + 1, MOVE, LATE, UPVALUES = LATE };

static const char *const fields[] = {
    "catch", "handler", "on_exit", "state", "targets",
    "sole",  "odd",     "move",    "late",
};

typedef struct edge_shape {
    lua_Integer mask;   /* how wide the history is */
    lua_Integer number; /* of the state that is left */
    bool share;         /* callbacks get the payload itself */
    bool announces;     /* a move is more than what is done here */
    bool handled;       /* there is an on_transition */
    bool exits;         /* there is an on_exit */
    bool decided;       /* there is one target */
} edge_shape;

/* The stack of an edge that runs: its arguments, the message handler, and what
   was decided. */
enum { SELF = 1, EVENT, EVENT_PAYLOAD, OLD, TRY, GUARD, NAME, NEW, TARGET };

static const edge_shape *shape_of(lua_State *L) {
    return lua_touserdata(L, lua_upvalueindex(SHAPE));
}

static void push(lua_State *L, int upvalue) {
    lua_pushvalue(L, lua_upvalueindex(upvalue));
}

static bool failed(int status) {
    return status != LUA_OK && status != LUA_YIELD;
}

/* Whether the FSM was given up while a callback waited. */
static bool is_dead(lua_State *L, int status) {
    if (status != LUA_YIELD) return false;
    lua_rawgeti(L, SELF, MAIL);
    bool dead = lua_tointeger(L, -1) == LUA_MAXINTEGER;
    lua_pop(L, 1);
    return dead;
}

static int answer(lua_State *L, int status, lua_KContext first) {
    (void)status;
    return lua_gettop(L) - (int)first + 1;
}

/* Lets Lua end what was begun here: the function and its `nargs` arguments are
   on top of the stack. */
static int hand_over(lua_State *L, int nargs) {
    int first = lua_gettop(L) - nargs;
    lua_callk(L, nargs, LUA_MULTRET, first, answer);
    return answer(L, LUA_OK, first);
}

/* odd(fsm, event_payload, payload, try, ok, to, new_payload) */
static int odd(lua_State *L, bool ok) {
    push(L, ODD);
    lua_pushvalue(L, SELF);
    lua_pushvalue(L, EVENT_PAYLOAD);
    lua_pushvalue(L, OLD);
    lua_pushvalue(L, TRY);
    lua_pushboolean(L, ok);
    lua_pushvalue(L, NAME); /* or what was raised */
    if (!ok) return hand_over(L, 6);
    lua_pushvalue(L, NEW);
    return hand_over(L, 7);
}

/* late(fsm, event_payload, raised) */
static int after_enter(lua_State *L, int status, lua_KContext ctx) {
    (void)ctx;
    if (!failed(status)) return 0;
    int raised = lua_gettop(L);
    push(L, LATE);
    lua_pushvalue(L, SELF);
    lua_pushvalue(L, EVENT_PAYLOAD);
    lua_pushvalue(L, raised);
    return hand_over(L, 3);
}

/* The packed history with the state that is left, or -1 when it is too narrow.
 */
static lua_Integer pushed(const edge_shape *shape, lua_Integer packed) {
    if ((packed & STATE_MASK) != shape->number) {
        lua_Unsigned shifted = (lua_Unsigned)packed << ENTRY_BITS;
        return ((lua_Integer)shifted | COUNT_ONE | shape->number) & shape->mask;
    }
    return (packed & COUNT_MASK) == COUNT_MASK ? -1 : packed + COUNT_ONE;
}

/* move(fsm, target, payload, event_payload, exited, raised) */
static int move_in_lua(lua_State *L, int raised) {
    push(L, MOVE);
    lua_pushvalue(L, SELF);
    lua_pushvalue(L, TARGET);
    lua_pushvalue(L, NEW);
    lua_pushvalue(L, EVENT_PAYLOAD);
    lua_pushboolean(L, raised == 0);
    if (raised == 0) return hand_over(L, 5);
    lua_pushvalue(L, raised);
    return hand_over(L, 6);
}

static int move(lua_State *L, const edge_shape *shape) {
    lua_rawgeti(L, SELF, EXTRA);
    lua_rawgeti(L, SELF, HISTORY);
    bool rare = shape->announces || lua_toboolean(L, -2);
    lua_Integer packed = rare ? -1 : pushed(shape, lua_tointeger(L, -1));
    lua_settop(L, TARGET);
    if (packed < 0) return move_in_lua(L, 0);
    lua_pushinteger(L, packed);
    lua_rawseti(L, SELF, HISTORY);
    lua_pushvalue(L, TARGET);
    lua_rawseti(L, SELF, NODE);
    lua_pushvalue(L, NEW);
    lua_rawseti(L, SELF, PAYLOAD);
    if (lua_getfield(L, TARGET, "on_enter") == LUA_TNIL) return 0;
    lua_pushvalue(L, NAME);
    lua_pushvalue(L, SELF);
    return after_enter(L, lua_pcallk(L, 2, 0, GUARD, 0, after_enter), 0);
}

static int after_exit(lua_State *L, int status, lua_KContext ctx) {
    (void)ctx;
    if (is_dead(L, status)) return 0;
    if (failed(status)) return move_in_lua(L, lua_gettop(L));
    return move(L, shape_of(L));
}

static int commit(lua_State *L, const edge_shape *shape) {
    if (!shape->exits) return move(L, shape);
    push(L, ON_EXIT);
    push(L, STATE);
    lua_pushvalue(L, SELF);
    return after_exit(L, lua_pcallk(L, 2, 0, GUARD, 0, after_exit), 0);
}

/* No answer is one where there is but one target. */
static bool says_nothing(lua_State *L, const edge_shape *shape) {
    return shape->decided && lua_isnil(L, NAME) && lua_isnil(L, NEW);
}

static int after_transition(lua_State *L, int status, lua_KContext ctx) {
    const edge_shape *shape = shape_of(L);
    (void)ctx;
    if (failed(status)) return odd(L, false);
    if (is_dead(L, status)) return odd(L, true);
    lua_pushvalue(L, NAME);
    if (lua_rawget(L, lua_upvalueindex(TARGETS)) == LUA_TNIL) {
        if (!says_nothing(L, shape)) return odd(L, true);
        (void)lua_getfield(L, lua_upvalueindex(SOLE), "name");
        lua_replace(L, NAME);
        lua_copy(L, lua_upvalueindex(SOLE), TARGET);
    }
    if (lua_isnil(L, NEW)) {
        lua_copy(L, OLD, NEW);
    } else if (!shape->share && !inf_value_plain(L, NEW, 0)) {
        return odd(L, true);
    }
    return commit(L, shape);
}

static void push_payload(lua_State *L, bool share) {
    if (share || lua_type(L, OLD) != LUA_TTABLE) {
        lua_pushvalue(L, OLD);
    } else if (!inf_value_copy_flat(L, OLD)) {
        inf_value_copy(L, OLD, "payload", &inf_binding_of(L)->scratch);
    }
}

/* edge(fsm, event, event_payload, payload, try) -> error?, pending? */
static int run(lua_State *L) {
    const edge_shape *shape = shape_of(L);
    lua_settop(L, TRY);
    push(L, CATCH);
    if (!shape->handled) {
        (void)lua_getfield(L, lua_upvalueindex(SOLE), "name");
        lua_pushvalue(L, OLD);
        push(L, SOLE);
        return commit(L, shape);
    }
    push(L, HANDLER);
    push(L, STATE);
    lua_pushvalue(L, EVENT);
    lua_pushvalue(L, EVENT_PAYLOAD);
    push_payload(L, shape->share);
    lua_pushvalue(L, SELF);
    int status = lua_pcallk(L, 5, 2, GUARD, 0, after_transition);
    return after_transition(L, status, 0);
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

static int core_edge(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    edge_shape *shape = lua_newuserdatauv(L, sizeof *shape, 0);
    shape->mask = integer_field(L, "mask");
    shape->number = integer_field(L, "number");
    shape->share = boolean_field(L, "share");
    shape->announces = boolean_field(L, "announces");
    shape->handled = boolean_field(L, "handler");
    shape->exits = boolean_field(L, "on_exit");
    shape->decided = boolean_field(L, "sole");
    for (size_t i = 0; i < INF_COUNT(fields); i++) {
        lua_getfield(L, 1, fields[i]);
    }
    lua_pushcclosure(L, run, UPVALUES);
    return 1;
}

void inf_bind_edges(lua_State *L) {
    static const luaL_Reg functions[] = {{"edge", core_edge}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
