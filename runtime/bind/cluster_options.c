/* SPDX-License-Identifier: MIT */
/* cluster_options.c: what a node is started with, read from a Lua table. */
#include "bind/cluster.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include <sodium/utils.h>

#include "base/error.h"

#define TAGS_MAX  64
#define KEYS_MAX  16
#define KEY_BYTES 32
#define HOST_MAX  256

/* Everything the config points to: a userdata, left on the stack. */
typedef struct store {
    inf_tag tags[TAGS_MAX];
    inf_slice keys[KEYS_MAX];
    uint8_t key_bytes[KEYS_MAX][INF_KEY_BYTES_MAX];
    inf_member_tuning tuning;
} store;

/* ---- addresses ----------------------------------------------------------- */

/* Looks the name up, here and now: a node is about to start or to join. An IPv4
   address is taken where there is one, for that is what a node listens on
   unless it is told otherwise. */
static int look_up(const char *host, const char *port, inf_addr *out) {
    struct addrinfo *list = NULL;
    char text[INF_ADDR_TEXT_MAX + 16];
    char ip[INF_ADDR_TEXT_MAX];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    if (getaddrinfo(host, NULL, &hints, &list) != 0) return INF_EADDRESS;
    const struct addrinfo *found = list;
    for (const struct addrinfo *at = found; at != NULL; at = at->ai_next) {
        if (at->ai_family == AF_INET) {
            found = at;
            break;
        }
    }
    int rc = INF_EADDRESS;
    if (found != NULL && uv_ip_name(found->ai_addr, ip, sizeof ip) == 0) {
        const char *form = found->ai_family == AF_INET6 ? "[%s]:%s" : "%s:%s";
        (void)snprintf(text, sizeof text, form, ip, port);
        rc = inf_addr_parse(out, text, 0);
    }
    freeaddrinfo(list);
    return rc;
}

int inf_address_resolve(inf_addr *out, const char *text,
                        uint16_t default_port) {
    char host[HOST_MAX];
    char port[8];
    if (inf_addr_parse(out, text, default_port) == 0) return 0;
    const char *colon = strchr(text, ':');
    size_t len = colon != NULL ? (size_t)(colon - text) : strlen(text);
    if (len >= sizeof host || *text == '\0') return INF_EADDRESS;
    memcpy(host, text, len);
    host[len] = '\0';
    if (colon != NULL && strlen(colon) > sizeof port - 1) return INF_EADDRESS;
    if (colon != NULL) {
        (void)snprintf(port, sizeof port, "%s", colon + 1);
    } else {
        (void)snprintf(port, sizeof port, "%u", (unsigned)default_port);
    }
    return look_up(len == 0 ? "0.0.0.0" : host, port, out);
}

static int bad_address(char *problem, const char *option, const char *text) {
    (void)snprintf(problem, INF_PROBLEM_MAX, "%s: '%s' is %s", option, text,
                   inf_strerror(INF_EADDRESS));
    return INF_EADDRESS;
}

/* ---- options ------------------------------------------------------------- */

static int wrong_type(lua_State *L, const char *option, const char *expected) {
    return luaL_error(L,
                      "bad option '%s' to 'node_start' (%s expected, got %s)",
                      option, expected, luaL_typename(L, -1));
}

/* The text of an option, valid while the table is; NULL when it is not there.
 */
static const char *text_option(lua_State *L, int index, const char *option) {
    int type = lua_getfield(L, index, option);
    if (type != LUA_TNIL && type != LUA_TSTRING) {
        (void)wrong_type(L, option, "string");
    }
    const char *text = lua_tostring(L, -1);
    lua_pop(L, 1);
    return text;
}

static int address_option(lua_State *L, int index, const char *option,
                          uint16_t default_port, inf_addr *out, char *problem) {
    const char *text = text_option(L, index, option);
    if (text == NULL) return 0;
    int rc = inf_address_resolve(out, text, default_port);
    return rc == 0 ? 0 : bad_address(problem, option, text);
}

/* "HOST:PORT", or a port of the host that gossip is bound to. */
static int rpc_option(lua_State *L, int index, inf_host_config *config,
                      char *problem) {
    int type = lua_getfield(L, index, "rpc");
    if (type != LUA_TNIL && type != LUA_TNUMBER && type != LUA_TSTRING) {
        (void)wrong_type(L, "rpc", "an address or a port");
    }
    const char *text = lua_tostring(L, -1); /* a copy on the stack is changed */
    int rc = 0;
    if (text != NULL && strspn(text, "0123456789") == strlen(text)) {
        long port = strtol(text, NULL, 10);
        config->rpc = config->bind;
        config->rpc.port = (uint16_t)port;
        if (port > UINT16_MAX) rc = bad_address(problem, "rpc", text);
    } else if (text != NULL &&
               inf_address_resolve(&config->rpc, text, 0) != 0) {
        rc = bad_address(problem, "rpc", text);
    }
    lua_pop(L, 1);
    return rc;
}

int inf_profile_parse(const char *text, inf_profile *out) {
    static const char *const names[] = {"lan", "wan", "local"};
    static const inf_profile profiles[] = {INF_PROFILE_LAN, INF_PROFILE_WAN,
                                           INF_PROFILE_LOCAL};
    for (size_t i = 0; i < INF_COUNT(names); i++) {
        if (strcmp(text, names[i]) != 0) continue;
        *out = profiles[i];
        return 0;
    }
    return INF_EINVAL;
}

