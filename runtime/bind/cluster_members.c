/* SPDX-License-Identifier: MIT */
/* cluster_members.c: members, tags and branches. What is read under the lock
   is written down as MessagePack there and turned into Lua values after it:
   Lua may allocate, raise or collect garbage, and the lock is for microseconds.
   */
#include "base/error.h"
#include "base/msgpack.h"
#include "bind/cluster.h"
#include "bind/value.h"
#include "core/member.h"

#define SYNCH_TIMEOUT_MS 5000
#define ADDRESSES_MAX    64

/* ---- what was written down ----------------------------------------------- */

static void write_text(inf_buf *out, const char *text) {
    inf_msgpack_str(out, inf_slice_str(text));
}

const char *inf_member_state_word(inf_member_state state) {
    switch (state) {
    case INF_MEMBER_ALIVE:
        return "alive";
    case INF_MEMBER_SUSPECT:
        return "suspect";
    case INF_MEMBER_DEAD:
        return "dead";
    case INF_MEMBER_LEFT:
        return "left";
    }
    return "dead";
}

static void write_address(inf_buf *out, const inf_addr *addr) {
    char text[INF_ADDR_TEXT_MAX];
    write_text(out, inf_addr_format(addr, text));
}

/* The next tag that is the user's own. */
static bool next_tag(const inf_member_view *member, size_t *at, inf_tag *tag) {
    static const char *const ours[] = {INF_TAG_PROTOCOL, INF_TAG_RPC,
                                       INF_TAG_BOOT};
    while (inf_meta_next(member->meta, at, tag)) {
        bool own = true;
        for (size_t i = 0; member->ours && i < INF_COUNT(ours); i++) {
            own = own && !inf_slice_eq(tag->key, inf_slice_str(ours[i]));
        }
        if (own) return true;
    }
    return false;
}

static void write_tags(inf_buf *out, const inf_member_view *member) {
    inf_tag tag;
    uint32_t count = 0;
    for (size_t at = 0; next_tag(member, &at, &tag);)
        count++;
    inf_msgpack_map(out, count);
    for (size_t at = 0; next_tag(member, &at, &tag);) {
        inf_msgpack_str(out, tag.key);
        inf_msgpack_str(out, tag.value);
    }
}

static void write_path(inf_buf *out, const inf_member_path *path) {
    const struct {
        const char *name;
        uint32_t count;
    } counts[] = {{"direct", path->direct},
                  {"indirect", path->indirect},
                  {"tcp", path->tcp},
                  {"failed", path->failed}};
    inf_msgpack_map(out, INF_COUNT(counts) + 1);
    for (size_t i = 0; i < INF_COUNT(counts); i++) {
        write_text(out, counts[i].name);
        inf_msgpack_uint(out, counts[i].count);
    }
    write_text(out, "rtt");
    inf_msgpack_float(out, path->rtt_us / 1000.0);
}

void inf_member_write(inf_buf *out, const inf_member_view *member,
                      unsigned health) {
    uint32_t fields = 6;
    if (member->rpc_port != 0) fields++;
    fields++; /* health or path */
    inf_msgpack_map(out, fields);
    write_text(out, "name");
    inf_msgpack_str(out, member->name);
    write_text(out, "state");
    write_text(out, inf_member_state_word(member->state));
    write_text(out, "incarnation");
    inf_msgpack_uint(out, member->incarnation);
    write_text(out, "address");
    write_address(out, &member->addr);
    write_text(out, "boot");
    inf_msgpack_uint(out, member->boot & INT64_MAX);
    write_text(out, "tags");
    write_tags(out, member);
    if (member->rpc_port != 0) {
        inf_addr rpc = member->addr;
        rpc.port = member->rpc_port;
        write_text(out, "rpc");
        write_address(out, &rpc);
    }
    if (member->self) {
        write_text(out, "health");
        inf_msgpack_uint(out, health);
    } else {
        write_text(out, "path");
        write_path(out, &member->path);
    }
}

/* Pushes the values written in the scratch buffer, each appended to the table
   below. The bytes become a string of Lua's first: a finaliser that runs
   meanwhile may use the buffer. */
