/* SPDX-License-Identifier: MIT */
/* running.c: see running.h. While nothing is wrong this costs two stores a
   resume. An alarm sets a hook, which lua_sethook permits in a signal handler,
   on the coroutine that runs; whoever is resumed, or gone back to, while the
   alarm is on gets the hook as well. A hook that finds nothing to do any more
   removes itself. */
#include "bind/running.h"

#include <lualib.h>

struct inf_running {
    lua_State *volatile now;
    volatile bool ringing; /* look at the alarms; one of them may be on */
    struct {
        inf_alarm_fn *answer;
        volatile unsigned rung; /* on while they differ, so that one that is */
        volatile unsigned seen; /* rung during an answer is not missed */
    } alarms[INF_ALARM_COUNT];
};

static const char registry_key = 0; /* its address is the key */

static bool is_on(const inf_running *running, int alarm) {
    return running->alarms[alarm].rung != running->alarms[alarm].seen;
}

static bool any_is_on(const inf_running *running) {
    bool on = false;
    for (int i = 0; i < INF_ALARM_COUNT; i++) {
        on |= is_on(running, i);
    }
    return on;
}

/* Whether there is still something to look at. */
static bool is_ringing(inf_running *running) {
    running->ringing = false;
    if (any_is_on(running)) running->ringing = true; /* or again by now */
    return running->ringing;
}

static void hook(lua_State *L, lua_Debug *event);

static void arm(lua_State *co) {
    lua_sethook(co, hook, LUA_MASKCOUNT, 1);
}

static void hook(lua_State *L, lua_Debug *event) {
    (void)event;
    inf_running *running = inf_running_of(L);
    luaL_checkstack(L, LUA_MINSTACK, "no room to stop what runs");
    for (int i = 0; i < INF_ALARM_COUNT; i++) {
        unsigned rung = running->alarms[i].rung;
        if (!is_on(running, i)) continue;
        if (running->alarms[i].answer(L)) running->alarms[i].seen = rung;
    }
    if (is_ringing(running)) return;
    lua_sethook(L, NULL, 0, 0);
    if (is_ringing(running)) arm(L); /* rung since we looked */
}

inf_running *inf_running_of(lua_State *L) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &registry_key) == LUA_TNIL) {
        inf_running *made = lua_newuserdatauv(L, sizeof *made, 0);
        *made = (inf_running){.ringing = false};
        lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
        made->now = lua_tothread(L, -1);
        lua_pop(L, 1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &registry_key);
        (void)lua_rawgetp(L, LUA_REGISTRYINDEX, &registry_key);
        lua_remove(L, -2);
    }
    inf_running *running = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return running;
}

void inf_running_answer(inf_running *running, int alarm, inf_alarm_fn *fn) {
    running->alarms[alarm].answer = fn;
}

void inf_running_ring(inf_running *running, int alarm, lua_State *co) {
    running->alarms[alarm].rung++;
    running->ringing = true;
    arm(running->now);
    if (co != NULL && co != running->now) arm(co);
}

void inf_running_hush(inf_running *running, int alarm) {
    running->alarms[alarm].seen = running->alarms[alarm].rung;
    (void)is_ringing(running);
}

bool inf_running_holds(lua_State *L, lua_State *co) {
    lua_Debug frame;
    return co == L ||
           (lua_status(co) == LUA_OK && lua_getstack(co, 0, &frame) != 0);
}

/* ---- the library coroutine ----------------------------------------------- */

/* What a tracked function has as its first upvalue. */
static inf_running *running_here(lua_State *L) {
    return lua_touserdata(L, lua_upvalueindex(1));
}

static lua_State *enter(inf_running *running, lua_State *co) {
    lua_State *before = running->now;
    running->now = co;
    if (running->ringing) arm(co);
    return before;
}

static void leave(inf_running *running, lua_State *before) {
    running->now = before;
    if (running->ringing) arm(before);
}

static lua_State *check_thread(lua_State *L) {
    lua_State *co = lua_tothread(L, 1);
    luaL_argexpected(L, co != NULL, 1, "coroutine");
    return co;
}

/* Resumes `co` with the `nargs` values on top.
   @return how many results are on top now, or -1: an error is. */
static int resume(lua_State *L, lua_State *co, int nargs) {
    if (!lua_checkstack(co, nargs)) {
        lua_pushliteral(L, "too many arguments to resume");
        return -1;
    }
    lua_xmove(L, co, nargs);
    int count = 0;
    lua_State *before = enter(running_here(L), co);
    int status = lua_resume(co, L, nargs, &count);
    leave(running_here(L), before);
    if (status != LUA_OK && status != LUA_YIELD) {
        lua_xmove(co, L, 1);
        return -1;
    }
    if (!lua_checkstack(L, count + 1)) {
        lua_pop(co, count);
        lua_pushliteral(L, "too many results to resume");
        return -1;
    }
    lua_xmove(co, L, count);
    return count;
}

/* Runs what is to be closed in `co`. */
static int close_thread(lua_State *L, lua_State *co) {
    lua_State *before = enter(running_here(L), co);
#if LUA_VERSION_RELEASE_NUM >= 50406
    int status = lua_closethread(co, L);
#else
    int status = lua_resetthread(co);
#endif
    leave(running_here(L), before);
    return status;
}

static int tracked_resume(lua_State *L) {
    lua_State *co = check_thread(L);
    int count = resume(L, co, lua_gettop(L) - 1);
    lua_pushboolean(L, count >= 0);
    lua_insert(L, -(count >= 0 ? count : 1) - 1);
    return 1 + (count >= 0 ? count : 1);
}

/* What coroutine.wrap gives: resumes its second upvalue, and raises what that
   raises, behind the place of the call when it is a text. */
static int wrapped(lua_State *L) {
    lua_State *co = lua_tothread(L, lua_upvalueindex(2));
    int count = resume(L, co, lua_gettop(L));
    if (count >= 0) return count;
    int status = lua_status(co);
    if (status != LUA_OK && status != LUA_YIELD) {
        status = close_thread(L, co);
        lua_xmove(co, L, 1);
    }
    if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int tracked_wrap(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_State *co = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    lua_pushcclosure(L, wrapped, 2);
    return 1;
}

static int tracked_close(lua_State *L) {
    lua_State *co = check_thread(L);
    if (inf_running_holds(L, co)) {
        return luaL_error(L, "cannot close a %s coroutine",
                          co == L ? "running" : "normal");
    }
    bool well = close_thread(L, co) == LUA_OK;
    lua_pushboolean(L, well);
    if (well) return 1;
    lua_xmove(co, L, 1);
    return 2;
}

void inf_running_track(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"resume", tracked_resume},
        {"wrap", tracked_wrap},
        {"close", tracked_close},
        {NULL, NULL},
    };
    (void)inf_running_of(L);
    (void)lua_getglobal(L, LUA_COLIBNAME);
    if (lua_istable(L, -1)) {
        lua_getfield(L, -1, "resume");
        bool tracked = lua_tocfunction(L, -1) == tracked_resume;
        lua_pop(L, 1);
        if (!tracked) {
            (void)lua_rawgetp(L, LUA_REGISTRYINDEX, &registry_key);
            luaL_setfuncs(L, functions, 1);
        }
    }
    lua_pop(L, 1);
}
