/* SPDX-License-Identifier: MIT */
/* cluster_events.c: what the core has to tell Lua. */
#include "base/error.h"
#include "base/msgpack.h"
#include "bind/cluster.h"
#include "bind/value.h"

typedef struct news {
    inf_lua_node *node;
    const inf_effect *event;
} news;

const char *inf_change_word(inf_change change) {
    switch (change) {
    case INF_CHANGE_JOIN:
        return "join";
    case INF_CHANGE_UPDATE:
        return "update";
    case INF_CHANGE_SUSPECT:
        return "suspect";
    case INF_CHANGE_ALIVE:
        return "alive";
    case INF_CHANGE_FAIL:
        return "fail";
    case INF_CHANGE_LEAVE:
        return "leave";
    case INF_CHANGE_CONFLICT:
        return "conflict";
    }
    return "update";
}

const char *inf_level_word(inf_log_level level) {
    switch (level) {
    case INF_LOG_DEBUG:
        return "debug";
    case INF_LOG_INFO:
        return "info";
    case INF_LOG_WARN:
        return "warning";
    case INF_LOG_ERROR:
        return "error";
    }
    return "error";
}

/* The member as it is now; by name alone when it is forgotten already. */
static void push_member(lua_State *L, inf_lua_node *node, inf_slice name) {
    inf_buf *scratch = &node->binding->scratch;
    inf_member_view member;
    bool known = false;
    inf_buf_clear(scratch);
    if (node->host != NULL && !node->closing) {
        inf_node *core = inf_host_lock(node->host);
        known = inf_node_member_find(core, name, &member);
        if (known) inf_member_write(scratch, &member, inf_node_health(core));
        inf_host_unlock(node->host);
    }
    if (!known) {
        inf_msgpack_map(scratch, 1);
        inf_msgpack_str(scratch, inf_slice_str("name"));
        inf_msgpack_str(scratch, name);
    }
    if (scratch->failed) (void)luaL_error(L, "not enough memory");
    /* A string of Lua's: a finaliser that runs meanwhile may use the buffer. */
    lua_pushlstring(L, (const char *)scratch->data, scratch->len);
    inf_cursor cursor = inf_cursor_of(inf_check_slice(L, -1));
    if (!inf_value_unpack(L, &cursor)) (void)lua_error(L);
    lua_remove(L, -2);
}

static void push_ref(lua_State *L, const inf_row *row) {
    char ref[INF_REF_TEXT_MAX];
    inf_ref_format(row, ref);
    lua_pushstring(L, ref);
}

/* {implementation =, ref =, node =} */
static void push_row(lua_State *L, const inf_row *row) {
    lua_createtable(L, 0, 4);
    inf_push_slice(L, row->implementation);
    lua_setfield(L, -2, "implementation");
    push_ref(L, row);
    lua_setfield(L, -2, "ref");
    inf_push_slice(L, row->node);
    lua_setfield(L, -2, "node");
}

/* {[name] = row}; of a conflict each row has the one that loses: row.lost */
static void push_rows(lua_State *L, const inf_effect *event) {
    size_t count = event->row_count;
    size_t step = event->change == INF_CHANGE_CONFLICT ? 2 : 1;
    lua_createtable(L, 0, (int)(count < INT32_MAX ? count : INT32_MAX));
    for (size_t i = 0; i + step <= count; i += step) {
        inf_push_slice(L, event->rows[i].name);
        push_row(L, &event->rows[i]);
        if (step == 2) {
            push_row(L, &event->rows[i + 1]);
            lua_setfield(L, -2, "lost");
        }
        lua_rawset(L, -3);
    }
}

/* branch, name, ref of ours, the winner's ref */
static int push_lost(lua_State *L, const inf_effect *event) {
    inf_push_slice(L, event->branch);
    inf_push_slice(L, event->rows[0].name);
    push_ref(L, &event->rows[1]);
    push_ref(L, &event->rows[0]);
    return 4;
}

/* {implementation =, ref =, node =, at = when it started, ms of its node's wall
   clock} */
static void push_contender(lua_State *L, const inf_row *row) {
    push_row(L, row);
    lua_pushinteger(L, (lua_Integer)(row->ref >> 16));
    lua_setfield(L, -2, "at");
}

/* branch, name, the row that would stay, the row that would go */
static int push_contest(lua_State *L, const inf_effect *event) {
    inf_push_slice(L, event->branch);
    inf_push_slice(L, event->rows[0].name);
    push_contender(L, &event->rows[0]);
    push_contender(L, &event->rows[1]);
    return 4;
}