static void append_written(lua_State *L, inf_buf *scratch) {
    if (scratch->failed) (void)luaL_error(L, "not enough memory");
    lua_pushlstring(L, (const char *)scratch->data, scratch->len);
    inf_cursor cursor = inf_cursor_of(inf_check_slice(L, -1));
    for (lua_Integer i = 1; inf_cursor_left(&cursor) != 0; i++) {
        if (!inf_value_unpack(L, &cursor)) (void)lua_error(L);
        lua_rawseti(L, -3, i);
    }
    lua_pop(L, 1);
}

/* ---- methods ------------------------------------------------------------- */

static int node_members(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    inf_buf *scratch = &node->binding->scratch;
    inf_member_view member;
    inf_buf_clear(scratch);
    inf_node *core = inf_host_lock(node->host);
    unsigned health = inf_node_health(core);
    for (size_t at = 0; inf_node_member_next(core, &at, &member);) {
        inf_member_write(scratch, &member, health);
    }
    inf_host_unlock(node->host);
    lua_newtable(L);
    append_written(L, scratch);
    return 1;
}

static int node_self(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    inf_buf *scratch = &node->binding->scratch;
    inf_member_view member;
    inf_buf_clear(scratch);
    inf_node *core = inf_host_lock(node->host);
    for (size_t at = 0; inf_node_member_next(core, &at, &member);) {
        if (!member.self) continue;
        inf_member_write(scratch, &member, inf_node_health(core));
        break;
    }
    inf_host_unlock(node->host);
    lua_newtable(L);
    append_written(L, scratch);
    lua_rawgeti(L, -1, 1);
    return 1;
}

static void set_count(lua_State *L, const char *field, uint64_t count) {
    lua_pushinteger(L, (lua_Integer)count);
    lua_setfield(L, -2, field);
}

/* traffic() */
static int node_traffic(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    inf_traffic traffic = inf_host_traffic(node->host);
    lua_createtable(L, 0, 4);
    set_count(L, "streams_in", traffic.streams_in);
    set_count(L, "streams_out", traffic.streams_out);
    set_count(L, "datagrams_in", traffic.datagrams_in);
    set_count(L, "datagrams_out", traffic.datagrams_out);
    return 1;
}

static int by_name(lua_State *L) {
    lua_pushboolean(L, lua_compare(L, 1, 2, LUA_OPLT));
    return 1;
}

/* Sorts the list on top of the stack. */
static void sort_list(lua_State *L) {
    lua_getglobal(L, "table");
    lua_getfield(L, -1, "sort");
    lua_pushvalue(L, -3);
    lua_pushcfunction(L, by_name);
    lua_call(L, 2, 0);
    lua_pop(L, 1);
}

static int node_nodes(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    inf_slice branch = inf_check_slice(L, 2);
    inf_buf *scratch = &node->binding->scratch;
    inf_member_view member;
    inf_buf_clear(scratch);
    inf_node *core = inf_host_lock(node->host);
    for (size_t at = 0; inf_node_member_next(core, &at, &member);) {
        if (!inf_node_runs(core, member.name, branch)) continue;
        inf_msgpack_str(scratch, member.name);
    }
    inf_host_unlock(node->host);
    lua_newtable(L);
    append_written(L, scratch);
    sort_list(L);
    return 1;
}

static int done(lua_State *L, int rc) {
    if (rc != 0) return inf_lua_node_failed(L, rc);
    lua_pushboolean(L, 1);
    return 1;
}

static int node_branch(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    inf_slice branch = inf_check_slice(L, 2);
    inf_node *core = inf_host_lock(node->host);
    int rc = inf_node_branch_add(core, branch, inf_host_now_ms(node->host));
    inf_host_unlock(node->host);
    return done(L, rc);
}

static int node_unbranch(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    inf_slice branch = inf_check_slice(L, 2);
    inf_node *core = inf_host_lock(node->host);
    int rc = inf_node_branch_remove(core, branch, inf_host_now_ms(node->host));
    inf_host_unlock(node->host);
    return done(L, rc);
}

