/* SPDX-License-Identifier: MIT */
/* timer.c: Lua's timers. One wheel holds them all and one uv_timer drives it,
   armed for the wheel's next used slot, so that an idle node sleeps. What a
   timer calls, and with what, is kept in Lua tables, one a chunk of timers: the
   wheel and Lua's collector need to know nothing of each other, and no table is
   so large that to grow it or to mark it would be a pause. They are made with
   all their slots, so that nothing here raises later. */
#include "bind/binding.h"

#include "base/error.h"

#define NO_SLOT UINT32_MAX

/* Timers that go off before the loop is looked at again. */
#define FIRE_MAX 1024

/* Pushes the table of a slot's chunk. */
static void push_table(lua_State *L, const inf_timers *timers, uint32_t slot) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, timers->tables);
    lua_rawgeti(L, -1, (lua_Integer)(slot / INF_TIMER_CHUNK) + 1);
    lua_remove(L, -2);
}

/* Where in it the function of a slot is; its argument is next to it. */
static lua_Integer function_index(uint32_t slot) {
    return 2 * (lua_Integer)(slot % INF_TIMER_CHUNK) + 1;
}

static inf_timer *timer_at(const inf_timers *timers, uint32_t slot) {
    return &timers->chunks[slot / INF_TIMER_CHUNK][slot % INF_TIMER_CHUNK];
}

