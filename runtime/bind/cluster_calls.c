/* SPDX-License-Identifier: MIT */
/* cluster_calls.c: questions to other nodes and answers to theirs. A call's tag
   is the reference of its waiter in the registry; the waiter is let go before
   it is woken, so that it is woken once whatever happens then. */
#include "base/error.h"
#include "base/msgpack.h"
#include "bind/cluster.h"
#include "bind/value.h"

/* ---- calling ------------------------------------------------------------- */

static uint32_t policy_field(lua_State *L, int index, const char *field,
                             uint32_t absent) {
    lua_Number number = absent;
    if (lua_getfield(L, index, field) != LUA_TNIL) {
        number = luaL_checknumber(L, -1);
    }
    lua_pop(L, 1);
    if (!(number >= 0)) return 0;
    return number < (lua_Number)UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

static inf_retry_policy read_policy(lua_State *L, int index) {
    return (inf_retry_policy){
        .attempts = policy_field(L, index, "attempts", 1000),
        .poll_interval_ms = policy_field(L, index, "poll_interval", 1),
        .rpc_timeout_ms = policy_field(L, index, "rpc_timeout", 5000),
        .backoff_base_ms = policy_field(L, index, "backoff_base", 5),
        .backoff_max_ms = policy_field(L, index, "backoff_max", 1000),
        .timeout_ms = policy_field(L, index, "timeout", 0),
    };
}

/* The policy of the table at `index`. Nearly all calls are made with the same
   one, which nobody changes once it is in use. */
static inf_retry_policy check_policy(lua_State *L, inf_lua_node *node,
                                     int index) {
    luaL_checktype(L, index, LUA_TTABLE);
    lua_rawgeti(L, LUA_REGISTRYINDEX, node->policy_table);
    bool known = lua_rawequal(L, -1, index) != 0;
    lua_pop(L, 1);
    if (known) return node->policy;
    inf_retry_policy policy = read_policy(L, index);
    lua_pushvalue(L, index);
    int kept = luaL_ref(L, LUA_REGISTRYINDEX);
    luaL_unref(L, LUA_REGISTRYINDEX, node->policy_table);
    node->policy_table = kept;
    node->policy = policy;
    return policy;
}

/* Packs the values from `first` to the top after the head; false with the path
   and the reason pushed. */
static bool pack_values(lua_State *L, int first, inf_buf *out) {
    int top = lua_gettop(L);
    for (int i = first; i <= top; i++) {
        if (!inf_value_pack(L, i, "payload", out)) return false;
    }
    if (out->failed) (void)luaL_error(L, "not enough memory");
    return true;
}

/* nil, "not_serializable", path, why: the two strings are on top. */
static int not_serializable(lua_State *L) {
    lua_pushnil(L);
    lua_insert(L, -3);
    lua_pushliteral(L, "not_serializable");
    lua_insert(L, -3);
    return 4;
}

/* Nils at the end are not sent: they are what is found there anyway. The first
   `least` values stay. */
static int drop_nils(lua_State *L, int least) {
    while (lua_gettop(L) > least && lua_isnil(L, -1)) {
        lua_pop(L, 1);
    }
    return lua_gettop(L);
}

/* The stack from `at`: branch, operation, name, argument... */
static int send_call(lua_State *L, inf_lua_node *node,
                     const inf_retry_policy *policy, inf_slice peer, int at) {
    inf_buf *scratch = &node->binding->scratch;
    inf_target target = {.branch = inf_check_slice(L, at), .node = peer};
    (void)inf_check_slice(L, at + 1);
    target.name = inf_check_slice(L, at + 2);
    int count = drop_nils(L, at + 2) - at + 1;
    if (count > INF_VALUES_MAX) return luaL_error(L, "too many arguments");
    inf_buf_clear(scratch);
    inf_msgpack_array(scratch, (uint32_t)count);
    if (!pack_values(L, at, scratch)) return not_serializable(L);
    lua_pushvalue(L, 2);
    int waiter = luaL_ref(L, LUA_REGISTRYINDEX);
    int rc = inf_host_call(node->host, &target, inf_buf_view(scratch), policy,
                           (uint64_t)waiter);
    if (rc != 0) {
        luaL_unref(L, LUA_REGISTRYINDEX, waiter);
        return inf_lua_node_failed(L, rc);
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* call(waiter, policy, branch, operation, name, argument...) */
static int node_call(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    luaL_checkany(L, 2);
    inf_retry_policy policy = check_policy(L, node, 3);
    return send_call(L, node, &policy, (inf_slice){NULL, 0}, 4);
}

/* call_node(waiter, policy, peer, branch, operation, name, argument...) */
static int node_call_node(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    luaL_checkany(L, 2);
    inf_retry_policy policy = check_policy(L, node, 3);
    return send_call(L, node, &policy, inf_check_slice(L, 4), 5);
}

/* ---- answering ----------------------------------------------------------- */

/* Pushes false and an error as a table, in place of values that cannot go. */
static void push_refusal(lua_State *L, const char *code, const char *path,
                         const char *why) {
    lua_pushboolean(L, 0);
    lua_createtable(L, 0, 4);
    lua_pushstring(L, code);
    lua_setfield(L, -2, "code");
    if (path != NULL) {
        lua_pushstring(L, path);
        lua_setfield(L, -2, "path");
        lua_pushfstring(L, "%s cannot travel: it is %s", path, why);
    } else {
        lua_pushstring(L, why);
    }
    lua_setfield(L, -2, "message");
}

static int send_values(lua_State *L, inf_lua_node *node, uint64_t token,
                       int first) {
    inf_buf *scratch = &node->binding->scratch;
    int count = lua_gettop(L) - first + 1;
    inf_buf_clear(scratch);
    inf_msgpack_array(scratch, (uint32_t)count);
    if (!pack_values(L, first, scratch)) return INF_EMALFORMED;
    return inf_host_reply(node->host, token, inf_buf_view(scratch));
}

/* reply(token, value...) */
static int node_reply(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    uint64_t token = (uint64_t)luaL_checkinteger(L, 2);
    if (drop_nils(L, 2) - 2 > INF_VALUES_MAX)
        return luaL_error(L, "too many values");
    int rc = send_values(L, node, token, 3);
    if (rc == INF_EMALFORMED) {
        const char *path = lua_tostring(L, -2);
        const char *why = lua_tostring(L, -1);
        push_refusal(L, "not_serializable", path, why);
        rc = send_values(L, node, token, lua_gettop(L) - 1);
    } else if (rc == INF_ETOOBIG) {
        push_refusal(L, inf_error_code(rc), NULL,
                     "the answer is larger than a message may be");
        rc = send_values(L, node, token, lua_gettop(L) - 1);
    }
    lua_pushboolean(L, rc == 0);
    return 1;
}

/* refuse(token, code): nothing was carried out. */
static int node_refuse(lua_State *L) {
    static const char *const words[] = {"no_such_fsm", "overloaded",
                                        "not_ready", NULL};
    static const int codes[] = {INF_ENOENT, INF_EFULL, INF_ENOTREADY};
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    uint64_t token = (uint64_t)luaL_checkinteger(L, 2);
    int code = codes[luaL_checkoption(L, 3, NULL, words)];
    lua_pushboolean(L, inf_host_refuse(node->host, token, code) == 0);
    return 1;
}

/* ---- what the loop brings ------------------------------------------------ */

/* Pushes the values of an array of at least `least`; their number, or -1 with
   nothing pushed. */
static int push_values(lua_State *L, inf_slice body, uint32_t least) {
    inf_msgpack_token head;
    int top = lua_gettop(L);
    inf_cursor cursor = inf_cursor_of(body);
    int rc = inf_msgpack_expect(&cursor, INF_MSGPACK_ARRAY, &head);
    if (rc != 0 || head.count < least || head.count > INF_VALUES_MAX) return -1;
    luaL_checkstack(L, INF_VALUES_MAX + 16, "too many values");
    for (uint32_t i = 0; i < head.count; i++) {
        if (inf_value_unpack(L, &cursor)) continue;
        lua_settop(L, top);
        return -1;
    }
    if (inf_cursor_left(&cursor) == 0) return (int)head.count;
    lua_settop(L, top);
    return -1;
}

typedef struct request {
    inf_lua_node *node;
    uint64_t token;
    inf_slice body;
} request;

/* Protected: on_request(token, branch, operation, name, argument...). */
static int dispatch_request(lua_State *L) {
    const request *r = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, r->node->on_request);
    lua_pushinteger(L, (lua_Integer)r->token);
    int count = push_values(L, r->body, 3);
    bool texts = count >= 3;
    for (int i = 4; texts && i < 7; i++) {
        texts = lua_type(L, i) == LUA_TSTRING;
    }
    if (!texts) {
        (void)inf_host_refuse(r->node->host, r->token, INF_EMALFORMED);
        return 0;
    }
    lua_call(L, count + 1, 0);
    return 0;
}

void inf_node_on_request(void *ctx, uint64_t token, inf_slice body) {
    request r = {.node = ctx, .token = token, .body = body};
    inf_binding *binding = r.node->binding;
    lua_State *L = binding->lua;
    if (binding->closing) return;
    lua_pushcfunction(L, dispatch_request);
    lua_pushlightuserdata(L, &r);
    if (inf_binding_call(binding, L, 1, 0) == LUA_OK) return;
    if (r.node->host == NULL || r.node->closing) return;
    /* No harm when it has been answered before it failed. */
    (void)inf_host_refuse(r.node->host, token, INF_ESYSTEM);
}

typedef struct outcome {
    inf_lua_node *node;
    int waiter;
    const inf_call_result *result;
} outcome;

/* false, code, fields */
static int push_failure(lua_State *L, int status,
                        const inf_call_result *result) {
    lua_pushboolean(L, 0);
    lua_pushstring(L, inf_error_code(status));
    lua_createtable(L, 0, 5);
    lua_pushinteger(L, (lua_Integer)result->attempts);
    lua_setfield(L, -2, "attempts");
    lua_pushinteger(L, (lua_Integer)result->elapsed_ms);
    lua_setfield(L, -2, "elapsed_ms");
    if (result->node.len != 0) {
        inf_push_slice(L, result->node);
        lua_setfield(L, -2, "node");
    }
    if (result->cause != 0) {
        lua_pushstring(L, inf_error_code(result->cause));
        lua_setfield(L, -2, "cause");
    }
    if (result->uncertain) {
        lua_pushboolean(L, 1);
        lua_setfield(L, -2, "uncertain");
    }
    return 3;
}

/* Protected: wakes the waiter with true and the values, or with a failure. */
static int dispatch_result(lua_State *L) {
    const outcome *o = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, o->node->binding->on_wake);
    lua_rawgeti(L, LUA_REGISTRYINDEX, o->waiter);
    luaL_unref(L, LUA_REGISTRYINDEX, o->waiter);
    int count = -1;
    if (o->result->status == 0) {
        lua_pushboolean(L, 1);
        count = push_values(L, o->result->body, 0);
        if (count < 0) lua_pop(L, 1);
    }
    if (count >= 0) {
        count++;
    } else {
        int status = o->result->status;
        count =
            push_failure(L, status != 0 ? status : INF_EMALFORMED, o->result);
    }
    lua_call(L, count + 1, 0);
    return 0;
}

void inf_node_on_result(void *ctx, uint64_t tag,
                        const inf_call_result *result) {
    outcome o = {.node = ctx, .waiter = (int)tag, .result = result};
    inf_binding *binding = o.node->binding;
    lua_State *L = binding->lua;
    if (binding->closing) return;
    lua_pushcfunction(L, dispatch_result);
    lua_pushlightuserdata(L, &o);
    (void)inf_binding_call(binding, L, 1, 0);
}

void inf_bind_node_calls(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"call", node_call},   {"call_node", node_call_node},
        {"reply", node_reply}, {"refuse", node_refuse},
        {NULL, NULL},
    };
    inf_bind_methods(L, methods);
}
