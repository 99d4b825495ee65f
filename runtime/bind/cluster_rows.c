/* SPDX-License-Identifier: MIT */
/* cluster_rows.c: names and who has them. */
#include "base/error.h"
#include "base/msgpack.h"
#include "bind/cluster.h"

/* Rows read while the lock is held once. */
#define ROWS_AT_ONCE 256

/* ---- one row ------------------------------------------------------------- */

/* A slash and the number without leading zeros; returns the end. Written for
   every look-up: printf would be most of it. */
static char *put_hex(char *at, uint64_t number) {
    unsigned digits = 1;
    while (digits < 16 && number >> (4 * digits) != 0) {
        digits++;
    }
    *at++ = '/';
    while (digits-- != 0) {
        *at++ = "0123456789abcdef"[number >> (4 * digits) & 15];
    }
    return at;
}

void inf_ref_format(const inf_row *row, char text[INF_REF_TEXT_MAX]) {
    INF_ASSERT(row->node.len <= INF_NODE_NAME_MAX);
    if (row->node.len != 0) memcpy(text, row->node.data, row->node.len);
    char *end = put_hex(text + row->node.len, row->boot);
    *put_hex(end, row->ref) = '\0';
}

/* Hexadecimal digits, 1 to 16 of them. */
static int parse_hex(inf_slice text, uint64_t *out) {
    if (text.len == 0 || text.len > 16) return INF_EINVAL;
    *out = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.data[i];
        unsigned digit = 16;
        if (byte >= '0' && byte <= '9') digit = byte - (unsigned)'0';
        if (byte >= 'a' && byte <= 'f') digit = byte - (unsigned)'a' + 10;
        if (digit > 15) return INF_EINVAL;
        *out = *out << 4 | digit;
    }
    return 0;
}

/* Cuts what follows the last slash off `text`. */
static inf_slice cut_last(inf_slice *text) {
    size_t at = text->len;
    while (at > 0 && text->data[at - 1] != '/') {
        at--;
    }
    inf_slice last = inf_slice_of(text->data + at, text->len - at);
    text->len = at > 0 ? at - 1 : 0;
    return last;
}

int inf_ref_parse(inf_slice text, inf_row *row) {
    if (text.len == 0) return INF_EINVAL;
    int rc = parse_hex(cut_last(&text), &row->ref);
    if (rc == 0) rc = parse_hex(cut_last(&text), &row->boot);
    if (rc != 0 || text.len == 0) return INF_EINVAL;
    row->node = text;
    return 0;
}

/* A row outside the lock. */
typedef struct copied_row {
    char ref[INF_REF_TEXT_MAX];
    char node[INF_NODE_NAME_MAX];
    char implementation[INF_NAME_MAX];
    char name[INF_NAME_MAX];
    size_t node_len;
    size_t implementation_len;
    size_t name_len;
} copied_row;

static size_t copy_text(char *to, size_t room, inf_slice from) {
    size_t len = from.len < room ? from.len : room;
    if (len != 0) memcpy(to, from.data, len);
    return len;
}

static void copy_row(copied_row *to, const inf_row *from) {
    inf_ref_format(from, to->ref);
    to->node_len = copy_text(to->node, sizeof to->node, from->node);
    to->implementation_len = copy_text(
        to->implementation, sizeof to->implementation, from->implementation);
    to->name_len = copy_text(to->name, sizeof to->name, from->name);
}

/* ---- methods ------------------------------------------------------------- */

/* claim(branch, name, implementation) */
static int node_claim(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    inf_slice branch = inf_check_slice(L, 2);
    inf_slice name = inf_check_slice(L, 3);
    inf_slice implementation = inf_check_slice(L, 4);
    copied_row copy;
    inf_row row = {.ref = 0};
    inf_node *core = inf_host_lock(node->host);
    int rc = inf_node_claim(core, branch, name, implementation,
                            inf_host_now_ms(node->host), &row);
    if (rc == 0 || rc == INF_EEXISTS) copy_row(&copy, &row);
    inf_host_unlock(node->host);
    if (rc == 0) {
        lua_pushstring(L, copy.ref);
        return 1;
    }
    (void)inf_lua_node_failed(L, rc);
    if (rc != INF_EEXISTS) return 3;
    lua_pop(L, 1);
    lua_pushlstring(L, copy.node, copy.node_len);
    lua_pushstring(L, copy.ref);
    return 4;
}

