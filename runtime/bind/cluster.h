/* SPDX-License-Identifier: MIT */
/* cluster.h: a node as a Lua object; what its files share.

   Bodies of calls are MessagePack. A request is the array
       [branch, operation, name, argument...]
   and its answer the array of the values that were given to node:reply. */
#ifndef INF_BIND_CLUSTER_H
#define INF_BIND_CLUSTER_H

#include "bind/binding.h"
#include "host/host.h"

/** Arguments of a request, or values of an answer, at most. */
#define INF_VALUES_MAX 200

/** Where gossip is spoken unless somebody says otherwise. */
#define INF_GOSSIP_PORT 7946

/** Room for "node/boot/ref" and the end. */
#define INF_REF_TEXT_MAX (INF_NODE_NAME_MAX + 2 + 2 * 16 + 1)

typedef struct inf_lua_node {
    inf_binding *binding;
    inf_host *host;               /* NULL: closed */
    struct inf_cluster *embedder; /* whose node it is; NULL: Lua's own */
    bool closing; /* inf_host_close was called: wait for its end */
    uint64_t commands_made;
    int self;         /* references in the registry: keeps this while it runs */
    int commands;     /* token of a command -> its waiter */
    int policy_table; /* the one that a call was made with last */
    inf_retry_policy policy; /* what it says */
    int on_event;
    int on_request;
} inf_lua_node;

/** What a command's waiter is woken with. The low bits of its token. */
typedef enum inf_command_kind {
    INF_COMMAND_JOIN,  /* how many answered, the first failure's text */
    INF_COMMAND_LEAVE, /* true */
    INF_COMMAND_SYNCH  /* true, or false and the names that kept silent */
} inf_command_kind;

/** Sets methods of nodes in the table on top; each knows their metatable, which
    is found sooner than by its name. */
void inf_bind_methods(lua_State *L, const luaL_Reg *methods);
/** The open node at index 1; raises when it is none. */
inf_lua_node *inf_lua_node_check(lua_State *L);
/** The same, or NULL, with nil, "closed" and a sentence pushed, after
    node:close. */
inf_lua_node *inf_lua_node_open(lua_State *L);
/** Pushes nil, the code's word and its sentence; returns 3. */
int inf_lua_node_failed(lua_State *L, int code);
/** Makes a token under which the waiter at `index` waits. */
uint64_t inf_command_new(lua_State *L, inf_lua_node *node,
                         inf_command_kind kind, int index);
/** Forgets it: the command was refused. */
void inf_command_drop(lua_State *L, inf_lua_node *node, uint64_t token);
/** The host has ended: wakes who still waits and lets everything go. */
void inf_lua_node_ended(inf_lua_node *node);

/** Reads the options at `index`. @return 0, or a code with `problem` set; wrong
    types raise. The config borrows from the table at `index` and from what is
    pushed onto the stack. */
int inf_node_options(lua_State *L, int index, inf_host_config *config,
                     char problem[INF_PROBLEM_MAX]);
/** An address from "HOST:PORT": numbers or a name to be looked up.
    @return 0 or INF_EADDRESS. */
int inf_address_resolve(inf_addr *out, const char *text, uint16_t default_port);

/** A key of 16, 24 or 32 bytes from base 64; 0 or INF_EINVAL. */
#define INF_KEY_BYTES_MAX 32
int inf_key_parse(inf_slice text, uint8_t bytes[INF_KEY_BYTES_MAX],
                  size_t *len);
/** One step of a rotation with a key in base 64. @return as inf_node_key. */
int inf_key_change(inf_host *host, inf_key_step step, inf_slice text);
/** "lan", "wan" or "local"; 0 or INF_EINVAL. */
int inf_profile_parse(const char *text, inf_profile *out);

/** The options `membership`, into `room`, and `label` of the table at `index`,
    left on the stack. @return 0, or a code with `problem` set. */
int inf_membership_option(lua_State *L, int index, inf_node_config *node,
                          inf_member_tuning *room, char *problem);
int inf_label_option(lua_State *L, int index, inf_node_config *node,
                     char *problem);

/** How a row's identity is shown to Lua, and read back (0 or INF_EINVAL). */
void inf_ref_format(const inf_row *row, char text[INF_REF_TEXT_MAX]);
int inf_ref_parse(inf_slice text, inf_row *row);
/** Pushes the string. */
void inf_push_slice(lua_State *L, inf_slice text);
/** The string at `index`; raises when it is none. */
inf_slice inf_check_slice(lua_State *L, int index);

/* The handler's functions; ctx is the inf_lua_node. */
void inf_node_on_request(void *ctx, uint64_t token, inf_slice body);
void inf_node_on_result(void *ctx, uint64_t tag, const inf_call_result *result);
void inf_node_on_event(void *ctx, const inf_effect *event);

/** "alive", "suspect", "dead" or "left". */
const char *inf_member_state_word(inf_member_state state);
/** "join", "update", ... */
const char *inf_change_word(inf_change change);
/** "debug", "info", "warning" or "error". */
const char *inf_level_word(inf_log_level level);
/** Writes a member as a MessagePack map. */
void inf_member_write(inf_buf *out, const inf_member_view *member,
                      unsigned health);

/* Each file adds its methods to the table on top of the stack. */
void inf_bind_node_members(lua_State *L);
void inf_bind_node_rows(lua_State *L);
void inf_bind_node_calls(lua_State *L);
void inf_bind_node_keys(lua_State *L);
/** Adds core.node_start and core.on_wake. */
void inf_bind_cluster(lua_State *L);
/** Adds core.membership_fault and core.membership_settings. */
void inf_bind_settings(lua_State *L);
/** Adds core.ring_new. */
void inf_bind_rings(lua_State *L);
/** The state is being closed: stops its node. */
void inf_lua_node_close(inf_binding *binding);

#endif
