/* SPDX-License-Identifier: MIT */
/* ready.c: the ready queue in C, with the interface of
   lua/finitomata/ready.lua. Its lists are the stacks of coroutines that never
   run: the cheapest place where C can leave Lua's values and find them again.
   An event, the job of almost every turn, is taken to its FSM here; what is out
   of the ordinary about it goes to the functions of
   lua/finitomata/instance.lua. */
#include "bind/ready.h"

#include <lauxlib.h>

#include "base/error.h"
#include "bind/binding.h"

#define JOB       4
#define LIST_JOBS 1024 /* so many are a turn, at most */
#define LIST_MAX  (JOB * LIST_JOBS)
#define SPARE_MAX 4 /* lists that are kept to be filled again */

typedef struct ready {
    lua_State *inbox;       /* takes new jobs */
    lua_State *batch;       /* is worked off */
    int size;               /* slots of the inbox that are in use */
    int head;               /* slots of the batch that are done */
    int last;               /* slots of the batch */
    lua_Integer first_full; /* lists that wait between the two */
    lua_Integer last_full;
    lua_State *spare[SPARE_MAX];
    int spares;
    bool observed; /* somebody measures events: none is taken here */
} ready;

/* The upvalues of every function here. LISTS keeps the lists alive: as keys,
   and those that wait, by number. */
enum { READY = 1, LISTS, CONTEXT, HOOKS, UPVALUES = HOOKS };
enum { SENDER_FSMS = 3, SENDER_BRANCHES = 3, SENDER_SLOW, SENDER_ID };

enum { CONTEXT_FSM = 1 };

static ready *ready_of(lua_State *L) {
    return lua_touserdata(L, lua_upvalueindex(READY));
}

/* ---- lists --------------------------------------------------------------- */

static lua_State *new_list(lua_State *L, int lists) {
    lua_State *list = lua_newthread(L);
    if (!lua_checkstack(list, LIST_MAX + LUA_MINSTACK)) {
        luaL_error(L, "no room for more jobs");
    }
    lua_pushboolean(L, 1);
    lua_rawset(L, lists);
    return list;
}

/* The inbox is full: it waits, and another one is filled. */
static void set_aside(lua_State *L, ready *r) {
    int lists = lua_upvalueindex(LISTS);
    lua_State *fresh =
        r->spares != 0 ? r->spare[r->spares - 1] : new_list(L, lists);
    lua_pushthread(r->inbox);
    lua_xmove(r->inbox, L, 1);
    lua_rawseti(L, lists, r->last_full + 1);
    r->last_full++;
    if (r->spares != 0) r->spares--;
    r->inbox = fresh;
    r->size = 0;
}

/* The batch is worked off, and another list takes its place. */
static void retire(lua_State *L, ready *r) {
    if (r->spares < SPARE_MAX) {
        r->spare[r->spares++] = r->batch;
        return;
    }
    lua_pushthread(r->batch);
    lua_xmove(r->batch, L, 1);
    lua_pushnil(L);
    lua_rawset(L, lua_upvalueindex(LISTS));
}

/* The list that has room for one more job. */
static lua_State *open_list(lua_State *L, ready *r) {
    if (r->size == 0 || r->size == LIST_MAX) {
        if (r->size != 0) set_aside(L, r);
        inf_binding *binding = inf_binding_of(L);
        binding->turn_wanted = true;
        inf_binding_stay_awake(binding);
    }
    r->size += JOB;
    return r->inbox;
}

/* post(fn, a, b, c) */
static int post(lua_State *L) {
    lua_settop(L, JOB);
    lua_xmove(L, open_list(L, ready_of(L)), JOB);
    return 0;
}

