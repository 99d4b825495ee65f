/* SPDX-License-Identifier: MIT */
/* embed.h: the node of an embedder, as the binding's files see it. */
#ifndef INF_BIND_EMBED_H
#define INF_BIND_EMBED_H

#include <infinitomata.h>

#include "bind/cluster.h"

/** Set in tokens of commands that C gave; those of Lua count up from 1. */
#define INF_EMBED_TOKEN (UINT64_C(1) << 62)

typedef struct inf_embed_command {
    uint64_t token;
    void (*done)(void *ctx, int count);
    void *ctx;
    struct inf_embed_command *next;
} inf_embed_command;

struct inf_cluster {
    inf_host *host;    /* NULL: it has ended */
    uv_loop_t *loop;   /* borrowed */
    inf_lua_node *lua; /* what Lua has of it; NULL: nothing */
    inf_cluster_info info;
    void (*on_member)(void *ctx, const inf_cluster_member *member,
                      const char *what);
    void (*on_log)(void *ctx, const char *level, const char *line);
    void (*on_lost)(void *ctx, const char *branch,
                    const inf_cluster_row *winner, const char *ref);
    void *ctx;
    uint64_t commands_made;
    inf_embed_command *commands; /* owned list */
    bool closing;
    bool stopping; /* inf_cluster_stop was called: free it at the end */
    void (*closed)(void *ctx);
    void *closed_ctx;
};

/** Tells the C program of an INF_EFFECT_LOST. */
void inf_embed_tell_lost(inf_cluster *cluster, const inf_effect *event);
/** Closes the host, if it is not closing yet. */
void inf_embed_shut(inf_cluster *cluster);

#endif
