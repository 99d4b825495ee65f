/* SPDX-License-Identifier: MIT */
/* embed.c: a node for a C program. What the node has to say goes to the C
   program's functions, and on to Lua once Lua runs on the node. */
#include "bind/embed.h"

#include <stdio.h>
#include <stdlib.h>

#include <sodium/utils.h>

#include "base/error.h"
#include "core/member.h"

#define TAGS_MAX      64
#define KEYS_MAX      16
#define JOIN_MAX      64
#define JOIN_TEXT_MAX 512
#define LINE_ROOM     512 /* of the log; what is longer is cut */

/* What the host's config borrows from. */
typedef struct store {
    inf_tag tags[TAGS_MAX];
    inf_slice keys[KEYS_MAX];
    uint8_t key_bytes[KEYS_MAX][INF_KEY_BYTES_MAX];
    inf_member_tuning tuning;
} store;

/* The header's codes are the runtime's. */
#define SAME(code, own) _Static_assert((int)(code) == (int)(own), #code)
SAME(INF_NO_MEMORY, INF_ENOMEM);
SAME(INF_BAD_ARGUMENT, INF_EINVAL);
SAME(INF_BAD_NAME, INF_ENAME);
SAME(INF_FULL, INF_EFULL);
SAME(INF_TAKEN, INF_EEXISTS);
SAME(INF_UNKNOWN, INF_ENOENT);
SAME(INF_TOO_BIG, INF_ETOOBIG);
SAME(INF_IN_USE, INF_EINUSE);
SAME(INF_BAD_ADDRESS, INF_EADDRESS);
SAME(INF_REFUSED, INF_ESYSTEM);
SAME(INF_NO_KEY, INF_ECRYPT);
SAME(INF_CLOSED, INF_ECLOSED);
#undef SAME

const char *inf_version_text(void) {
    return INF_VERSION;
}

/* Inside, some codes have one cause; here they have another. */
const char *inf_text(int code) {
    if (code == INF_NO_KEY) return "the node was started without keys";
    if (code == INF_UNKNOWN)
        return "nobody has that name, or no such thing is here";
    return inf_strerror(code);
}

/* ---- members ------------------------------------------------------------- */

/* A member outside the lock. */
typedef struct copied_member {
    char name[INF_NODE_ROOM];
    char address[INF_ADDRESS_ROOM];
    inf_cluster_member shown;
} copied_member;

static void copy_member(copied_member *to, const inf_member_view *from) {
    size_t len = from->name.len;
    if (len >= sizeof to->name) len = sizeof to->name - 1;
    memcpy(to->name, from->name.data, len);
    to->name[len] = '\0';
    (void)inf_addr_format(&from->addr, to->address);
    to->shown = (inf_cluster_member){
        .name = to->name,
        .state = inf_member_state_word(from->state),
        .address = to->address,
        .boot = from->boot,
        .takes_calls = from->rpc_port != 0,
        .self = from->self,
        .incarnation = from->incarnation,
        .probes_direct = from->path.direct,
        .probes_indirect = from->path.indirect,
        .probes_tcp = from->path.tcp,
        .probes_failed = from->path.failed,
        .rtt_ms = from->path.rtt_us / 1000.0,
    };
}

size_t inf_cluster_members(inf_cluster *cluster,
                           void (*show)(void *ctx, const inf_cluster_member *),
                           void *ctx) {
    size_t count = 0;
    bool more = cluster->host != NULL && !cluster->closing;
    for (size_t at = 0; more; count += more) {
        copied_member copy;
        inf_member_view member;
        const inf_node *node = inf_host_lock(cluster->host);
        more = inf_node_member_next(node, &at, &member);
        if (more) copy_member(&copy, &member);
        inf_host_unlock(cluster->host);
        if (more && show != NULL) {
            copy.shown.name = copy.name;
            copy.shown.address = copy.address;
            show(ctx, &copy.shown);
        }
    }
    return count;
}

static void tell_member(inf_cluster *cluster, const inf_effect *event) {
    copied_member copy;
    inf_member_view member;
    if (cluster->on_member == NULL || cluster->closing) return;
    const inf_node *node = inf_host_lock(cluster->host);
    bool known = inf_node_member_find(node, event->name, &member);
    if (known) copy_member(&copy, &member);
    inf_host_unlock(cluster->host);
    if (!known) return;
    cluster->on_member(cluster->ctx, &copy.shown,
                       inf_change_word(event->change));
}

/* ---- the host's handler -------------------------------------------------- */