/* begin() -> whether there is a batch to work off */
static int begin(lua_State *L) {
    ready *r = ready_of(L);
    bool found = true;
    if (r->head == r->last) lua_settop(r->batch, 0); /* it is filled again */
    if (r->head < r->last) {
        /* what an error left */
    } else if (r->first_full <= r->last_full) {
        int lists = lua_upvalueindex(LISTS);
        retire(L, r);
        lua_rawgeti(L, lists, r->first_full);
        r->batch = lua_tothread(L, -1);
        lua_pushnil(L);
        lua_rawseti(L, lists, r->first_full++);
        r->head = 0;
        r->last = LIST_MAX;
    } else if (r->size != 0) {
        lua_State *empty = r->batch;
        r->batch = r->inbox;
        r->inbox = empty;
        r->head = 0;
        r->last = r->size;
        r->size = 0;
    } else {
        found = false;
    }
    lua_pushboolean(L, found);
    return 1;
}

/* What the next job of the batch is: by the type of its first value. */
enum { WAKE = LUA_TBOOLEAN, TAKE_EVENT = LUA_TNIL };

static int kind_of_next(const ready *r) {
    return lua_type(r->batch, r->head + 1);
}

/* next() -> false: the batch is worked off; true: call run; or the coroutine to
   resume */
static int next(lua_State *L) {
    ready *r = ready_of(L);
    if (r->head == r->last) {
        lua_settop(r->batch, 0);
        lua_pushboolean(L, 0);
    } else if (kind_of_next(r) == WAKE) {
        lua_pushvalue(r->batch, r->head + 2);
        lua_xmove(r->batch, L, 1);
        r->head += JOB;
    } else {
        lua_pushboolean(L, 1);
    }
    return 1;
}

/* waiting() -> whether there will be another batch */
static int waiting(lua_State *L) {
    const ready *r = ready_of(L);
    lua_pushboolean(L, r->size != 0 || r->first_full <= r->last_full);
    return 1;
}

/* observe(on): events go to Lua, one and all, or no longer */
static int observe(lua_State *L) {
    ready_of(L)->observed = lua_toboolean(L, 1);
    return 0;
}

/* ---- jobs ---------------------------------------------------------------- */

static int work(lua_State *L);

static int go_on(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    (void)ctx;
    return work(L);
}

/* Leaves a value on the stack, which is cleared for the next job anyway. */
static lua_Integer mail_of(lua_State *L, int fsm) {
    lua_rawgeti(L, fsm, INF_FSM_MAIL);
    return lua_tointeger(L, -1);
}

static void set_mail(lua_State *L, int fsm, lua_Integer mail) {
    lua_pushinteger(L, mail);
    lua_rawseti(L, fsm, INF_FSM_MAIL);
}

/* No FSM's code runs any more. An event does not say so when it is over: what
   comes next does, unless it is an event. */
static void leave_fsm(lua_State *L) {
    lua_pushnil(L);
    lua_rawseti(L, lua_upvalueindex(CONTEXT), CONTEXT_FSM);
}

/* on_event(fsm, event, event_payload) */
static void event_in_lua(lua_State *L) {
    leave_fsm(L);
    lua_settop(L, INF_AT_EVENT_PAYLOAD);
    (void)lua_getfield(L, lua_upvalueindex(HOOKS), "on_event");
    lua_replace(L, INF_AT_EDGE);
    lua_callk(L, 3, 0, 0, go_on);
}

/* settle(fsm, error, pending) */
static void settle(lua_State *L, int results) {
    (void)lua_getfield(L, lua_upvalueindex(HOOKS), "settle");
    lua_pushvalue(L, INF_AT_FSM);
    if (results != 0) lua_rotate(L, -4, 2);
    lua_callk(L, results + 1, 0, 0, go_on);
}

/* Whether the FSM is to stop, or to take events up that it has put off. */
static bool has_plans(lua_State *L) {
    if (lua_rawgeti(L, INF_AT_FSM, INF_FSM_EXTRA) != LUA_TTABLE) return false;
    return lua_getfield(L, -1, "recall") != LUA_TNIL ||
           lua_getfield(L, -2, "stop") != LUA_TNIL;
}