static int node_set_tag(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    inf_slice key = inf_check_slice(L, 2);
    inf_slice value = {NULL, 0};
    if (!lua_isnoneornil(L, 3)) value = inf_check_slice(L, 3);
    inf_node *core = inf_host_lock(node->host);
    int rc = inf_node_set_tag(core, key, value, inf_host_now_ms(node->host));
    inf_host_unlock(node->host);
    return done(L, rc);
}

static int node_user_event(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    inf_slice name = inf_check_slice(L, 2);
    inf_slice payload = inf_slice_str("");
    if (!lua_isnoneornil(L, 3)) payload = inf_check_slice(L, 3);
    inf_node *core = inf_host_lock(node->host);
    int rc =
        inf_node_user_event(core, name, payload, inf_host_now_ms(node->host));
    inf_host_unlock(node->host);
    return done(L, rc);
}

/* join(waiter, {"HOST:PORT", ...}) */
static int node_join(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    inf_addr addrs[ADDRESSES_MAX];
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_Integer count = luaL_len(L, 3);
    if (count > ADDRESSES_MAX) return inf_lua_node_failed(L, INF_ETOOBIG);
    for (lua_Integer i = 0; i < count; i++) {
        lua_rawgeti(L, 3, i + 1);
        const char *text = lua_tostring(L, -1);
        if (text == NULL) return luaL_argerror(L, 3, "texts expected");
        if (inf_address_resolve(&addrs[i], text, INF_GOSSIP_PORT) != 0) {
            (void)inf_lua_node_failed(L, INF_EADDRESS);
            lua_pushfstring(L, "'%s' is %s", text, inf_strerror(INF_EADDRESS));
            lua_replace(L, -2);
            return 3;
        }
        lua_pop(L, 1);
    }
    uint64_t token = inf_command_new(L, node, INF_COMMAND_JOIN, 2);
    inf_node *core = inf_host_lock(node->host);
    int rc = inf_node_join(core, addrs, (size_t)count, token,
                           inf_host_now_ms(node->host));
    inf_host_unlock(node->host);
    if (rc != 0) inf_command_drop(L, node, token);
    return done(L, rc);
}

/* synch(waiter, branch, {name, ...} or nil) */
static int node_synch(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    inf_slice branch = inf_check_slice(L, 3);
    lua_Integer count = 0;
    inf_slice *names = NULL;
    if (!lua_isnoneornil(L, 4)) {
        luaL_checktype(L, 4, LUA_TTABLE);
        count = luaL_len(L, 4);
        if (count < 0 || count > INF_MEMBERS_MAX) {
            return inf_lua_node_failed(L, INF_ETOOBIG);
        }
        names = lua_newuserdatauv(L, ((size_t)count + 1) * sizeof *names, 0);
    }
    for (lua_Integer i = 0; i < count; i++) {
        lua_rawgeti(L, 4, i + 1);
        if (lua_type(L, -1) != LUA_TSTRING) {
            return luaL_argerror(L, 4, "names expected");
        }
        names[i] = inf_check_slice(L, -1); /* the table holds it */
        lua_pop(L, 1);
    }
    uint64_t token = inf_command_new(L, node, INF_COMMAND_SYNCH, 2);
    inf_node *core = inf_host_lock(node->host);
    int rc =
        inf_node_synch(core, branch, names, (size_t)count, SYNCH_TIMEOUT_MS,
                       token, inf_host_now_ms(node->host));
    inf_host_unlock(node->host);
    if (rc != 0) inf_command_drop(L, node, token);
    return done(L, rc);
}

void inf_bind_node_members(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"traffic", node_traffic},
        {"members", node_members},
        {"self", node_self},
        {"nodes", node_nodes},
        {"branch", node_branch},
        {"unbranch", node_unbranch},
        {"set_tag", node_set_tag},
        {"user_event", node_user_event},
        {"join", node_join},
        {"synch", node_synch},
        {NULL, NULL},
    };
    inf_bind_methods(L, methods);
}