/* release(branch, name, ref) */
static int node_release(lua_State *L) {
    inf_lua_node *node = inf_lua_node_check(L);
    inf_slice branch = inf_check_slice(L, 2);
    inf_slice name = inf_check_slice(L, 3);
    inf_row row = {.ref = 0};
    int rc = inf_ref_parse(inf_check_slice(L, 4), &row);
    if (rc == 0 && (node->host == NULL || node->closing)) rc = INF_ECLOSED;
    if (rc == 0) {
        inf_node *core = inf_host_lock(node->host);
        rc = inf_node_release(core, branch, name, row.ref,
                              inf_host_now_ms(node->host));
        inf_host_unlock(node->host);
    }
    lua_pushboolean(L, rc == 0);
    return 1;
}

/* whereis(branch, name) */
static int node_whereis(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    inf_slice branch = inf_check_slice(L, 2);
    inf_slice name = inf_check_slice(L, 3);
    copied_row copy;
    inf_row row;
    const inf_node *core = inf_host_lock(node->host);
    int rc = inf_node_whereis(core, branch, name, &row);
    if (rc == 0) copy_row(&copy, &row);
    inf_host_unlock(node->host);
    if (rc != 0) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushlstring(L, copy.node, copy.node_len);
    lua_pushstring(L, copy.ref);
    lua_pushlstring(L, copy.implementation, copy.implementation_len);
    return 3;
}

/* Writes up to ROWS_AT_ONCE rows; false at the end of them. */
static bool write_rows(inf_lua_node *node, inf_slice branch, uint64_t *at,
                       inf_buf *out) {
    inf_row row;
    char ref[INF_REF_TEXT_MAX];
    size_t count = 0;
    inf_buf_clear(out);
    const inf_node *core = inf_host_lock(node->host);
    while (count < ROWS_AT_ONCE && inf_node_row_next(core, branch, at, &row)) {
        inf_ref_format(&row, ref);
        inf_msgpack_str(out, row.name);
        inf_msgpack_str(out, row.implementation);
        inf_msgpack_str(out, inf_slice_str(ref));
        inf_msgpack_str(out, row.node);
        count++;
    }
    inf_host_unlock(node->host);
    return count != 0;
}

/* Pushes the next written text as field `field` of the table on top. */
static void read_field(lua_State *L, inf_cursor *cursor, const char *field) {
    inf_msgpack_token token;
    (void)inf_msgpack_read(cursor, &token);
    inf_push_slice(L, token.bytes);
    if (field != NULL) lua_setfield(L, -2, field);
}

/* Adds the written rows to the table on top of the stack. The bytes become a
   string of Lua's first: a finaliser that runs meanwhile may use the buffer. */
static void read_rows(lua_State *L, const inf_buf *written) {
    if (written->failed) (void)luaL_error(L, "not enough memory");
    lua_pushlstring(L, (const char *)written->data, written->len);
    inf_cursor cursor = inf_cursor_of(inf_check_slice(L, -1));
    while (inf_cursor_left(&cursor) != 0) {
        read_field(L, &cursor, NULL);
        lua_createtable(L, 0, 3);
        read_field(L, &cursor, "implementation");
        read_field(L, &cursor, "ref");
        read_field(L, &cursor, "node");
        lua_rawset(L, -4);
    }
    lua_pop(L, 1);
}

/* rows(branch) */
static int node_rows(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    inf_slice branch = inf_check_slice(L, 2);
    inf_buf *scratch = &node->binding->scratch;
    uint64_t at = 0;
    lua_newtable(L);
    /* A finaliser may close the node between two parts. */
    while (node->host != NULL && !node->closing &&
           write_rows(node, branch, &at, scratch)) {
        read_rows(L, scratch);
    }
    return 1;
}