static void on_request(void *ctx, uint64_t token, inf_slice body) {
    inf_cluster *cluster = ctx;
    if (cluster->lua != NULL) {
        inf_node_on_request(cluster->lua, token, body);
    } else {
        (void)inf_host_refuse(cluster->host, token, INF_ENOENT);
    }
}

static void on_result(void *ctx, uint64_t tag, const inf_call_result *result) {
    inf_cluster *cluster = ctx;
    if (cluster->lua != NULL) inf_node_on_result(cluster->lua, tag, result);
}

static void finish_command(inf_cluster *cluster, const inf_effect *event) {
    inf_embed_command **at = &cluster->commands;
    while (*at != NULL && (*at)->token != event->token) {
        at = &(*at)->next;
    }
    if (*at == NULL) return;
    inf_embed_command *command = *at;
    *at = command->next;
    if (command->done != NULL) command->done(command->ctx, (int)event->count);
    inf_free(inf_alloc_libc(), command);
}

static void tell_line(inf_cluster *cluster, const inf_effect *event) {
    char line[LINE_ROOM];
    size_t len = event->bytes.len;
    if (cluster->on_log == NULL || cluster->closing) return;
    if (len >= sizeof line) len = sizeof line - 1;
    memcpy(line, event->bytes.data, len);
    line[len] = '\0';
    cluster->on_log(cluster->ctx, inf_level_word(event->level), line);
}

static void on_event(void *ctx, const inf_effect *event) {
    inf_cluster *cluster = ctx;
    if (event->kind == INF_EFFECT_DONE && event->token >= INF_EMBED_TOKEN) {
        finish_command(cluster, event);
        return;
    }
    if (event->kind == INF_EFFECT_MEMBER) tell_member(cluster, event);
    if (event->kind == INF_EFFECT_LOG) tell_line(cluster, event);
    if (event->kind == INF_EFFECT_LOST) inf_embed_tell_lost(cluster, event);
    if (cluster->lua != NULL) inf_node_on_event(cluster->lua, event);
}

/* ---- birth --------------------------------------------------------------- */

static int set_address(inf_addr *out, const char *text, const char *what,
                       uint16_t default_port, char *problem) {
    if (text == NULL) return 0;
    int rc = inf_address_resolve(out, text, default_port);
    if (rc == 0) return 0;
    (void)snprintf(problem, INF_PROBLEM_MAX, "%s: '%s' is %s", what, text,
                   inf_strerror(rc));
    return rc;
}

static int set_profile(inf_profile *out, const char *text, char *problem) {
    if (text == NULL || inf_profile_parse(text, out) == 0) return 0;
    (void)snprintf(problem, INF_PROBLEM_MAX,
                   "profile: '%s' is neither lan nor wan nor local", text);
    return INF_EINVAL;
}

static int set_keys(inf_node_config *node, const char *const *keys, store *kept,
                    char *problem) {
    node->keys = kept->keys;
    for (; keys != NULL && *keys != NULL; keys++) {
        size_t len = 0, at = node->key_count;
        if (at == KEYS_MAX) {
            (void)snprintf(problem, INF_PROBLEM_MAX, "keys: more than %d",
                           KEYS_MAX);
            return INF_EFULL;
        }
        int rc = inf_key_parse(inf_slice_str(*keys), kept->key_bytes[at], &len);
        if (rc != 0) {
            (void)snprintf(problem, INF_PROBLEM_MAX,
                           "keys: the one at %zu is not 16, 24 or 32 bytes in "
                           "base 64",
                           at);
            return rc;
        }
        kept->keys[at] = inf_slice_of(kept->key_bytes[at], len);
        node->key_count++;
    }
    return 0;
}

/* Of a list of pairs, the first is named `name` when it has no second. */
static int check_pair(const char *list, const char *name, const char *value,
                      char *problem) {
    if (value != NULL) return 0;
    (void)snprintf(problem, INF_PROBLEM_MAX, "%s: '%s' has no value", list,
                   name);
    return INF_EINVAL;
}

static int set_tags(inf_node_config *node, const char *const *tags, store *kept,
                    char *problem) {
    node->tags = kept->tags;
    for (; tags != NULL && tags[0] != NULL; tags += 2) {
        int rc = check_pair("tags", tags[0], tags[1], problem);
        if (rc != 0) return rc;
        if (node->tag_count == TAGS_MAX) {
            (void)snprintf(problem, INF_PROBLEM_MAX, "tags: more than %d",
                           TAGS_MAX);
            return INF_ETOOBIG;
        }
        kept->tags[node->tag_count++] =
            (inf_tag){inf_slice_str(tags[0]), inf_slice_str(tags[1])};
    }
    return 0;
}