static void end_event(lua_State *L, int results) {
    bool over = results == 0 && inf_edge_is_quiet(L, INF_AT_EDGE);
    if (over) {
        lua_Integer mail = mail_of(L, INF_AT_FSM);
        over = (mail & INF_MAIL_BACKLOG) == 0 && !has_plans(L);
        if (over) set_mail(L, INF_AT_FSM, mail & INF_MAIL_RESTING);
    }
    if (!over) settle(L, results);
}

int inf_ready_resume(lua_State *L, int results) {
    end_event(L, results);
    return work(L);
}

/* compile(fsm, event) -> edge, or what else runs the event */
static int compile(lua_State *L) {
    (void)lua_getfield(L, lua_upvalueindex(HOOKS), "compile");
    lua_pushvalue(L, INF_AT_FSM);
    lua_pushvalue(L, INF_AT_EVENT);
    lua_call(L, 2, 1);
    return lua_type(L, -1);
}

/* Puts the edge that the FSM's state has for the event where it belongs. */
static bool find_edge(lua_State *L) {
    lua_rawgeti(L, INF_AT_FSM, INF_FSM_NODE);
    if (lua_rawgeti(L, -1, INF_NODE_STEPS) != LUA_TTABLE) return false;
    lua_pushvalue(L, INF_AT_EVENT);
    int type = lua_rawget(L, -2);
    if (type == LUA_TNIL) type = compile(L);
    if (type != LUA_TUSERDATA) return false;
    lua_replace(L, INF_AT_EDGE);
    return true;
}

/* What on_event of instance.lua does, as long as nothing is out of the
   ordinary. */
static void take_event(lua_State *L, const ready *r) {
    lua_Integer mail = mail_of(L, INF_AT_FSM);
    if (r->observed || mail >= INF_MAIL_BUSY || !find_edge(L)) {
        event_in_lua(L);
        return;
    }
    set_mail(L, INF_AT_FSM, mail + (INF_MAIL_BUSY - 1));
    lua_pushvalue(L, INF_AT_FSM);
    lua_rawseti(L, lua_upvalueindex(CONTEXT), CONTEXT_FSM);
    lua_settop(L, INF_AT_EVENT_PAYLOAD);
    lua_rawgeti(L, INF_AT_FSM, INF_FSM_PAYLOAD);
    lua_pushnil(L); /* the try of an event that was sent */
    end_event(L, inf_edge_run(L, INF_STEP_QUEUED));
}

static void take_job(lua_State *L, ready *r) {
    for (int i = 1; i <= JOB; i++) {
        lua_pushvalue(r->batch, r->head + i);
    }
    lua_xmove(r->batch, L, JOB);
    r->head += JOB;
}

static int work(lua_State *L) {
    ready *r = ready_of(L);
    while (r->head < r->last) {
        int kind = kind_of_next(r);
        if (kind == WAKE) break;
        lua_settop(L, INF_AT_CATCH);
        take_job(L, r);
        if (kind == TAKE_EVENT) {
            take_event(L, r);
        } else {
            leave_fsm(L);
            lua_callk(L, JOB - 1, 0, 0, go_on);
        }
    }
    leave_fsm(L);
    return 0;
}

/* run(): works off the batch, up to the next coroutine that is to go on */
static int run(lua_State *L) {
    lua_settop(L, 0);
    (void)lua_getfield(L, lua_upvalueindex(HOOKS), "catch");
    return work(L);
}

/* ---- sending ------------------------------------------------------------- */

static int sent(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    (void)ctx;
    return lua_gettop(L);
}

/* Values that are their own copies. */
static bool is_scalar(int type) {
    return type <= LUA_TBOOLEAN || type == LUA_TNUMBER || type == LUA_TSTRING;
}

/* Whether the mailbox of an FSM, which has `mail`, takes one more event. */
static bool has_room(lua_State *L, int fsm, lua_Integer mail) {
    lua_rawgeti(L, fsm, INF_FSM_KIND);
    lua_rawgeti(L, -1, INF_KIND_MAILBOX);
    return (mail & INF_MAIL_COUNT) < lua_tointeger(L, -1);
}