static int node_count(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    inf_slice branch = inf_check_slice(L, 2);
    const inf_node *core = inf_host_lock(node->host);
    uint64_t count = inf_node_count(core, branch);
    inf_host_unlock(node->host);
    lua_pushinteger(L, (lua_Integer)count);
    return 1;
}

static int node_random(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    inf_slice branch = inf_check_slice(L, 2);
    copied_row copy;
    inf_row row;
    uint64_t chance = inf_rng_next(&node->binding->rng);
    const inf_node *core = inf_host_lock(node->host);
    int rc = inf_node_random(core, branch, chance, &row);
    if (rc == 0) copy_row(&copy, &row);
    inf_host_unlock(node->host);
    if (rc != 0) {
        lua_pushnil(L);
    } else {
        lua_pushlstring(L, copy.name, copy.name_len);
    }
    return 1;
}

/* hint(branch, name, ref, implementation, owner) */
static int node_hint(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    inf_slice branch = inf_check_slice(L, 2);
    inf_row row = {.ref = 0};
    int rc = inf_ref_parse(inf_check_slice(L, 4), &row);
    row.name = inf_check_slice(L, 3);
    row.implementation = inf_check_slice(L, 5);
    row.node = inf_check_slice(L, 6);
    if (rc == 0) {
        inf_node *core = inf_host_lock(node->host);
        rc = inf_node_hint(core, branch, &row, inf_host_now_ms(node->host));
        inf_host_unlock(node->host);
    }
    if (rc != 0) return inf_lua_node_failed(L, rc);
    lua_pushboolean(L, 1);
    return 1;
}

/* place(branch, name) */
static int node_place(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    inf_slice branch = inf_check_slice(L, 2);
    inf_slice name = inf_check_slice(L, 3);
    char text[INF_NODE_NAME_MAX];
    inf_slice member;
    const inf_node *core = inf_host_lock(node->host);
    int rc = inf_node_place(core, branch, name, &member);
    size_t len = rc == 0 ? copy_text(text, sizeof text, member) : 0;
    inf_host_unlock(node->host);
    if (rc != 0) return inf_lua_node_failed(L, rc);
    lua_pushlstring(L, text, len);
    return 1;
}

static int node_ready(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    inf_slice branch = inf_check_slice(L, 2);
    inf_node *core = inf_host_lock(node->host);
    bool ready = inf_node_ready(core, branch, inf_host_now_ms(node->host));
    inf_host_unlock(node->host);
    lua_pushboolean(L, ready);
    return 1;
}

/* want_rows(wanted) */
static int node_want_rows(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    inf_host_want_rows(node->host, lua_toboolean(L, 2));
    lua_pushboolean(L, 1);
    return 1;
}

static int node_view(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    inf_slice branch = inf_check_slice(L, 2);
    const inf_node *core = inf_host_lock(node->host);
    uint64_t view = inf_node_view(core, branch);
    inf_host_unlock(node->host);
    lua_pushinteger(L, (lua_Integer)view);
    return 1;
}

/* Whether the name may start, and who decides that: read under one lock. */
typedef struct gate {
    bool taken; /* `row` has the name, and the rest says nothing */
    copied_row row;
    int rc; /* of inf_node_start_gate */
    char home[INF_NODE_NAME_MAX];
    size_t home_len;
    uint64_t view;
} gate;

static void look_through(const inf_lua_node *node, inf_slice branch,
                         inf_slice name, gate *out) {
    inf_row row;
    inf_slice home = {NULL, 0};
    inf_node *core = inf_host_lock(node->host);
    if (inf_node_whereis(core, branch, name, &row) == 0) {
        copy_row(&out->row, &row);
        out->taken = true;
    } else {
        out->taken = false;
        out->rc = inf_node_start_gate(core, branch, name,
                                      inf_host_now_ms(node->host), &home);
        out->home_len = copy_text(out->home, sizeof out->home, home);
        out->view = inf_node_view(core, branch);
    }
    inf_host_unlock(node->host);
}