static int put_setting(inf_member_tuning *tuning, const char *name,
                       const char *value, char *problem) {
    char range[INF_RANGE_MAX];
    char *end = NULL;
    const inf_setting *setting = inf_setting_find(inf_slice_str(name));
    if (setting == NULL) {
        (void)snprintf(problem, INF_PROBLEM_MAX,
                       "membership: %s: there is no such setting", name);
        return INF_EINVAL;
    }
    unsigned long long number = strtoull(value, &end, 10);
    bool plain = value[0] >= '0' && value[0] <= '9' && *end == '\0';
    if (plain && inf_setting_put(setting, tuning, number) == 0) return 0;
    (void)snprintf(problem, INF_PROBLEM_MAX,
                   "membership: %s: %s expected, got '%s'", name,
                   inf_setting_range(setting, range), value);
    return INF_EINVAL;
}

static int set_membership(inf_node_config *node, const char *const *settings,
                          store *kept, char *problem) {
    int rc = 0;
    if (settings == NULL) return 0;
    kept->tuning = inf_node_tuning(node->profile);
    for (; rc == 0 && settings[0] != NULL; settings += 2) {
        rc = check_pair("membership", settings[0], settings[1], problem);
        if (rc != 0) return rc;
        rc = put_setting(&kept->tuning, settings[0], settings[1], problem);
    }
    const char *fault = inf_tuning_fault(&kept->tuning);
    if (rc == 0 && fault != NULL) {
        (void)snprintf(problem, INF_PROBLEM_MAX, "membership: %s", fault);
        rc = INF_EINVAL;
    }
    node->membership = &kept->tuning;
    return rc;
}

static int set_label(inf_node_config *node, const char *label, char *problem) {
    if (label == NULL) return 0;
    node->label = inf_slice_str(label);
    if (node->label.len <= INF_LABEL_MAX) return 0;
    (void)snprintf(problem, INF_PROBLEM_MAX, "label: longer than %d bytes",
                   INF_LABEL_MAX);
    return INF_ETOOBIG;
}

static int fill_config(inf_host_config *to, const inf_config *from, store *kept,
                       char *problem) {
    if (from->loop == NULL || from->name == NULL) {
        (void)snprintf(problem, INF_PROBLEM_MAX, "%s: required",
                       from->loop == NULL ? "loop" : "name");
        return INF_EINVAL;
    }
    to->loop = from->loop;
    to->node.name = inf_slice_str(from->name);
    (void)uv_random(NULL, NULL, &to->node.seed, sizeof to->node.seed, 0, NULL);
    (void)inf_addr_parse(&to->bind, "127.0.0.1", INF_GOSSIP_PORT);
    int rc =
        set_address(&to->bind, from->bind, "bind", INF_GOSSIP_PORT, problem);
    if (rc == 0) {
        rc = set_address(&to->advertise, from->advertise, "advertise", 0,
                         problem);
    }
    if (rc == 0) rc = set_address(&to->rpc, from->rpc, "rpc", 0, problem);
    if (rc == 0) rc = set_profile(&to->node.profile, from->profile, problem);
    if (rc == 0) rc = set_keys(&to->node, from->keys, kept, problem);
    if (rc == 0) rc = set_tags(&to->node, from->tags, kept, problem);
    if (rc == 0) {
        rc = set_membership(&to->node, from->membership, kept, problem);
    }
    if (rc == 0) rc = set_label(&to->node, from->label, problem);
    return rc;
}

static int give_problem(char *problem, const char *text, int rc) {
    if (problem == NULL) return rc;
    (void)snprintf(problem, INF_PROBLEM_ROOM, "%s",
                   text[0] != '\0' ? text : inf_strerror(rc));
    return rc;
}

int inf_cluster_start(inf_cluster **out, const inf_config *config,
                      char *problem) {
    store kept = {.keys = {{NULL, 0}}};
    char text[INF_PROBLEM_MAX] = "";
    inf_host_config host = {.loop = NULL};
    int rc = fill_config(&host, config, &kept, text);
    if (rc != 0) return give_problem(problem, text, rc);
    inf_cluster *cluster = inf_zalloc(inf_alloc_libc(), sizeof *cluster);
    if (cluster == NULL) return give_problem(problem, text, INF_ENOMEM);
    cluster->loop = config->loop;
    cluster->info = config->info;
    cluster->on_member = config->on_member;
    cluster->on_log = config->on_log;
    cluster->on_lost = config->on_lost;
    cluster->ctx = config->ctx;
    host.handler = (inf_host_handler){.ctx = cluster,
                                      .on_request = on_request,
                                      .on_result = on_result,
                                      .on_event = on_event};
    rc = inf_host_start(&cluster->host, &host, text);
    if (rc != 0) {
        inf_free(inf_alloc_libc(), cluster);
        return give_problem(problem, text, rc);
    }
    *out = cluster;
    return 0;
}