/* Pushes what on_event is called with; 0: nothing to tell. */
static int push_event(lua_State *L, inf_lua_node *node,
                      const inf_effect *event) {
    switch (event->kind) {
    case INF_EFFECT_MEMBER:
        lua_pushliteral(L, "member");
        push_member(L, node, event->name);
        lua_pushstring(L, inf_change_word(event->change));
        return 3;
    case INF_EFFECT_ROWS:
        lua_pushliteral(L, "rows");
        inf_push_slice(L, event->branch);
        lua_pushstring(L, inf_change_word(event->change));
        push_rows(L, event);
        return 4;
    case INF_EFFECT_LOST:
        lua_pushliteral(L, "lost");
        return 1 + push_lost(L, event);
    case INF_EFFECT_CONTEST:
        lua_pushliteral(L, "contest");
        return 1 + push_contest(L, event);
    case INF_EFFECT_USER:
        lua_pushliteral(L, "user");
        inf_push_slice(L, event->name);
        inf_push_slice(L, event->bytes);
        return 3;
    case INF_EFFECT_LOG:
        lua_pushliteral(L, "log");
        lua_pushstring(L, inf_level_word(event->level));
        inf_push_slice(L, event->bytes);
        return 3;
    case INF_EFFECT_PACKET:
    case INF_EFFECT_DIAL:
    case INF_EFFECT_WRITE:
    case INF_EFFECT_CLOSE:
    case INF_EFFECT_DONE:
        break;
    }
    return 0;
}

/* Protected: on_event(kind, ...). */
static int dispatch_event(lua_State *L) {
    const news *n = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, n->node->on_event);
    int count = push_event(L, n->node, n->event);
    if (count != 0) lua_call(L, count, 0);
    return 0;
}

/* The names between the commas. */
static void push_names(lua_State *L, inf_slice text) {
    lua_newtable(L);
    lua_Integer count = 0;
    size_t start = 0;
    for (size_t at = 0; at <= text.len && text.len != 0; at++) {
        if (at < text.len && text.data[at] != ',') continue;
        if (at > start) {
            lua_pushlstring(L, (const char *)text.data + start, at - start);
            lua_rawseti(L, -2, ++count);
        }
        start = at + 1;
    }
}

/* Pushes what the command's waiter is woken with. */
static int push_done(lua_State *L, const inf_effect *event,
                     inf_command_kind kind) {
    switch (kind) {
    case INF_COMMAND_JOIN:
        lua_pushinteger(L, (lua_Integer)event->count);
        if (event->name.len != 0) {
            inf_push_slice(L, event->name);
        } else {
            lua_pushstring(L, event->status != 0 ? inf_strerror(event->status)
                                                 : NULL);
        }
        lua_pushstring(L, event->status != 0 ? inf_error_code(event->status)
                                             : NULL);
        return 3;
    case INF_COMMAND_LEAVE:
        lua_pushboolean(L, 1);
        return 1;
    case INF_COMMAND_SYNCH:
        lua_pushboolean(L, event->status == 0 && event->name.len == 0);
        push_names(L, event->name);
        return 2;
    }
    return 0;
}

/* Protected: wakes the waiter of the command that ended. */
static int dispatch_done(lua_State *L) {
    const news *n = lua_touserdata(L, 1);
    lua_Integer token = (lua_Integer)n->event->token;
    lua_rawgeti(L, LUA_REGISTRYINDEX, n->node->commands);
    lua_rawgeti(L, LUA_REGISTRYINDEX, n->node->binding->on_wake);
    lua_rawgeti(L, 2, token);
    if (lua_isnil(L, -1)) return 0; /* not a command of Lua's */
    lua_pushnil(L);
    lua_rawseti(L, 2, token);
    int count = push_done(L, n->event, (inf_command_kind)(token & 3));
    lua_call(L, count + 1, 0);
    return 0;
}

void inf_node_on_event(void *ctx, const inf_effect *event) {
    news n = {.node = ctx, .event = event};
    inf_binding *binding = n.node->binding;
    lua_State *L = binding->lua;
    if (binding->closing || n.node->closing) return;
    bool done = event->kind == INF_EFFECT_DONE;
    lua_pushcfunction(L, done ? dispatch_done : dispatch_event);
    lua_pushlightuserdata(L, &n);
    (void)inf_binding_call(binding, L, 1, 0);
}