/* start_gate(branch, name): "here" or "there", the home and the view; "taken",
   the owner and its ref; or nil, code, message */
static int node_start_gate(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    gate g;
    look_through(node, inf_check_slice(L, 2), inf_check_slice(L, 3), &g);
    if (g.taken) {
        lua_pushliteral(L, "taken");
        lua_pushlstring(L, g.row.node, g.row.node_len);
        lua_pushstring(L, g.row.ref);
        return 3;
    }
    if (g.rc < 0) return inf_lua_node_failed(L, g.rc);
    lua_pushstring(L, g.rc == 0 ? "here" : "there");
    lua_pushlstring(L, g.home, g.home_len);
    lua_pushinteger(L, (lua_Integer)g.view);
    return 3;
}

/* resolve(branch, "last", "oldest" or "ask") */
static int node_resolve(lua_State *L) {
    static const char *const names[] = {"last", "oldest", "ask", NULL};
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    inf_slice branch = inf_check_slice(L, 2);
    inf_resolve resolve = (inf_resolve)luaL_checkoption(L, 3, NULL, names);
    inf_node *core = inf_host_lock(node->host);
    int rc = inf_node_resolve(core, branch, resolve);
    inf_host_unlock(node->host);
    if (rc != 0) return inf_lua_node_failed(L, rc);
    lua_pushboolean(L, 1);
    return 1;
}

/* verdict(branch, name, ref of the last writer, ref of the other, "last" or
   "older") */
static int node_verdict(lua_State *L) {
    static const char *const names[] = {"last", "older", NULL};
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    inf_slice branch = inf_check_slice(L, 2);
    inf_slice name = inf_check_slice(L, 3);
    inf_row last;
    inf_row older;
    int rc = inf_ref_parse(inf_check_slice(L, 4), &last);
    if (rc == 0) rc = inf_ref_parse(inf_check_slice(L, 5), &older);
    inf_verdict verdict = (inf_verdict)luaL_checkoption(L, 6, NULL, names);
    if (rc == 0) {
        inf_node *core = inf_host_lock(node->host);
        rc = inf_node_verdict(core, branch, name, &last, &older, verdict,
                              inf_host_now_ms(node->host));
        inf_host_unlock(node->host);
    }
    lua_pushboolean(L, rc == 0);
    return 1;
}

/* yields(branch, name, ref of ours, ref of the winner) */
static int node_yields(lua_State *L) {
    inf_lua_node *node = inf_lua_node_open(L);
    if (node == NULL) return 3;
    inf_slice branch = inf_check_slice(L, 2);
    inf_slice name = inf_check_slice(L, 3);
    inf_row ours;
    inf_row winner;
    int rc = inf_ref_parse(inf_check_slice(L, 4), &ours);
    if (rc == 0) rc = inf_ref_parse(inf_check_slice(L, 5), &winner);
    if (rc != 0) return inf_lua_node_failed(L, rc);
    inf_node *core = inf_host_lock(node->host);
    bool yields = inf_node_yields(core, branch, name, ours.ref, &winner,
                                  inf_host_now_ms(node->host));
    inf_host_unlock(node->host);
    lua_pushboolean(L, yields);
    return 1;
}

void inf_bind_node_rows(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"claim", node_claim},         {"release", node_release},
        {"whereis", node_whereis},     {"rows", node_rows},
        {"count", node_count},         {"random", node_random},
        {"hint", node_hint},           {"place", node_place},
        {"ready", node_ready},         {"view", node_view},
        {"want_rows", node_want_rows}, {"start_gate", node_start_gate},
        {"resolve", node_resolve},     {"verdict", node_verdict},
        {"yields", node_yields},       {NULL, NULL},
    };
    inf_bind_methods(L, methods);
}