int inf_timers_open(lua_State *L, inf_binding *binding) {
    inf_timers *timers = &binding->timers;
    inf_wheel_init(&timers->wheel, inf_binding_now_ms());
    timers->free = NO_SLOT;
    timers->armed_ms = INF_NEVER;
    lua_newtable(L);
    timers->tables = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

void inf_timers_close(inf_binding *binding) {
    inf_timers *timers = &binding->timers;
    inf_alloc *mem = inf_alloc_libc();
    for (uint32_t i = 0; i < timers->chunk_count; i++) {
        inf_free(mem, timers->chunks[i]);
    }
    inf_free(mem, timers->chunks);
    *timers = (inf_timers){.free = NO_SLOT, .armed_ms = INF_NEVER};
}

static int add_chunk(lua_State *L, inf_timers *timers) {
    inf_alloc *mem = inf_alloc_libc();
    uint32_t count = timers->chunk_count;
    if (count >= NO_SLOT / INF_TIMER_CHUNK) return INF_EFULL;
    lua_rawgeti(L, LUA_REGISTRYINDEX, timers->tables);
    lua_createtable(L, 2 * INF_TIMER_CHUNK, 0);
    lua_rawseti(L, -2, (lua_Integer)count + 1);
    lua_pop(L, 1);
    inf_timer **chunks =
        inf_realloc(mem, timers->chunks, (count + 1) * sizeof *chunks);
    if (chunks == NULL) return INF_ENOMEM;
    timers->chunks = chunks;
    chunks[count] = inf_zalloc(mem, INF_TIMER_CHUNK * sizeof **chunks);
    if (chunks[count] == NULL) return INF_ENOMEM;
    timers->chunk_count++;
    uint32_t first = count * INF_TIMER_CHUNK;
    for (uint32_t i = 0; i < INF_TIMER_CHUNK; i++) {
        chunks[count][i].slot =
            i + 1 < INF_TIMER_CHUNK ? first + i + 1 : timers->free;
    }
    timers->free = first;
    return 0;
}

/* The loop's own time and ours count from the same moment, so a deadline is
   met when the loop's time reaches it: no sleep is cut short. */
static void arm(inf_binding *binding) {
    inf_timers *timers = &binding->timers;
    if (timers->firing) return;
    uint64_t wake_ms = inf_wheel_wake_ms(&timers->wheel);
    if (wake_ms == timers->armed_ms) return;
    timers->armed_ms = wake_ms;
    if (wake_ms == INF_NEVER) {
        (void)uv_timer_stop(&binding->timer);
        return;
    }
    uint64_t loop_ms = uv_now(binding->loop);
    uint64_t sleep_ms = wake_ms > loop_ms ? wake_ms - loop_ms : 0;
    (void)uv_timer_start(&binding->timer, inf_timers_fire, sleep_ms, 0);
}

/* libuv runs what is due for as long as something is: a timer that starts the
   next one at once would keep the loop from everything else, and so would a
   million that are due at once. So what is due right after firing, and what is
   too much, waits for the end of this turn. */
static void arm_after_firing(inf_binding *binding, bool all) {
    uint64_t wake_ms = inf_wheel_wake_ms(&binding->timers.wheel);
    binding->timers.firing = false;
    if (all && wake_ms > uv_now(binding->loop)) {
        arm(binding);
    } else {
        binding->timers.postponed = true;
        inf_binding_stay_awake(binding);
    }
}

void inf_timers_turn_over(inf_binding *binding) {
    if (!binding->timers.postponed) return;
    binding->timers.postponed = false;
    arm(binding);
}

/* Ends a timer: its slot is free and its id says nothing any more. */
static void forget(lua_State *L, inf_timers *timers, uint32_t slot) {
    inf_timer *timer = timer_at(timers, slot);
    timer->generation = (timer->generation + 1) & INT32_MAX;
    timer->slot = timers->free;
    timers->free = slot;
    push_table(L, timers, slot);
    lua_pushnil(L);
    lua_rawseti(L, -2, function_index(slot));
    lua_pushnil(L);
    lua_rawseti(L, -2, function_index(slot) + 1);
    lua_pop(L, 1);
}

void inf_timers_fire(uv_timer_t *handle) {
    inf_binding *binding = handle->data;
    inf_timers *timers = &binding->timers;
    lua_State *L = binding->lua;
    timers->armed_ms = INF_NEVER;
    timers->firing = true;
    inf_wheel_advance(&timers->wheel, inf_binding_now_ms());
    inf_wheel_item *item = NULL;
    for (int fired = 0; fired < FIRE_MAX; fired++) {
        item = inf_wheel_take(&timers->wheel);
        if (item == NULL) break;
        uint32_t slot = ((inf_timer *)item)->slot;
        push_table(L, timers, slot);
        lua_rawgeti(L, -1, function_index(slot));
        lua_rawgeti(L, -2, function_index(slot) + 1);
        lua_remove(L, -3);
        forget(L, timers, slot);
        (void)inf_binding_call(binding, L, 1, 0);
    }
    arm_after_firing(binding, item == NULL);
}

static int core_timer_start(lua_State *L) {
    inf_binding *binding = inf_binding_of(L);
    inf_timers *timers = &binding->timers;
    lua_Integer ms = luaL_checkinteger(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 3);
    if (ms < 0) ms = 0;
    if (timers->free == NO_SLOT) {
        int rc = add_chunk(L, timers);
        if (rc != 0) return luaL_error(L, "%s", inf_strerror(rc));
    }
    uint32_t slot = timers->free;
    push_table(L, timers, slot);
    lua_insert(L, 2);
    lua_rawseti(L, 2, function_index(slot) + 1);
    lua_rawseti(L, 2, function_index(slot));
    inf_timer *timer = timer_at(timers, slot);
    timers->free = timer->slot;
    timer->slot = slot;
    uint64_t due_ms = inf_binding_now_ms() + (uint64_t)ms;
    inf_wheel_set(&timers->wheel, &timer->item, due_ms);
    if (due_ms < timers->armed_ms) arm(binding);
    lua_pushinteger(L, (lua_Integer)timer->generation << 32 | slot);
    return 1;
}

/* The timer of an id that waits, or NULL. */
static inf_timer *check_waiting(lua_State *L, const inf_timers *timers) {
    lua_Integer id = luaL_checkinteger(L, 1);
    uint32_t slot = (uint32_t)(id & UINT32_MAX);
    if (id < 0 || slot / INF_TIMER_CHUNK >= timers->chunk_count) return NULL;
    inf_timer *timer = timer_at(timers, slot);
    bool known = timer->generation == (uint64_t)id >> 32 &&
                 inf_wheel_waits(&timer->item);
    return known ? timer : NULL;
}

static int core_timer_stop(lua_State *L) {
    inf_binding *binding = inf_binding_of(L);
    inf_timers *timers = &binding->timers;
    inf_timer *timer = check_waiting(L, timers);
    if (timer != NULL) {
        (void)inf_wheel_remove(&timers->wheel, &timer->item);
        forget(L, timers, timer->slot);
        if (timers->wheel.count == 0) arm(binding);
    }
    lua_pushboolean(L, timer != NULL);
    return 1;
}

/* The loop may wake up for the old deadline: it finds nothing due then. */
static int core_timer_restart(lua_State *L) {
    inf_binding *binding = inf_binding_of(L);
    inf_timers *timers = &binding->timers;
    inf_timer *timer = check_waiting(L, timers);
    lua_Integer ms = luaL_checkinteger(L, 2);
    if (timer != NULL) {
        uint64_t due_ms = inf_binding_now_ms() + (uint64_t)(ms < 0 ? 0 : ms);
        inf_wheel_set(&timers->wheel, &timer->item, due_ms);
        if (due_ms < timers->armed_ms) arm(binding);
    }
    lua_pushboolean(L, timer != NULL);
    return 1;
}

static int core_timer_count(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)inf_binding_of(L)->timers.wheel.count);
    return 1;
}

void inf_bind_timers(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"timer_start", core_timer_start},
        {"timer_stop", core_timer_stop},
        {"timer_restart", core_timer_restart},
        {"timer_count", core_timer_count},
        {NULL, NULL},
    };
    luaL_setfuncs(L, functions, 0);
}