/* ---- commands ------------------------------------------------------------ */

static int new_command(inf_cluster *cluster, void (*done)(void *ctx, int count),
                       void *ctx, uint64_t *token) {
    if (cluster->host == NULL || cluster->closing) return INF_ECLOSED;
    inf_embed_command *command = inf_zalloc(inf_alloc_libc(), sizeof *command);
    if (command == NULL) return INF_ENOMEM;
    *token = INF_EMBED_TOKEN | ++cluster->commands_made;
    *command = (inf_embed_command){
        .token = *token, .done = done, .ctx = ctx, .next = cluster->commands};
    cluster->commands = command;
    return 0;
}

/* The command just made was refused. */
static int drop_command(inf_cluster *cluster, int rc) {
    inf_embed_command *command = cluster->commands;
    if (rc == 0) return 0;
    cluster->commands = command->next;
    inf_free(inf_alloc_libc(), command);
    return rc;
}

/* The addresses between the commas. */
static int parse_list(const char *text, inf_addr *addrs, size_t *count) {
    char one[JOIN_TEXT_MAX];
    *count = 0;
    while (*text != '\0') {
        size_t len = strcspn(text, ",");
        if (len >= sizeof one) return INF_EADDRESS;
        if (*count == JOIN_MAX) return INF_ETOOBIG;
        memcpy(one, text, len);
        one[len] = '\0';
        int rc = inf_address_resolve(&addrs[*count], one, INF_GOSSIP_PORT);
        if (rc != 0) return rc;
        (*count)++;
        text += len;
        if (*text == ',') text++;
    }
    return 0;
}

int inf_cluster_join(inf_cluster *cluster, const char *addresses,
                     void (*done)(void *ctx, int count), void *ctx) {
    inf_addr addrs[JOIN_MAX];
    size_t count = 0;
    uint64_t token = 0;
    int rc = parse_list(addresses, addrs, &count);
    if (rc == 0) rc = new_command(cluster, done, ctx, &token);
    if (rc != 0) return rc;
    inf_node *node = inf_host_lock(cluster->host);
    rc = inf_node_join(node, addrs, count, token,
                       inf_host_now_ms(cluster->host));
    inf_host_unlock(cluster->host);
    return drop_command(cluster, rc);
}

int inf_cluster_leave(inf_cluster *cluster, void (*done)(void *ctx, int count),
                      void *ctx) {
    uint64_t token = 0;
    int rc = new_command(cluster, done, ctx, &token);
    if (rc != 0) return rc;
    inf_node *node = inf_host_lock(cluster->host);
    rc = inf_node_leave(node, token, inf_host_now_ms(cluster->host));
    inf_host_unlock(cluster->host);
    return drop_command(cluster, rc);
}

const char *inf_cluster_address(const inf_cluster *cluster, char *text) {
    inf_addr addr = {.len = 0};
    text[0] = '\0';
    if (cluster->host == NULL) return text;
    addr = inf_host_gossip_addr(cluster->host);
    return inf_addr_format(&addr, text);
}

/* ---- end ----------------------------------------------------------------- */

static void finish(inf_cluster *cluster) {
    void (*closed)(void *ctx) = cluster->closed;
    void *ctx = cluster->closed_ctx;
    while (cluster->commands != NULL) {
        inf_effect ended = {.token = cluster->commands->token};
        finish_command(cluster, &ended);
    }
    inf_free(inf_alloc_libc(), cluster);
    if (closed != NULL) closed(ctx);
}

static void on_closed(void *ctx) {
    inf_cluster *cluster = ctx;
    cluster->host = NULL;
    if (cluster->lua != NULL) inf_lua_node_ended(cluster->lua);
    cluster->lua = NULL;
    if (cluster->stopping) finish(cluster);
}

void inf_embed_shut(inf_cluster *cluster) {
    if (cluster->host == NULL || cluster->closing) return;
    cluster->closing = true;
    inf_host_close(cluster->host, on_closed, cluster);
}

void inf_cluster_stop(inf_cluster *cluster, void (*closed)(void *ctx),
                      void *ctx) {
    INF_ASSERT(!cluster->stopping);
    cluster->stopping = true;
    cluster->closed = closed;
    cluster->closed_ctx = ctx;
    if (cluster->host == NULL) {
        finish(cluster);
    } else {
        inf_embed_shut(cluster);
    }
}