/* Queues an event that asks for nothing else, of (name, event, event_payload,
   delay_ms) from `name` on; the FSMs are in the table `fsms`. */
static bool queue_event(lua_State *L, int name, int fsms) {
    bool plain = lua_type(L, name + 1) == LUA_TSTRING &&
                 is_scalar(lua_type(L, name + 2)) &&
                 lua_type(L, name + 3) <= LUA_TNIL;
    if (!plain) return false;
    lua_pushvalue(L, name);
    if (lua_rawget(L, fsms) != LUA_TTABLE) return false;
    int fsm = lua_gettop(L);
    lua_Integer mail = mail_of(L, fsm);
    if (!has_room(L, fsm, mail)) return false;
    lua_State *list = open_list(L, ready_of(L));
    set_mail(L, fsm, mail + 1);
    lua_copy(L, fsm, name);
    lua_settop(L, name + 2);
    lua_pushnil(list);
    lua_xmove(L, list, 3);
    return true;
}

/* What a sender answers when the event was queued, or when it was not. */
static int answer(lua_State *L, int arguments, bool queued) {
    if (queued) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_settop(L, arguments);
    lua_pushvalue(L, lua_upvalueindex(SENDER_SLOW));
    lua_insert(L, 1);
    lua_callk(L, arguments, LUA_MULTRET, 0, sent);
    return sent(L, LUA_OK, 0);
}

/* transition(branch, name, event, event_payload, delay_ms, ...) */
static int method(lua_State *L) {
    int arguments = lua_gettop(L);
    int fsms = lua_upvalueindex(SENDER_FSMS);
    return answer(L, arguments, arguments >= 3 && queue_event(L, 2, fsms));
}

/* transition(name, event, event_payload, delay_ms, ...) */
static int function(lua_State *L) {
    int arguments = lua_gettop(L);
    bool queued = false;
    if (arguments >= 2 && arguments <= LUA_MINSTACK / 2) {
        if (arguments < 4) lua_settop(L, 4);
        lua_pushvalue(L, lua_upvalueindex(SENDER_ID));
        queued =
            lua_rawget(L, lua_upvalueindex(SENDER_BRANCHES)) == LUA_TTABLE &&
            lua_rawgeti(L, -1, INF_BRANCH_FSMS) == LUA_TTABLE &&
            queue_event(L, 1, lua_gettop(L));
    }
    return answer(L, arguments, queued);
}

static int make_sender(lua_State *L, lua_CFunction send) {
    int given = lua_gettop(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushvalue(L, lua_upvalueindex(READY));
    lua_pushvalue(L, lua_upvalueindex(LISTS));
    lua_rotate(L, 1, 2);
    lua_pushcclosure(L, send, given + 2);
    return 1;
}

/* sender(fsms, slow) -> transition, a method of the branch that has the FSMs */
static int sender(lua_State *L) {
    lua_settop(L, 2);
    return make_sender(L, method);
}

/* sender_to(branches, slow, id) -> transition, a function that sends to the
   branch that has the id, as long as there is one */
static int sender_to(lua_State *L) {
    lua_settop(L, 3);
    return make_sender(L, function);
}

/* ready(context, hooks) -> the functions of a queue */
static int core_ready(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"post", post},     {"begin", begin},         {"next", next},
        {"run", run},       {"waiting", waiting},     {"observe", observe},
        {"sender", sender}, {"sender_to", sender_to}, {NULL, NULL},
    };
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    luaL_newlibtable(L, functions);
    ready *r = lua_newuserdatauv(L, sizeof *r, 0);
    lua_newtable(L);
    *r = (ready){.first_full = 1};
    r->inbox = new_list(L, 5);
    r->batch = new_list(L, 5);
    lua_rotate(L, 1, 3); /* the table of functions, and their upvalues */
    luaL_setfuncs(L, functions, UPVALUES);
    return 1;
}

void inf_bind_ready(lua_State *L) {
    lua_pushcfunction(L, core_ready);
    lua_setfield(L, -2, "ready");
}