static int profile_option(lua_State *L, int index, inf_node_config *node) {
    const char *text = text_option(L, index, "profile");
    if (text == NULL || inf_profile_parse(text, &node->profile) == 0) return 0;
    return luaL_error(L,
                      "bad option 'profile' to 'node_start' ('lan', 'wan' "
                      "or 'local' expected, got '%s')",
                      text);
}

static int tags_option(lua_State *L, int index, store *kept,
                       inf_node_config *node) {
    int type = lua_getfield(L, index, "tags");
    if (type == LUA_TNIL) return 0;
    if (type != LUA_TTABLE) return wrong_type(L, "tags", "table");
    node->tags = kept->tags;
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING) {
            return luaL_error(L, "bad option 'tags' to 'node_start' (keys and "
                                 "values must be strings)");
        }
        if (node->tag_count == TAGS_MAX) return INF_ETOOBIG;
        kept->tags[node->tag_count++] =
            (inf_tag){inf_check_slice(L, -2), inf_check_slice(L, -1)};
        lua_pop(L, 1);
    }
    return 0; /* the table stays on the stack: it holds the strings */
}

/* Base 64, as Serf writes its keys. */
int inf_key_parse(inf_slice text, uint8_t bytes[INF_KEY_BYTES_MAX],
                  size_t *len) {
    if (sodium_base642bin(bytes, INF_KEY_BYTES_MAX, (const char *)text.data,
                          text.len, " \r\n", len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0) {
        return INF_EINVAL;
    }
    return *len == 16 || *len == 24 || *len == 32 ? 0 : INF_EINVAL;
}

static int add_key(inf_slice text, store *kept, inf_node_config *node) {
    size_t len = 0;
    if (node->key_count == KEYS_MAX) return INF_EFULL;
    uint8_t *bytes = kept->key_bytes[node->key_count];
    int rc = inf_key_parse(text, bytes, &len);
    if (rc == 0) kept->keys[node->key_count++] = inf_slice_of(bytes, len);
    return rc;
}

static int keys_option(lua_State *L, int index, store *kept,
                       inf_node_config *node, char *problem) {
    int rc = 0;
    int type = lua_getfield(L, index, "key");
    node->keys = kept->keys;
    if (type == LUA_TSTRING) {
        rc = add_key(inf_check_slice(L, -1), kept, node);
    } else if (type == LUA_TTABLE) {
        for (lua_Integer i = 1; rc == 0 && i <= luaL_len(L, -1); i++) {
            if (lua_rawgeti(L, -1, i) != LUA_TSTRING) {
                return wrong_type(L, "key", "a list of strings");
            }
            rc = add_key(inf_check_slice(L, -1), kept, node);
            lua_pop(L, 1);
        }
    } else if (type != LUA_TNIL) {
        return wrong_type(L, "key", "a string or a list of strings");
    }
    lua_pop(L, 1);
    if (rc != 0) {
        (void)snprintf(problem, INF_PROBLEM_MAX,
                       "key: not 16, 24 or 32 bytes in base 64");
    }
    return rc;
}

static uint64_t seed_option(lua_State *L, int index) {
    uint64_t seed = 0;
    int type = lua_getfield(L, index, "seed");
    if (type == LUA_TNIL) {
        (void)uv_random(NULL, NULL, &seed, sizeof seed, 0, NULL);
    } else if (!lua_isinteger(L, -1)) {
        (void)wrong_type(L, "seed", "integer");
    } else {
        seed = (uint64_t)lua_tointeger(L, -1);
    }
    lua_pop(L, 1);
    return seed;
}

static int name_option(lua_State *L, int index, inf_node_config *node) {
    if (lua_getfield(L, index, "name") != LUA_TSTRING) {
        return wrong_type(L, "name", "string");
    }
    node->name = inf_check_slice(L, -1);
    lua_pop(L, 1); /* the table holds it */
    return 0;
}

int inf_node_options(lua_State *L, int index, inf_host_config *config,
                     char problem[INF_PROBLEM_MAX]) {
    store *kept = lua_newuserdatauv(L, sizeof *kept, 0);
    *kept = (store){0};
    (void)name_option(L, index, &config->node);
    (void)profile_option(L, index, &config->node);
    config->node.seed = seed_option(L, index);
    (void)inf_addr_parse(&config->bind, "127.0.0.1", INF_GOSSIP_PORT);
    int rc = address_option(L, index, "bind", INF_GOSSIP_PORT, &config->bind,
                            problem);
    if (rc == 0) {
        rc = address_option(L, index, "advertise", 0, &config->advertise,
                            problem);
    }
    if (rc == 0) rc = rpc_option(L, index, config, problem);
    if (rc == 0) rc = keys_option(L, index, kept, &config->node, problem);
    if (rc == 0) rc = tags_option(L, index, kept, &config->node);
    if (rc == 0) rc = inf_label_option(L, index, &config->node, problem);
    if (rc == 0) {
        rc = inf_membership_option(L, index, &config->node, &kept->tuning,
                                   problem);
    }
    return rc;
}
